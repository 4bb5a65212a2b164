//! What is measured, on which server, and what is asked of it.

use std::path::Path;
use std::time::Duration;

use crate::etcd::Etcd;
use crate::measure::{self, Figure, Run};
use crate::programs::Programs;
use crate::table::{self, Bars, Row, Table};
use crate::{Result, fill, machine, project, setting};

const RANGE: Bars =
    Bars { ratio: Some(0.5), peak: Some(64 << 20), first: Some(Duration::from_millis(20)) };

/// The benchmark: programs, table, and how often and how much.
pub struct Bench {
    pub programs: Programs,
    pub table: Table,
    /// Runs of what takes milliseconds, and of what takes seconds.
    short: usize,
    pub long: usize,
    pub keys: usize,
    /// Words that a case's name must have one of; none for all.
    wanted: Vec<String>,
    piece: Vec<u8>,
}

/// Measures everything and prints it.
pub fn run() -> Result<()> {
    let programs = Programs::found()?;
    println!("{}; load {} at the start", machine::description(), machine::load());
    let wanted = std::env::var("BENCH_CASES").unwrap_or_default();
    let mut bench = Bench {
        table: Table::begin(&programs),
        programs,
        short: setting("BENCH_RUNS", 101)?,
        long: setting("BENCH_LONG_RUNS", 7)?,
        keys: setting("BENCH_KEYS", 1_000_000)?,
        wanted: wanted.split(',').filter(|word| !word.is_empty()).map(str::to_owned).collect(),
        piece: Vec::new(),
    };
    bench.nothing()?;
    bench.one_key()?;
    bench.one_key_by_tls()?;
    bench.many_keys()?;
    bench.large_values()?;
    bench.many_keys_in_pages()?;
    bench.events()?;
    bench.leases()?;
    bench.files()?;
    bench.objects()?;
    bench.table.end(&bench.programs);
    println!("\nload {} at the end", machine::load());
    Ok(())
}

impl Bench {
    /// The floor: a process that does nothing.
    fn nothing(&mut self) -> Result<()> {
        let Some(program) = crate::on_path("true").filter(|_| self.wants("nothing")) else {
            return Ok(());
        };
        let none: [&str; 0] = [];
        let runs = (0..self.short).map(|_| measure::run(&program, &none, &mut self.piece));
        let runs = runs.collect::<Result<Vec<Run>>>()?;
        table::alone("nothing: `true`", &runs);
        Ok(())
    }

    fn one_key(&mut self) -> Result<()> {
        let bars = Bars { ratio: Some(0.2), ..Bars::default() };
        let cases = ["`get`", "`get`, first of two endpoints refused", "`put`"];
        if !cases.iter().any(|case| self.wants(case)) {
            return Ok(());
        }
        let etcd = Etcd::start();
        etcd.put(b"key", b"value");
        let endpoint = format!("--endpoints={}", etcd.address());
        // A port that nobody listens on: no server is ever given one so low.
        let two = format!("--endpoints=127.0.0.1:1,{}", etcd.address());
        self.compare(cases[0], self.short, bars, &[&endpoint, "get", "key"])?;
        self.compare(cases[1], self.short, bars, &[&two, "get", "key"])?;
        self.compare(cases[2], self.short, bars, &[&endpoint, "put", "key", "value"])
    }

    fn one_key_by_tls(&mut self) -> Result<()> {
        let case = "`get`, TLS with RSA-2048";
        if !self.wants(case) {
            return Ok(());
        }
        let file =
            |name: &str| project().join("tests/fixtures/tls").join(name).display().to_string();
        let cert = format!("--cert-file={}", file("rsa2048.pem"));
        let key = format!("--key-file={}", file("rsa2048.key.pem"));
        let etcd = Etcd::with(&[&cert, &key]);
        let endpoint = format!("--endpoints=https://{}", etcd.address());
        let ca = format!("--cacert={}", file("ca.pem"));
        let put = measure::run(
            &self.programs.all()[self.programs.official()].path,
            &[&endpoint, &ca, "put", "key", "value"],
            &mut self.piece,
        );
        put?;
        let bars = Bars { ratio: Some(0.35), ..Bars::default() };
        self.compare(case, self.short, bars, &[&endpoint, &ca, "get", "key"])
    }

    /// A million keys with values of 100 bytes.
    fn many_keys(&mut self) -> Result<()> {
        let formats = ["`-w json`", "`-w fields`", "`-w protobuf`", "`-w simple`"];
        let name = |what: &str| format!("{} keys, {what}", count(self.keys));
        let keys_only = name("`--keys-only`");
        let cases: Vec<String> = formats.iter().map(|format| name(format)).collect();
        if !self.wants(&keys_only) && !cases.iter().any(|case| self.wants(case)) {
            return Ok(());
        }
        let etcd = Etcd::start();
        fill::elsewhere(&etcd.endpoint(), self.keys, 100)?;
        let endpoint = format!("--endpoints={}", etcd.address());
        let long = self.long;
        self.compare(&keys_only, long, RANGE, &ranged(&endpoint, "--keys-only"))?;
        for (case, format) in cases.iter().zip(formats) {
            let format = format.trim_matches('`').replace(' ', "=");
            self.compare(case, long, RANGE, &ranged(&endpoint, &format))?;
        }
        Ok(())
    }

