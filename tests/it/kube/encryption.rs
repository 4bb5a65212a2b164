use std::fmt::Write as _;
use std::fs;

use aes::Aes256;
use aes_gcm::AesGcm;
use aes_gcm::aead::consts::U12;
use aes_gcm::aead::{AeadInOut, KeyInit};
use etcdctl::kube::encryption::{Keys, sealed};
use etcdctl::kube::{Options, Value, json, read};
use hkdf::Hkdf;
use sha2::Sha256;

use super::{assert_same, bytes, cluster, fixture};
use crate::support::kms::Plugin;
use crate::support::{Etcd, Run, ours};

const KEY: &[u8] = b"/registry/secrets/default/s1";

/// Name, stored value, key, plain text.
type Row = (String, Vec<u8>, Vec<u8>, Vec<u8>);

/// Values of every provider: name, as stored, the key, the plain text.
fn values() -> Vec<Row> {
    let text = fs::read_to_string(fixture("kube/encrypted.txt")).expect("a fixture");
    let row = |line: &str| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        (columns[0].to_owned(), bytes(columns[1]), bytes(columns[2]), bytes(columns[3]))
    };
    text.lines().map(row).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

fn keys(provider: &str, key: &[u8]) -> Keys {
    use base64::Engine as _;
    let secret = base64::engine::general_purpose::STANDARD.encode(key);
    if provider.starts_with("kms") {
        let mut keys = Keys::default();
        let file = format!("# of the plugin\n\nkey-id={}\n", hex(key));
        keys.add_unwrapped(file.as_bytes()).expect("a key");
        return keys;
    }
    let provider = provider.trim_end_matches(char::is_numeric);
    Keys::of_config(
        format!(
            "{{kind: EncryptionConfiguration, resources: [{{providers: [{{{provider}: {{keys: [\
             {{name: key1, secret: '{secret}'}}]}}}}]}}]}}"
        )
        .as_bytes(),
    )
    .expect("a configuration")
}

#[test]
fn values_of_every_provider_are_opened() {
    let values = values();
    assert_eq!(values.len(), 10);
    for (name, stored, key, plain) in values {
        let keys = keys(&name, &key);
        let opened = keys.open(KEY, &stored).unwrap_or_else(|| panic!("{name} stays closed"));
        assert_same(&opened, &plain, &name);
        let wrong: Vec<u8> = key.iter().map(|byte| byte ^ 1).collect();
        assert!(self::keys(&name, &wrong).open(KEY, &stored).is_none(), "{name}: a wrong key");
        let bound = name.contains("gcm") || name.starts_with("kms");
        let elsewhere = keys.open(b"/registry/secrets/default/s2", &stored);
        assert_eq!(elsewhere.is_none(), bound, "{name} under another key");
        // CBC has no seal: what is cut between blocks may open. A KMS envelope ends with what is not needed.
        let sealed = name.starts_with("aesgcm") || name == "secretbox";
        for end in (0..stored.len()).filter(|_| sealed) {
            assert!(keys.open(KEY, &stored[..end]).is_none(), "{name}: the first {end} bytes");
        }
    }
}

#[test]
fn a_clusters_secrets_are_opened_by_its_configuration() {
    let config = fs::read(fixture("kube/encryption-config.yaml")).unwrap();
    let keys = Keys::of_config(&config).unwrap();
    let mut opened = 0;
    for one in cluster().iter().filter(|one| one.encryption != "none" && !one.json.is_empty()) {
        let plain = keys.open(one.key.as_bytes(), &one.value).expect("the key is there");
        let options = Options { managed_fields: true, mod_revision: Some(one.mod_revision) };
        let Ok(Value::Object(object)) = read(&plain, &options) else { panic!("{}", one.key) };
        let mut text = Vec::new();
        object.json(json::Style::Server, &mut text);
        assert_same(&text, &one.json, &one.key);
        let sealed = sealed(&one.value).unwrap();
        assert_eq!(format!("{}:{}", sealed.provider, sealed.name), one.encryption);
        opened += 1;
    }
    assert_eq!(opened, 51);
}

#[test]
fn without_a_key_provider_and_key_are_named() {
    for (value, words) in [
        (&b"k8s:enc:aescbc:v1:key1:xyz"[..], "encrypted by aescbc:v1, key \"key1\""),
        (b"k8s:enc:kms:v2:vault:\x12\x02id", "encrypted by kms:v2, plugin \"vault\", key \"id\""),
        (b"k8s:enc:new:v9:k:x", "encrypted by new:v9, key \"\""),
        (b"k8s:enc:", "encrypted by :, key \"\""),
    ] {
        assert_eq!(sealed(value).unwrap().to_string(), words);
    }
    assert_eq!(sealed(b"k8s\0"), None);
}

