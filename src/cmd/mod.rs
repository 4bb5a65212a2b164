//! A command is a file: what it takes, and one function that does it.

pub mod alarm;
pub mod auth;
pub mod check;
pub mod compaction;
pub mod complete;
pub mod completion;
pub mod context;
pub mod defrag;
pub mod del;
pub mod doctor;
pub mod downgrade;
pub mod elect;
pub mod endpoint;
pub mod get;
pub mod hashkv;
pub mod help;
pub mod kube;
pub mod lease;
pub mod lock;
pub mod make_mirror;
pub mod man;
pub mod member;
pub mod migrate;
pub mod move_leader;
pub mod options;
pub mod put;
pub mod role;
pub mod snapshot;
pub mod txn;
pub mod user;
pub mod version;
pub mod watch;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::context::Context;
use crate::error::{Error, Result};
use crate::terminal::Interruption;

/// The commands of the program.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    Get(get::Args),
    Put(put::Args),
    Del(del::Args),
    Txn(txn::Args),
    Compaction(compaction::Args),
    Watch(watch::Args),
    MakeMirror(make_mirror::Args),
    Lock(lock::Args),
    Elect(elect::Args),
    Lease(lease::Args),
    Alarm(alarm::Args),
    Defrag(defrag::Args),
    Endpoint(endpoint::Args),
    MoveLeader(move_leader::Args),
    Downgrade(downgrade::Args),
    Member(member::Args),
    Snapshot(snapshot::Args),
    Migrate(migrate::Args),
    Hashkv(hashkv::Args),
    Kube(kube::Args),
    Auth(auth::Args),
    Role(role::Args),
    User(user::Args),
    Check(check::Args),
    Doctor(doctor::Args),
    Context(context::Args),
    Version(version::Args),
    Options(options::Args),
    Help(help::Args),
    Completion(completion::Args),
    #[command(hide = true)]
    Man(man::Args),
}

/// The official client's commands (3.7.1), in its own order: their unique prefixes are names too,
/// also of those that this program does not have yet.
pub const REFERENCE: [&str; 25] = [
    "get",
    "put",
    "del",
    "txn",
    "compaction",
    "alarm",
    "defrag",
    "endpoint",
    "move-leader",
    "watch",
    "version",
    "lease",
    "member",
    "snapshot",
    "make-mirror",
    "lock",
    "elect",
    "auth",
    "user",
    "role",
    "check",
    "completion",
    "downgrade",
    "options",
    "help",
];

pub async fn run(command: Command, cx: &mut Context) -> Result<()> {
    match command {
        Command::Get(args) => get::run(args, cx).await,
        Command::Put(args) => put::run(args, cx).await,
        Command::Del(args) => del::run(args, cx).await,
        Command::Txn(args) => txn::run(args, cx).await,
        Command::Compaction(args) => compaction::run(args, cx).await,
        Command::Watch(args) => watch::run(args, cx).await,
        Command::MakeMirror(args) => make_mirror::run(args, cx).await,
        Command::Lock(args) => lock::run(args, cx).await,
        Command::Elect(args) => elect::run(args, cx).await,
        Command::Lease(args) => lease::run(args, cx).await,
        Command::Alarm(args) => alarm::run(args, cx).await,
        Command::Defrag(args) => defrag::run(&args, cx).await,
        Command::Endpoint(args) => endpoint::run(args, cx).await,
        Command::MoveLeader(args) => move_leader::run(&args, cx).await,
        Command::Downgrade(args) => downgrade::run(args, cx).await,
        Command::Member(args) => member::run(args, cx).await,
        Command::Migrate(args) => migrate::run(args).await,
        Command::Snapshot(args) => snapshot::run(args, cx).await,
        Command::Hashkv(args) => hashkv::run(&args, cx),
        Command::Kube(args) => kube::run(args, cx).await,
        Command::Auth(args) => auth::run(args, cx).await,
        Command::Role(args) => role::run(args, cx).await,
        Command::User(args) => user::run(args, cx).await,
        Command::Check(args) => check::run(args, cx).await,
        Command::Doctor(args) => doctor::run(args, cx).await,
        Command::Context(args) => context::run(args, cx),
        Command::Version(_) => version::run(cx),
        Command::Options(_) => options::run(cx),
        Command::Help(args) => help::run(&args, cx),
        Command::Completion(args) => completion::run(&args, cx),
        Command::Man(args) => man::run(&args, cx),
    }
}

/// The reference's names below a path of commands.
#[must_use]
pub fn reference(path: &[String]) -> &'static [&'static str] {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    match path.as_slice() {
        [] => &REFERENCE,
        ["alarm"] => &["disarm", "list"],
        ["auth"] => &["disable", "enable", "status"],
        ["member"] => &["add", "list", "promote", "remove", "update"],
        ["role"] => &["add", "delete", "get", "grant-permission", "list", "revoke-permission"],
        ["user"] => &["add", "delete", "get", "grant-role", "list", "passwd", "revoke-role"],
        ["snapshot"] => &["save"],
        ["downgrade"] => &["cancel", "enable", "validate"],
        ["check"] => &["datascale", "perf"],
        ["endpoint"] => &["hashkv", "health", "status"],
        ["lease"] => &["grant", "keep-alive", "list", "revoke", "timetolive"],
        _ => &[],
    }
}

/// Runs work that no signal may cut off: at a signal it is asked to stop, and clears up.
async fn uninterrupted(
    work: impl FnOnce(Arc<AtomicBool>) -> Result<()> + Send + 'static,
) -> Result<()> {
    let stop = Arc::new(AtomicBool::new(false));
    let mut interruption = Interruption::new();
    let mut work = tokio::task::spawn_blocking({
        let stop = Arc::clone(&stop);
        move || work(stop)
    });
    let failed = |err| Error::failure(format!("could not finish: {err}"));
    tokio::select! {
        done = &mut work => done.map_err(failed)?,
        signal = interruption.wait() => {
            stop.store(true, Ordering::SeqCst);
            let done = work.await.map_err(failed)?;
            if done.is_err() {
                interruption.obey(signal);
            }
            done
        }
    }
}
