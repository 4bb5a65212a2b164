//! Who asks: the user's name, and the password from where it is kept.

use std::ffi::{OsStr, OsString};
use std::io::{self, BufRead};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use crate::child;
use crate::cluster::target::Login;
use crate::error::{Error, Exit, Result};
use crate::global::Global;
use crate::input;
use crate::output;
use crate::secret::Secret;
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
        (user, secret(password.to_owned())?)
    } else if let Some(colon) = user.iter().position(|&byte| byte == b':') {
        (&user[..colon], secret(OsStr::from_bytes(&user[colon + 1..]).to_owned())?)
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
    let user = text(user.to_vec())?;
    Ok(Login::Password { user, password })
}

/// The first line of a file, or of standard input for `-`.
fn from_file(path: &Path) -> Result<Secret> {
    let failed = |err: io::Error| {
        Error::bad_args(format!("could not read the password file {}: {err}", path.display()))
    };
    let mut line = Vec::new();
    if path == Path::new("-") {
        line = input::raw().and_then(|mut stdin| input::line(&mut stdin)).map_err(failed)?;
    } else {
        let file = std::fs::File::open(path).map_err(failed)?;
        io::BufReader::new(file).read_until(b'\n', &mut line).map_err(failed)?;
    }
    while line.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
        line.pop();
    }
    secret(OsString::from_vec(line))
}

/// The first line that a program prints.
async fn from_command(command: &str) -> Result<Secret> {
    let failed = |why: &str| Error::bad_args(format!("the password command failed: {why}"));
    let printed = child::printed(&child::words(command)?).await;
    let printed = printed.map_err(|err| failed(&err.words))?;
    let line = printed.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    secret(OsString::from_vec(line.to_vec()))
}

/// Asks on standard output, as the official client does, and reads a line that is not shown.
pub async fn ask(prompt: &str) -> Result<Secret> {
    // No signal must leave the terminal without an echo.
    let mut interruption = terminal::Interruption::new();
    // Before the prompt: who drives a terminal types as soon as that is there.
    let hidden = terminal::Hidden::new(io::stdin());
    output::print_text(prompt)?;
    // Byte by byte: what follows is not ours, but a transaction's or a value.
    let line = tokio::task::spawn_blocking(|| input::line(&mut input::raw()?));
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
    secret(OsString::from_vec(line.trim_ascii().to_vec()))
}

fn secret(bytes: OsString) -> Result<Secret> {
    text(bytes.into_vec()).map(Secret::new)
}

/// The API's texts are UTF-8.
fn text(bytes: Vec<u8>) -> Result<String> {
    String::from_utf8(bytes).map_err(|_| {
        let words = "grpc: error while marshaling: string field contains invalid UTF-8";
        Error::new(Exit::BadConnection, format!("rpc error: code = Internal desc = {words}"))
    })
}
