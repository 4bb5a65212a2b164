//! The flags that every command takes, and what they mean together.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args as _, FromArgMatches as _};

use crate::arg;
use crate::go::csv;
use crate::go::duration::GoDuration;
use crate::grammar::{self, Line};

/// Flags of the official client's root command; each has a variable `ETCDCTL_…` too.
#[derive(Clone, Debug, clap::Args)]
pub struct Global {
    /// Token to send with every request; user and password are then not used
    #[arg(long, global = true, hide = true, value_name = "TOKEN", default_value = "")]
    pub auth_jwt_token: String,
    /// Certificates of the authorities that may sign a server's certificate (PEM file)
    #[arg(long, global = true, hide = true, value_name = "FILE", value_parser = arg::path())]
    pub cacert: Option<PathBuf>,
    /// Client certificate (PEM file); needs --key
    #[arg(long, global = true, hide = true, value_name = "FILE", value_parser = arg::path())]
    pub cert: Option<PathBuf>,
    /// Longest time for one call
    #[arg(long, global = true, hide = true, value_name = "DURATION", default_value = "5s", value_parser = arg::duration)]
    pub command_timeout: GoDuration,
    /// Context to take what neither flags nor variables say from; `etcdctl context` keeps them
    #[arg(long, global = true, hide = true, value_name = "NAME", default_value = "")]
    pub context: String,
    /// Show calls and retries on stderr, without secrets
    #[arg(long, global = true, hide = true)]
    pub debug: bool,
    /// Longest time for the first contact with a server; 0 leaves it to --command-timeout
    #[arg(long, global = true, hide = true, value_name = "DURATION", default_value = "2s", value_parser = arg::duration)]
    pub dial_timeout: GoDuration,
    /// Domain whose DNS SRV records name the endpoints
    #[arg(
        short = 'd',
        long,
        global = true,
        hide = true,
        value_name = "DOMAIN",
        default_value = ""
    )]
    pub discovery_srv: String,
    /// Suffix of the SRV records' service name
    #[arg(long, global = true, hide = true, value_name = "NAME", default_value = "")]
    pub discovery_srv_name: String,
    /// Servers to ask: HOST:PORT or URLs, separated by commas
    #[arg(long, global = true, hide = true, value_name = "URLS", default_value = Self::LOCAL, value_parser = csv_record)]
    pub endpoints: Vec<Endpoints>,
    /// Print keys, values and ids in hexadecimal
    #[arg(long, global = true, hide = true)]
    pub hex: bool,
    /// Keep SRV records that name servers without TLS
    #[arg(long, global = true, hide = true, value_name = "BOOL", default_value_t = true, hide_possible_values = true, action = clap::ArgAction::Set)]
    pub insecure_discovery: bool,
    /// Do not verify the server's certificate
    #[arg(long, global = true, hide = true)]
    pub insecure_skip_tls_verify: bool,
    /// Speak plain text where no scheme and no certificate says otherwise
    #[arg(long, global = true, hide = true, value_name = "BOOL", default_value_t = true, hide_possible_values = true, action = clap::ArgAction::Set)]
    pub insecure_transport: bool,
    /// Time between pings while a stream is open, at least 10s; 0 for none
    #[arg(long, global = true, hide = true, value_name = "DURATION", default_value = "2s", value_parser = arg::duration)]
    pub keepalive_time: GoDuration,
    /// Longest time for a ping's answer
    #[arg(long, global = true, hide = true, value_name = "DURATION", default_value = "6s", value_parser = arg::duration)]
    pub keepalive_timeout: GoDuration,
    /// Private key of the client certificate (PEM file)
    #[arg(long = "key", global = true, hide = true, value_name = "FILE", value_parser = arg::path())]
    pub key_file: Option<PathBuf>,
    /// Largest answer taken, in bytes; 0 for 2147483647
    #[arg(long, global = true, hide = true, value_name = "N", default_value = "0", value_parser = arg::int)]
    pub max_recv_bytes: i64,
    /// Largest request sent, in bytes; 0 for 2097152
    #[arg(long, global = true, hide = true, value_name = "N", default_value = "0", value_parser = arg::int)]
    pub max_request_bytes: i64,
    /// Use the default endpoint as it is; do not look for the etcd that runs on this machine
    #[arg(long, global = true, hide = true)]
    pub no_discovery: bool,
    /// Password of --user
    #[arg(long, global = true, hide = true, value_name = "PASSWORD", default_value = "")]
    pub password: OsString,
    /// File that holds the password of --user in its first line; - for standard input
    #[arg(long, global = true, hide = true, value_name = "FILE", value_parser = arg::path())]
    pub password_file: Option<PathBuf>,
    /// User name, or NAME:PASSWORD; without a password it is asked for
    #[arg(long, global = true, hide = true, value_name = "NAME", default_value = "")]
    pub user: OsString,
    /// Format of the answer: simple, json, fields, table, protobuf, yaml, jsonl or raw
    #[arg(
        short = 'w',
        long,
        global = true,
        hide = true,
        value_name = "FORMAT",
        default_value = "simple"
    )]
    pub write_out: String,
    /// Prints the password of `user`: of a context, there is no flag for it.
    #[arg(skip)]
    pub password_command: Option<String>,
    /// The flags that the line or a variable set, by their long names: a default is not a wish.
    #[arg(skip)]
    pub given: Vec<String>,
}

/// One occurrence of `--endpoints`.
#[derive(Clone, Debug)]
pub struct Endpoints(pub Vec<String>);

fn csv_record(text: &str) -> Result<Endpoints, String> {
    csv::record(text).map(Endpoints).map_err(|err| err.to_string())
}

impl Global {
    /// What flags come to, by their long names; a later one wins over an earlier one.
    ///
    /// # Errors
    /// pflag's words for a value that is none.
    pub fn of(flags: Vec<(String, OsString)>) -> Result<Self, String> {
        const PROGRAM: &str = "etcdctl";
        let bare = clap::Command::new(PROGRAM).args_override_self(true).disable_help_flag(true);
        let bare = Self::augment_args(bare);
        let given = flags.iter().map(|(name, _)| name.clone()).collect();
        let line = Line::default().with_variables(&bare, flags)?;
        let words = line.canonical(&bare, PROGRAM);
        let matches = bare.clone().try_get_matches_from(words);
        let read = matches.and_then(|matches| Self::from_arg_matches(&matches));
        let global = read.map_err(|err| grammar::refusal::words(&bare, &err).0)?;
        Ok(Self { given, ..global })
    }

    /// The endpoint where none is named.
    pub const LOCAL: &str = "127.0.0.1:2379";

    /// The endpoints of all occurrences, without the blanks around them.
    #[must_use]
    pub fn endpoints(&self) -> Vec<String> {
        let all = self.endpoints.iter().flat_map(|record| &record.0);
        all.map(|text| text.trim().to_owned()).collect()
    }

    /// Whether nobody said where a server is, or what opens it.
    #[must_use]
    pub fn leaves_the_place_open(&self) -> bool {
        !["endpoints", "cacert", "cert", "key", "discovery-srv"]
            .iter()
            .any(|flag| self.is_given(flag))
    }

    /// Whether somebody asked for a flag's value.
    #[must_use]
    pub fn is_given(&self, flag: &str) -> bool {
        self.given.iter().any(|given| given == flag)
    }
}
