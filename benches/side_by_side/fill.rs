//! Fills a server with keys. Done by a process of its own: the one that measures must stay small, as a
//! child's peak memory counts from its parent's at the time it was made.

use std::process::Command;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use etcd_client::{Client, Txn, TxnOp};

use crate::Result;

/// The most operations that a server takes in one transaction.
const BATCH: usize = 128;
/// So many transactions are under way at once.
const WRITERS: usize = 16;

/// What the key of that number is: 25 bytes.
pub fn key(number: usize) -> String {
    format!("/registry/bench/{number:09}")
}

/// Fills the server in another process.
pub fn elsewhere(endpoint: &str, keys: usize, size: usize) -> Result<()> {
    eprintln!("bench: filling {endpoint} with {keys} keys of {size} bytes each");
    myself(&["fill", endpoint, &keys.to_string(), &size.to_string()])
}

/// Fills the server with so many copies of a Kubernetes cluster's objects, in another process.
pub fn objects(endpoint: &str, copies: usize) -> Result<()> {
    eprintln!("bench: filling {endpoint} with the objects of {copies} clusters");
    myself(&["objects", endpoint, &copies.to_string()])
}

/// Grants leases in another process.
pub fn leases(endpoint: &str, leases: usize) -> Result<()> {
    eprintln!("bench: granting {leases} leases at {endpoint}");
    myself(&["grant", endpoint, &leases.to_string()])
}

fn myself(args: &[&str]) -> Result<()> {
    let begun = std::time::Instant::now();
    let status = Command::new(std::env::current_exe()?).args(args).status()?;
    if !status.success() {
        return Err("could not fill the server".into());
    }
    eprintln!("bench: filled in {:.0?}", begun.elapsed());
    Ok(())
}

/// Puts so many keys with values of that size.
pub fn fill(endpoint: &str, keys: &str, size: &str) -> Result<()> {
    let (keys, size) = (keys.parse::<usize>()?, size.parse::<usize>()?);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let client = Client::connect([endpoint], None).await?;
        let mut writers = tokio::task::JoinSet::new();
        for writer in 0..WRITERS {
            let mut kv = client.kv_client();
            // No transaction may pass the server's limit of 1.5 MiB.
            let batch = BATCH.min((1 << 20) / size.max(1)).max(1);
            writers.spawn(async move {
                for first in (writer * batch..keys).step_by(WRITERS * batch) {
                    let numbers = first..keys.min(first + batch);
                    let puts =
                        numbers.map(|number| TxnOp::put(key(number), value(number, size), None));
                    kv.txn(Txn::new().and_then(puts.collect::<Vec<_>>())).await?;
                }
                Ok::<(), etcd_client::Error>(())
            });
        }
        while let Some(done) = writers.join_next().await {
            done??;
        }
        Ok(())
    })
}

/// Puts so many copies of the objects of the tests' cluster, but for those that are encrypted: they are not decoded.
pub fn put_objects(endpoint: &str, copies: &str) -> Result<()> {
    let copies = copies.parse::<usize>()?;
    let table = crate::project().join("tests/fixtures/keys.tsv.xz");
    let unpacked = Command::new("xz").arg("-dc").arg(table).output()?;
    let mut objects = Vec::new();
    for row in String::from_utf8(unpacked.stdout)?.lines() {
        let mut columns = row.split('\t').map(|column| BASE64_STANDARD.decode(column));
        let (Some(key), Some(value)) = (columns.next(), columns.next()) else {
            return Err("the table of objects has too few columns".into());
        };
        let (key, value) = (key?, value?);
        if !value.starts_with(b"k8s:enc:") {
            objects.push((key, value));
        }
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let client = Client::connect([endpoint], None).await?;
        let mut kv = client.kv_client();
        for copy in 0..copies {
            for batch in objects.chunks(BATCH) {
                let place = |key: &[u8]| [format!("/copy-{copy:03}").as_bytes(), key].concat();
                let puts =
                    batch.iter().map(|(key, value)| TxnOp::put(place(key), &value[..], None));
                kv.txn(Txn::new().and_then(puts.collect::<Vec<_>>())).await?;
            }
        }
        Ok(())
    })
}

/// Grants so many leases.
pub fn grant(endpoint: &str, leases: &str) -> Result<()> {
    let leases = leases.parse::<usize>()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let client = Client::connect([endpoint], None).await?;
        let mut writers = tokio::task::JoinSet::new();
        for writer in 0..WRITERS {
            let mut client = client.lease_client();
            writers.spawn(async move {
                for number in (writer..leases).step_by(WRITERS) {
                    // Each lives longer than the one before: so they have an order.
                    let seconds = i64::try_from(100_000 + number).unwrap_or(i64::MAX);
                    client.grant(seconds, None).await?;
                }
                Ok::<(), etcd_client::Error>(())
            });
        }
        while let Some(done) = writers.join_next().await {
            done??;
        }
        Ok(())
    })
}

/// Text that differs from key to key.
fn value(number: usize, size: usize) -> Vec<u8> {
    let text = format!("value {number:07} ");
    text.bytes().cycle().take(size).collect()
}
