//! What is done with files alone: a snapshot of a million keys, and one of several GiB, beside etcdutl and openssl.

use std::fs;
use std::path::{Path, PathBuf};

use crate::cases::{Bench, count, in_turn};
use crate::etcd::Etcd;
use crate::measure::{self, Run};
use crate::programs::{Program, Programs};
use crate::table::{Bars, Row};
use crate::{Result, fill, on_path, setting};

/// Memory that no file may pass, however large.
const PEAK: u64 = 64 << 20;
/// What `get` may take for each key that matches, besides the key.
const EACH: u64 = 40;
/// Bytes of a value where the file is to be large.
const LARGE: usize = 4096;

/// A snapshot, and what lies in its folder for each run anew.
struct Files {
    folder: tempfile::TempDir,
    snapshot: PathBuf,
    keys: usize,
}

/// What is run in a folder of its own that holds `s.db`; a data directory where it is `D`.
struct Verb {
    name: &'static str,
    args: &'static [&'static str],
    /// Of etcdutl's time.
    ratio: f64,
    /// It changes what it is given, so that it is given a copy.
    needs: Needs,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Needs {
    Snapshot,
    /// etcdutl writes to the file.
    CopyForTheOther,
    Directory,
}

const VERBS: [Verb; 4] = [
    Verb {
        name: "snapshot status",
        args: &["snapshot", "status", "s.db"],
        ratio: 0.3,
        needs: Needs::Snapshot,
    },
    Verb { name: "hashkv", args: &["hashkv", "s.db"], ratio: 0.4, needs: Needs::CopyForTheOther },
    Verb {
        name: "snapshot restore",
        args: &["snapshot", "restore", "s.db", "--data-dir", "D"],
        ratio: 0.6,
        needs: Needs::Snapshot,
    },
    Verb {
        name: "defrag",
        args: &["defrag", "--data-dir", "D"],
        ratio: 0.5,
        needs: Needs::Directory,
    },
];

impl Bench {
    /// A million keys; then as many bytes as `BENCH_GIB` says.
    pub fn files(&mut self) -> Result<()> {
        let keys = self.keys;
        let gib = setting("BENCH_GIB", 3)?;
        let sizes = [(keys, 100, self.long), (gib * (1 << 30) / LARGE, LARGE, self.long.min(3))];
        for (keys, size, runs) in sizes {
            if keys > 0 && self.wants_files(keys) {
                self.files_of(keys, size, runs)?;
            }
        }
        Ok(())
    }

    fn wants_files(&self, keys: usize) -> bool {
        let mut names = VERBS.iter().map(|verb| title(verb.name, keys));
        names.any(|name| self.wants(&name)) || self.wants(&title(GET, keys))
    }

    fn files_of(&mut self, keys: usize, size: usize, runs: usize) -> Result<()> {
        let files = Files::make(keys, size, self.programs.ours())?;
        let bytes = files.snapshot.metadata()?.len();
        eprintln!("bench: a snapshot of {bytes} bytes");
        let utility = self.programs.against("etcdutl", self.programs.beside_official("etcdutl"));
        for verb in &VERBS {
            let title = title(verb.name, keys);
            if !self.wants(&title) {
                continue;
            }
            eprintln!("bench: {title}");
            let bars = Bars { ratio: Some(verb.ratio), peak: Some(PEAK), first: None };
            let taken = taken(runs, &utility, |program, is_other, piece| {
                files.run(verb, program, is_other, piece)
            })?;
            self.row_of(&utility, &title, &taken, bars);
        }
        let title = title(GET, keys);
        let Some(openssl) = on_path("openssl").filter(|_| self.wants(&title)) else {
            return Ok(());
        };
        eprintln!("bench: {title}");
        let hash = self.programs.against("openssl dgst -sha256", openssl);
        let snapshot = files.snapshot.display().to_string();
        let ours = ["get", "/", "--prefix", "--keys-only", "--snapshot", &snapshot];
        let theirs = ["dgst", "-sha256", &snapshot];
        let taken = taken(runs, &hash, |program, is_other, piece| {
            measure::run(&program.path, if is_other { &theirs[..] } else { &ours }, piece)
        })?;
        let peak = PEAK + files.keys as u64 * (fill::key(0).len() as u64 + EACH);
        let bars = Bars { ratio: Some(3.0), peak: Some(peak), first: None };
        self.row_of(&hash, &title, &taken, bars);
        Ok(())
    }

    fn row_of(&mut self, programs: &Programs, case: &str, runs: &[Vec<Run>], bars: Bars) {
        let pages: Vec<Vec<Run>> = runs.iter().map(|_| Vec::new()).collect();
        self.table.row(programs, &Row { case, runs, pages: &pages, bars, same: true });
    }
}

const GET: &str = "get / --prefix --keys-only --snapshot";

fn title(name: &str, keys: usize) -> String {
    format!("`{name}`, {} keys", count(keys))
}

/// The runs of each program; one before them, so that the file is cached, does not count.
fn taken(
    turns: usize,
    programs: &Programs,
    mut run: impl FnMut(&Program, bool, &mut Vec<u8>) -> Result<Run>,
) -> Result<Vec<Vec<Run>>> {
    let mut piece = Vec::new();
    let mut runs: Vec<Vec<Run>> = programs.all().iter().map(|_| Vec::new()).collect();
    in_turn(programs.all().len(), turns + 1, |index| {
        let is_other = index == programs.official();
        runs[index].push(run(&programs.all()[index], is_other, &mut piece)?);
        Ok(())
    })?;
    Ok(runs.into_iter().map(|runs| runs.into_iter().skip(1).collect()).collect())
}

impl Files {
    /// A server with so many keys, and its snapshot.
    fn make(keys: usize, size: usize, client: &Path) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let snapshot = folder.path().join("s.db");
        let etcd = Etcd::with(&["--quota-backend-bytes=17179869184"]);
        fill::elsewhere(&etcd.endpoint(), keys, size)?;
        let endpoint = format!("--endpoints={}", etcd.address());
        let saved = snapshot.display().to_string();
        measure::run(client, &[&endpoint, "snapshot", "save", &saved], &mut Vec::new())?;
        Ok(Self { folder, snapshot, keys })
    }

    /// One run in a folder of its own.
    fn run(
        &self,
        verb: &Verb,
        program: &Program,
        is_other: bool,
        piece: &mut Vec<u8>,
    ) -> Result<Run> {
        let scratch = tempfile::tempdir_in(self.folder.path())?;
        let file = scratch.path().join("s.db");
        match verb.needs {
            Needs::CopyForTheOther if is_other => drop(fs::copy(&self.snapshot, &file)?),
            Needs::Directory => {
                let folder = scratch.path().join("D/member/snap");
                fs::create_dir_all(&folder)?;
                // The hash at the end lies behind all pages: no program looks at it here.
                fs::copy(&self.snapshot, folder.join("db"))?;
            }
            Needs::Snapshot | Needs::CopyForTheOther => fs::hard_link(&self.snapshot, &file)?,
        }
        // What was copied is on the disk before the clock runs, or one would wait for the other's bytes.
        rustix::fs::sync();
        measure::run_in(scratch.path(), &program.path, verb.args, piece)
    }
}
