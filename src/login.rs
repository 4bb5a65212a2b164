//! Who asks: the user's name, and the password from where it is kept.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::child;
use crate::cluster::target::Login;
use crate::error::{Error, Exit, Result};
use crate::global::Global;
use crate::input;
use crate::output;
use crate::secret::{self, Secret};
use crate::terminal;

/// Whether the login takes a person who types a password, or someone who writes it to a pipe.
#[must_use]
pub fn waits(global: &Global) -> bool {
    if !global.auth_jwt_token.is_empty() || global.user.is_empty() || !global.password.is_empty() {
        return false;
    }
    match &global.password_file {
        Some(path) => !path.is_file(),
        // Such programs may ask a person.
        None if global.password_command.is_some() => true,
        None => !global.user.as_bytes().contains(&b':'),
    }
}

/// The login that the flags describe; the password is asked for where they hold none.
pub async fn login(global: &Global) -> Result<Login> {
    if !global.auth_jwt_token.is_empty() {
        return Ok(Login::Token(Secret::new(global.auth_jwt_token.clone())));
    }
    if global.user.is_empty() {
        return Ok(Login::None);
    }
    let user = global.user.as_bytes();
    match (&global.password_file, &global.password_command) {
        (Some(path), _) if global.password.is_empty() => known(user, from_file(path)?),
        (None, Some(command)) if global.password.is_empty() && !user.contains(&b':') => {
            known(user, from_command(command).await?)
        }
        _ => of(&global.user, &global.password, "Password: ").await,
    }
}

/// The login that a name and a password, or both in one, describe; none without a name. The password is
/// asked for where neither holds it.
pub async fn of(user: &OsStr, password: &OsStr, prompt: &str) -> Result<Login> {
    if user.is_empty() {
        return Ok(Login::None);
    }
    let user = user.as_bytes();
    let (user, password) = if !password.is_empty() {
        (user, secret(password.as_bytes())?)
    } else if let Some(colon) = user.iter().position(|&byte| byte == b':') {
        (&user[..colon], secret(&user[colon + 1..])?)
    } else {
        (user, ask(prompt).await?)
    };
    known(user, password)
}

fn known(user: &[u8], password: Secret) -> Result<Login> {
    if user.is_empty() || password.is_empty() {
        // The official client then asks nobody for a token.
        return Ok(Login::None);
    }
    let user = text(user)?.to_owned();
    Ok(Login::Password { user, password })
}

/// The first line of a file, or of standard input for `-`.
fn from_file(path: &Path) -> Result<Secret> {
    let failed = |err: io::Error| {
        Error::bad_args(format!("could not read the password file {}: {err}", path.display()))
    };
    let input = if path == Path::new("-") { input::raw() } else { File::open(path) };
    let line = input.and_then(|mut input| secret::line(&mut input)).map_err(failed)?;
    secret(without_end(&line))
}

/// The first line that a program prints.
async fn from_command(command: &str) -> Result<Secret> {
    let failed = |why: &str| Error::bad_args(format!("the password command failed: {why}"));
    let printed = child::printed(&child::words(command)?).await;
    let printed = printed.map_err(|err| failed(&err.words))?;
    secret(without_end(printed.split(|&byte| byte == b'\n').next().unwrap_or_default()))
}

/// A line without what ends it.
fn without_end(mut line: &[u8]) -> &[u8] {
    while let [rest @ .., b'\n' | b'\r'] = line {
        line = rest;
    }
    line
}

/// Asks on standard output, as the official client does, and reads a line that is not shown.
pub async fn ask(prompt: &str) -> Result<Secret> {
    // No signal must leave the terminal without an echo.
    let mut interruption = terminal::Interruption::new();
    // Before the prompt: who drives a terminal types as soon as that is there.
    let hidden = terminal::Hidden::new(io::stdin());
    output::print_text(prompt)?;
    // Byte by byte: what follows is not ours, but a transaction's or a value.
    let line = tokio::task::spawn_blocking(|| secret::line(&mut input::raw()?));
    let line = tokio::select! {
        line = line => line,
        _ = interruption.wait() => {
            drop(hidden);
            return Err(Error::new(Exit::Child(255), "").because("interrupted"));
        }
    };
    drop(hidden);
    // Before the line's end is seen: from there on a signal ends the program again.
    drop(interruption);
    output::print_text("\n")?;
    let line = line.ok().and_then(Result::ok).unwrap_or_default();
    secret(line.trim_ascii())
}

fn secret(bytes: &[u8]) -> Result<Secret> {
    text(bytes).map(Secret::new)
}

/// The API's texts are UTF-8.
fn text(bytes: &[u8]) -> Result<&str> {
    str::from_utf8(bytes).map_err(|_| {
        let words = "grpc: error while marshaling: string field contains invalid UTF-8";
        Error::new(Exit::BadConnection, format!("rpc error: code = Internal desc = {words}"))
    })
}