    /// As many bytes in fewer keys.
    fn large_values(&mut self) -> Result<()> {
        let keys = self.keys / 10;
        let cases = ["`-w simple`", "`-w json`"]
            .map(|format| (format!("{} keys of 4 KiB, {format}", count(keys)), format));
        if !cases.iter().any(|(case, _)| self.wants(case)) {
            return Ok(());
        }
        let etcd = Etcd::start();
        fill::elsewhere(&etcd.endpoint(), keys, 4096)?;
        let endpoint = format!("--endpoints={}", etcd.address());
        let bars = Bars { first: None, ..RANGE };
        for (case, format) in cases {
            let format = format.trim_matches('`').replace(' ', "=");
            self.compare(&case, self.long, bars, &ranged(&endpoint, &format))?;
        }
        Ok(())
    }

    /// An older server, which has no streams of a range.
    fn many_keys_in_pages(&mut self) -> Result<()> {
        let name = |what: &str| format!("{} keys on etcd 3.6, {what}", count(self.keys));
        let cases = [(name("`--keys-only`"), "--keys-only"), (name("`-w json`"), "-w=json")];
        if !cases.iter().any(|(case, _)| self.wants(case)) {
            return Ok(());
        }
        let Some(etcd) = Etcd::version("3.6") else {
            eprintln!("bench: no etcd 3.6 here (make reference builds it)");
            return Ok(());
        };
        fill::elsewhere(&etcd.endpoint(), self.keys, 100)?;
        let endpoint = format!("--endpoints={}", etcd.address());
        for (case, flag) in cases {
            self.compare(&case, self.long, RANGE, &ranged(&endpoint, flag))?;
        }
        Ok(())
    }

    /// A history of events, read as fast as it comes; then events one by one.
    fn events(&mut self) -> Result<()> {
        let events = self.keys / 10;
        let many = format!("{} events, `watch`", count(events));
        let one = "one event, `watch`: from the put to the line";
        if !self.wants(&many) && !self.wants(one) {
            return Ok(());
        }
        let etcd = Etcd::start();
        fill::elsewhere(&etcd.endpoint(), events, 100)?;
        let endpoint = format!("--endpoints={}", etcd.address());
        let bars = Bars { ratio: Some(1.0), peak: Some(64 << 20), first: None };
        let programs: Vec<_> = self.programs.all().iter().map(|one| one.path.clone()).collect();
        if self.wants(&many) {
            eprintln!("bench: {many}");
            // Three lines an event: what happened, the key, the value.
            let args = [&endpoint, "watch", "/", "--prefix", "--rev=2"];
            let mut runs: Vec<Vec<Run>> = programs.iter().map(|_| Vec::new()).collect();
            in_turn(programs.len(), self.long, |index| {
                let program = &programs[index];
                runs[index].push(measure::run_to(3 * events, program, &args, &mut self.piece)?);
                Ok(())
            })?;
            self.row(&many, &runs, bars);
        }
        if self.wants(one) {
            eprintln!("bench: {one}");
            let args = [&endpoint, "watch", "one", "--rev=2", "-w=json"];
            let put = || etcd.put(b"one", b"value");
            let runs: Result<Vec<Vec<Run>>> = programs
                .iter()
                .map(|program| {
                    // Nothing of the program before is heard again.
                    let now = format!("--rev={}", revision(&etcd));
                    let args = args.map(|arg| if arg.starts_with("--rev") { &now } else { arg });
                    measure::delays(program, &args, self.short, put)
                })
                .collect();
            self.row(one, &runs?, bars);
        }
        Ok(())
    }

    fn leases(&mut self) -> Result<()> {
        let leases = self.keys / 10;
        let case = format!("`lease list` of {}", count(leases));
        if !self.wants(&case) {
            return Ok(());
        }
        let etcd = Etcd::start();
        fill::leases(&etcd.endpoint(), leases)?;
        let endpoint = format!("--endpoints={}", etcd.address());
        let bars = Bars { ratio: Some(1.0), peak: Some(64 << 20), first: None };
        self.compare(&case, self.long, bars, &[&endpoint, "lease", "list"])
    }

