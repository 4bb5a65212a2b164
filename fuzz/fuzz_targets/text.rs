//! Texts that people and files hand over: durations, numbers, quotes, lists, addresses, transactions' lines, files of
//! contexts, certificates and keys.

#![no_main]

use etcdctl::cluster::endpoint::Endpoint;
use etcdctl::cluster::srv::NameServers;
use etcdctl::cluster::tls::TlsFiles;
use etcdctl::cmd::kube::{Form, pairs};
use etcdctl::cmd::txn::{compare, line};
use etcdctl::contexts::toml::Toml;
use etcdctl::go::duration::GoDuration;
use etcdctl::go::{csv, number, quote, scan, tokens, url, words};
use etcdctl_fuzz::{Taken, fixture, plant, scratch, write};
use libfuzzer_sys::fuzz_target;

const WORDS: u8 = 0;
const LINE: u8 = 1;
const TABLES: u8 = 2;
const CERTIFICATES: u8 = 3;
const FORMS: u8 = 4;

fuzz_target!(init: plant("text", seeds), |data: &[u8]| {
    let mut taken = Taken(data);
    match taken.byte() % 5 {
        WORDS => go(taken.0),
        LINE => transaction(taken.0),
        TABLES => tables(taken.0),
        CERTIFICATES => certificates(&mut taken),
        _ => forms(taken.0),
    }
});

fn seeds() -> Vec<Vec<u8>> {
    let with = |mode: u8, bytes: &[u8]| [&[mode], bytes].concat();
    let mut seeds = Vec::new();
    for text in
        ["1h2m3.5s", "-9223372036854775808ns", "0x1f", "a,\"b\"\"c\",d", "https://[::1]:2379/a?b#c"]
    {
        seeds.push(with(WORDS, text.as_bytes()));
    }
    for text in [
        "\"\\x41\\u00e9\\n\" 'a b'",
        "localhost:2379",
        "nameserver 10.0.0.1\nsearch a b\noptions ndots:5",
    ] {
        seeds.push(with(WORDS, text.as_bytes()));
    }
    for text in [
        "put \"a b\" 'c' --lease=1f --prev-kv",
        "get a b --rev 3 --sort-by=MODIFY --order DESCEND --limit 3",
        "del a --prefix",
        "mod(\"a\") > \"3\"",
        "lease(k) == \"1f\"",
        "value(\"a\\n\") != \"\\xff\"",
    ] {
        seeds.push(with(LINE, text.as_bytes()));
    }
    seeds.push(with(TABLES, b"# all\ncurrent = \"a\"\n\n[a] # one\nendpoints = [\"a:1\", 'b:2']\ninsecure-transport = true\ndial-timeout = \"2s\"\nkeepalive-time = 3\n[\"b c\"]\n"));
    for (cert, key) in [
        ("p256.pem", "p256.key.pem"),
        ("rsa2048.pem", "rsa2048.pkcs1.pem"),
        ("ed25519.pem", "ed25519.key.pem"),
        ("p384.pem", "p256.sec1.pem"),
        ("v1.pem", "p521.key.pem"),
    ] {
        let [cert, key] = [cert, key].map(|name| fixture(&format!("tls/{name}")));
        let length = |text: &[u8]| u16::try_from(text.len()).unwrap_or_default().to_le_bytes();
        seeds.push(
            [
                &[CERTIFICATES][..],
                &length(&cert),
                &cert,
                &length(&key),
                &key,
                &fixture("tls/ca.pem"),
            ]
            .concat(),
        );
    }
    for text in [
        "6b387300",
        "0x6b 38\n73",
        "azhzAA==",
        "{\"header\":{},\"kvs\":[{\"key\":\"YQ==\",\"value\":\"azhzAA==\",\"version\":1}]}",
        "key\n{\"apiVersion\":\"v1\",\"kind\":\"A\"}\n",
    ] {
        seeds.push(with(FORMS, text.as_bytes()));
    }
    seeds
}

fn go(bytes: &[u8]) {
    let quoted = quote::quote(bytes);
    assert_eq!(quote::unquote(quoted.as_bytes()).ok().as_deref(), Some(bytes), "{quoted}");
    let _ = (
        quote::unquote(bytes),
        quote::unquote_prefix(bytes),
        tokens::tokens(bytes),
        scan::trim(bytes),
    );
    let Ok(text) = str::from_utf8(bytes) else { return };
    if let Ok(duration) = GoDuration::parse(text) {
        assert_eq!(GoDuration::parse(&duration.to_string()).ok(), Some(duration), "{text}");
        let _ = duration.as_std();
    }
    for base in [0, 2, 8, 10, 16, 36] {
        let _ = (number::parse_int(text, base, 64), number::parse_uint(text, base, 32));
    }
    let _ = (
        number::parse_bool(text),
        csv::record(text),
        url::Url::parse(text).is_ok(),
        url::host_and_port(text),
    );
    let _ = words::suggestions(text, ["get", "put", "endpoint"].into_iter());
    let endpoint = Endpoint::parse(text);
    assert!(text.is_empty() || endpoint.to_string() == text);
    let _ = NameServers::parse(text, "host.example");
}

fn transaction(bytes: &[u8]) {
    let _ = compare::parse(bytes);
    match line::parse(bytes) {
        Ok(line::Line::Get(get)) => drop(get.request()),
        Ok(line::Line::Put(put)) => drop(put.request(&mut &b"value"[..])),
        Ok(line::Line::Del(del)) => drop((del.warning(), del.request())),
        Ok(line::Line::Help(..)) | Err(_) => {}
    }
}

fn tables(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let Ok(mut toml) = Toml::parse(text) else { return };
    let again = Toml::parse(&toml.text()).expect("what is written can be read");
    assert!(again.tables().eq(toml.tables()));
    for table in [None].into_iter().chain(toml.tables().map(Some)) {
        assert_eq!(again.pairs(table), toml.pairs(table));
    }
    let names: Vec<String> = toml.tables().map(str::to_owned).collect();
    for name in &names {
        let pairs: Vec<String> =
            toml.pairs(Some(name)).into_iter().map(|(key, _)| key.to_owned()).collect();
        for key in &pairs {
            toml.unset(Some(name), key);
        }
    }
    toml.set(None, "current", "new");
    toml.set(Some("new"), "user", "root");
    if let Some(first) = names.first() {
        toml.remove(first);
    }
    let changed = Toml::parse(&toml.text()).expect("what was changed can be read");
    assert_eq!(changed.get(None, "current"), Some("new"));
    assert!(
        names.first().is_some_and(|first| first == "new")
            || changed.get(Some("new"), "user").is_some()
    );
}

fn certificates(taken: &mut Taken<'_>) {
    let mut file = |name: &str| {
        let length = taken.short();
        let path = scratch().join(name);
        write(&path, taken.bytes(length.into()));
        path
    };
    let (cert, key) = (file("cert"), file("key"));
    let cacert = scratch().join("ca");
    write(&cacert, taken.0);
    let pair = TlsFiles {
        cert: Some(cert),
        key: Some(key),
        cacert: Some(cacert.clone()),
        skip_verify: false,
    };
    let _ = pair.config();
    let _ = TlsFiles { cacert: Some(cacert), ..TlsFiles::default() }.config();
}

fn forms(bytes: &[u8]) {
    for form in [None, Some(Form::Raw), Some(Form::Hex), Some(Form::Base64), Some(Form::Json)] {
        let _ = pairs(bytes.to_vec(), form);
    }
}
