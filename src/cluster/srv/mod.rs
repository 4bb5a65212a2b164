//! DNS discovery (`-d DOMAIN`): SRV records to endpoints, in the official client's order and words
//! (etcd 3.7.1 `client/pkg/srv.GetClient`, Go 1.26 `net.LookupSRV`).

use hickory_proto::rr::{RData, RecordType};

use crate::error::{Error, Result};

mod dns;
mod system;

pub use system::NameServers;

use dns::Failure;

/// What was discovered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discovery {
    /// Endpoints as texts, those in TLS first. None: the caller falls back to `--endpoints`.
    pub endpoints: Vec<String>,
    /// Lines for stderr about endpoints left out.
    pub ignored: Vec<String>,
}

/// Looks a cluster up: its members are the SRV records of `_etcd-client-ssl[-NAME]._tcp.DOMAIN`
/// and `_etcd-client[-NAME]._tcp.DOMAIN`; one of the two is enough. Without `insecure` the
/// second kind is left out.
pub async fn discover(
    domain: &str,
    name: &str,
    insecure: bool,
    servers: &NameServers,
) -> Result<Discovery> {
    let service = |kind: &str| match name {
        "" => kind.to_owned(),
        name => format!("{kind}-{name}"),
    };
    let (tls, plain) = (service("etcd-client-ssl"), service("etcd-client"));
    let (tls, plain) =
        tokio::join!(lookup(&tls, domain, servers, 0), lookup(&plain, domain, servers, 1));
    let (tls, plain) = match (tls, plain) {
        (Err(tls), Err(plain)) => return Err(neither(domain, &tls, &plain)),
        (tls, plain) => (tls.unwrap_or_default(), plain.unwrap_or_default()),
    };
    let mut endpoints: Vec<String> = tls.iter().map(|target| target.endpoint("https")).collect();
    let plain = plain.iter().map(|target| target.endpoint("http"));
    let mut ignored = Vec::new();
    if insecure {
        endpoints.extend(plain);
    } else {
        ignored.extend(plain.map(|one| format!("ignoring discovered insecure endpoint \"{one}\"")));
    }
    Ok(Discovery { endpoints, ignored })
}

fn neither(domain: &str, tls: &Failure, plain: &Failure) -> Error {
    let error = Error::failure(format!("dns lookup errors: {tls} and {plain}"));
    match (tls, plain) {
        (Failure::NoName { .. }, Failure::NoName { .. }) => error
            .because(format!("the domain {domain:?} has no SRV records for an etcd cluster"))
            .hint(format!("`dig SRV _etcd-client-ssl._tcp.{domain}` shows what -d looks for")),
        _ => error
            .because(format!("the name server could not tell about the domain {domain:?}"))
            .hint("the name servers are those in /etc/resolv.conf; --endpoints needs none"),
    }
}

/// One record.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Target {
    priority: u16,
    weight: u16,
    port: u16,
    /// With its final dot, which stays visible.
    host: String,
}

impl Target {
    fn endpoint(&self, scheme: &str) -> String {
        format!("{scheme}://{}:{}", self.host, self.port)
    }
}

async fn lookup(
    service: &str,
    domain: &str,
    servers: &NameServers,
    turn: usize,
) -> Result<Vec<Target>, Failure> {
    let name = format!("_{service}._tcp.{domain}");
    let answers = dns::lookup(&name, domain, RecordType::SRV, servers, turn).await?;
    let mut targets: Vec<Target> = answers
        .iter()
        .filter_map(|record| match &record.data {
            RData::SRV(srv) => Some(Target {
                priority: srv.priority,
                weight: srv.weight,
                port: srv.port,
                host: srv.target.to_ascii(),
            }),
            _ => None,
        })
        .collect();
    if targets.iter().any(|target| !dns::is_domain_name(&target.host)) {
        let words = "DNS response contained records which contain invalid names";
        return Err(Failure::other(domain, None, words));
    }
    sort(&mut targets, |below| fastrand::usize(..below));
    Ok(targets)
}

/// By priority; equals by weighted chance (RFC 2782, as Go draws).
fn sort(targets: &mut [Target], mut draw: impl FnMut(usize) -> usize) {
    targets.sort_by_key(|target| (target.priority, target.weight));
    for mut equals in targets.chunk_by_mut(|a, b| a.priority == b.priority) {
        let mut sum: usize = equals.iter().map(|target| usize::from(target.weight)).sum();
        while sum > 0 && equals.len() > 1 {
            let drawn = draw(sum);
            let mut passed = 0;
            let chosen = equals.iter().position(|target| {
                passed += usize::from(target.weight);
                passed > drawn
            });
            equals.swap(0, chosen.unwrap_or(0));
            sum -= usize::from(equals[0].weight);
            equals = &mut equals[1..];
        }
    }
}

#[cfg(test)]
mod tests;
