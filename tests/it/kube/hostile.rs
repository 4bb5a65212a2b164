//! Whatever the bytes are, there is an answer: no panic, no endless depth.

use std::fs;

use etcdctl::kube::encryption::{Keys, sealed};
use etcdctl::kube::{Options, Value, encode, json, read, yaml};

use super::{cluster, every_kind, fixture};
use crate::support::{Etcd, Run, ours};

/// Random numbers that are the same in every run (xorshift).
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit.max(1) as u64).expect("it is below a limit")
    }

    fn mutated(&mut self, value: &[u8]) -> Vec<u8> {
        let mut value = value.to_vec();
        for _ in 0..=self.below(4) {
            let at = self.below(value.len());
            let byte = u8::try_from(self.below(256)).expect("a byte");
            match self.below(5) {
                0 => value.truncate(at),
                1 => value.insert(at, byte),
                2 if !value.is_empty() => drop(value.remove(at)),
                3 => {
                    let end = (at + self.below(16)).min(value.len());
                    let piece = value[at..end].to_vec();
                    value.splice(at..at, piece);
                }
                _ if !value.is_empty() => value[at] = byte,
                _ => {}
            }
            if value.is_empty() {
                break;
            }
        }
        value
    }
}

/// Everything that is done with a value.
fn try_all(value: &[u8], keys: &Keys) {
    let options = Options { managed_fields: true, mod_revision: Some(1) };
    if let Ok(Value::Object(object)) = read(value, &options) {
        let (mut text, mut document) = (Vec::new(), Vec::new());
        object.json(json::Style::Kubectl, &mut text);
        json::read(&text).expect("what is written as JSON is JSON");
        object.yaml(&mut document);
        let _ = encode::stored(&object.tree);
    }
    let _ = sealed(value);
    let _ = keys.open(b"/registry/k", value);
}

#[test]
fn mutated_and_truncated_values_never_panic() {
    let config = fs::read(fixture("kube/encryption-config.yaml")).unwrap();
    let keys = Keys::of_config(&config).unwrap();
    let mut chance = Chance(0x9e37_79b9_7f4a_7c15);
    let stored = every_kind().into_iter().map(|one| one.stored);
    let values: Vec<Vec<u8>> = stored.chain(cluster().into_iter().map(|one| one.value)).collect();
    for value in &values {
        for _ in 0..4 {
            try_all(&chance.mutated(value), &keys);
        }
        try_all(&value[..chance.below(value.len())], &keys);
    }
    for length in 0..2000 {
        let mut noise: Vec<u8> =
            (0..length % 64).map(|_| u8::try_from(chance.below(256)).unwrap()).collect();
        for prefix in
            [&b""[..], b"k8s\0", b"k8s\0\x0a\x09\x0a\x02v1\x12\x03Pod\x12", b"\xd9\xd9\xf7"]
        {
            try_all(&[prefix, &noise].concat(), &keys);
        }
        let _ = yaml::read(&noise);
        noise.retain(u8::is_ascii_graphic);
        let _ = yaml::read(&noise);
        let _ = Keys::of_config(&noise);
    }
}

/// A field of bytes.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut varint = |mut value: usize| {
        while value >= 128 {
            out.push(u8::try_from(value & 127).expect("seven bits") | 128);
            value >>= 7;
        }
        out.push(u8::try_from(value).expect("seven bits"));
    };
    varint(usize::from(number) << 3 | 2);
    varint(bytes.len());
    out.extend_from_slice(bytes);
    out
}

