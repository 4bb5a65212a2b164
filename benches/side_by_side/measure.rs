//! One run of a program from outside, and the figures of many.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
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
    run_in(Path::new("."), program, args, piece)
}

/// Likewise, in a folder. What it logs is not shown.
pub fn run_in(
    folder: &Path,
    program: &Path,
    args: &[impl AsRef<OsStr>],
    piece: &mut Vec<u8>,
) -> Result<Run> {
    piece.resize(PIECE, 0);
    let mut command = Command::new(program);
    command.env_clear().args(args).current_dir(folder);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
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

/// Runs a program that does not end by itself, until it has printed so many lines.
pub fn run_to(
    lines: usize,
    program: &Path,
    args: &[impl AsRef<OsStr>],
    piece: &mut Vec<u8>,
) -> Result<Run> {
    piece.resize(PIECE, 0);
    let mut command = Command::new(program);
    command.env_clear().args(args).stdin(Stdio::null()).stdout(Stdio::piped());
    let begun = Instant::now();
    let mut child = command.spawn()?;
    let mut stdout = child.stdout.take().ok_or("the output is not ours")?;
    let (mut first, mut seen) = (None, 0);
    while seen < lines {
        let read = stdout.read(piece)?;
        if read == 0 {
            return Err(format!("{} ended after {seen} lines", program.display()).into());
        }
        first.get_or_insert_with(|| begun.elapsed());
        seen += piece[..read].split(|&byte| byte == b'\n').count() - 1;
    }
    let wall = begun.elapsed();
    child.kill()?;
    let ended = child.wait4()?;
    let cpu = ended.rusage.utime + ended.rusage.stime;
    Ok(Run { wall, cpu, first: first.unwrap_or(wall), peak: ended.rusage.maxrss })
}

/// A program that prints a line for each thing that is done, and how long that takes it.
pub fn delays(
    program: &Path,
    args: &[impl AsRef<OsStr>],
    times: usize,
    mut act: impl FnMut(),
) -> Result<Vec<Run>> {
    let mut command = Command::new(program);
    command.env_clear().args(args).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn()?;
    let mut lines = BufReader::new(child.stdout.take().ok_or("the output is not ours")?);
    let mut line = String::new();
    let mut runs = Vec::new();
    // The first act is history when it begins to follow.
    act();
    lines.read_line(&mut line)?;
    for _ in 0..times {
        let begun = Instant::now();
        act();
        line.clear();
        lines.read_line(&mut line)?;
        let wall = begun.elapsed();
        runs.push(Run { wall, cpu: Duration::ZERO, first: wall, peak: 0 });
    }
    child.kill()?;
    let ended = child.wait4()?;
    let cpu = ended.rusage.utime + ended.rusage.stime;
    let each = u32::try_from(times).map_or(Duration::ZERO, |times| cpu / times.max(1));
    let peak = ended.rusage.maxrss;
    Ok(runs.into_iter().map(|run| Run { cpu: each, peak, ..run }).collect())
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
