//! Servers to meet: etcd, and TLS of any kind before it.

use std::io;
use std::net::{SocketAddr, TcpListener as Listener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rustls::ServerConfig;
use rustls::server::WebPkiClientVerifier;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::support::certs::{Folder, Pair};
use crate::tls::wait_for;

/// A member of its own on loopback, stopped when dropped.
pub struct Etcd {
    child: Child,
    pub port: u16,
    _data: Folder,
}

impl Etcd {
    /// Starts one; `extra` are its flags for TLS, which make it speak it.
    pub fn start(program: &Path, extra: &[(&str, &Path)]) -> Self {
        let data = Folder::new();
        let free = || Listener::bind("127.0.0.1:0").expect("a port").local_addr().expect("it");
        let (client, peer) = (free(), free());
        let scheme = if extra.is_empty() { "http" } else { "https" };
        let (client, peer) = (format!("{scheme}://{client}"), format!("http://{peer}"));
        let mut command = Command::new(program);
        command.env_clear().arg("--data-dir").arg(data.path("data"));
        command.args(["--name", "m", "--listen-client-urls", &client, "--log-level", "error"]);
        command.args(["--advertise-client-urls", &client, "--listen-peer-urls", &peer]);
        command.args(["--initial-advertise-peer-urls", &peer, "--unsafe-no-fsync"]);
        command.args(["--initial-cluster", &format!("m={peer}")]);
        for (flag, path) in extra {
            command.arg(format!("{flag}={}", path.display()));
        }
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let port = client.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
        let (child, port) = (command.spawn().expect("etcd starts"), port.expect("a port"));
        let until = Instant::now() + Duration::from_secs(20);
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < until, "etcd does not listen");
            thread::sleep(Duration::from_millis(20));
        }
        Self { child, port, _data: data }
    }
}

impl Drop for Etcd {
    fn drop(&mut self) {
        let _ = (self.child.kill(), self.child.wait());
    }
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

pub static OLD_TLS: [&rustls::SupportedProtocolVersion; 1] = [&rustls::version::TLS12];

/// A server's certificate and manners.
pub struct Front<'a> {
    pub pair: &'a Pair,
    pub alpn: &'a [u8],
    pub client_ca: Option<&'a str>,
    pub versions: &'static [&'static rustls::SupportedProtocolVersion],
}

impl<'a> Front<'a> {
    pub fn new(pair: &'a Pair) -> Self {
        Self { pair, alpn: b"h2", client_ca: None, versions: rustls::ALL_VERSIONS }
    }

    fn config(&self) -> Arc<ServerConfig> {
        let certs = |pem: &str| -> Vec<_> {
            rustls_pemfile::certs(&mut pem.as_bytes()).map(|cert| cert.expect("PEM")).collect()
        };
        let key = rustls_pemfile::private_key(&mut self.pair.key.as_bytes()).expect("PEM");
        let builder = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(self.versions)
            .expect("versions");
        let builder = match self.client_ca {
            None => builder.with_no_client_auth(),
            Some(pem) => {
                let mut roots = rustls::RootCertStore::empty();
                roots.add_parsable_certificates(certs(pem));
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(roots.into(), provider());
                builder.with_client_cert_verifier(verifier.build().expect("a verifier"))
            }
        };
        let chain = certs(&self.pair.cert);
        let mut config = builder.with_single_cert(chain, key.expect("a key")).expect("a pair");
        config.alpn_protocols = vec![self.alpn.to_vec()];
        Arc::new(config)
    }

    /// Speaks TLS before a plain etcd; ends with the test program.
    pub fn before(&self, etcd: &Etcd) -> u16 {
        self.before_port(etcd.port)
    }

    /// Likewise, before whoever listens there.
    pub fn before_port(&self, port: u16) -> u16 {
        let (config, to) = (self.config(), SocketAddr::from(([127, 0, 0, 1], port)));
        let listener = Listener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("it").port();
        listener.set_nonblocking(true).expect("not blocking");
        let serve = async move {
            let listener = TcpListener::from_std(listener).expect("a listener");
            while let Ok((tcp, _)) = listener.accept().await {
                let acceptor = TlsAcceptor::from(config.clone());
                tokio::spawn(async move {
                    let mut inside = acceptor.accept(tcp).await?;
                    let mut outside = TcpStream::connect(to).await?;
                    copy_bidirectional(&mut inside, &mut outside).await.map(drop)
                });
            }
            io::Result::Ok(())
        };
        thread::spawn(move || wait_for(serve));
        port
    }
}
