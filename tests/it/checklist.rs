//! Every flag of every command, side by side in every format that the official client has for the command.
//!
//! `fixtures/etcdctl-checklist.tsv` has a row for each command and flag. Here stands an invocation for each
//! row; a row without one fails the test, and so does an invocation without a row. Whatever the
//! invocation does, stdout, the last `Error:` line, the status and the stores afterwards must agree.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rustix::process::Signal;

use crate::support::live::Live;
use crate::support::{Etcd, Run, Twins, on_every_twins, on_twins, project, run, without, words};

/// What 3.7.1 no longer has, and what needs no server.
const ELSEWHERE: &[(&str, &str)] = &[
    ("defrag --data-dir", "gone since 3.6; etcdutl defrag"),
    ("snapshot restore", "gone since 3.6; here again, beside etcdutl, in restore.rs"),
    ("snapshot status", "gone since 3.6; etcdutl"),
    ("migrate", "gone since 3.5; etcdutl"),
    ("etcdutl", "works on files"),
];

/// The formats that the official client has for a command, after the first that fits.
const FORMATS: &[(&str, &[&str])] = &[
    ("endpoint", &["simple", "json", "fields", "table"]),
    ("member list", &["simple", "json", "fields", "protobuf", "table"]),
    ("member", &["simple", "json", "protobuf"]),
    ("user get", &["simple", "json", "protobuf"]),
    ("user list", &["simple", "json", "protobuf"]),
    ("", &["simple", "json", "fields", "protobuf"]),
];

/// A line for each row: command, flag, what is typed (behind the command, unless it begins with `:`), what is
/// on stdin. `{w}` is the format, `{p}` our port, `{m}` the member, `{d}` a lease.
type Row = (&'static str, &'static str, &'static str, &'static str);

