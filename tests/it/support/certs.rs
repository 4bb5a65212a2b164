//! Certificates of every kind, made for one test in a folder of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    date_time_ymd,
};
use tempfile::TempDir;

pub use rcgen::ExtendedKeyUsagePurpose::{ClientAuth, ServerAuth};

/// A folder that disappears with the test.
pub struct Folder(TempDir);

impl Folder {
    pub fn new() -> Self {
        Self(TempDir::new().expect("a temporary folder"))
    }

    /// Where a file of that name is, or would be.
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).expect("a file in our own folder");
        path
    }

    /// Writes `NAME.crt` and `NAME.key`.
    pub fn pair(&self, name: &str, pair: &Pair) -> (PathBuf, PathBuf) {
        let cert = self.write(&format!("{name}.crt"), &pair.cert);
        (cert, self.write(&format!("{name}.key"), &pair.key))
    }
}

/// A committed file: what rcgen cannot make.
pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tls").join(name)
}

/// A certificate with its chain, and its key, as PEM.
#[derive(Clone)]
pub struct Pair {
    pub cert: String,
    pub key: String,
}

/// What a certificate says. The default is good for a server and a client on this machine.
#[derive(Clone)]
pub struct Says<'a> {
    pub common_name: &'a str,
    /// DNS names, and addresses that look like some.
    pub names: &'a [&'a str],
    pub purposes: &'a [ExtendedKeyUsagePurpose],
    /// The first and the last year.
    pub years: (i32, i32),
    /// It ends in so many days instead.
    pub days: Option<u64>,
    /// Does it carry the flag of a CA?
    pub ca: bool,
}

impl Default for Says<'_> {
    fn default() -> Self {
        Self {
            common_name: "leaf",
            names: &["localhost", "127.0.0.1"],
            purposes: &[ServerAuth, ClientAuth],
            years: (2000, 2099),
            days: None,
            ca: false,
        }
    }
}

impl Says<'_> {
    fn params(&self) -> CertificateParams {
        let names: Vec<String> = self.names.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(names).expect("names");
        params.distinguished_name.push(DnType::CommonName, self.common_name);
        params.extended_key_usages = self.purposes.to_vec();
        params.not_before = date_time_ymd(self.years.0, 1, 1);
        params.not_after = date_time_ymd(self.years.1, 12, 31);
        if let Some(days) = self.days {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later than 1970");
            // A moment more, so that the days are whole while the test runs.
            let moment = Duration::from_secs(days * 86_400 + 3600);
            params.not_after = date_time_ymd(1970, 1, 1) + now + moment;
        }
        if self.ca {
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        }
        params
    }

    /// Signed by itself.
    pub fn alone(&self) -> Pair {
        let key = KeyPair::generate().expect("a key");
        let cert = self.params().self_signed(&key).expect("a certificate");
        Pair { cert: cert.pem(), key: key.serialize_pem() }
    }
}

/// A CA.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// Its own certificate.
    pub cert: String,
    /// The certificates between it and a root.
    chain: String,
}

impl Authority {
    pub fn new(name: &str) -> Self {
        Self::valid(name, (2000, 2099))
    }

    pub fn valid(name: &str, years: (i32, i32)) -> Self {
        Self::saying(&Self::says(name, years))
    }

    /// A CA that ends in so many days.
    pub fn ending(name: &str, days: u64) -> Self {
        Self::saying(&Says { days: Some(days), ..Self::says(name, (2000, 2099)) })
    }

    fn saying(says: &Says<'_>) -> Self {
        let params = says.params();
        let key = KeyPair::generate().expect("a key");
        let cert = params.self_signed(&key).expect("a certificate").pem();
        Self { issuer: Issuer::new(params, key), cert, chain: String::new() }
    }

    /// A CA below this one.
    pub fn below(&self, name: &str) -> Self {
        let params = Self::says(name, (2000, 2099)).params();
        let key = KeyPair::generate().expect("a key");
        let cert = params.signed_by(&key, &self.issuer).expect("a certificate").pem();
        Self { issuer: Issuer::new(params, key), chain: cert.clone(), cert }
    }

    fn says(name: &str, years: (i32, i32)) -> Says<'_> {
        Says { common_name: name, names: &[], purposes: &[], years, days: None, ca: true }
    }

    /// A certificate signed by this CA, with the chain to its root.
    pub fn issue(&self, says: &Says<'_>) -> Pair {
        let key = KeyPair::generate().expect("a key");
        let cert = says.params().signed_by(&key, &self.issuer).expect("a certificate");
        Pair { cert: cert.pem() + &self.chain, key: key.serialize_pem() }
    }
}
