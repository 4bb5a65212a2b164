//! `user`: who may ask, with which roles.

use std::fmt::Display;

use crate::context::Context;
use crate::error::{Error, Result};
use crate::input;
use crate::login;
use crate::output::{self, Format};
use crate::reply::{Done, Header, Reply};
use crate::secret::{self, Secret};

/// List and change users
#[derive(Debug, clap::Args)]
#[command(override_usage = "etcdctl user COMMAND")]
pub struct Args {
    #[command(subcommand)]
    command: User,
}

#[derive(Debug, clap::Subcommand)]
enum User {
    /// Add a user
    #[command(override_usage = "etcdctl user add [flags] USER|USER:PASSWORD")]
    Add {
        /// Name, or name and password
        words: Vec<String>,
        /// Ask for the password; false reads it from standard input
        #[arg(long, value_name = "BOOL", default_value_t = true, hide_possible_values = true, action = clap::ArgAction::Set)]
        interactive: bool,
        /// Password of the new user
        #[arg(long, value_name = "PASSWORD", default_value = "")]
        new_user_password: String,
        /// Add a user that only a certificate lets in
        #[arg(long)]
        no_password: bool,
    },
    /// Delete a user
    #[command(override_usage = "etcdctl user delete USER")]
    Delete {
        /// Name of the user
        words: Vec<String>,
    },
    /// Print a user's roles
    #[command(override_usage = "etcdctl user get [flags] USER")]
    Get {
        /// Name of the user
        words: Vec<String>,
        /// Print the roles' permissions too
        #[arg(long)]
        detail: bool,
    },
    /// Give a user a role
    #[command(override_usage = "etcdctl user grant-role USER ROLE")]
    GrantRole {
        /// Name of the user, and of the role
        words: Vec<String>,
    },
    /// List the users
    #[command(override_usage = "etcdctl user list")]
    List {
        /// Nothing
        #[arg(hide = true)]
        none: Vec<String>,
    },
    /// Change a user's password
    #[command(override_usage = "etcdctl user passwd [flags] USER")]
    Passwd {
        /// Name of the user
        words: Vec<String>,
        /// Ask for the password; false reads it from standard input
        #[arg(long, value_name = "BOOL", default_value_t = true, hide_possible_values = true, action = clap::ArgAction::Set)]
        interactive: bool,
    },
    /// Take a role from a user
    #[command(override_usage = "etcdctl user revoke-role USER ROLE")]
    RevokeRole {
        /// Name of the user, and of the role
        words: Vec<String>,
    },
}

const FORMATS: &[Format] = &Format::WITHOUT_RAW;

pub async fn run(args: Args, cx: &mut Context) -> Result<()> {
    match args.command {
        User::Add { words, interactive, new_user_password, no_password } => {
            let typed = only(words, "user add command requires user name as its argument")?;
            let (name, password) = if no_password {
                (typed, Secret::default())
            } else if !new_user_password.is_empty() {
                (typed, Secret::new(new_user_password))
            } else if let Some((name, password)) = typed.split_once(':') {
                if name.is_empty() {
                    return Err(Error::bad_args("empty user name is not allowed"));
                }
                (name.to_owned(), Secret::new(password))
            } else {
                let password = password(&typed, interactive).await?;
                (typed, password)
            };
            let cluster = cx.cluster_for(FORMATS).await?;
            let answer = cluster.user_add(name.clone(), &password, no_password).await?;
            done(cx, format!("User {name} created"), answer.message.header, answer.bytes)
        }
        User::Delete { words } => {
            let name = only(words, "user delete command requires user name as its argument")?;
            let answer = cx.cluster_for(FORMATS).await?.user_delete(name.clone()).await?;
            done(cx, format!("User {name} deleted"), answer.message.header, answer.bytes)
        }
        User::Get { words, detail } => {
            let name = only(words, "user get command requires user name as its argument")?;
            let answer = cx.cluster_for(FORMATS).await?.user_get(name.clone()).await?;
            if !detail {
                return cx.print(&Reply::User { name, answer });
            }
            // This line is text in every format, in the official client too.
            output::print_text(&format!("User: {name}\n"))?;
            for role in answer.message.roles {
                output::print_text("\n")?;
                let answer = cx.cluster().await?.role_get(role.clone()).await?;
                cx.print(&Reply::Role { name: role, answer })?;
            }
            Ok(())
        }
        User::List { none } => {
            if !none.is_empty() {
                return Err(Error::bad_args("user list command requires no arguments"));
            }
            let answer = cx.cluster_for(FORMATS).await?.users().await?;
            cx.print(&Reply::Users(answer))
        }
        User::Passwd { words, interactive } => {
            let name = only(words, "user passwd command requires user name as its argument")?;
            let password = password(&name, interactive).await?;
            let answer = cx.cluster_for(FORMATS).await?.user_passwd(name, &password).await?;
            done(cx, "Password updated".to_owned(), answer.message.header, answer.bytes)
        }
        User::GrantRole { words } => {
            let needs = "user grant command requires user name and role name as its argument";
            let (user, role) = two(words, needs)?;
            let cluster = cx.cluster_for(FORMATS).await?;
            let answer = cluster.user_grant_role(user.clone(), role.clone()).await?;
            let text = format!("Role {role} is granted to user {user}");
            done(cx, text, answer.message.header, answer.bytes)
        }
        User::RevokeRole { words } => {
            let needs = "user revoke-role requires user name and role name as its argument";
            let (user, role) = two(words, needs)?;
            let cluster = cx.cluster_for(FORMATS).await?;
            let answer = cluster.user_revoke_role(user.clone(), role.clone()).await?;
            let text = format!("Role {role} is revoked from user {user}");
            done(cx, text, answer.message.header, answer.bytes)
        }
    }
}

fn done(cx: &mut Context, text: String, header: Option<Header>, bytes: bytes::Bytes) -> Result<()> {
    cx.print(&Reply::Done(Done { text, header, bytes }))
}

/// A new password: typed twice, or the first word of standard input's first line.
async fn password(name: &str, interactive: bool) -> Result<Secret> {
    if !interactive {
        let failed = |why: &dyn Display| Error::bad_args(format!("failed to ask password: {why}"));
        let line = input::raw().and_then(|mut stdin| secret::line(&mut stdin));
        let line = line.map_err(|err| failed(&err))?;
        let text = str::from_utf8(&line).map_err(|err| failed(&err))?;
        return Ok(Secret::new(text.split_whitespace().next().unwrap_or_default()));
    }
    let first = login::ask(&format!("Password of {name}: ")).await?;
    if first.is_empty() {
        return Err(Error::bad_args("empty password"));
    }
    let again = login::ask(&format!("Type password of {name} again for confirmation: ")).await?;
    if first == again { Ok(first) } else { Err(Error::bad_args("given passwords are different")) }
}

fn only(mut words: Vec<String>, needs: &str) -> Result<String> {
    match (words.pop(), words.is_empty()) {
        (Some(word), true) => Ok(word),
        _ => Err(Error::bad_args(needs)),
    }
}

fn two(words: Vec<String>, needs: &str) -> Result<(String, String)> {
    <[String; 2]>::try_from(words).map(|[one, two]| (one, two)).map_err(|_| Error::bad_args(needs))
}