    /// A snapshot of a hundred megabytes of Kubernetes objects: read alone, then printed as kubectl does. The official
    /// client has nothing like it.
    fn objects(&mut self) -> Result<()> {
        let name = "Kubernetes objects";
        if !self.wants(name) {
            return Ok(());
        }
        let etcd = Etcd::start();
        // A copy is some 1.7 MB.
        fill::objects(&etcd.endpoint(), self.keys / 16_000)?;
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("objects.db").display().to_string();
        let program = self.programs.all()[0].path.clone();
        let endpoint = format!("--endpoints={}", etcd.address());
        measure::run(&program, &[&endpoint, "snapshot", "save", &file], &mut self.piece)?;
        drop(etcd);
        eprintln!("bench: {name}");
        let args = ["get", "", "--prefix", "--snapshot", &file, "-w"];
        let values = folder.path().join("values");
        measure::print_into(&values, &program, &[&args[..], &["raw"]].concat())?;
        let megabytes = f64::from(u32::try_from(values.metadata()?.len() / 1000)?) / 1000.0;
        let mut reading = 0.0;
        for (what, flags) in [
            ("`-w raw`", &["raw"][..]),
            ("`-w yaml`", &["yaml"]),
            ("`-w yaml --show-managed-fields`", &["yaml", "--show-managed-fields"]),
        ] {
            let args = [&args[..], flags].concat();
            let runs = (0..self.long).map(|_| measure::run(&program, &args, &mut self.piece));
            let runs = runs.collect::<Result<Vec<Run>>>()?;
            table::alone(&format!("{megabytes:.1} MB of {name}, {what}"), &runs);
            let seconds = Figure::of(runs.iter().map(|run| run.cpu.as_secs_f64()));
            let seconds = seconds.map_or(0.0, |figure| figure.median);
            if reading == 0.0 {
                reading = seconds;
            } else {
                // Of its processor time, without that of reading the file.
                let decoding = seconds - reading;
                eprintln!("bench: {what}: {:.0} MB a second", megabytes / decoding);
            }
        }
        Ok(())
    }

    /// What has no first page, and answers that need not be compared once more.
    fn row(&mut self, case: &str, runs: &[Vec<Run>], bars: Bars) {
        let pages: Vec<Vec<Run>> = runs.iter().map(|_| Vec::new()).collect();
        self.table.row(&self.programs, &Row { case, runs, pages: &pages, bars, same: true });
    }

    pub fn wants(&self, case: &str) -> bool {
        self.wanted.is_empty() || self.wanted.iter().any(|word| case.contains(word))
    }

    /// One case, where it is wanted: the same answer first, then the times.
    fn compare(&mut self, case: &str, runs: usize, bars: Bars, args: &[&str]) -> Result<()> {
        if !self.wants(case) {
            return Ok(());
        }
        eprintln!("bench: {case}");
        let same = self.answers_agree(args)?;
        let page = bars.first.map(|_| first_page(args));
        let (runs, pages) = self.turns(runs, args, page.as_deref())?;
        self.table.row(&self.programs, &Row { case, runs: &runs, pages: &pages, bars, same });
        Ok(())
    }

    /// Runs by program, then by turn; where there is a first page to compare with, it is asked for just before.
    fn turns(&mut self, turns: usize, args: &[&str], page: Option<&[&str]>) -> Result<Turns> {
        let programs = self.programs.all();
        let mut runs: Vec<Vec<Run>> = programs.iter().map(|_| Vec::new()).collect();
        let mut pages: Vec<Vec<Run>> = programs.iter().map(|_| Vec::new()).collect();
        in_turn(programs.len(), turns, |index| {
            let program = &programs[index].path;
            if let Some(page) = page {
                pages[index].push(measure::run(program, page, &mut self.piece)?);
            }
            runs[index].push(measure::run(program, args, &mut self.piece)?);
            Ok(())
        })?;
        Ok((runs, pages))
    }

    /// Whether all print the same bytes. It warms everything up, too.
    fn answers_agree(&self, args: &[&str]) -> Result<bool> {
        let folder = tempfile::tempdir()?;
        let (theirs, ours) = (folder.path().join("theirs"), folder.path().join("ours"));
        let (ours, theirs): (&Path, &Path) = (&ours, &theirs);
        let programs = self.programs.all();
        measure::print_into(theirs, &programs[self.programs.official()].path, args)?;
        let mut same = true;
        for program in &programs[..self.programs.official()] {
            measure::print_into(ours, &program.path, args)?;
            same &= measure::same(ours, theirs)?;
        }
        Ok(same)
    }
}

/// Every program in turn, by its number, another one first each time.
pub fn in_turn(
    programs: usize,
    turns: usize,
    mut run: impl FnMut(usize) -> Result<()>,
) -> Result<()> {
    for turn in 0..turns {
        for position in 0..programs {
            run((turn + position) % programs)?;
        }
    }
    Ok(())
}

/// The revision that the next change has.
fn revision(etcd: &Etcd) -> i64 {
    let answer = etcd.ask("/v3/kv/range", r#"{"key":"AA=="}"#);
    let (_, rest) = answer.split_once("\"revision\":\"").unwrap_or_default();
    rest.split('"').next().and_then(|text| text.parse().ok()).map_or(0, |now: i64| now + 1)
}

/// Runs of a case, and of the first page before each.
type Turns = (Vec<Vec<Run>>, Vec<Vec<Run>>);

/// What a range's first output can be no sooner than: the server counts all keys first.
fn first_page<'a>(range: &[&'a str]) -> Vec<&'a str> {
    [range, &["--limit=1000"]].concat()
}

/// A range of all keys. The official client's own five seconds may be too few on a busy machine.
fn ranged<'a>(endpoint: &'a str, flag: &'a str) -> [&'a str; 6] {
    ["--command-timeout=60s", endpoint, "get", "/", "--prefix", flag]
}

/// A number with its thousands set apart.
pub fn count(number: usize) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
