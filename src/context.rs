//! What a command may touch: the flags that all share, the cluster, the output.

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::cluster::endpoint::Endpoint;
use crate::cluster::srv::{self, NameServers};
use crate::cluster::target::{Limits, Login, Patience, Target, speaks_tls};
use crate::cluster::tls::{Tls, TlsFiles};
use crate::cluster::{Cluster, KeepAlive};
use crate::contexts::{Contexts, PASSWORD_COMMAND, PROOFS};
use crate::discovery::{self, Ground};
use crate::error::{Error, Exit, Result};
use crate::global::{Endpoints, Global};
use crate::login;
use crate::output::{Format, Output};
use crate::reply::Reply;
use crate::snapshot::open::Opened;
use crate::source::Source;
use crate::terminal;

/// What the environment's variables came to: heeded by commands that talk to a server, and by no other.
#[derive(Debug, Default)]
pub struct Environment {
    /// The flags that every command takes: those on the line, and those that variables set.
    pub typed: Vec<(String, OsString)>,
    pub set: Vec<(String, OsString)>,
    /// Those that are read where they are needed.
    pub others: Vec<(OsString, OsString)>,
    pub error: Option<Error>,
    pub warnings: Vec<String>,
    /// Causes and ways out are not wanted.
    pub hints_off: bool,
}

/// Where a cluster is, what guards the way there, and who asks: what may differ between two clusters
/// that one command speaks to.
pub struct Reach {
    pub endpoints: Vec<String>,
    pub files: TlsFiles,
    /// TLS where an endpoint's text leaves it open.
    pub wants_tls: bool,
    pub login: Login,
}

/// Handed to each command.
pub struct Context {
    /// The whole command line, as it is described to people and shells.
    pub command_line: &'static clap::Command,
    global: Global,
    /// How many of the line's words stood before `--`, where that stands there.
    pub dash: Option<usize>,
    environment: Environment,
    /// What nobody said was looked for.
    settled: bool,
    /// A password is asked for once, however many clusters are made.
    login: Option<Login>,
    /// What files came to: read once, for as many clusters.
    tls: Vec<Arc<Tls>>,
    cluster: Option<Cluster>,
    out: Option<Output>,
    /// Ways out and warnings that were told already.
    told: Vec<String>,
}

impl Context {
    #[must_use]
    pub fn new(
        command_line: &'static clap::Command,
        global: Global,
        environment: Environment,
    ) -> Self {
        Self {
            command_line,
            global,
            dash: None,
            environment,
            settled: false,
            login: None,
            tls: Vec::new(),
            cluster: None,
            out: None,
            told: Vec::new(),
        }
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

    /// The time for a whole stream: streams have none unless somebody sets it.
    #[must_use]
    pub fn time_for_a_stream(&self) -> Option<Duration> {
        let given = self.global.is_given("command-timeout");
        given.then(|| self.global.command_timeout.as_std().unwrap_or(Duration::ZERO))
    }

    /// The endpoints as they were named, or as DNS names them.
    pub async fn endpoint_names(&mut self) -> Result<Vec<String>> {
        self.endpoints().await
    }

    /// The cluster, and an output for what it answers, which [`Context::print`] writes to.
    pub async fn cluster_for(&mut self, supported: &[Format]) -> Result<&Cluster> {
        self.answers_in(supported)?;
        self.cluster().await
    }

    /// Likewise, for a command that asks no server: variables are not its business.
    pub fn offline_in(&mut self, supported: &[Format]) -> Result<()> {
        let output = Output::new(Format::named(&self.global.write_out)?, self.global.hex)?;
        output.needs(supported)?;
        self.out = Some(output);
        Ok(())
    }

    /// The file that was named, else the cluster.
    pub async fn source(&mut self, file: Option<&Path>) -> Result<Source<'_>> {
        let Some(path) = file else { return Ok(Source::Cluster(self.cluster().await?)) };
        let opened = Opened::at(path)?;
        if opened.missing > 0 {
            let line = format!(
                "{}: {} entries of the log are not in the database: the newest changes may be missing",
                path.display(),
                opened.missing
            );
            // A command may ask twice.
            if !self.told.contains(&line) {
                warn(&line);
                self.told.push(line);
            }
        }
        Ok(Source::File(opened))
    }

