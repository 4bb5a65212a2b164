//! What a command may touch: the flags that all share, the cluster, the output.

use std::ffi::OsString;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::cluster::endpoint::Endpoint;
use crate::cluster::srv::{self, NameServers};
use crate::cluster::target::{Limits, Patience, Target, speaks_tls};
use crate::cluster::tls::TlsFiles;
use crate::cluster::{Cluster, KeepAlive};
use crate::error::{Error, Exit, Result};
use crate::global::Global;
use crate::login;
use crate::output::{Format, Output};
use crate::reply::Reply;

/// What the environment's variables came to: heeded by commands that talk to a server, and by no other.
#[derive(Debug, Default)]
pub struct Environment {
    /// Those that commands read themselves.
    pub others: Vec<(OsString, OsString)>,
    pub error: Option<Error>,
    pub warnings: Vec<String>,
}

/// Handed to each command.
pub struct Context {
    /// The whole command line, as it is described to people and shells.
    pub command_line: &'static clap::Command,
    global: Global,
    /// How many of the line's words stood before `--`, where that stands there.
    pub dash: Option<usize>,
    environment: Environment,
    cluster: Option<Cluster>,
    out: Option<Output>,
}

impl Context {
    #[must_use]
    pub fn new(
        command_line: &'static clap::Command,
        global: Global,
        environment: Environment,
    ) -> Self {
        Self { command_line, global, dash: None, environment, cluster: None, out: None }
    }

    /// A variable that is no flag; none where it is empty.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<OsString> {
        let found = self.environment.others.iter().find(|(other, _)| other == name);
        found.map(|(_, value)| value.clone()).filter(|value| !value.is_empty())
    }

    /// Standard output in the format that was asked for, which must be one of `supported`. Called
    /// before anything is connected, and after a command has found no fault with its own arguments.
    pub fn output(&mut self, supported: &[Format]) -> Result<Output> {
        if let Some(err) = self.environment.error.take() {
            return Err(err);
        }
        for line in self.environment.warnings.drain(..) {
            warn(&line);
        }
        for (flag, path) in [
            ("cert", &self.global.cert),
            ("key", &self.global.key_file),
            ("cacert", &self.global.cacert),
        ] {
            if path.as_deref() == Some(Path::new("")) {
                let words = format!("empty string is passed to --{flag} option");
                return Err(Error::bad_args(words));
            }
        }
        let output = Output::new(Format::named(&self.global.write_out)?, self.global.hex)?;
        output.needs(supported)?;
        Ok(output)
    }

    /// The cluster, and an output for what it answers, which [`Context::print`] writes to.
    pub async fn cluster_for(&mut self, supported: &[Format]) -> Result<&Cluster> {
        self.out = Some(self.output(supported)?);
        self.cluster().await
    }

    /// Writes one answer.
    pub fn print(&mut self, reply: &Reply) -> Result<()> {
        match &mut self.out {
            Some(out) => out.print(reply),
            None => self.output(&Format::ALL)?.print(reply),
        }
    }

    /// The cluster that the flags name. Nothing is connected before it is asked something.
    pub async fn cluster(&mut self) -> Result<&Cluster> {
        if self.cluster.is_none() {
            let target = self.target().await?;
            self.cluster = Some(Cluster::new(target)?);
        }
        // Set just above where it was not.
        self.cluster.as_ref().ok_or_else(|| Error::failure("there is no cluster"))
    }

    /// The cluster, for a question that must keep nobody waiting: none where a password would be asked
    /// for, or where a file that is needed is none that can be read at once.
    pub async fn cluster_at_hand(&mut self) -> Option<&Cluster> {
        let files = [&self.global.cacert, &self.global.cert, &self.global.key_file];
        let at_hand = files.into_iter().flatten().all(|path| path.is_file());
        if self.environment.error.is_some() || !at_hand || login::waits(&self.global) {
            return None;
        }
        self.cluster().await.ok()
    }

    async fn target(&self) -> Result<Target> {
        let global = &self.global;
        let endpoints: Vec<_> =
            self.endpoints().await?.iter().map(|text| Endpoint::parse(text)).collect();
        let login = login::login(global).await?;
        let files = TlsFiles {
            cacert: global.cacert.clone(),
            cert: global.cert.clone(),
            key: global.key_file.clone(),
            skip_verify: global.insecure_skip_tls_verify,
        };
        // Since 3.6 to skip verification is to want TLS.
        let asked_for = files.any()
            || global.insecure_skip_tls_verify
            || !global.insecure_transport
            || !(global.discovery_srv.is_empty() || global.insecure_discovery);
        let tls = if speaks_tls(&endpoints, asked_for) {
            Some(Arc::new(files.config()?))
        } else {
            // Plain text needs no files, but those that were named must be right all the same.
            if files.any() {
                files.config()?;
            }
            None
        };
        let time = |duration: crate::go::duration::GoDuration| duration.as_std();
        Ok(Target {
            endpoints,
            tls,
            login,
            patience: Patience {
                dial: time(global.dial_timeout),
                command: time(global.command_timeout).unwrap_or(Duration::ZERO),
            },
            keep_alive: KeepAlive {
                every: time(global.keepalive_time).unwrap_or(Duration::ZERO),
                timeout: time(global.keepalive_timeout).unwrap_or(Duration::ZERO),
            },
            limits: limits(global.max_request_bytes, global.max_recv_bytes)?,
            debug: global.debug,
        })
    }

    /// The endpoints that were named, or those that DNS names.
    async fn endpoints(&self) -> Result<Vec<String>> {
        let global = &self.global;
        if global.discovery_srv.is_empty() {
            return Ok(global.endpoints());
        }
        let (domain, name) = (&global.discovery_srv, &global.discovery_srv_name);
        let servers = NameServers::of_the_system();
        let found = srv::discover(domain, name, global.insecure_discovery, &servers).await?;
        for line in &found.ignored {
            warn(line);
        }
        Ok(if found.endpoints.is_empty() { global.endpoints() } else { found.endpoints })
    }
}

/// Limits as the flags give them; zero and less mean the official ones.
fn limits(send: i64, receive: i64) -> Result<Limits> {
    let given = |limit: i64| usize::try_from(limit).ok().filter(|&limit| limit > 0);
    if receive > 0 && send > receive {
        let words = format!(
            "gRPC message recv limit ({receive} bytes) must be greater than send limit ({send} bytes)"
        );
        return Err(Error::new(Exit::BadConnection, words));
    }
    Ok(Limits {
        send: given(send).unwrap_or(Limits::OFFICIAL.send),
        receive: given(receive).unwrap_or(Limits::OFFICIAL.receive),
    })
}

/// Warnings go where errors go; who closed that stream does not want them.
fn warn(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_of_zero_are_the_official_ones() {
        assert_eq!(limits(0, -1).unwrap(), Limits::OFFICIAL);
        assert_eq!(limits(10, 1000).unwrap(), Limits { send: 10, receive: 1000 });
        assert_eq!(
            limits(2000, 1000).unwrap_err().message(),
            "gRPC message recv limit (1000 bytes) must be greater than send limit (2000 bytes)"
        );
    }
}
