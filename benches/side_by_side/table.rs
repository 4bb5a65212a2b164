//! The figures as Markdown: a row for each case and program, then what was asked and whether it is met.

use std::time::Duration;

use crate::measure::{Figure, Run};
use crate::programs::Programs;

/// The release binary may be this large.
const LARGEST: u64 = 8_000_000;

/// What is asked of ours, against the official client or alone.
#[derive(Clone, Copy, Default)]
pub struct Bars {
    /// The most of the official client's time.
    pub ratio: Option<f64>,
    /// The most memory, in bytes.
    pub peak: Option<u64>,
    /// The latest first output, beyond the time that a `limit 1000` range takes.
    pub first: Option<Duration>,
}

/// What is printed at once, and what is kept for the end.
pub struct Table {
    bars: Vec<Bar>,
}

/// One case: runs by program, the official client's last.
pub struct Row<'a> {
    pub case: &'a str,
    pub runs: &'a [Vec<Run>],
    /// Runs of a `limit 1000` range, one before each of those; none where it does not matter.
    pub pages: &'a [Vec<Run>],
    pub bars: Bars,
    /// All answers were equal, byte for byte.
    pub same: bool,
}

/// One thing asked, with what came of it.
struct Bar {
    what: String,
    asked: String,
    measured: String,
    met: bool,
}

impl Table {
    pub fn begin(programs: &Programs) -> Self {
        println!("\n| client | bytes |\n|---|---:|");
        for program in programs.all() {
            println!("| {} | {} |", program.name, program.size());
        }
        println!("\nMedian (least–most) of the runs; times in milliseconds.\n");
        println!(
            "| case | client | wall | of the official’s | processor | first output | peak MiB |"
        );
        println!("|---|---|---:|---:|---:|---:|---:|");
        Self { bars: Vec::new() }
    }

    pub fn row(&mut self, programs: &Programs, row: &Row<'_>) {
        let Some(official) = row.runs.last() else { return };
        for (index, (program, runs)) in programs.all().iter().zip(row.runs).enumerate() {
            // Turn by turn: the machine's speed drifts, and both then drift alike.
            let pairs = runs.iter().zip(official);
            let ratio = Figure::of(
                pairs.map(|(ours, official)| ours.wall.as_secs_f64() / official.wall.as_secs_f64()),
            );
            if index == programs.official() {
                line(row.case, program.name, runs, None);
            } else {
                line(row.case, program.name, runs, ratio);
                self.judge(row, &format!("{}, {}", row.case, program.name), index, ratio);
            }
        }
        if !row.same {
            println!("| {} | **the answers differ** | | | | | |", row.case);
        }
    }

    fn judge(&mut self, row: &Row<'_>, name: &str, index: usize, ratio: Option<Figure>) {
        let runs = &row.runs[index];
        let mut add = |what: &str, asked: String, measured: String, met| {
            self.bars.push(Bar { what: format!("{name}: {what}"), asked, measured, met });
        };
        if let (Some(most), Some(ratio)) = (row.bars.ratio, ratio) {
            let median = ratio.median;
            add(
                "time",
                format!("{most} of the official’s"),
                format!("{median:.3}"),
                median <= most,
            );
        }
        if let (Some(most), Some(peak)) = (row.bars.peak, peak(runs)) {
            // The largest of all runs: a bound is a bound.
            let (most, largest) = (mebibytes(most), peak.most);
            add("memory", format!("{most:.0} MiB"), format!("{largest:.1} MiB"), largest <= most);
        }
        let pairs = runs.iter().zip(&row.pages[index]);
        let late = Figure::of(
            pairs.map(|(run, page)| (run.first.as_secs_f64() - page.wall.as_secs_f64()) * 1000.0),
        );
        if let (Some(most), Some(late), Some(page)) =
            (row.bars.first, late, wall(&row.pages[index]))
        {
            let most = most.as_secs_f64() * 1000.0;
            let asked = format!("{most:.0} ms after a `limit 1000` range ({:.0} ms)", page.median);
            let measured = format!("{:.0} ms after it", late.median);
            add("first output", asked, measured, late.median <= most);
        }
    }

    /// What was asked, and whether it is met.
    pub fn end(&mut self, programs: &Programs) {
        for program in &programs.all()[..programs.official()] {
            let (what, size) = (format!("size, {}", program.name), program.size());
            let asked = format!("{LARGEST} bytes");
            let met = size <= LARGEST;
            self.bars.push(Bar { what, asked, measured: size.to_string(), met });
        }
        println!("\n| bar | at most | measured | met |\n|---|---|---|---|");
        for Bar { what, asked, measured, met } in &self.bars {
            println!("| {what} | {asked} | {measured} | {} |", if *met { "yes" } else { "**no**" });
        }
    }
}

/// A row of a program that has no counterpart.
pub fn alone(case: &str, runs: &[Run]) {
    line(case, "", runs, None);
}

fn line(case: &str, program: &str, runs: &[Run], ratio: Option<Figure>) {
    let (Some(wall), Some(cpu), Some(first), Some(peak)) =
        (wall(runs), figure(runs, |run| run.cpu), first(runs), peak(runs))
    else {
        return;
    };
    let ratio = ratio.map_or(String::new(), |ratio| {
        format!("{:.3} ({:.3}–{:.3})", ratio.median, ratio.least, ratio.most)
    });
    println!(
        "| {case} | {program} | {} | {ratio} | {} | {} | {:.1} |",
        spread(wall),
        spread(cpu),
        spread(first),
        peak.most
    );
}

fn wall(runs: &[Run]) -> Option<Figure> {
    figure(runs, |run| run.wall)
}

fn first(runs: &[Run]) -> Option<Figure> {
    figure(runs, |run| run.first)
}

/// In milliseconds.
fn figure(runs: &[Run], of: impl Fn(&Run) -> Duration) -> Option<Figure> {
    Figure::of(runs.iter().map(|run| of(run).as_secs_f64() * 1000.0))
}

/// In mebibytes.
fn peak(runs: &[Run]) -> Option<Figure> {
    Figure::of(runs.iter().map(|run| mebibytes(run.peak)))
}

fn mebibytes(bytes: u64) -> f64 {
    // Whole KiB are exact enough, and fit.
    u32::try_from(bytes >> 10).map_or(f64::INFINITY, f64::from) / 1024.0
}

/// With as many places as the size deserves.
fn spread(figure: Figure) -> String {
    let Figure { median, least, most } = figure;
    if median < 100.0 {
        format!("{median:.1} ({least:.1}–{most:.1})")
    } else {
        format!("{median:.0} ({least:.0}–{most:.0})")
    }
}