#[test]
fn nesting_is_bounded() {
    // A schema within a schema (`not`, field 28), as deep as the value is long.
    let deep = (0..5000).fold(Vec::new(), |inner, _| field(28, &inner));
    let version = field(7, &field(4, &field(1, &deep)));
    let definition = [field(1, &field(1, b"bomb")), field(2, &version)].concat();
    let kind =
        [field(1, b"apiextensions.k8s.io/v1"), field(2, b"CustomResourceDefinition")].concat();
    let bomb = [&b"k8s\0"[..], &field(1, &kind), &field(2, &definition)].concat();
    let keys = Keys::default();
    let Ok(Value::Object(object)) = read(&bomb, &Options::default()) else { panic!("no object") };
    let said = object.damage.as_ref().expect("it is too deep").to_string();
    assert!(said.starts_with("messages stand too deep in each other at byte "), "{said}");
    let mut document = Vec::new();
    object.yaml(&mut document);
    let document = String::from_utf8(document).unwrap();
    assert!(document.contains("\n  name: bomb\n") && document.matches("not:").count() > 100);
    for deep in [bomb, vec![b'['; 1 << 20], vec![0x81; 1 << 20], b"{\"a\":".repeat(1 << 18)] {
        for prefix in [&b""[..], b"k8s\0", b"\xd9\xd9\xf7"] {
            try_all(&[prefix, &deep].concat(), &keys);
        }
        let _ = yaml::read(&deep);
    }
}

