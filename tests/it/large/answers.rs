//! The same bytes as the official client's, for every shape of a range.

use crate::large::{DEADLINE, HEAVY, Reading, VALUE, heavy, many, on_filled, store};
use crate::support::{Etcd, FORMATS, Run, agree_as, words};

const SERVERS: [&str; 3] = ["3.4", "3.6", "3.7"];

#[track_caller]
fn agree(etcd: &Etcd, line: &str) {
    agree_as(etcd, &words(line), |run| run.deadline(DEADLINE));
}

#[test]
fn every_shape_of_a_large_range_is_the_official_answer() {
    on_filled(&SERVERS, many, |etcd| {
        let before = revision(&etcd);
        // Afterwards some keys have changed, some are gone, some are new.
        store(&etcd, (0..300).map(|i| (format!("key/{:05}", i * 100).into_bytes(), b"new".into())));
        store(&etcd, (0..50).map(|i| (format!("key/{i:05}x").into_bytes(), b"between".into())));
        let all = "get '' --prefix";
        for format in FORMATS {
            agree(&etcd, &format!("{all} -w {format} --command-timeout 60s"));
            agree(&etcd, &format!("{all} -w {format} --keys-only"));
        }
        let past = format!("{all} --rev {before} --command-timeout 60s");
        agree(&etcd, &past);
        agree(&etcd, &format!("{past} -w json --keys-only"));
        // Around the size of the first page; the new keys stand in between.
        for (first, keys) in [(20_000, 999), (20_000, 1000), (20_000, 1001), (5, 1000), (99, 2000)]
        {
            let end = first + keys;
            agree(&etcd, &format!("get key/{first:05} key/{end:05} -w json"));
            agree(&etcd, &format!("get key/{first:05} key/{end:05} --print-value-only"));
            agree(&etcd, &format!("get key/{first:05} key/{end:05} -w fields --rev {before}"));
        }
        for limit in [1, 999, 1000, 1001, 30_049, 30_050, 30_051] {
            agree(&etcd, &format!("{all} --limit {limit} -w json --command-timeout 60s"));
        }
        for line in [
            "get key/15000 --from-key --command-timeout 60s",
            "get key/29000 --from-key -w json",
            "get key/29001 --from-key -w fields",
            "get key/1 --prefix -w json --keys-only",
            "get '' --from-key --keys-only",
            "get key/ key0 --keys-only --hex",
            "get '' --prefix --count-only -w fields",
            "get '' --prefix --keys-only --consistency s",
            "get '' --prefix --keys-only --sort-by KEY",
            "get '' --prefix --keys-only --order DESCEND",
            "get '' --prefix --keys-only --order DESCEND --limit 1500",
            "get '' --prefix --keys-only --sort-by MODIFY -w json",
            "get '' --prefix --keys-only --sort-by VALUE --order ASCEND",
            "get '' --prefix --keys-only --min-mod-rev 240 -w json",
            "get '' --prefix --keys-only --max-create-rev 100",
            "get nothing/ --prefix -w json",
            "get '' --prefix --keys-only --max-recv-bytes 5000000 -w json",
            "get '' --prefix --max-recv-bytes 3000000 --command-timeout 60s",
            "get '' --prefix --stream --keys-only --command-timeout 60s",
            "get '' --prefix --stream -w json --limit 1500",
            "get '' --prefix --rev 100000",
        ] {
            agree(&etcd, line);
        }
    });
}

/// The server's present revision, as it says itself.
pub fn revision(etcd: &Etcd) -> i64 {
    let answer = etcd.ask("/v3/kv/range", r#"{"key":"AA=="}"#);
    let (_, rest) = answer.split_once("\"revision\":\"").expect("a header");
    rest.split('"').next().and_then(|text| text.parse().ok()).expect("a number")
}

/// What may be in memory, in KiB: little more than the windows of HTTP/2.
const MOST: usize = 12 << 10;

#[test]
fn a_hundred_megabytes_are_read_in_bounded_memory_by_a_reader_who_takes_a_rest() {
    on_filled(&SERVERS, heavy, |etcd| {
        let endpoint = etcd.endpoint();
        let minor = etcd.minor();
        let args = ["get", "", "--prefix", "--command-timeout", "60s"];
        let wanted = Run::reference(["--endpoints", &endpoint].iter().chain(&args));
        let wanted = wanted.deadline(DEADLINE).outcome().stdout;
        // Ours is not optimised here, and slow to quote: those formats are given a part.
        for (format, part) in [("simple", 1), ("protobuf", 1), ("json", 8), ("fields", 8)] {
            let end = format!("key/{:05}", HEAVY / VALUE / part);
            let args = ["get", "key/", &end, "-w", format, "--command-timeout", "60s"];
            let mut reading = Reading::start(&endpoint, &args);
            reading.read_to(usize::MAX);
            // The official client holds the whole answer, and in some formats its text as well.
            let peak = reading.peak;
            assert!(peak > 0 && peak < MOST, "etcd {minor}, {format}: {peak} KiB");
            if format == "simple" {
                reading.assert_prints(&wanted, &format!("etcd {minor}"));
            }
        }
        // A pager: time that our own reader takes is no time of the server's.
        let args = ["get", "", "--prefix", "--command-timeout", "2s", "--dial-timeout", "2s"];
        let mut reading = Reading::start(&endpoint, &args);
        reading.read_to(wanted.len() / 3);
        std::thread::sleep(std::time::Duration::from_secs(8));
        reading.read_to(wanted.len() - 1000);
        reading.look();
        let peak = reading.peak;
        assert!(peak < MOST, "etcd {minor}, after a rest: {peak} KiB");
        reading.assert_prints(&wanted, &format!("etcd {minor}, after a rest"));
    });
}