const ROWS: &[Row] = &[
    ("*", "--auth-jwt-token", ":get a --auth-jwt-token word", ""),
    ("*", "--cacert", ":get a --cacert /nonexistent", ""),
    ("*", "--cert", ":get a --cert /nonexistent", ""),
    ("*", "--command-timeout", ":get a --command-timeout 4s", ""),
    ("*", "--debug", ":get a --debug=false", ""),
    ("*", "--dial-timeout", ":get a --dial-timeout=1500ms", ""),
    ("*", "--discovery-srv", ":get a --discovery-srv= --discovery-srv ''", ""),
    ("*", "--discovery-srv-name", ":get a --discovery-srv-name name", ""),
    ("*", "--endpoints", ":get a --endpoints 127.0.0.1:{p},http://127.0.0.1:{p}", ""),
    ("*", "--hex", ":get a/ --prefix --hex", ""),
    ("*", "--insecure-discovery", ":get a --insecure-discovery=false", ""),
    (
        "*",
        "--insecure-skip-tls-verify",
        ":get a --insecure-skip-tls-verify=true --insecure-transport=true",
        "",
    ),
    ("*", "--insecure-transport", ":get a --insecure-transport=true", ""),
    ("*", "--keepalive-time", ":get a --keepalive-time 20s", ""),
    ("*", "--keepalive-timeout", ":get a --keepalive-timeout 3s", ""),
    ("*", "--key", ":get a --key /nonexistent", ""),
    ("*", "--max-recv-bytes", ":get a/ --prefix --max-recv-bytes 10 --max-request-bytes 5", ""),
    ("*", "--max-request-bytes", ":put big 0123456789 --max-request-bytes 5", ""),
    ("*", "--password", ":get a --password secret", ""),
    ("*", "--user", ":get a --user name:", ""),
    ("*", "--write-out", ":get a/ --prefix --write-out {w}", ""),
    ("get", "--consistency", "a/1 --consistency s", ""),
    ("get", "--count-only", "a/ --prefix --count-only -w fields", ""),
    ("get", "--from-key", "a/2 --from-key", ""),
    ("get", "--keys-only", "a/ --prefix --keys-only", ""),
    ("get", "--limit", "a/ --prefix --limit 2", ""),
    ("get", "--max-create-rev", "a/ --prefix --max-create-rev 3", ""),
    ("get", "--max-mod-rev", "a/ --prefix --max-mod-rev 3", ""),
    ("get", "--min-create-rev", "a/ --prefix --min-create-rev 3", ""),
    ("get", "--min-mod-rev", "a/ --prefix --min-mod-rev 3", ""),
    ("get", "--order", "a/ --prefix --order DESCEND", ""),
    ("get", "--prefix", "a/ --prefix", ""),
    ("get", "--print-value-only", "a/ --prefix --print-value-only -w simple", ""),
    ("get", "--rev", "a/1 --rev 2", ""),
    ("get", "--sort-by", "a/ --prefix --sort-by value --order descend", ""),
    ("get", "--stream", "a/ --prefix --stream", ""),
    ("put", "--ignore-lease", "a/1 --ignore-lease one", ""),
    ("put", "--ignore-value", "a/1 --ignore-value", ""),
    ("put", "--lease", "leased --lease {d} v", ""),
    ("put", "--prev-kv", "a/1 --prev-kv one", ""),
    ("del", "--from-key", "zz --from-key", ""),
    ("del", "--prefix", "b/{w} --prefix", ""),
    ("del", "--prev-kv", "b/ --prefix --prev-kv", ""),
    ("del", "--range", "x y --range", ""),
    ("txn", "--interactive", "-i", "val(\"a/1\") = \"one\"\n\nget a/1\nput t {w}\n\n\n"),
    ("compaction", "--physical", "2 --physical", ""),
    ("watch", "--interactive", "--interactive", "bogus\n"),
    // It ends with its command, at the first event.
    ("watch", "--prefix", "a/ --prefix --rev 3 -- false", ""),
    ("watch", "--prev-kv", "a/1 --prev-kv --rev 6 -- false", ""),
    ("watch", "--progress-notify", "a/ --prefix --progress-notify --rev 3 -- false", ""),
    ("watch", "--rev", "a/1 --rev 1", ""),
    ("lease timetolive", "--keys", "{d} --keys", ""),
    ("lease keep-alive", "--once", "{d} --once", ""),
    // A run takes a minute: these end at a prefix that has keys, or at a load that there is not.
    ("check perf", "--auto-compact", "--auto-compact --prefix a/", ""),
    ("check perf", "--auto-defrag", "--auto-defrag --prefix a/", ""),
    ("check perf", "--load", "--load huge", ""),
    ("check perf", "--prefix", "--prefix a/", ""),
    ("check datascale", "--auto-compact", "--auto-compact --prefix a/", ""),
    ("check datascale", "--auto-defrag", "--auto-defrag --prefix a/", ""),
    ("check datascale", "--load", "--load huge", ""),
    ("check datascale", "--prefix", "--prefix a/", ""),
    ("defrag", "--cluster", "--cluster", ""),
    ("endpoint", "--cluster", ":endpoint --cluster status", ""),
    ("endpoint health", "--cluster", "--cluster", ""),
    ("endpoint status", "--cluster", "--cluster", ""),
    ("endpoint hashkv", "--cluster", "--cluster", ""),
    ("endpoint hashkv", "--rev", "--rev 3", ""),
    ("member add", "--learner", "new --learner --peer-urls http://127.0.0.1:1", ""),
    ("member add", "--peer-urls", "new --peer-urls http://127.0.0.1:1", ""),
    ("member update", "--peer-urls", "{m} --peer-urls http://127.0.0.1:1", ""),
    ("member list", "--consistency", "--consistency s", ""),
    ("role grant-permission", "--from-key", "r1 read k --from-key", ""),
    ("role grant-permission", "--prefix", "r1 readwrite p/ --prefix", ""),
    ("role revoke-permission", "--from-key", "r1 k --from-key", ""),
    ("role revoke-permission", "--prefix", "r1 p/ --prefix", ""),
    ("user add", "--interactive", "u1-{w} --interactive=false", "word\n"),
    ("user add", "--new-user-password", "u2-{w} --new-user-password word", ""),
    ("user add", "--no-password", "u3-{w} --no-password", ""),
    ("user get", "--detail", "u --detail", ""),
    ("user passwd", "--interactive", "u --interactive=false", "word\n"),
];

