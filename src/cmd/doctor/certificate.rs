//! Days left: of what servers present, and of what we would present.

use crate::cluster::cause::Cause;
use crate::cluster::probe::{Probe, Stage};
use crate::cluster::tls::{TlsCause, TlsFiles, Validity, date};
use crate::error::Error;

use super::row::{Row, words};

pub const STEP: &str = "certificate";

/// Fewer days than these are worth a warning: the notice that monitors of certificates commonly give (the example of
/// Prometheus' blackbox exporter, and what kubeadm's yearly certificates leave time for).
const NOTICE_DAYS: i64 = 30;

const DAY: i64 = 86_400;

/// What a server presents.
pub fn server(probe: &Probe, now: i64) -> Row {
    const RENEW: &str = "renew it (kubeadm certs renew etcd-server) and restart etcd";
    let (target, way) = (probe.endpoint.as_str(), &probe.way);
    if probe.tls.is_none() {
        return Row::skip(STEP, target, "plain text is spoken here, which takes no certificate");
    }
    if let Some(secured) = &way.secured {
        return judged(&secured.chain, target, now, RENEW);
    }
    match (&way.end, &way.refused) {
        // Refused for something else, it has its days all the same.
        (Some((_, Cause::Tls(..))), Some(refused)) => {
            judged(std::slice::from_ref(refused), target, now, RENEW)
        }
        (Some((Stage::Name, _)), _) => Row::after(STEP, target, "name"),
        (Some((Stage::Tcp, _)), _) => Row::after(STEP, target, "tcp"),
        _ => Row::after(STEP, target, "tls"),
    }
}

/// Files that are of no use, for the reason that any command tells.
pub fn useless(fault: &Error) -> Row {
    Row::fail(STEP, "files", words(fault, "")).remedy(fault.way_out().unwrap_or_default())
}

/// What we present where TLS is spoken: each file once.
pub fn own(probes: &[Probe], now: i64) -> Vec<Row> {
    const RENEW: &str =
        "renew it (kubeadm certs renew etcd-healthcheck-client, where it is kubeadm's)";
    let mut rows = Vec::new();
    for tls in probes.iter().filter_map(|probe| probe.tls.as_ref()) {
        let Some(path) = &tls.files().cert else { continue };
        let row = judged(&tls.own(), &path.display().to_string(), now, RENEW);
        if !rows.contains(&row) {
            rows.push(row);
        }
    }
    rows
}

/// The first of a chain to end decides.
fn judged(chain: &[Validity], target: &str, now: i64, renew: &str) -> Row {
    let early = chain.iter().find(|one| one.not_before > now);
    let Some(first) = early.or_else(|| chain.iter().min_by_key(|one| one.not_after)) else {
        return Row::skip(STEP, target, "the certificate cannot be read");
    };
    let whose = format!("{} {:?}", if first.ca { "the CA" } else { "the certificate" }, first.name);
    if first.not_before > now {
        let remedy = TlsCause::NotYetValid { at: Some(first.not_before) };
        let detail = format!("{whose} is not valid before {}", date(first.not_before));
        return Row::fail(STEP, target, detail).remedy(way_out(&remedy));
    }
    let days = (first.not_after - now).div_euclid(DAY);
    let until = date(first.not_after);
    let remedy = if first.ca {
        way_out(&TlsCause::Expired { ca: Some(first.name.clone()), at: None })
    } else {
        renew.to_owned()
    };
    if first.not_after < now {
        let ago = plural((now - first.not_after) / DAY);
        return Row::fail(STEP, target, format!("{whose} expired on {until}, {ago} ago"))
            .remedy(remedy);
    }
    let detail = format!("{whose} expires on {until}, in {}", plural(days));
    if days < NOTICE_DAYS {
        return Row::warn(STEP, target, detail).remedy(remedy);
    }
    Row::ok(STEP, target, detail)
}

fn way_out(cause: &TlsCause) -> String {
    cause.hint(&TlsFiles::default()).unwrap_or_default()
}

fn plural(days: i64) -> String {
    match days {
        0 => "less than a day".to_owned(),
        1 => "1 day".to_owned(),
        days => format!("{days} days"),
    }
}
