//! The programs that are compared.

use std::path::PathBuf;

use crate::{Result, project};

/// One client.
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

    pub fn all(&self) -> &[Program] {
        &self.0
    }

    pub fn official(&self) -> usize {
        self.0.len() - 1
    }
}
