//! What a load showed, in the official client's words (etcdctl 3.7.1, `check.go`, `pkg/report`).

use std::collections::BTreeMap;
use std::time::Duration;

use super::load::Outcome;

/// The slowest write and the deviation that are still good.
const SLOWEST: f64 = 0.5;
const DEVIATION: f64 = 0.1;
/// The part of the rate wanted that must have been reached.
const ENOUGH: f64 = 0.9;

/// The lines of a report on throughput and latency, and whether all is well.
#[must_use]
pub fn performance(outcome: &Outcome, per_second: u32) -> (Vec<String>, bool) {
    let seconds: Vec<f64> = outcome.latencies.iter().map(Duration::as_secs_f64).collect();
    // Of no writes the mean is not a number, and neither too high nor too low.
    #[expect(clippy::cast_precision_loss, reason = "no load has so many writes")]
    let count = seconds.len() as f64;
    let mean = seconds.iter().sum::<f64>() / count;
    let deviation = (seconds.iter().map(|one| (one - mean).powi(2)).sum::<f64>() / count).sqrt();
    let slowest = seconds.iter().copied().fold(0.0, f64::max);
    let rate = count / outcome.took.as_secs_f64().max(f64::EPSILON);
    #[expect(clippy::cast_possible_truncation, reason = "cut off, as there")]
    let shown = rate as i64 + 1;

    let mut lines = errors(&outcome.errors);
    let mut well = lines.is_empty();
    let mut say = |good: bool, fine: String, bad: String| {
        lines.push(if good { fine } else { bad });
        well &= good;
    };
    say(
        rate / f64::from(per_second) > ENOUGH,
        format!("PASS: Throughput is {shown} writes/s"),
        format!("FAIL: Throughput too low: {shown} writes/s"),
    );
    say(
        slowest <= SLOWEST,
        format!("PASS: Slowest request took {slowest:.6}s"),
        format!("Slowest request took too long: {slowest:.6}s"),
    );
    say(
        deviation.is_nan() || deviation <= DEVIATION,
        format!("PASS: Stddev is {deviation:.6}s"),
        format!("Stddev too high: {deviation:.6}s"),
    );
    lines.push(if well { "PASS" } else { "FAIL" }.to_owned());
    (lines, well)
}

/// The failures, if any. The official client has no order among them.
#[must_use]
pub fn errors(errors: &BTreeMap<String, usize>) -> Vec<String> {
    if errors.is_empty() {
        return Vec::new();
    }
    let each = errors.iter().map(|(words, count)| format!("FAIL: ERROR({words}) -> {count}"));
    std::iter::once("FAIL: too many errors".to_owned()).chain(each).collect()
}

/// What the keys took of a server's memory.
#[must_use]
pub fn memory(before: f64, after: f64) -> String {
    let megabytes = (after - before) / f64::from(1 << 20);
    format!("PASS: Approximate system memory used : {megabytes:.2} MB.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(latencies: &[u64], took: u64) -> Outcome {
        let latencies = latencies.iter().map(|&ms| Duration::from_millis(ms)).collect();
        Outcome { latencies, took: Duration::from_secs(took), ..Outcome::default() }
    }

    #[test]
    fn a_load_that_went_well_passes() {
        let (lines, well) = performance(&outcome(&[2, 4, 2, 4], 2), 2);
        assert!(well);
        assert_eq!(
            lines,
            [
                "PASS: Throughput is 3 writes/s",
                "PASS: Slowest request took 0.004000s",
                "PASS: Stddev is 0.001000s",
                "PASS"
            ]
        );
    }

    #[test]
    fn each_fault_is_told_and_any_fails_the_whole() {
        let mut slow = outcome(&[100, 900], 1);
        slow.errors.insert("etcdserver: too many requests".into(), 7);
        let (lines, well) = performance(&slow, 150);
        assert!(!well);
        assert_eq!(
            lines,
            [
                "FAIL: too many errors",
                "FAIL: ERROR(etcdserver: too many requests) -> 7",
                "FAIL: Throughput too low: 3 writes/s",
                "Slowest request took too long: 0.900000s",
                "Stddev too high: 0.400000s",
                "FAIL"
            ]
        );
        // Nine tenths are not enough: more it must be.
        assert!(!performance(&outcome(&[1; 9], 1), 10).1);
    }

    #[test]
    fn a_load_of_no_writes_has_no_mean() {
        let (lines, well) = performance(&outcome(&[], 60), 150);
        assert!(!well);
        assert_eq!(
            lines,
            [
                "FAIL: Throughput too low: 1 writes/s",
                "PASS: Slowest request took 0.000000s",
                "PASS: Stddev is NaNs",
                "FAIL"
            ]
        );
    }

    #[test]
    fn memory_is_told_in_two_places() {
        let line = memory(1_048_576.0, 27_570_000.0);
        assert_eq!(line, "PASS: Approximate system memory used : 25.29 MB.");
    }
}
