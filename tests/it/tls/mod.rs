//! TLS beside the official client: the same files refused in the same words, the same servers
//! accepted and refused. Here: how the two are asked.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use etcdctl::cluster::tls::{TlsCause, TlsFiles, server_name};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

mod clients;
mod files;
pub mod server;
mod servers;

/// A program of a release, where it is installed.
#[expect(clippy::print_stderr, reason = "a test that was skipped should say so")]
fn reference(release: &str, program: &str) -> Option<PathBuf> {
    let path = match release {
        "3.4" => Path::new("/usr/bin").join(program),
        _ => Path::new(env!("CARGO_MANIFEST_DIR")).join("reference").join(release).join(program),
    };
    if !path.exists() {
        eprintln!("skipped: there is no {program} {release}");
        return None;
    }
    Some(path)
}

/// The last line and the status of the official client asking an endpoint.
fn official(etcdctl: &Path, endpoint: &str, files: &TlsFiles, patience: &str) -> (String, i32) {
    let mut command = Command::new(etcdctl);
    command.env_clear().env("ETCDCTL_API", "3");
    command.args(["--endpoints", endpoint, "--command-timeout", patience, "get", "x"]);
    let flags = [("--cacert", &files.cacert), ("--cert", &files.cert), ("--key", &files.key)];
    for (flag, path) in flags {
        if let Some(path) = path {
            command.arg(flag).arg(path);
        }
    }
    if files.skip_verify {
        command.arg("--insecure-skip-tls-verify");
    }
    let output = command.output().expect("the official client runs");
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    let last = errors.lines().rfind(|line| line.starts_with("Error: ")).unwrap_or_default();
    (last.to_owned(), output.status.code().expect("a status"))
}

fn files(cacert: Option<PathBuf>, pair: Option<(PathBuf, PathBuf)>) -> TlsFiles {
    let (cert, key) = pair.unzip();
    TlsFiles { cacert, cert, key, skip_verify: false }
}

fn trusting(cacert: &Path) -> TlsFiles {
    TlsFiles { cacert: Some(cacert.to_owned()), ..TlsFiles::default() }
}

const SKIPPING: TlsFiles = TlsFiles { cacert: None, cert: None, key: None, skip_verify: true };

/// Runs a future on a runtime of its own, as the program does.
fn wait_for<T>(future: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build().expect("a runtime").block_on(future)
}

/// Connects, asks for nothing, and waits for the first frame: only then has a server that wants a
/// client certificate accepted it.
fn ours(host: &str, port: u16, files: &TlsFiles) -> Result<(), TlsCause> {
    wait_for(async {
        let tls = files.config().expect("good files");
        let (config, notes) = tls.connection();
        let tcp = TcpStream::connect(("127.0.0.1", port)).await.expect("somebody listens");
        let mut stream = TlsConnector::from(config)
            .connect(server_name(host), tcp)
            .await
            .map_err(|err| TlsCause::in_handshake(&err, &notes).expect("a cause"))?;
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        let talk = async {
            stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await?;
            stream.flush().await?;
            let mut frame = [0; 9];
            stream.read_exact(&mut frame).await.map(|_| frame)
        };
        match talk.await {
            Ok(frame) => {
                assert_eq!(frame[3], 4, "SETTINGS come first");
                Ok(())
            }
            Err(err) => Err(TlsCause::in_io(&err, &notes).expect("a cause")),
        }
    })
}

/// Whether the official client succeeds, everywhere at once: a failure takes it a second.
fn successes(etcdctl: &Path, asked: &[(&str, u16, &TlsFiles)]) -> Vec<bool> {
    thread::scope(|scope| {
        let running: Vec<_> = asked
            .iter()
            .map(|(host, port, files)| {
                let endpoint = format!("https://{host}:{port}");
                scope.spawn(move || official(etcdctl, &endpoint, files, "1s").1 == 0)
            })
            .collect();
        running.into_iter().map(|one| one.join().expect("an answer")).collect()
    })
}

/// Does it succeed when nothing else runs? Many at once may have been too many for this machine.
fn succeeds_after_all(etcdctl: &Path, host: &str, port: u16, files: &TlsFiles) -> bool {
    official(etcdctl, &format!("https://{host}:{port}"), files, "5s").1 == 0
}
