//! PEM files: read with Go's words for what fails, split into blocks where Go sees blocks.
//!
//! Go's `encoding/pem` skips what it cannot read and takes any label; rustls-pemfile stops at the
//! first bad line and knows a few labels. So the blocks are found here, by Go's rules, and each is
//! handed to rustls-pemfile under a label it knows.

use std::fs::{self, File};
use std::path::Path;

use rustls_pemfile::Item;
use zeroize::{Zeroize, Zeroizing};

use crate::cluster::system_words;
use crate::secret;

/// One block: its label and what it holds, wiped when dropped.
pub struct Block {
    pub label: String,
    pub der: Zeroizing<Vec<u8>>,
    /// Encrypted as OpenSSL did before PKCS#8: said in a header.
    pub encrypted: bool,
}

/// A file's bytes, wiped when dropped, or Go's words for why not.
pub fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, String> {
    let shown = path.display();
    if fs::metadata(path).is_ok_and(|about| about.is_dir()) {
        return Err(format!("read {shown}: is a directory"));
    }
    File::open(path)
        .and_then(|mut file| secret::all(&mut file))
        .map_err(|err| format!("open {shown}: {}", system_words(&err)))
}

/// Every block of a text, in order (Go's `pem.Decode` in a loop).
pub fn blocks(text: &[u8]) -> Vec<Block> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((block, after)) = next(rest) {
        found.push(block);
        rest = after;
    }
    found
}

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"\n-----END ";
const DASHES: &[u8] = b"-----";

/// Go 1.26 `encoding/pem.Decode`: the first END line, then the last BEGIN line before it.
fn next(text: &[u8]) -> Option<(Block, &[u8])> {
    let mut rest = text;
    loop {
        let end = find(rest, END)?;
        let after_end = &rest[end + END.len()..];
        let begin = rest[..end].windows(BEGIN.len()).rposition(|bytes| bytes == BEGIN);
        if let Some(begin) = begin.filter(|&at| at == 0 || rest[at - 1] == b'\n')
            && let Some(block) = block(&rest[begin + BEGIN.len()..end], after_end)
        {
            return Some((block, line(after_end).1));
        }
        rest = after_end;
    }
}

/// The block whose text from its label to its END line is `inside`, and after it `trailer`.
fn block(inside: &[u8], trailer: &[u8]) -> Option<Block> {
    let (first, mut body) = line(inside);
    let label = first.strip_suffix(DASHES)?;
    let mut encrypted = false;
    loop {
        let (header, after) = line(body);
        let Some(colon) = header.iter().position(|&byte| byte == b':') else { break };
        // A header needs a line of its own before the END line.
        if after.is_empty() && !body.ends_with(b"\n") {
            return None;
        }
        encrypted |= header[..colon].trim_ascii() == b"Proc-Type"
            && header[colon + 1..].trim_ascii().ends_with(b"ENCRYPTED");
        body = after;
    }
    let closing = line(trailer).0;
    if closing.strip_prefix(label).is_none_or(|dashes| dashes != DASHES) {
        return None;
    }
    Some(Block {
        label: String::from_utf8_lossy(label).into_owned(),
        der: decode(body)?,
        encrypted,
    })
}

/// What a block's lines say, by rustls-pemfile. `None` where it is no base64.
fn decode(body: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    const HEAD: &[u8] = b"-----BEGIN PRIVATE KEY-----\n";
    const TAIL: &[u8] = b"\n-----END PRIVATE KEY-----\n";
    // An empty block is a block; the crate would wait for its first line.
    if body.iter().all(u8::is_ascii_whitespace) {
        return Some(Zeroizing::default());
    }
    let mut text = Zeroizing::new(Vec::with_capacity(HEAD.len() + body.len() + TAIL.len()));
    text.extend_from_slice(HEAD);
    text.extend(body.iter().filter(|byte| !byte.is_ascii_whitespace()));
    text.extend_from_slice(TAIL);
    // The label of a key, since those are the ones decoded without leaking them through timing.
    match rustls_pemfile::read_one_from_slice(&text) {
        Ok(Some((Item::Pkcs8Key(mut key), _))) => {
            let der = Zeroizing::new(key.secret_pkcs8_der().to_vec());
            key.zeroize();
            Some(der)
        }
        _ => None,
    }
}

/// The first line without its end and trailing blanks, and what follows it.
fn line(text: &[u8]) -> (&[u8], &[u8]) {
    let (mut line, rest) = match text.iter().position(|&byte| byte == b'\n') {
        Some(at) => (text[..at].strip_suffix(b"\r").unwrap_or(&text[..at]), &text[at + 1..]),
        None => (text, &[][..]),
    };
    while let [before @ .., b' ' | b'\t'] = line {
        line = before;
    }
    (line, rest)
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|bytes| bytes == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(text: &str) -> Vec<(String, usize)> {
        blocks(text.as_bytes()).into_iter().map(|block| (block.label, block.der.len())).collect()
    }

    #[test]
    fn blocks_are_found_where_go_finds_them() {
        let a = |label: &str, length| (label.to_owned(), length);
        for (text, wanted) in [
            ("", vec![]),
            ("no block here\n", vec![]),
            ("-----BEGIN A-----\nAQID\n-----END A-----\n", vec![a("A", 3)]),
            ("-----BEGIN A-----\nAQID\n-----END A-----", vec![a("A", 3)]),
            ("-----BEGIN A-----\r\nAQ\r\nID\r\n-----END A-----\r\n", vec![a("A", 3)]),
            ("-----BEGIN A-----  \n AQ ID\t\n-----END A----- \t\n", vec![a("A", 3)]),
            ("text\n-----BEGIN A-----\nAQID\n-----END A-----\nmore", vec![a("A", 3)]),
            ("text -----BEGIN A-----\nAQID\n-----END A-----\n", vec![]),
            ("-----BEGIN A-----\nAQID\n-----END B-----\n", vec![]),
            ("-----BEGIN A-----\nAQID\n-----END A-----x\n", vec![]),
            ("-----BEGIN A-----\nA!ID\n-----END A-----\n", vec![]),
            ("-----BEGIN A-----\n-----END A-----\n", vec![a("A", 0)]),
            ("-----BEGIN A-----\n-----BEGIN B-----\nAQID\n-----END B-----\n", vec![a("B", 3)]),
            (
                "-----BEGIN A-----\n!\n-----END A-----\n-----BEGIN B-----\nAQ==\n-----END B-----\n",
                vec![a("B", 1)],
            ),
            ("-----BEGIN A-----\nKey: value\n\nAQID\n-----END A-----\n", vec![a("A", 3)]),
        ] {
            assert_eq!(labels(text), wanted, "{text:?}");
        }
    }

    #[test]
    fn the_old_encryption_is_noticed() {
        let text = b"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAQID\n-----END RSA PRIVATE KEY-----\n";
        assert!(blocks(text)[0].encrypted);
    }

    #[test]
    fn no_text_makes_it_panic() {
        let good = b"x\n-----BEGIN A-----\nK: v\n\nAQID\n-----END A-----\n-----BEGIN B-----\nAQ==\n-----END B-----\n";
        for at in 0..good.len() {
            blocks(&good[..at]);
            blocks(&good[at..]);
            for byte in [b'\n', b':', b'-', 0, 0xff] {
                let mut bad = good.to_vec();
                bad[at] = byte;
                blocks(&bad);
            }
        }
    }
}
