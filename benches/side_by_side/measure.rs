//! One run of a program from outside, and the figures of many.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use wait4::Wait4;

use crate::Result;

/// What a pipe holds.
const PIECE: usize = 64 << 10;

/// A finished run.
pub struct Run {
    /// From before the process is made until it has ended.
    pub wall: Duration,
    /// User and system time.
    pub cpu: Duration,
    /// Until the first byte of output could be read; the whole time where there was none.
    pub first: Duration,
    /// The most memory in use, in bytes.
    pub peak: u64,
}

/// Runs a program, reads all that it prints, and waits for its end.
pub fn run(program: &Path, args: &[impl AsRef<OsStr>], piece: &mut Vec<u8>) -> Result<Run> {
    piece.resize(PIECE, 0);
    let mut command = Command::new(program);
    command.env_clear().args(args).stdin(Stdio::null()).stdout(Stdio::piped());
    let begun = Instant::now();
    let mut child = command.spawn()?;
    let mut stdout = child.stdout.take().ok_or("the output is not ours")?;
    let mut first = None;
    while stdout.read(piece)? > 0 {
        first.get_or_insert_with(|| begun.elapsed());
    }
    let ended = child.wait4()?;
    let wall = begun.elapsed();
    if !ended.status.success() {
        return Err(format!("{} ended with {}", program.display(), ended.status).into());
    }
    Ok(Run {
        wall,
        cpu: ended.rusage.utime + ended.rusage.stime,
        first: first.unwrap_or(wall),
        peak: ended.rusage.maxrss,
    })
}

/// Runs a program with its output in a file: what it prints, not how fast.
pub fn print_into(file: &Path, program: &Path, args: &[impl AsRef<OsStr>]) -> Result<()> {
    let out = File::create(file)?;
    let status =
        Command::new(program).env_clear().args(args).stdin(Stdio::null()).stdout(out).status()?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("{} ended with {status}", program.display()).into())
    }
}

/// Whether two files hold the same, without holding either whole.
pub fn same(one: &Path, other: &Path) -> Result<bool> {
    let (mut one, mut other) = (File::open(one)?, File::open(other)?);
    if one.metadata()?.len() != other.metadata()?.len() {
        return Ok(false);
    }
    let (mut a, mut b) = (vec![0; PIECE], vec![0; PIECE]);
    loop {
        let length = one.read(&mut a)?;
        if length == 0 {
            return Ok(true);
        }
        other.read_exact(&mut b[..length])?;
        if a[..length] != b[..length] {
            return Ok(false);
        }
    }
}

/// A figure over many runs.
#[derive(Clone, Copy, Debug)]
pub struct Figure {
    pub median: f64,
    pub least: f64,
    pub most: f64,
}

impl Figure {
    /// `None` of no runs.
    pub fn of(values: impl Iterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.collect();
        values.sort_by(f64::total_cmp);
        let (least, most) = (*values.first()?, *values.last()?);
        let middle = values.len() / 2;
        let median = if values.len() % 2 == 1 {
            values[middle]
        } else {
            f64::midpoint(values[middle - 1], values[middle])
        };
        Some(Self { median, least, most })
    }
}