/// Rows of what goes on for ever; in the last place not what is on stdin, but the key that tells that it has done what there
/// was to do (none: it prints). `{z}` is a key below `b/` that is new.
const LIVING: &[Row] = &[
    ("elect", "--listen", "e --listen", ""),
    ("make-mirror", "--prefix", "--prefix b/ --dest-prefix p{w}/", "p{w}/{z}"),
    ("make-mirror", "--rev", "--rev 5 --prefix b/ --dest-prefix r{w}/", "r{w}/{z}"),
    (
        "make-mirror",
        "--max-txn-ops",
        "--max-txn-ops 1 --rev 5 --prefix b/ --dest-prefix o{w}/",
        "o{w}/{z}",
    ),
    ("make-mirror", "--dest-prefix", "--prefix b/ --dest-prefix d{w}/", "d{w}/{z}"),
    ("make-mirror", "--no-dest-prefix", "--prefix b/ --no-dest-prefix", "{z}"),
    (
        "make-mirror",
        "--dest-insecure-transport",
        "--dest-insecure-transport=true --prefix b/ --dest-prefix i{w}/",
        "i{w}/{z}",
    ),
];

/// Its key is a lease's id, which no two servers share, and history knows it for ever: nothing can be compared after it.
const LAST: &[Row] = &[("lock", "--ttl", "l --ttl 20 -- true", "")];

/// These need a destination with certificates and users: `make_mirror.rs` has one.
const GUARDED: &[(&str, &str)] = &[
    ("make-mirror", "--dest-cert"),
    ("make-mirror", "--dest-key"),
    ("make-mirror", "--dest-cacert"),
    ("make-mirror", "--dest-user"),
    ("make-mirror", "--dest-password"),
];

const LEASE: i64 = 0x77;

struct Listed {
    command: String,
    flag: String,
}

fn listed() -> Vec<Listed> {
    let file = project().join("tests/fixtures/etcdctl-checklist.tsv");
    let text = std::fs::read_to_string(&file).expect("could not read the checklist");
    let columns = |line: &str| line.split('\t').map(str::to_owned).collect::<Vec<_>>();
    let rows = text.lines().skip(1).map(columns);
    rows.map(|row| Listed { command: row[0].clone(), flag: row[1].clone() }).collect()
}

/// Whether the list names the command itself, one above it, or this flag of it.
fn names(list: impl Iterator<Item = &'static str>, row: &Listed) -> bool {
    let whole = format!("{} {} ", row.command, row.flag);
    list.into_iter().any(|name| whole.starts_with(&format!("{name} ")))
}

fn is_online(row: &Listed) -> bool {
    !names(ELSEWHERE.iter().map(|(name, _)| *name), row)
}

/// The command at a path, in our own description of the command line.
fn is_built(path: &str) -> bool {
    let root = etcdctl::cli::command();
    path.split(' ').try_fold(root, |command, name| command.find_subcommand(name)).is_some()
}

#[test]
fn every_command_is_there() {
    let missing: Vec<_> = listed()
        .into_iter()
        .filter(|row| is_online(row) && row.command != "*" && row.command != "help")
        .filter(|row| !is_built(&row.command))
        .map(|row| row.command)
        .collect();
    assert!(missing.is_empty(), "not there: {missing:?}");
}

#[test]
fn every_row_has_an_invocation() {
    let rows = listed();
    let here: BTreeSet<(&str, &str)> = rows
        .iter()
        .filter(|row| is_online(row) && row.flag != "--help")
        .map(|row| (row.command.as_str(), row.flag.as_str()))
        .collect();
    let rows = [ROWS, LIVING, LAST].into_iter().flatten().map(|row| (row.0, row.1));
    let invoked: BTreeSet<(&str, &str)> = rows.chain(GUARDED.iter().copied()).collect();
    let without: Vec<_> = here.difference(&invoked).collect();
    let unlisted: Vec<_> = invoked.difference(&here).collect();
    assert!(without.is_empty(), "rows without an invocation: {without:?}");
    assert!(unlisted.is_empty(), "invocations of no row: {unlisted:?}");
}

