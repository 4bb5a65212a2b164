//! Whom to trust: the certificates of `--cacert`, or the system's.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, UnixTime};

use crate::cluster::tls::x509::Certificate;
use crate::cluster::tls::{could_not_read, pem};
use crate::error::{Error, Result};

/// Certificates to trust.
#[derive(Debug)]
pub struct Roots {
    /// Whose signatures count.
    pub anchors: RootCertStore,
    /// Every certificate given: one of these is trusted as a server's certificate too.
    pub given: Vec<CertificateDer<'static>>,
    /// What could not be read among the system's.
    pub unread: Vec<String>,
}

impl Roots {
    fn new(given: Vec<CertificateDer<'static>>, unread: Vec<String>) -> Self {
        let mut anchors = RootCertStore::empty();
        // rustls never looks at a root's dates; for Go a root out of date is none.
        let (_, _) =
            anchors.add_parsable_certificates(given.iter().filter(|cert| in_date(cert)).cloned());
        Self { anchors, given, unread }
    }

    /// The certificates of a file. One without any PEM block trusts nobody, as in the official
    /// client (etcd 3.7.1 `tlsutil.NewCertPool`); every block there must be a certificate,
    /// whatever its label.
    pub fn from_file(path: &Path) -> Result<Self> {
        let text = pem::read(path).map_err(|words| could_not_read("CA file", path, words))?;
        let mut given = Vec::new();
        for block in pem::blocks(&text) {
            if let Err(words) = Certificate::parse(&block.der) {
                return Err(not_a_certificate(words, path, &block.label));
            }
            given.push(CertificateDer::from(block.der.to_vec()));
        }
        Ok(Self::new(given, Vec::new()))
    }

    /// The system's certificates, where Go 1.26 looks for them on Linux (`crypto/x509`
    /// `root_linux.go`): the first file there is, and every directory.
    pub fn of_the_system() -> Self {
        Self::from_places(env::var_os("SSL_CERT_FILE"), env::var_os("SSL_CERT_DIR"))
    }

    fn from_places(file: Option<OsString>, dirs: Option<OsString>) -> Self {
        let (files, dirs) = system_paths(file, dirs);
        let mut given = Vec::new();
        let mut unread = Vec::new();
        let file = files.iter().find(|file| file.exists());
        // A directory that holds the file will bring it along.
        let alone = file.filter(|file| !dirs.iter().any(|dir| file.parent() == Some(dir)));
        let places = alone
            .map(|file| (Some(file.as_path()), None))
            .into_iter()
            .chain(dirs.iter().filter(|dir| dir.exists()).map(|dir| (None, Some(dir.as_path()))));
        for (file, dir) in places {
            let found = rustls_native_certs::load_certs_from_paths(file, dir);
            given.extend(found.certs);
            unread.extend(found.errors.iter().map(ToString::to_string));
        }
        Self::new(given, unread)
    }
}

fn system_paths(file: Option<OsString>, dirs: Option<OsString>) -> (Vec<PathBuf>, Vec<PathBuf>) {
    const FILES: [&str; 6] = [
        "/etc/ssl/certs/ca-certificates.crt",
        "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/ssl/ca-bundle.pem",
        "/etc/pki/tls/cacert.pem",
        "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
        "/etc/ssl/cert.pem",
    ];
    const DIRS: [&str; 2] = ["/etc/ssl/certs", "/etc/pki/tls/certs"];
    let files = match file.filter(|file| !file.is_empty()) {
        Some(file) => vec![file.into()],
        None => FILES.map(PathBuf::from).to_vec(),
    };
    let dirs = match dirs.filter(|dirs| !dirs.is_empty()) {
        Some(dirs) => env::split_paths(&dirs).filter(|dir| !dir.as_os_str().is_empty()).collect(),
        None => DIRS.map(PathBuf::from).to_vec(),
    };
    (files, dirs)
}

fn in_date(der: &[u8]) -> bool {
    let now = i64::try_from(UnixTime::now().as_secs()).unwrap_or(i64::MAX);
    // What we cannot read is left to rustls.
    Certificate::parse(der).map_or(true, |cert| (cert.not_before..=cert.not_after).contains(&now))
}

fn not_a_certificate(words: &'static str, path: &Path, label: &str) -> Error {
    let shown = path.display();
    let error = Error::bad_args(words);
    match label {
        "CERTIFICATE" | "X509 CERTIFICATE" => {
            error.because(format!("a certificate in {shown} is damaged"))
        }
        "TRUSTED CERTIFICATE" => error
            .because(format!("{shown} holds a certificate with OpenSSL's trust settings behind it"))
            .hint(format!("write it without them: `openssl x509 -in {shown} -out FILE`")),
        _ => error
            .because(format!("{shown} holds \"{label}\", but a CA file may only hold certificates"))
            .hint("pass a file with nothing but the CA's certificate with --cacert"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_variable_replaces_its_own_list_only() {
        let (files, dirs) = system_paths(Some("/a.pem".into()), None);
        assert_eq!((files, dirs.len()), (vec!["/a.pem".into()], 2));
        let (files, dirs) = system_paths(Some("".into()), Some("/a::/b".into()));
        assert_eq!((files.len(), dirs), (6, vec!["/a".into(), "/b".into()]));
    }

    #[test]
    fn system_roots_come_from_the_file_and_every_directory() {
        let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/tls");
        let file = || Some(format!("{fixtures}/ca.pem").into());
        let roots = Roots::from_places(file(), Some("/nonexistent".into()));
        assert_eq!((roots.given.len(), roots.anchors.len()), (1, 1));
        let roots = Roots::from_places(file(), Some(fixtures.into()));
        // The file's certificate came with its directory's, and only once.
        let once: HashSet<&[u8]> = roots.given.iter().map(AsRef::as_ref).collect();
        assert!(roots.given.len() > 10 && once.len() == roots.given.len());
        let none = || Some("/nonexistent".into());
        let roots = Roots::from_places(none(), none());
        assert!(roots.given.is_empty() && roots.unread.is_empty());
    }
}