#[test]
fn unknown_fields_and_kinds_are_shown() {
    let options = Options::default();
    // Field 200 of a Pod's spec, and a kind that nobody knows.
    let yaml = |value: &[u8]| {
        let Ok(Value::Object(object)) = read(value, &options) else { panic!("no object") };
        let mut text = Vec::new();
        object.yaml(&mut text);
        object.json(json::Style::Server, &mut text);
        String::from_utf8(text).unwrap()
    };
    let pod = b"k8s\0\x0a\x09\x0a\x02v1\x12\x03Pod\x12\x0c\x0a\x03\x0a\x01p\x12\x05\xc2\x0c\x02hi\x1a\x00\x22\x00";
    assert_eq!(
        yaml(pod),
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: p\nspec:\n  containers: null\n\
         # unknown field spec[200]: \"hi\"\n\
         {\"kind\":\"Pod\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"p\"},\"spec\":{\"containers\":null},\
         \"@unknown\":{\"spec[200]\":[\"hi\"]}}"
    );
    let strange =
        b"k8s\0\x0a\x0c\x0a\x04x/v7\x12\x04Kind\x12\x0b\x0a\x03\x0a\x01p\x12\x04\x08\x05\x10\x06";
    assert_eq!(
        yaml(strange),
        "apiVersion: x/v7\nkind: Kind\nmetadata:\n  name: p\n# unknown field [2]: {\"1\":5,\"2\":6}\n\
         {\"kind\":\"Kind\",\"apiVersion\":\"x/v7\",\"metadata\":{\"name\":\"p\"},\"@unknown\":{\"[2]\":[{\"1\":5,\"2\":6}]}}"
    );
}

#[test]
fn damage_is_told_with_its_place() {
    let options = Options::default();
    for (value, words) in [
        (&b"k8s\x01"[..], "its encoding style 1 is unknown at byte 3"),
        (b"k8s\0\x0a\x09\x0a", "the value ends within a field at byte 4"),
        (b"k8s\0\x22\x03a/b", "its content type \"a/b\" is unknown"),
        (b"\xd9\xd9\xf7\x42a", "the CBOR value ends too early at byte 4"),
    ] {
        assert_eq!(read(value, &options).unwrap_err().to_string(), words);
    }
    for opaque in [&b""[..], b"k8s", b"{", b"{\"kind\":1}", b"text", b"\xff", b"{\"kind\":\"a\""] {
        assert!(matches!(read(opaque, &options), Ok(Value::Opaque)), "{opaque:?}");
    }
}

/// Each value as far as it can be read, and then whole as it is stored.
#[test]
fn what_can_be_read_of_a_damaged_object_is_shown() {
    use base64::Engine as _;
    let pod = b"k8s\0\x0a\x09\x0a\x02v1\x12\x03Pod\x12\x15\x0a\x03\x0a\x01p\x12\x0e\x52\x0cnode-of-many\x1a\x00\x22\x00";
    let cut = |length: usize| pod[..length].to_vec();
    let mut wrong_type = pod.to_vec();
    wrong_type[19] = 0x0f; // the name's wire type is 7
    let head = "apiVersion: v1\nkind: Pod\n";
    let named = "metadata:\n  name: p\n";
    for (value, words, shown) in [
        (
            cut(30),
            "the value ends within a field at byte 15",
            format!("{head}{named}spec:\n  containers: null\n  nodeName: node\n"),
        ),
        (cut(22), "the value ends within a field at byte 15", format!("{head}{named}")),
        (
            wrong_type,
            "a field has no valid wire type at byte 19",
            format!("{head}metadata: {{}}\nspec:\n  containers: null\n  nodeName: node-of-many\n"),
        ),
        (
            b"{\"apiVersion\":\"e.x/v1\",\"ki".to_vec(),
            "a JSON text does not end at byte 26",
            "apiVersion: e.x/v1\n".to_owned(),
        ),
        (
            b"{\"apiVersion\":\"e.x/v1\",\"kind\":\"W\",\"spec\":{\"a\":[1,{\"b\":tru".to_vec(),
            "this is no JSON at byte 54",
            "apiVersion: e.x/v1\nkind: W\nspec:\n  a:\n  - 1\n  - {}\n".to_owned(),
        ),
        (
            b"\xd9\xd9\xf7\xa2\x44kind\x41W\x44spec\xa1\x41a\x83\x01\x02".to_vec(),
            "the CBOR value ends too early at byte 22",
            "kind: W\nspec:\n  a:\n  - 1\n  - 2\n".to_owned(),
        ),
    ] {
        let Ok(Value::Object(object)) = read(&value, &Options::default()) else {
            panic!("{words}: no object")
        };
        let mut document = Vec::new();
        object.yaml(&mut document);
        let base64 = base64::engine::general_purpose::STANDARD.encode(&value);
        assert_eq!(
            String::from_utf8(document).unwrap(),
            format!(
                "# damaged Kubernetes object: {words}; what can be read of it:\n{shown}\
                 # as it is stored, in base64: {base64}\n"
            )
        );
        let mut text = Vec::new();
        object.json(json::Style::Server, &mut text);
        let end = format!(",\"@damaged\":{{\"why\":\"{words}\",\"base64\":\"{base64}\"}}}}");
        assert!(String::from_utf8(text).unwrap().ends_with(&end));
    }
}

/// Three keys, the one in the middle cut short: both others, and what is left of it, in every way to ask.
#[test]
fn a_damaged_object_is_named_and_the_rest_goes_on() {
    let etcd = Etcd::start();
    let mut pods = cluster().into_iter().filter(|one| one.key.starts_with("/registry/pods/"));
    let pods: Vec<_> = (0..3).map(|_| pods.next().expect("a cluster has pods")).collect();
    for (at, pod) in pods.iter().enumerate() {
        let end = if at == 1 { pod.value.len() * 2 / 3 } else { pod.value.len() };
        etcd.put(pod.key.as_bytes(), &pod.value[..end]);
    }
    let (damaged, base64) = (&pods[1].key, {
        use base64::Engine as _;
        let end = pods[1].value.len() * 2 / 3;
        base64::engine::general_purpose::STANDARD.encode(&pods[1].value[..end])
    });
    let named = format!("{damaged} is a damaged Kubernetes object: the value ends within a field");
    let name = damaged.rsplit('/').next().unwrap();
    let check = |args: &[&str], last: &str| {
        let outcome = ours(&etcd, args);
        assert_eq!(outcome.status, 1, "{args:?}\n{outcome}");
        assert!(outcome.said().starts_with(&named), "{outcome}");
        assert!(outcome.said().ends_with(&format!("Error: {last}\n")), "{outcome}");
        outcome.text()
    };
    let shown = |text: &str| {
        for pod in &pods {
            let name = pod.key.rsplit('/').next().unwrap();
            assert!(text.contains(&format!("name: {name}\n")), "{name}:\n{text}");
        }
        assert!(text.contains("# damaged Kubernetes object: the value ends within a field"));
        assert_eq!(text.matches(&base64).count(), 1);
    };
    let one = "1 value could not be read whole";
    let all = ["get", "/registry/", "--prefix"];
    shown(&check(&[&all[..], &["-w", "yaml"]].concat(), one));
    shown(&check(&[&all[..], &["--decode"]].concat(), one));
    let last = "1 of 3 objects could not be read whole";
    shown(&check(&["kube", "get", "pods", "-A", "-w", "yaml"], last));
    check(&["kube", "get", "pods", "-A"], last);
    let lines = check(&["kube", "get", "pods", "-A", "-w", "jsonl"], last);
    let whole = check(&["kube", "get", "pods", "-A", "-w", "json"], last);
    let whole: serde_json::Value = serde_json::from_str(&whole).unwrap();
    let values = check(&[&all[..], &["--decode", "-w", "jsonl"]].concat(), one);
    let line = |text: &str| -> serde_json::Value {
        assert_eq!(text.lines().count(), 3);
        serde_json::from_str(text.lines().nth(1).unwrap()).unwrap()
    };
    for object in [&line(&lines), &whole["items"][1], &line(&values)["value"]] {
        assert_eq!(object["metadata"]["name"], name);
        assert_eq!(object["@damaged"]["base64"], *base64);
    }

    // The command that fails ends the watch, after all events that are there.
    let watch = ["watch", "/registry/", "--prefix", "--rev", "2", "-w", "yaml", "--", "false"];
    let watched = ours(&etcd, &watch);
    shown(&watched.text());
    assert!(watched.said().starts_with(&named), "{watched}");

    let answer = ours(&etcd, &["get", "/registry/", "--prefix", "-w", "json"]).stdout;
    for format in ["simple", "yaml", "json", "jsonl"] {
        let decoded = Run::ours(["kube", "decode", "-w", format]).stdin(&answer).outcome();
        assert_eq!(decoded.status, 1, "{decoded}");
        assert!(decoded.said().starts_with(&named), "{decoded}");
        for pod in &pods {
            let name = pod.key.rsplit('/').next().unwrap();
            assert!(decoded.text().contains(name), "{decoded}");
        }
        assert!(decoded.text().contains(&base64), "{decoded}");
    }
}

#[test]
fn a_wrong_key_is_named_and_the_rest_goes_on() {
    let etcd = Etcd::start();
    let stored = cluster();
    let secret = stored.iter().find(|one| one.encryption.starts_with("aesgcm")).unwrap();
    let pod = stored.iter().find(|one| one.key.starts_with("/registry/pods/")).unwrap();
    etcd.put(b"/registry/a", &secret.value);
    etcd.put(pod.key.as_bytes(), &pod.value);
    let config = fixture("kube/encryption-config.yaml").display().to_string();
    let args = ["get", "/registry/", "--prefix", "-w", "yaml"];
    // Under another key the right key is a wrong one.
    let outcome = ours(&etcd, &[&args[..], &["--encryption-config", &config]].concat());
    assert_eq!(outcome.status, 1, "{outcome}");
    assert!(outcome.text().contains("\n# encrypted by aesgcm:v1, key \"key3\"\nbase64: "));
    assert!(outcome.text().contains("kind: Pod\n"));
    assert_eq!(
        outcome.said(),
        "/registry/a is encrypted by aesgcm:v1, key \"key3\", which no key at hand opens\n\
         Error: 1 value could not be read whole\n"
    );
    // Who gave no key knows that it is closed.
    assert_eq!(ours(&etcd, &args).status, 0);
}

#[test]
fn what_is_unknown_never_ends_its_comment() {
    // Field 200 of a Pod's spec holds what breaks a line in some YAML, and a byte order mark.
    let text = "a\u{feff}b\u{2028}kind: Secret\u{2029}c";
    let length = u8::try_from(text.len()).unwrap();
    let pod = [
        b"k8s\0\x0a\x09\x0a\x02v1\x12\x03Pod\x12",
        &[5 + 2 + 3 + length][..],
        b"\x0a\x03\x0a\x01p\x12",
        &[3 + length],
        b"\xc2\x0c",
        &[length],
        text.as_bytes(),
    ]
    .concat();
    let Ok(Value::Object(object)) = read(&pod, &Options::default()) else { panic!("no object") };
    let mut document = Vec::new();
    object.yaml(&mut document);
    let text = String::from_utf8(document).unwrap();
    assert!(
        text.ends_with("\n# unknown field spec[200]: \"a\\ufeffb\\u2028kind: Secret\\u2029c\"\n"),
        "{text}"
    );
    yaml::read(text.as_bytes()).expect("what is written as YAML is YAML");
}

#[test]
fn a_map_in_the_wrong_order_takes_no_longer_than_in_the_right_one() {
    // A ConfigMap of as many entries as a value may have, from the last key to the first, and one twice.
    let field = |number: u8, bytes: &[u8]| {
        let mut out = vec![number << 3 | 2];
        let mut rest = bytes.len();
        while rest >= 128 {
            out.push(u8::try_from(rest & 127 | 128).unwrap());
            rest >>= 7;
        }
        out.push(u8::try_from(rest).unwrap());
        [&out, bytes].concat()
    };
    let entry = |key: &str, value: &str| {
        field(2, &[field(1, key.as_bytes()), field(2, value.as_bytes())].concat())
    };
    let mut data: Vec<u8> =
        (0..150_000).rev().flat_map(|number| entry(&format!("{number:06}"), "")).collect();
    data.extend(entry("000007", "last"));
    let head = b"k8s\0\x0a\x0f\x0a\x02v1\x12\x09ConfigMap";
    let value = [&head[..], &field(2, &data)].concat();
    let begun = std::time::Instant::now();
    let Ok(Value::Object(object)) = read(&value, &Options::default()) else { panic!("no object") };
    let mut text = Vec::new();
    object.json(json::Style::Server, &mut text);
    assert!(begun.elapsed() < std::time::Duration::from_secs(10), "{:?}", begun.elapsed());
    let text = String::from_utf8(text).unwrap();
    assert!(text.contains("\"000006\":\"\",\"000007\":\"last\",\"000008\":\"\""));
    assert_eq!(text.matches("\"000007\"").count(), 1);
}

#[test]
fn many_unknown_fields_take_no_longer_than_their_bytes() {
    // As many numbers as three bytes have, each once.
    let mut fields = Vec::new();
    for number in 17_u32..(1 << 17) {
        let key = number << 3;
        let [low, middle, high] = [key & 127 | 128, key >> 7 & 127 | 128, key >> 14 & 127];
        fields.extend([low, middle, high, 1].map(|byte| u8::try_from(byte).unwrap()));
    }
    let strange = b"k8s\0\x0a\x0c\x0a\x04x/v7\x12\x04Kind\x12";
    let length = |bytes: &[u8]| {
        let (mut out, mut rest) = (Vec::new(), bytes.len());
        while rest >= 128 {
            out.push(u8::try_from(rest & 127 | 128).unwrap());
            rest >>= 7;
        }
        out.push(u8::try_from(rest).unwrap());
        out
    };
    let nested = [&b"\x0a"[..], &length(&fields), &fields].concat();
    for raw in [fields, nested] {
        let value = [&strange[..], &length(&raw), &raw].concat();
        let begun = std::time::Instant::now();
        let Ok(Value::Object(object)) = read(&value, &Options::default()) else {
            panic!("no object")
        };
        object.json(json::Style::Server, &mut Vec::new());
        object.yaml(&mut Vec::new());
        assert!(begun.elapsed() < std::time::Duration::from_secs(10), "{:?}", begun.elapsed());
    }
}