#[test]
fn every_flag_agrees_in_every_format() {
    on_every_twins(|twins| {
        twins.grant(LEASE, 100_000);
        for (key, value) in
            [("a/1", "one"), ("a/2", "\u{ff}\n"), ("a/3", ""), ("b/1", "x"), ("a/1", "uno")]
        {
            twins.official(&["put", key, value]);
        }
        twins.official(&["put", "leased", "v", "--lease", "77"]);
        for line in [
            "role add r1",
            "user add u --no-password=false --new-user-password w",
            "user grant-role u r1",
        ] {
            twins.official(&line.split(' ').collect::<Vec<_>>());
        }
        twins.official(&["put", "e/1", "proposal"]);
        twins.official(&["compaction", "2"]);
        let mut wrong = Vec::new();
        let each = |rows: &'static [Row]| {
            rows.iter().flat_map(|row| formats(row.0).iter().map(move |format| (row, *format)))
        };
        wrong.extend(each(ROWS).filter_map(|(row, format)| differs(twins, row, format)));
        // Keys are copied in their order: the newest is the last.
        for (new, (row, format)) in (100..).zip(each(LIVING)) {
            wrong.extend(lives_otherwise(twins, row, format, &format!("z{new}")));
        }
        wrong.extend(each(LAST).filter_map(|(row, format)| differs(twins, row, format)));
        assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    });
}

fn formats(command: &str) -> &'static [&'static str] {
    let of_command = FORMATS.iter().find(|(beginning, _)| command.starts_with(beginning));
    of_command.map_or(&[][..], |(_, formats)| formats)
}

/// What of a row that goes on until it is interrupted is other than the official client's.
fn lives_otherwise(twins: &Twins, row: &Row, format: &str, new: &str) -> Option<String> {
    let (command, flag, typed, done) = *row;
    let filled = |text: &str| text.replace("{w}", format).replace("{z}", new);
    let end = |etcd: &Etcd, client: fn(Vec<String>) -> Run| {
        etcd.put(format!("b/{new}").as_bytes(), b"last");
        let endpoint = etcd.endpoint();
        let to = if command == "make-mirror" { endpoint.as_str() } else { "" };
        let line = format!("--endpoints {endpoint} -w {format} {command} {} {to}", filled(typed));
        let mut running =
            Live::start(client(words(&line).into_iter().map(str::to_owned).collect()));
        if done.is_empty() {
            running.wait_until(|stdout| match format {
                "simple" => stdout.lines().count() == 2,
                "json" => stdout.ends_with("}\n"),
                "fields" => stdout.ends_with("\"Count\" : 0\n"),
                _ => stdout.contains("proposal"),
            });
        } else {
            let key = BASE64_STANDARD.encode(filled(done));
            let end = Instant::now() + Duration::from_secs(30);
            while !etcd.contents().contains(&format!("\"{key}\"")) {
                assert!(Instant::now() < end, "{line} does not do it: {}", etcd.contents());
            }
        }
        running.end_with(Signal::INT)
    };
    let (ours, theirs) =
        run::both(|| end(&twins.ours, Run::ours), || end(&twins.theirs, Run::reference));
    let same = (ours.status, ours.last_error(), &ours.stdout)
        == (theirs.status, theirs.last_error(), &theirs.stdout);
    let stores = twins.ours.contents() == twins.theirs.contents();
    (!same || !stores).then(|| {
        format!("{command} {flag} -w {format}: stores agree: {stores}\nours: {ours:?}\ntheirs: {theirs:?}")
    })
}

