//! `role`: named sets of permissions.

use crate::arg::Bytes;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::output::Format;
use crate::reply::{Done, Reply};
use crate::request::{Permission, PermissionKind, RangeEnd};

/// List and change roles
#[derive(Debug, clap::Args)]
#[command(override_usage = "etcdctl role COMMAND")]
pub struct Args {
    #[command(subcommand)]
    command: Role,
}

#[derive(Debug, clap::Subcommand)]
enum Role {
    /// Add a role
    #[command(override_usage = "etcdctl role add ROLE")]
    Add {
        /// Name of the role
        role: Vec<String>,
    },
    /// Delete a role
    #[command(override_usage = "etcdctl role delete ROLE")]
    Delete {
        /// Name of the role
        role: Vec<String>,
    },
    /// Print a role's permissions
    #[command(override_usage = "etcdctl role get ROLE")]
    Get {
        /// Name of the role
        role: Vec<String>,
    },
    /// Let a role read, write, or both
    #[command(
        override_usage = "etcdctl role grant-permission [flags] ROLE read|write|readwrite KEY [END]"
    )]
    GrantPermission {
        /// Role, permission, key, and perhaps the first key past the range
        words: Vec<Bytes>,
        #[command(flatten)]
        extent: Extent,
    },
    /// List the roles
    #[command(override_usage = "etcdctl role list")]
    List {
        /// Nothing
        #[arg(hide = true)]
        none: Vec<String>,
    },
    /// Take a permission from a role
    #[command(override_usage = "etcdctl role revoke-permission [flags] ROLE KEY [END]")]
    RevokePermission {
        /// Role, key, and perhaps the first key past the range
        words: Vec<Bytes>,
        #[command(flatten)]
        extent: Extent,
    },
}

#[derive(Debug, clap::Args)]
struct Extent {
    /// Every key from KEY on, in byte order
    #[arg(long)]
    from_key: bool,
    /// Every key that begins with KEY
    #[arg(long)]
    prefix: bool,
}

pub async fn run(args: Args, cx: &mut Context) -> Result<()> {
    const FORMATS: &[Format] = &Format::WITHOUT_RAW;
    match args.command {
        Role::Add { role } => {
            let role = only(role, "role add command requires role name as its argument")?;
            let answer = cx.cluster_for(FORMATS).await?.role_add(role.clone()).await?;
            cx.print(&done(format!("Role {role} created"), answer.message.header, answer.bytes))
        }
        Role::Delete { role } => {
            let role = only(role, "role delete command requires role name as its argument")?;
            let answer = cx.cluster_for(FORMATS).await?.role_delete(role.clone()).await?;
            cx.print(&done(format!("Role {role} deleted"), answer.message.header, answer.bytes))
        }
        Role::Get { role } => {
            let name = only(role, "role get command requires role name as its argument")?;
            let answer = cx.cluster_for(FORMATS).await?.role_get(name.clone()).await?;
            cx.print(&Reply::Role { name, answer })
        }
        Role::List { none } => {
            if !none.is_empty() {
                return Err(Error::bad_args("role list command requires no arguments"));
            }
            let answer = cx.cluster_for(FORMATS).await?.roles().await?;
            cx.print(&Reply::Roles(answer))
        }
        Role::GrantPermission { words, extent } => {
            let (role, permission) = granted(words, &extent)?;
            let cluster = cx.cluster_for(FORMATS).await?;
            let answer = cluster.role_grant_permission(role.clone(), permission).await?;
            cx.print(&done(format!("Role {role} updated"), answer.message.header, answer.bytes))
        }
        Role::RevokePermission { words, extent } => {
            let (role, key, end, text) = revoked(words, &extent)?;
            let cluster = cx.cluster_for(FORMATS).await?;
            let answer = cluster.role_revoke_permission(role, key, end).await?;
            cx.print(&done(text, answer.message.header, answer.bytes))
        }
    }
}

fn granted(words: Vec<Bytes>, extent: &Extent) -> Result<(String, Permission)> {
    let mut words = words.into_iter();
    let (Some(role), Some(kind), Some(key)) = (words.next(), words.next(), words.next()) else {
        let needs = "role grant command requires role name, permission type, and key [endkey] as its argument";
        return Err(Error::bad_args(needs));
    };
    let typed = String::from_utf8_lossy(&kind.0).into_owned();
    let kind = match typed.to_lowercase().as_str() {
        "read" => PermissionKind::Read,
        "write" => PermissionKind::Write,
        "readwrite" => PermissionKind::ReadWrite,
        _ => return Err(Error::bad_args(format!("invalid permission type: {typed}"))),
    };
    let (key, end) = extent.of(key, words.next())?;
    Ok((name(role)?, Permission { kind, key, end }))
}

/// The role, the range on the wire, and what is said of it.
fn revoked(words: Vec<Bytes>, extent: &Extent) -> Result<(String, Vec<u8>, Vec<u8>, String)> {
    let mut words = words.into_iter();
    let (Some(role), Some(typed)) = (words.next(), words.next()) else {
        let needs =
            "role revoke-permission command requires role name and key [endkey] as its argument";
        return Err(Error::bad_args(needs));
    };
    let (key, end) = extent.of(typed.clone(), words.next())?;
    let role = name(role)?;
    let shown = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let text = match end.as_slice() {
        b"" => format!("Permission of key {} is revoked from role {role}", shown(&typed.0)),
        // Without a bracket at its end, in the official client too.
        b"\0" => format!(
            "Permission of range [{}, <open ended> is revoked from role {role}",
            shown(&typed.0)
        ),
        end => format!(
            "Permission of range [{}, {}) is revoked from role {role}",
            shown(&typed.0),
            shown(end)
        ),
    };
    Ok((role, key, end, text))
}

impl Extent {
    /// A permission's key and range end on the wire. An empty key is NUL: no key is empty.
    fn of(&self, key: Bytes, end: Option<Bytes>) -> Result<(Vec<u8>, Vec<u8>)> {
        if self.from_key && self.prefix {
            return Err(Error::bad_args("--from-key and --prefix flags are mutually exclusive"));
        }
        if end.is_some() && (self.from_key || self.prefix) {
            let flag = if self.prefix { "prefix" } else { "from-key" };
            return Err(Error::bad_args(format!("unexpected endkey argument with --{flag} flag")));
        }
        if key.0.is_empty() {
            let end = if self.prefix || self.from_key { b"\0".to_vec() } else { Vec::new() };
            return Ok((b"\0".to_vec(), end));
        }
        let end = match (self.prefix, self.from_key, end) {
            (true, ..) => RangeEnd::Prefix,
            (_, true, _) => RangeEnd::Open,
            (false, false, Some(end)) => RangeEnd::Below(end.0),
            (false, false, None) => RangeEnd::Key,
        };
        Ok(end.bounds(key.0))
    }
}

fn only(mut words: Vec<String>, needs: &str) -> Result<String> {
    match (words.pop(), words.is_empty()) {
        (Some(word), true) => Ok(word),
        _ => Err(Error::bad_args(needs)),
    }
}

/// The API's texts are UTF-8.
fn name(bytes: Bytes) -> Result<String> {
    String::from_utf8(bytes.0).map_err(|_| {
        let words = "grpc: error while marshaling: string field contains invalid UTF-8";
        Error::failure(format!("rpc error: code = Internal desc = {words}"))
    })
}

fn done(text: String, header: Option<crate::reply::Header>, bytes: bytes::Bytes) -> Reply {
    Reply::Done(Done { text, header, bytes })
}
