use std::fs;

use etcdctl::kube::encryption::{Keys, sealed};
use etcdctl::kube::{Options, Value, json, read};

use super::{assert_same, bytes, cluster, fixture};

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

fn keys(provider: &str, key: &[u8]) -> Keys {
    use base64::Engine as _;
    let secret = base64::engine::general_purpose::STANDARD.encode(key);
    if provider.starts_with("kms") {
        return Keys::default().with_unwrapped(key.to_vec());
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