#[test]
fn a_wrong_configuration_is_named_without_its_keys() {
    for (text, words) in [
        ("{kind: Pod}", "it is no EncryptionConfiguration"),
        (
            "{kind: EncryptionConfiguration, resources: [{providers: [{aescbc: {keys: [{name: a, secret: eHl6}]}}]}]}",
            "resources[0].providers[0].aescbc.keys[0].secret has 3 bytes; no key has",
        ),
        (
            "{kind: EncryptionConfiguration, resources: [{providers: [{secretbox: {keys: [{name: a, secret: '%'}]}}]}]}",
            "resources[0].providers[0].secretbox.keys[0].secret is not base64",
        ),
        (
            "{kind: EncryptionConfig, resources: [{providers: [{aesgcm: {keys: [{name: a}]}}]}]}",
            "resources[0].providers[0].aesgcm.keys[0] has no secret",
        ),
    ] {
        assert_eq!(Keys::of_config(text.as_bytes()).unwrap_err().to_string(), words);
    }
    let keys = keys("secretbox", &[7; 32]);
    assert_eq!(format!("{keys:?}"), r#"[("secretbox:v1:", "key1")]"#);
}

/// A secret, and the envelopes of both versions around it, as an API server makes them with this data key and seed.
fn sealed_by_a_plugin(data_key: &[u8; 32], seed: &[u8; 32]) -> [Vec<u8>; 2] {
    let object = b"{kind: Secret, apiVersion: v1, metadata: {name: s1}, type: t}";
    let plain = Run::ours(["kube", "encode"]).stdin(object).outcome().stdout;
    let sealed = |key: &[u8]| {
        let cipher = AesGcm::<Aes256, U12>::new_from_slice(key).expect("a key of 32 bytes");
        let mut text = plain.clone();
        cipher.encrypt_in_place(&[9; 12].into(), KEY, &mut text).expect("it is short");
        [&[9; 12], &text[..]].concat()
    };
    let first = [&b"k8s:enc:kms:v1:plug:\0\x03abc"[..], &sealed(data_key)].concat();
    let info = [5; 32];
    let mut derived = [0; 32];
    Hkdf::<Sha256>::from_prk(seed)
        .expect("a seed of 32 bytes")
        .expand(&info, &mut derived)
        .expect("it is short");
    let data = [&info[..], &sealed(&derived)].concat();
    let mut second = b"k8s:enc:kms:v2:plug:\x0a".to_vec();
    let byte = |part: usize| u8::try_from(part).expect("it is short");
    let length = data.len();
    second.extend([byte(length % 128 + 128), byte(length / 128)]);
    second.extend(data);
    // Its key's id, the wrapped seed, and that it is a seed.
    second.extend(b"\x12\x02id\x1a\x03abc\x28\x01");
    [first, second]
}

/// A key of each line, alone or behind its id, wherever values are decoded.
#[test]
fn what_a_kms_plugin_has_sealed_is_opened_with_the_key_that_it_unwraps() {
    let etcd = Etcd::start();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys");
    let path = file.to_str().unwrap();
    let key = std::str::from_utf8(KEY).unwrap();
    let (data_key, seed) = ([1; 32], [2; 32]);
    let keys =
        format!("# of three plugins\n{}\n\nid={}\n{}", hex(&[7; 32]), hex(&data_key), hex(&seed));
    for stored in sealed_by_a_plugin(&data_key, &seed) {
        etcd.put(KEY, &stored);
        let flags = ["--kms-dek-file", path, "-w", "yaml"];
        for command in [&["get", key][..], &["kube", "get", "secret", "s1"]] {
            fs::write(&file, &keys).unwrap();
            let opened = ours(&etcd, &[command, &flags].concat());
            assert!(opened.text().ends_with("\ntype: t\n"), "{opened}");
            assert_eq!((opened.status, opened.said()), (0, String::new()));
            fs::write(&file, hex(&[7; 32])).unwrap();
            let closed = ours(&etcd, &[command, &flags].concat());
            assert_eq!(closed.status, 1, "{closed}");
            assert!(closed.said().contains("which no key at hand opens\n"), "{closed}");
        }
        fs::write(&file, &keys).unwrap();
        let args = ["kube", "decode", "--kms-dek-file", path, "--key", key];
        let decoded = Run::ours(args).stdin(&stored).outcome();
        decoded.assert_prints("apiVersion: v1\nkind: Secret\nmetadata:\n  name: s1\ntype: t\n");
    }
    for (text, words) in [
        ("a=zz\n", "line 1 has no key in hexadecimal"),
        ("\na=abcd", "line 2 has a key of 2 bytes; no key has"),
        ("a=\n", "line 1 has a key of 0 bytes; no key has"),
    ] {
        fs::write(&file, text).unwrap();
        Run::ours(["kube", "decode", "--kms-dek-file", path])
            .stdin(b"")
            .outcome()
            .assert_fails(1, &format!("could not read {path}: {words}"));
    }
}

/// The plugin that the configuration names is asked for the key of a value, once for each key.
#[test]
fn a_kms_plugin_is_asked_on_the_socket_that_the_configuration_names() {
    let etcd = Etcd::start();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.yaml");
    let path = file.to_str().unwrap();
    let key = std::str::from_utf8(KEY).unwrap();
    let config = |version: &str, plugin: &Plugin| {
        let socket = plugin.socket().display().to_string();
        let text = format!(
            "kind: EncryptionConfiguration\napiVersion: apiserver.config.k8s.io/v1\nresources:\n- resources: [secrets]\n  \
             providers:\n  - kms: {{apiVersion: {version}, name: plug, endpoint: 'unix://{socket}', timeout: 2s}}\n  - identity: {{}}\n"
        );
        fs::write(&file, text).unwrap();
    };
    let (data_key, seed) = ([1; 32], [2; 32]);
    let [first, second] = sealed_by_a_plugin(&data_key, &seed);
    for (version, stored, unwrapped, call) in [
        ("v1", &first, data_key, "/v1beta1.KeyManagementService/Decrypt"),
        ("v2", &second, seed, "/v2.KeyManagementService/Decrypt"),
    ] {
        let plugin = Plugin::start(Some(&unwrapped));
        config(version, &plugin);
        etcd.put(KEY, stored);
        etcd.put(b"/registry/pods/a/b", b"text");
        let flags = ["--encryption-config", path];
        let commands: [&[&str]; 4] = [
            &["get", key, "-w", "yaml"],
            &["get", key, "--decode"],
            &["kube", "get", "secret", "s1", "-w", "yaml"],
            &["watch", key, "--rev", "1", "-w", "yaml", "--", "false"],
        ];
        for command in commands {
            let at = command.iter().position(|word| *word == "--").unwrap_or(command.len());
            let args = [&command[..at], &flags, &command[at..]].concat();
            let opened = ours(&etcd, &args);
            assert!(opened.text().ends_with("\ntype: t\n"), "{version} {command:?}\n{opened}");
        }
        let args = ["kube", "decode", "--encryption-config", path, "--key", key];
        let decoded = Run::ours(args).stdin(stored).outcome();
        assert_eq!((decoded.status, decoded.text().lines().last().unwrap()), (0, "type: t"));
        let asked = plugin.asked();
        assert!(asked.iter().all(|(path, _)| path == call), "{asked:?}");
        // What is in the envelope is handed on: the wrapped key, and of version 2 the id of its own key.
        let holds = |word: &[u8]| {
            asked.iter().all(|(_, ask)| ask.windows(word.len()).any(|one| one == word))
        };
        assert!(holds(b"abc") && (version == "v1" || holds(b"\x1a\x02id")));

        let refuses = Plugin::start(None);
        config(version, &refuses);
        let closed = ours(
            &etcd,
            &["get", "/registry/", "--prefix", "-w", "yaml", "--encryption-config", path],
        );
        assert!(closed.text().contains("---\n# /registry/pods/a/b "), "the rest goes on\n{closed}");
        let said = closed.said();
        assert!(
            said.starts_with("the KMS plugin \"plug\" unwraps no key: the key is gone\n"),
            "{closed}"
        );
        assert!(said.ends_with("Error: 1 value could not be read whole\n"), "{closed}");
    }
    // A seed opens many values; it is asked for once.
    let plugin = Plugin::start(Some(&seed));
    config("v2", &plugin);
    etcd.put(KEY, &second);
    let twice = ours(
        &etcd,
        &["watch", key, "--rev", "1", "-w", "yaml", "--encryption-config", path, "--", "false"],
    );
    assert!(twice.text().matches("kind: Secret").count() > 1, "{twice}");
    assert_eq!(plugin.asked().len(), 1);
    drop(plugin);
    let gone = ours(&etcd, &["get", key, "-w", "yaml", "--encryption-config", path]);
    assert!(gone.said().starts_with("the KMS plugin \"plug\" unwraps no key: "), "{gone}");
    assert_eq!(gone.status, 1);
    for (text, words) in [
        ("{name: a}", "has no endpoint"),
        ("{endpoint: 'unix:///x'}", "has no name"),
        ("{name: a, endpoint: 'http://x'}", "endpoint is no socket (unix:///…)"),
        (
            "{name: a, endpoint: 'unix:///x', apiVersion: v3}",
            "apiVersion \"v3\" is neither v1 nor v2",
        ),
        ("{name: a, endpoint: 'unix:///x', timeout: soon}", "timeout \"soon\" is no duration"),
    ] {
        let text = format!(
            "{{kind: EncryptionConfiguration, resources: [{{providers: [{{kms: {text}}}]}}]}}"
        );
        let said = Keys::of_config(text.as_bytes()).unwrap_err().to_string();
        assert!(
            said.starts_with("resources[0].providers[0].kms") && said.ends_with(words),
            "{said}"
        );
    }
}
