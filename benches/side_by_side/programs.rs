//! The programs that are compared.

use std::path::{Path, PathBuf};

use crate::{Result, project};

/// One client.
#[derive(Clone)]
pub struct Program {
    pub name: &'static str,
    pub path: PathBuf,
}

impl Program {
    pub fn size(&self) -> u64 {
        self.path.metadata().map_or(0, |data| data.len())
    }
}

/// Ours, in each form that was built, and the official client last.
pub struct Programs(Vec<Program>);

impl Programs {
    pub fn found() -> Result<Self> {
        let machine = std::env::consts::ARCH;
        let built = |name, path: String| {
            let path = project().join("target").join(path);
            path.is_file().then_some(Program { name, path })
        };
        let ours =
            std::env::var_os("BENCH_OURS").map(|path| Program { name: "ours", path: path.into() });
        let mut programs: Vec<Program> = [
            ours.or_else(|| built("ours", "release/etcdctl".to_owned())),
            built("ours, static", format!("{machine}-unknown-linux-gnu/release/etcdctl")),
            built("ours, static (musl)", format!("{machine}-unknown-linux-musl/release/etcdctl")),
        ]
        .into_iter()
        .flatten()
        .collect();
        if programs.is_empty() {
            return Err("no release build of ours: cargo build --release".into());
        }
        let official = std::env::var_os("ETCDCTL")
            .map_or_else(|| project().join("reference/3.7.1/etcdctl"), PathBuf::from);
        if !official.is_file() {
            return Err(
                "no official client: make reference builds it, or name one with ETCDCTL".into()
            );
        }
        programs.push(Program { name: "official", path: official });
        Ok(Self(programs))
    }

    /// Ours, the first form of it.
    pub fn ours(&self) -> &Path {
        &self.0[0].path
    }

    /// A program that lies beside the official client.
    pub fn beside_official(&self, name: &str) -> PathBuf {
        self.0[self.official()].path.with_file_name(name)
    }

    /// The same forms of ours, and another program in the official client's place.
    pub fn against(&self, name: &'static str, path: PathBuf) -> Self {
        let ours = self.0[..self.official()].iter().cloned();
        Self(ours.chain([Program { name, path }]).collect())
    }

    pub fn all(&self) -> &[Program] {
        &self.0
    }

    pub fn official(&self) -> usize {
        self.0.len() - 1
    }
}
