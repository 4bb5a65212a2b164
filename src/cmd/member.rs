//! `member`: who belongs to the cluster.

use crate::context::Context;
use crate::error::{Error, Result};
use crate::go::number::{self, NumberError};
use crate::output::Format;
use crate::proto::Member;
use crate::reply::{Answer, MemberChange, Membership, Reply};

/// List and change the members of the cluster
#[derive(Debug, clap::Args)]
#[command(override_usage = "etcdctl member COMMAND")]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Add a member, and print what its environment must say
    #[command(override_usage = "etcdctl member add [flags] NAME --peer-urls URLS")]
    Add {
        /// Name that the new member will be started with
        name: Vec<String>,
        /// Add it as a learner, which does not vote
        #[arg(long)]
        learner: bool,
        /// URLs where other members reach it, separated by commas
        #[arg(long, value_name = "URLS", default_value = "")]
        peer_urls: String,
    },
    /// List the members
    #[command(override_usage = "etcdctl member list [flags]")]
    List {
        /// What the official client takes, and passes over
        #[arg(hide = true)]
        surplus: Vec<std::ffi::OsString>,
        /// l: agreed by a quorum; s: as the member asked knows them
        #[arg(long, value_name = "l|s", default_value = "l")]
        consistency: String,
    },
    /// Let a learner vote
    #[command(override_usage = "etcdctl member promote MEMBER")]
    Promote {
        /// Id, in hexadecimal, or name
        member: Vec<String>,
    },
    /// Remove a member
    #[command(override_usage = "etcdctl member remove MEMBER")]
    Remove {
        /// Id, in hexadecimal, or name
        member: Vec<String>,
    },
    /// Change the URLs where other members reach a member
    #[command(override_usage = "etcdctl member update MEMBER --peer-urls URLS")]
    Update {
        /// Id, in hexadecimal, or name
        member: Vec<String>,
        /// URLs where other members reach it, separated by commas
        #[arg(long, value_name = "URLS", default_value = "")]
        peer_urls: String,
    },
}

/// A member as it was typed.
pub enum Named {
    Id(u64),
    /// A name, and why it is no id.
    Name(String, NumberError),
}

pub async fn run(args: Args, cx: &mut Context) -> Result<()> {
    const FORMATS: &[Format] = &Format::WITHOUT_RAW;
    match args.command {
        Command::List { consistency, .. } => {
            let linearizable = match consistency.as_str() {
                "l" => true,
                "s" => false,
                // The official client names the value of another command's flag of this name.
                _ => return Err(Error::bad_feature("unknown consistency flag \"l\"")),
            };
            let answer = cx.cluster_for(FORMATS).await?.members(linearizable).await?;
            cx.print(&Reply::Members(answer))
        }
        Command::Add { name, learner, peer_urls } => {
            let name = new_name(&name)?;
            if peer_urls.is_empty() {
                return Err(Error::bad_args("member peer urls not provided"));
            }
            let urls = urls(&peer_urls)?;
            let Answer { message, bytes } =
                cx.cluster_for(FORMATS).await?.member_add(urls, learner).await?;
            let (header, member, members) = (message.header, message.member, message.members);
            let id = member.as_ref().map_or(0, |member| member.id);
            let how = Membership::Added { name };
            cx.print(&Reply::MemberChange(MemberChange { id, how, header, member, members, bytes }))
        }
        Command::Promote { member } => {
            let id = id(named(&member)?, cx).await?;
            let Answer { message, bytes } =
                cx.cluster_for(FORMATS).await?.member_promote(id).await?;
            change(cx, id, Membership::Promoted, message.header, message.members, bytes)
        }
        Command::Remove { member } => {
            let id = id(named(&member)?, cx).await?;
            let Answer { message, bytes } =
                cx.cluster_for(FORMATS).await?.member_remove(id).await?;
            change(cx, id, Membership::Removed, message.header, message.members, bytes)
        }
        Command::Update { member, peer_urls } => {
            let named = named(&member)?;
            if peer_urls.is_empty() {
                return Err(Error::bad_args("member peer urls not provided"));
            }
            let urls = urls(&peer_urls)?;
            let id = id(named, cx).await?;
            let Answer { message, bytes } =
                cx.cluster_for(FORMATS).await?.member_update(id, urls).await?;
            change(cx, id, Membership::Updated, message.header, message.members, bytes)
        }
    }
}

