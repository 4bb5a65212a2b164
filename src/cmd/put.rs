//! `put`: stores a value under a key.

use std::io::Read;

use crate::arg::{self, Bytes};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::output::Format;
use crate::reply::Reply;
use crate::request::Put;

/// Store a value under a key
///
/// Without VALUE it is read from standard input, to its end and byte for byte. A value that begins
/// with a dash stands behind `--`.
#[derive(Debug, clap::Args)]
#[command(override_usage = "etcdctl put [flags] KEY [VALUE]")]
pub struct Args {
    /// Key
    key: Option<Bytes>,
    /// Value; standard input without it
    value: Option<Bytes>,
    /// What the official client takes, and passes over
    #[arg(hide = true)]
    surplus: Vec<Bytes>,
    /// Keep the lease that the key has
    #[arg(long)]
    ignore_lease: bool,
    /// Keep the value that the key has
    #[arg(long)]
    ignore_value: bool,
    /// Lease to attach, in hexadecimal; 0 for none
    #[arg(long, value_name = "ID", default_value = "0")]
    lease: String,
    /// Print the pair that was there before
    #[arg(long)]
    prev_kv: bool,
}

pub async fn run(args: Args, cx: &mut Context) -> Result<()> {
    let put = args.request(&mut std::io::stdin().lock())?;
    let mut out = cx.output(&Format::WITHOUT_RAW)?;
    let answer = cx.cluster().await?.put(put).await?;
    out.print(&Reply::Put(answer))
}

impl Args {
    /// What these arguments store; `input` is read only where they hold no value.
    pub fn request(self, input: &mut dyn Read) -> Result<Put> {
        const NEEDS: &str = "put command needs 1 argument and input from stdin or 2 arguments";
        let Some(key) = self.key else { return Err(Error::bad_args(NEEDS)) };
        if self.ignore_value && self.value.is_some() {
            let words = "put command needs only 1 argument when 'ignore-value' is set";
            return Err(Error::bad_args(words));
        }
        let value = match self.value {
            Some(value) => value.0,
            None if self.ignore_value => Vec::new(),
            None => {
                let mut value = Vec::new();
                let read = input.read_to_end(&mut value);
                if read.is_err() || value.is_empty() {
                    return Err(Error::bad_args(NEEDS).because("standard input is empty"));
                }
                value
            }
        };
        Ok(Put {
            key: key.0,
            value,
            lease: arg::lease_id(&self.lease)?,
            prev_kv: self.prev_kv,
            ignore_value: self.ignore_value,
            ignore_lease: self.ignore_lease,
        })
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn request(line: &str, mut input: &[u8]) -> Result<Put> {
        Line::parse_from(line.split(' ')).args.request(&mut input)
    }

    #[test]
    fn standard_input_is_the_value_byte_for_byte() {
        assert_eq!(request("put k", b"a\xff\n").unwrap().value, b"a\xff\n");
        assert_eq!(request("put k v", b"unread").unwrap().value, b"v");
        assert_eq!(request("put k --ignore-value", b"unread").unwrap().value, b"");
    }

    #[test]
    fn empty_input_is_no_value() {
        let error = request("put k", b"").unwrap_err();
        assert_eq!(
            error.message(),
            "put command needs 1 argument and input from stdin or 2 arguments"
        );
    }
}
