//! A stored value of any bytes to kubectl's text and back; typed YAML and JSON to a stored value.

#![no_main]

use std::sync::LazyLock;

use etcdctl::kube::encryption::{Keys, sealed};
use etcdctl::kube::{Options, Tree, Value, encode, json, read, yaml};
use etcdctl_fuzz::{Taken, fixture, plant};
use libfuzzer_sys::fuzz_target;

const STORED: u8 = 0;
const TYPED: u8 = 1;
const CONFIG: u8 = 2;

static KEYS: LazyLock<Keys> = LazyLock::new(|| {
    Keys::of_config(&fixture("kube/encryption-config.yaml")).expect("the fixture holds keys")
});

fuzz_target!(init: plant("object", seeds), |data: &[u8]| {
    let mut taken = Taken(data);
    match taken.byte() % 3 {
        STORED => stored(taken.0),
        TYPED => typed(taken.0),
        _ => drop(Keys::of_config(taken.0)),
    }
});

fn seeds() -> Vec<Vec<u8>> {
    let column = |row: &str, at: usize| {
        use base64::Engine as _;
        let text = row.split(['\t', ' ']).nth(at).unwrap_or_default();
        base64::engine::general_purpose::STANDARD.decode(text).unwrap_or_default()
    };
    let with = |mode: u8, bytes: Vec<u8>| [&[mode], &*bytes].concat();
    let kinds = fixture("kube/every-kind.tsv.xz");
    let kinds = String::from_utf8_lossy(&kinds).into_owned();
    let mut seeds = vec![with(CONFIG, fixture("kube/encryption-config.yaml"))];
    // What is small is mutated at once; the rest of a kind's fields the fuzzer finds by their numbers.
    for row in kinds.lines().step_by(9) {
        seeds.push(with(STORED, column(row, 1)));
        seeds.push(with(TYPED, column(row, 2)));
        seeds.push(with(TYPED, column(row, 3)));
    }
    let encrypted = fixture("kube/encrypted.txt");
    for row in String::from_utf8_lossy(&encrypted).lines() {
        seeds.push(with(STORED, column(row, 1)));
    }
    let cbor = b"\xd9\xd9\xf7\xa2\x4aapiVersion\x42v1\x44kind\x43Pod";
    seeds.extend([
        with(STORED, cbor.to_vec()),
        with(STORED, br#"{"apiVersion":"a/v1","kind":"B"}"#.to_vec()),
    ]);
    seeds.retain(|seed| seed.len() < 20_000);
    seeds
}

fn stored(value: &[u8]) {
    let _ = sealed(value);
    let opened = KEYS.open(b"/registry/k", value);
    let value = opened.as_ref().map_or(value, |plain| &plain[..]);
    for managed_fields in [true, false] {
        let options = Options { managed_fields, mod_revision: managed_fields.then_some(i64::MAX) };
        let Ok(Value::Object(object)) = read(value, &options) else { continue };
        let (mut text, mut document) = (Vec::new(), Vec::new());
        object.json(json::Style::Kubectl, &mut text);
        json::read(&text).expect("what is written as JSON is JSON");
        object.yaml(&mut document);
        let typed = yaml::read(&document);
        let again = encode::stored(&object.tree);
        let _ = object.created();
        if let Ok(bytes) = again {
            stable(&bytes);
            // Whoever types what was printed means the same object.
            let typed = typed.expect("what is written as YAML is YAML");
            let _ = encode::stored(&typed);
        }
    }
}

fn typed(text: &[u8]) {
    let Ok(tree) = yaml::read(text) else { return };
    let _ = encode::protobuf(&tree);
    if let Ok(bytes) = encode::stored(&tree) {
        stable(&bytes);
    }
    let _ = Tree::as_text(&tree);
}

/// What is stored is an object, and stored again it is the same.
fn stable(bytes: &[u8]) {
    let everything = Options { managed_fields: true, mod_revision: None };
    match read(bytes, &everything) {
        Ok(Value::Object(object)) => {
            let again = encode::stored(&object.tree).expect("what was stored can be stored");
            assert!(
                again == bytes,
                "stored again it differs:\n{}\n{}",
                bytes.escape_ascii(),
                again.escape_ascii()
            );
        }
        other => panic!("stored, and no object: {other:?}"),
    }
}