/// What of a row is other than the official client's, in words.
fn differs(twins: &Twins, row: &Row, format: &str) -> Option<String> {
    let args = |etcd: &Etcd| -> Vec<String> {
        let (command, _, typed, _) = row;
        let line =
            typed.strip_prefix(':').map_or_else(|| format!("{command} {typed}"), str::to_owned);
        let line = line
            .replace("{w}", format)
            .replace("{p}", &etcd.port().to_string())
            .replace("{m}", &member(etcd))
            .replace("{d}", &format!("{LEASE:x}"));
        let words = line.split_whitespace().map(|word| word.trim_matches('\'').to_owned());
        // A format that the row itself asks for comes last.
        ["--endpoints".to_owned(), etcd.endpoint(), "-w".to_owned(), format.to_owned()]
            .into_iter()
            .chain(words)
            .collect()
    };
    let stdin = row.3.replace("{w}", format);
    let (ours, theirs) = run::both(
        || Run::ours(args(&twins.ours)).stdin(stdin.as_bytes()).outcome(),
        || Run::reference(args(&twins.theirs)).stdin(stdin.as_bytes()).outcome(),
    );
    let shown = |bytes: &[u8], etcd: &Etcd| {
        match format {
            // Ports that the system chooses are equally long; `defrag` prints text whatever the format.
            "protobuf" if row.0 != "defrag" => without(bytes, etcd.address().as_bytes()),
            _ => steady(bytes, etcd).into_bytes(),
        }
    };
    let same = ours.status == theirs.status
        && shown(&ours.stdout, &twins.ours) == shown(&theirs.stdout, &twins.theirs)
        && ours.last_error() == theirs.last_error();
    let stores = twins.ours.contents() == twins.theirs.contents();
    (!same || !stores).then(|| {
        format!(
            "{} {} -w {format}: stores agree: {stores}\nours: {ours}\ntheirs: {theirs}",
            row.0, row.1
        )
    })
}

/// The member's id in hexadecimal.
fn member(etcd: &Etcd) -> String {
    let answer = etcd.ask("/v3/cluster/member/list", "{}");
    let answer: serde_json::Value = serde_json::from_str(&answer).expect("the gateway speaks JSON");
    let id = answer["members"][0]["ID"].as_str().expect("an id is a text here");
    format!("{:x}", id.parse::<u64>().expect("an id is a number"))
}

/// The text without what two servers, or two moments, cannot have alike: ports, times, sizes.
fn steady(bytes: &[u8], etcd: &Etcd) -> String {
    let mut text = String::from_utf8_lossy(bytes).replace(&etcd.address(), "SERVER");
    for mark in [
        "took = ",
        "took ",
        "\"took\":\"",
        "\"Took\" : ",
        "remaining(",
        "\"ttl\":",
        "\"TTL\" : ",
        "\"dbSize\":",
        "\"dbSizeInUse\":",
        "\"DBSize\" : ",
        "\"DBSizeInUse\" : ",
    ] {
        let mut out = String::new();
        for (at, piece) in text.split(mark).enumerate() {
            let piece = if at == 0 {
                piece
            } else {
                piece.trim_start_matches(|c: char| c.is_alphanumeric() || ".µ".contains(c))
            };
            out.push_str(if at == 0 { "" } else { mark });
            out.push_str(piece);
        }
        text = out;
    }
    // Widths follow the cells, and both follow times and ports.
    let is_measure = |word: &str| {
        word.starts_with(|c: char| c.is_ascii_digit())
            && (word.ends_with("ms") || word.ends_with("µs"))
    };
    if !text.contains('┌') {
        return text;
    }
    let text = text.replace('─', "");
    let words = text.split_whitespace().filter(|word| !is_measure(word));
    words.collect::<Vec<_>>().join(" ")
}

#[test]
fn every_help_page_is_a_success_on_stdout() {
    on_twins(&["3.7"], |_| {
        for row in listed().iter().filter(|row| is_online(row) && row.flag == "--help") {
            let command: Vec<&str> = row.command.split(' ').filter(|word| *word != "*").collect();
            for flag in ["--help", "-h"] {
                let args = [command.as_slice(), &[flag]].concat();
                // The text is ours.
                let (ours, theirs) = (Run::ours(&args).outcome(), Run::reference(&args).outcome());
                assert_eq!((ours.status, theirs.status), (0, 0), "{ours}");
                assert!(!ours.stdout.is_empty() && ours.stderr.is_empty(), "{ours}");
            }
        }
    });
}