    /// An output for what [`Context::print`] is given.
    pub fn answers_in(&mut self, supported: &[Format]) -> Result<Format> {
        let output = self.output(supported)?;
        Ok(self.out.insert(output).format)
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
            let endpoints = self.endpoints().await?;
            self.cluster = Some(self.cluster_at(endpoints).await?);
        }
        // Set just above where it was not.
        self.cluster.as_ref().ok_or_else(|| Error::failure("there is no cluster"))
    }

    /// The cluster, for a question that must keep nobody waiting: none where a password would be asked
    /// for, or where a file that is needed is none that can be read at once.
    pub async fn cluster_at_hand(&mut self) -> Option<&Cluster> {
        self.settle(false).await.ok()?;
        let files = [&self.global.cacert, &self.global.cert, &self.global.key_file];
        let at_hand = files.into_iter().flatten().all(|path| path.is_file());
        if self.environment.error.is_some() || !at_hand || login::waits(&self.global) {
            return None;
        }
        self.cluster().await.ok()
    }

    /// A cluster of these endpoints alone, reached as the flags say: a connection of its own.
    pub async fn cluster_at(&mut self, endpoints: Vec<String>) -> Result<Cluster> {
        Cluster::new(self.target_at(endpoints).await?)
    }

    /// The same before anything is made of it.
    pub async fn target_at(&mut self, endpoints: Vec<String>) -> Result<Target> {
        self.settle(true).await?;
        let login = match &self.login {
            Some(login) => login.clone(),
            None => self.login.insert(login::login(&self.global).await?).clone(),
        };
        let (global, files) = (&self.global, self.files());
        // Since 3.6 to skip verification is to want TLS.
        let wants_tls = files.any()
            || global.insecure_skip_tls_verify
            || !global.insecure_transport
            || !(global.discovery_srv.is_empty() || global.insecure_discovery);
        self.target_of(Reach { endpoints, files, wants_tls, login })
    }

    /// What is wrong with the files that the flags name, if anything is.
    pub async fn files_fault(&mut self) -> Result<Option<Error>> {
        self.settle(true).await?;
        let files = self.files();
        Ok(if files.any() { self.tls(&files).err() } else { None })
    }

    /// The way to these endpoints as far as it leads without any file: to a connection.
    pub fn target_without_files(&mut self, endpoints: Vec<String>) -> Result<Target> {
        let files = TlsFiles { skip_verify: true, ..TlsFiles::default() };
        let reach = Reach { endpoints, files, wants_tls: false, login: Login::None };
        Ok(Target { tls: None, ..self.target_of(reach)? })
    }

    fn files(&self) -> TlsFiles {
        let global = &self.global;
        TlsFiles {
            cacert: global.cacert.clone(),
            cert: global.cert.clone(),
            key: global.key_file.clone(),
            skip_verify: global.insecure_skip_tls_verify,
        }
    }

    /// Any cluster; the flags say how long to wait for it and how much to take from it.
    pub fn cluster_of(&mut self, reach: Reach) -> Result<Cluster> {
        Cluster::new(self.target_of(reach)?)
    }

    fn target_of(&mut self, reach: Reach) -> Result<Target> {
        let Reach { endpoints, files, wants_tls, login } = reach;
        let endpoints: Vec<_> = endpoints.iter().map(|text| Endpoint::parse(text)).collect();
        let speaks_tls = speaks_tls(&endpoints, wants_tls);
        // Plain text needs no files, but those that were named must be right all the same.
        let tls = if speaks_tls || files.any() { Some(self.tls(&files)?) } else { None };
        let global = &self.global;
        let time = |duration: crate::go::duration::GoDuration| duration.as_std();
        Ok(Target {
            endpoints,
            tls: tls.filter(|_| speaks_tls),
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

    fn tls(&mut self, files: &TlsFiles) -> Result<Arc<Tls>> {
        if let Some(known) = self.tls.iter().find(|tls| tls.files() == files) {
            return Ok(Arc::clone(known));
        }
        let tls = Arc::new(files.config()?);
        self.tls.push(Arc::clone(&tls));
        Ok(tls)
    }

    /// Tells a failure that does not end the command: its causes, its way out, then the official line.
    /// A way out is told once.
    pub fn complain(&mut self, error: &Error, line: &str) {
        if !self.environment.hints_off {
            error.causes().iter().for_each(|cause| warn(cause));
            if let Some(hint) = error.way_out().filter(|&hint| !self.told.iter().any(|t| t == hint))
            {
                warn(&format!("hint: {hint}"));
                self.told.push(hint.to_owned());
            }
        }
        if !line.is_empty() {
            warn(line);
        }
    }

    /// Takes what was not said from the context, then, where still nobody said where a server is, from the one
    /// on this machine.
    async fn settle(&mut self, aloud: bool) -> Result<()> {
        if !std::mem::replace(&mut self.settled, true) {
            self.take_context()?;
            self.discover(aloud).await;
        }
        Ok(())
    }

    /// The flags of the context that was named, else of the current one; what was said goes before it.
    fn take_context(&mut self) -> Result<()> {
        let contexts = Contexts::read(|name| self.variable(name))?;
        let named = Some(self.global.context.as_str()).filter(|name| !name.is_empty());
        let Some(contexts) = contexts else {
            let why = "neither XDG_CONFIG_HOME nor HOME says where contexts are";
            return match named {
                None => Ok(()),
                Some(name) => {
                    Err(Error::bad_args(format!("there is no context {name:?}")).because(why))
                }
            };
        };
        let Some(name) = named.or(contexts.current()) else { return Ok(()) };
        let mut command = None;
        let mut flags = Vec::new();
        for (key, value) in contexts.flags(name)? {
            // Another user has another password.
            let other = self.global.is_given("user") && PROOFS.contains(&key);
            if key == PASSWORD_COMMAND {
                let instead =
                    ["password", "password-file"].iter().any(|flag| self.global.is_given(flag));
                command = value.into_string().ok().filter(|_| !other && !instead);
            } else if !other && !self.global.is_given(key) {
                flags.push((key.to_owned(), value));
            }
        }
        flags.extend(self.environment.set.iter().chain(&self.environment.typed).cloned());
        self.global = Global::of(flags).map_err(|words| {
            Error::bad_args(format!("the context {name:?} holds a wrong value: {words}"))
        })?;
        self.global.password_command = command;
        Ok(())
    }

    /// The flags on the line that every command takes.
    #[must_use]
    pub fn typed(&self) -> Vec<(String, OsString)> {
        self.environment.typed.clone()
    }

    /// Where nobody said where a server is: the one on this machine, if there is one. `aloud`: a person is
    /// told which.
    async fn discover(&mut self, aloud: bool) {
        let off = self.variable("ETCDCTL_DISCOVERY").is_some_and(|value| value == "off");
        if off || self.global.no_discovery || !self.global.leaves_the_place_open() {
            return;
        }
        let path = |name: &str, usual: &str| self.variable(name).unwrap_or(usual.into());
        let ground = Ground {
            proc: path("ETCDCTL_DISCOVERY_PROC", "/proc").into(),
            root: path("ETCDCTL_DISCOVERY_ROOT", "/").into(),
            local: path("ETCDCTL_DISCOVERY_LOCAL", Global::LOCAL).to_string_lossy().into_owned(),
        };
        let search = discovery::search(&ground, self.global.dial_timeout.as_std()).await;
        if let Some(found) = search.found {
            if aloud {
                warn(&format!("using {} {}", found.endpoint, found.whose));
            }
            self.global.endpoints = vec![Endpoints(vec![found.endpoint])];
            self.global.cacert = found.cacert;
            (self.global.cert, self.global.key_file) = found.pair.unzip();
        } else if aloud && !self.environment.hints_off && !search.forbidden.is_empty() {
            let uid = rustix::process::geteuid().as_raw();
            for path in &search.forbidden {
                warn(&format!("{} may not be read by uid {uid}", path.display()));
            }
            warn(
                "hint: run it as root (sudo), or name files that you may read with --cacert, --cert, --key",
            );
        }
    }

    /// The endpoints that were named, or those that DNS names.
    pub async fn endpoints(&mut self) -> Result<Vec<String>> {
        self.settle(true).await?;
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
    terminal::tell(line);
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
