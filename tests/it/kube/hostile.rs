//! Whatever the bytes are, there is an answer: no panic, no endless depth.

use std::fs;

use etcdctl::kube::encryption::{Keys, sealed};
use etcdctl::kube::{Options, Value, encode, json, read, yaml};

use super::{cluster, every_kind, fixture};

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

#[test]
fn nesting_is_bounded() {
    // A schema within a schema, so deep as the value is long.
    let mut inner = Vec::new();
    for _ in 0..5000 {
        let mut outer = vec![0x92, 0x01]; // JSONSchemaProps.not = 18... as bytes
        let mut length = inner.len();
        while length >= 128 {
            outer.push(u8::try_from(length & 127).unwrap() | 128);
            length >>= 7;
        }
        outer.push(u8::try_from(length).unwrap());
        outer.extend_from_slice(&inner);
        inner = outer;
    }
    let keys = Keys::default();
    for deep in [inner, vec![b'['; 1 << 20], vec![0x81; 1 << 20], b"{\"a\":".repeat(1 << 18)] {
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
        (
            b"k8s\0\x0a\x09\x0a\x02v1\x12\x03Pod\x12\x05\x0a",
            "the value ends within a field at byte 15",
        ),
        (b"k8s\0\x22\x03a/b", "its content type \"a/b\" is unknown"),
        (b"\xd9\xd9\xf7\x42a", "the CBOR value ends too early at byte 4"),
    ] {
        assert_eq!(read(value, &options).unwrap_err().to_string(), words);
    }
    for opaque in [&b""[..], b"k8s", b"{", b"{\"kind\":1}", b"text", b"\xff"] {
        assert!(matches!(read(opaque, &options), Ok(Value::Opaque)), "{opaque:?}");
    }
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