fn change(
    cx: &mut Context,
    id: u64,
    how: Membership,
    header: Option<crate::reply::Header>,
    members: Vec<Member>,
    bytes: bytes::Bytes,
) -> Result<()> {
    let change = MemberChange { id, how, header, member: None, members, bytes };
    cx.print(&Reply::MemberChange(change))
}

fn new_name(args: &[String]) -> Result<String> {
    match args {
        [] => Err(Error::bad_args("member name not provided")),
        [name] => Ok(name.clone()),
        all => {
            let meant = all.iter().filter(|arg| arg.starts_with("http"));
            let meant = meant
                .fold(String::new(), |text, url| format!("{text}, did you mean --peer-urls={url}"));
            Err(Error::bad_args(format!("too many arguments{meant}")))
        }
    }
}

/// The one member that a subcommand takes.
fn named(args: &[String]) -> Result<Named> {
    let [text] = args else { return Err(Error::bad_args("member ID is not provided")) };
    Ok(Named::of(text))
}

async fn id(named: Named, cx: &mut Context) -> Result<u64> {
    cx.answers_in(&Format::WITHOUT_RAW)?;
    named.id(cx, |err| format!("bad member ID arg ({err}), expecting ID in Hex")).await
}

impl Named {
    /// What parses as 64-bit hexadecimal is an id; a longer text of digits a decimal one; else a name.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let id = number::parse_uint(text, 16, 64).or_else(|err| {
            let long = text.len() > 16;
            number::parse_uint(text, 10, 64).ok().filter(|_| long).ok_or(err)
        });
        id.map_or_else(|err| Self::Name(text.to_owned(), err), Self::Id)
    }

    /// The id of that member; a name is looked up among the members. `words` are the official ones
    /// for what is neither.
    pub async fn id(
        self,
        cx: &mut Context,
        words: impl FnOnce(NumberError) -> String,
    ) -> Result<u64> {
        let (name, err) = match self {
            Self::Id(id) => return Ok(id),
            Self::Name(name, err) => (name, err),
        };
        let unknown = Error::bad_args(words(err));
        let Ok(answer) = cx.cluster().await?.members(true).await else {
            return Err(unknown);
        };
        let members = answer.message.members;
        let mut bearing = members.iter().filter(|member| !name.is_empty() && member.name == name);
        match (bearing.next(), bearing.next()) {
            (Some(member), None) => Ok(member.id),
            (Some(_), Some(_)) => Err(unknown
                .because(format!("two members are called {name:?}"))
                .hint("`etcdctl member list` prints their ids")),
            (None, _) => Err(unknown
                .because(format!("no member has the id or the name {name:?}"))
                .hint("`etcdctl member list` prints ids and names")),
        }
    }
}

/// Checks URLs as the official client does before it asks (etcd 3.7.1, `client/pkg/types.NewURLs`).
fn urls(text: &str) -> Result<Vec<String>> {
    let all: Vec<&str> = text.split(',').collect();
    for url in &all {
        let url = url.trim();
        let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
        if !["http", "https", "unix", "unixs"].contains(&scheme) {
            let words = "URL scheme must be http, https, unix, or unixs";
            return Err(Error::failure(format!("{words}: {url}")));
        }
        let (host, path) = rest.split_once('/').map_or((rest, ""), |(host, path)| (host, path));
        let has_port = host.rsplit_once(':').is_some_and(|(_, port)| !port.is_empty());
        if !scheme.starts_with("unix") && !has_port {
            let words = "URL address does not have the form \"host:port\"";
            return Err(Error::failure(format!("{words}: {url}")));
        }
        if !scheme.starts_with("unix") && !path.is_empty() {
            return Err(Error::failure(format!("URL must not contain a path: {url}")));
        }
    }
    Ok(all.into_iter().map(str::to_owned).collect())
}
