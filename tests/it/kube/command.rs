//! The same through the command line: `get` decodes, `kube decode` and `kube encode` need no server.

use std::fmt::Write as _;
use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Stored, assert_same, cluster, fixture};
use crate::support::{Etcd, Run, ours};

fn pod() -> Stored {
    let found = cluster()
        .into_iter()
        .find(|one| one.key.starts_with("/registry/pods/") && one.remark.trim().is_empty());
    found.expect("a cluster has pods")
}

fn secret() -> Stored {
    let found = cluster().into_iter().find(|one| one.encryption.starts_with("aesgcm"));
    found.expect("some secrets are encrypted")
}

/// Without the line that only a server knows.
fn unversioned(yaml: &[u8]) -> String {
    let text = std::str::from_utf8(yaml).expect("YAML is text");
    text.split_inclusive('\n').filter(|line| !line.starts_with("  resourceVersion: ")).collect()
}

#[test]
fn a_stored_value_is_decoded_from_every_form() {
    let pod = pod();
    let expected = unversioned(&pod.yaml);
    let hex = |separator: &str| {
        pod.value.iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{separator}{byte:02x}");
            text
        })
    };
    let base64 = STANDARD.encode(&pod.value);
    let printed = [pod.key.as_bytes(), b"\n", &pod.value, b"\n"].concat();
    for (input, form) in [
        (pod.value.clone(), "raw"),
        ([&pod.value[..], b"\n"].concat(), "raw"),
        (hex("").into_bytes(), "hex"),
        (format!("{}\n", hex("\\x")).into_bytes(), "hex"),
        (format!("{base64}\n").into_bytes(), "base64"),
        (printed, "raw"),
    ] {
        for args in [&["kube", "decode"][..], &["kube", "decode", "--input", form]] {
            Run::ours(args).stdin(&input).outcome().assert_prints(&expected);
        }
    }
    // As `get --hex` prints several keys.
    let line = |bytes: &[u8]| {
        bytes.iter().fold(String::new(), |line, byte| line + &format!("\\x{byte:02x}"))
    };
    let pair = format!("{}\n{}\n", line(pod.key.as_bytes()), line(&pod.value));
    let twice = Run::ours(["kube", "decode"]).stdin(pair.repeat(2).as_bytes()).outcome();
    twice.assert_prints(&format!("---\n{expected}").repeat(2));
    let managed =
        Run::ours(["kube", "decode", "--show-managed-fields"]).stdin(&pod.value).outcome();
    managed.assert_prints(&unversioned(&pod.yaml_with_managers));
}

#[test]
fn an_answer_of_the_official_client_is_decoded_with_its_revision() {
    let etcd = Etcd::start();
    let pod = pod();
    etcd.put(pod.key.as_bytes(), &pod.value);
    let answer = ours(&etcd, &["get", &pod.key, "-w", "json"]);
    let decoded = Run::ours(["kube", "decode"]).stdin(&answer.stdout).outcome();
    let document = decoded.text();
    assert!(document.contains("\n  resourceVersion: \"2\"\n"), "{decoded}");
    assert_eq!(unversioned(document.as_bytes()), unversioned(&pod.yaml));
    let json = Run::ours(["kube", "decode", "-w", "json"]).stdin(&answer.stdout).outcome();
    assert!(
        json.text().starts_with("{\n    \"apiVersion\": \"v1\",\n    \"kind\": \"Pod\","),
        "{json}"
    );
    let line = Run::ours(["kube", "decode", "-w", "jsonl"]).stdin(&answer.stdout).outcome();
    assert_eq!(line.text().lines().count(), 1, "{line}");
    let yaml = Run::ours(["kube", "decode", "-w", "yaml"]).stdin(&answer.stdout).outcome();
    assert!(yaml.text().starts_with(&format!("---\n# {} create_revision=2 ", pod.key)), "{yaml}");
    assert!(yaml.text().ends_with(&document), "{yaml}");
}

#[test]
fn get_decodes_objects_in_yaml_simple_and_jsonl() {
    let etcd = Etcd::start();
    let (pod, secret) = (pod(), secret());
    etcd.put(pod.key.as_bytes(), &pod.value);
    etcd.put(secret.key.as_bytes(), &secret.value);
    etcd.put(b"/registry/x", b"{\"a\": [1]}");
    let object = unversioned(&pod.yaml);

    let yaml = ours(&etcd, &["get", &pod.key, "-w", "yaml"]);
    let (heading, document) =
        yaml.text().split_once("version=1\n").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    assert_eq!(heading, format!("---\n# {} create_revision=2 mod_revision=2 ", pod.key));
    assert!(document.contains("\n  resourceVersion: \"2\"\n"), "{yaml}");
    assert_eq!(unversioned(document.as_bytes()), object);

    let simple = ours(&etcd, &["get", &pod.key, "--decode"]);
    assert_eq!(simple.text(), format!("{}\n{document}", pod.key));
    let managed = ours(&etcd, &["get", &pod.key, "--show-managed-fields", "--print-value-only"]);
    assert_eq!(unversioned(&managed.stdout), unversioned(&pod.yaml_with_managers));

    let lines = ours(&etcd, &["get", "/registry/", "--prefix", "--decode", "-w", "jsonl"]).text();
    let values: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(values.len(), 3);
    assert_eq!(values[0]["value"]["kind"], "Pod");
    assert_eq!(values[1]["value"]["why"], "encrypted by aesgcm:v1, key \"key3\"");
    assert_eq!(values[2]["value"]["a"][0], 1);

    let closed = ours(&etcd, &["get", &secret.key, "-w", "yaml"]).text();
    assert!(closed.contains("\n# encrypted by aesgcm:v1, key \"key3\"\nbase64: "), "{closed}");
    let config = fixture("kube/encryption-config.yaml").display().to_string();
    let opened =
        ours(&etcd, &["get", &secret.key, "--encryption-config", &config, "--print-value-only"]);
    assert_eq!(unversioned(&opened.stdout), unversioned(&secret.yaml));

    ours(&etcd, &["get", "k", "--decode", "-w", "json"])
        .assert_fails(4, "json does not decode values");
}

/// A watch ends with its command, at the first event.
#[test]
fn watch_decodes_what_was_put_and_what_was_there_before() {
    let etcd = Etcd::start();
    let (pod, secret) = (pod(), secret());
    etcd.put(pod.key.as_bytes(), &pod.value);
    etcd.put(pod.key.as_bytes(), &pod.value);
    ours(&etcd, &["del", &pod.key]);
    etcd.put(secret.key.as_bytes(), &secret.value);
    let config = fixture("kube/encryption-config.yaml").display().to_string();
    let watch = |flags: &[&str]| {
        let line = ["watch", "/registry/", "--prefix", "--rev", "3", "--prev-kv"];
        ours(&etcd, &[&line[..], flags, &["--", "false"]].concat()).text()
    };
    let object = unversioned(&pod.yaml);

    let simple = watch(&["--decode"]);
    let wanted =
        format!("PUT\n{0}\n{object}{0}\n{object}DELETE\n{0}\n{object}{0}\n\nPUT\n", pod.key);
    let decoded = unversioned(simple.as_bytes());
    assert!(decoded.starts_with(&wanted), "{decoded}");
    assert!(decoded.ends_with("# encrypted by aesgcm:v1, key \"key3\"\n"), "{decoded}");

    let lines = watch(&["--encryption-config", &config, "-w", "jsonl"]);
    let lines: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let shapes = lines.iter().map(|line| {
        let kind = |value: &serde_json::Value| value["kind"].as_str().map(str::to_owned);
        (line["type"].as_str(), kind(&line["value"]), kind(&line["prev"]["value"]))
    });
    let (pod_kind, secret_kind) = (Some("Pod".to_owned()), Some("Secret".to_owned()));
    assert_eq!(
        shapes.collect::<Vec<_>>(),
        [
            (Some("PUT"), pod_kind.clone(), pod_kind.clone()),
            (Some("DELETE"), None, pod_kind),
            (Some("PUT"), secret_kind, None),
        ]
    );
    let keys: Vec<&String> = lines[0].as_object().unwrap().keys().collect();
    assert_eq!((keys.len(), lines[0]["key"].as_str()), (7, Some(&*pod.key)));

    let yaml = unversioned(watch(&["-w", "yaml"]).as_bytes());
    let heading =
        format!("---\n# {} create_revision=2 mod_revision=3 version=2 type=PUT\n", pod.key);
    assert!(yaml.starts_with(&format!("{heading}{object}---\n# ")), "{yaml}");
    ours(&etcd, &["watch", "k", "--decode", "-w", "json"])
        .assert_fails(4, "json does not decode values");
}

#[test]
fn an_encrypted_value_is_opened_under_its_own_key_or_named() {
    let secret = secret();
    let config = fixture("kube/encryption-config.yaml").display().to_string();
    let args = ["kube", "decode", "--encryption-config", &config];
    let closed = Run::ours(args).stdin(&secret.value).outcome();
    closed.assert_fails(1, "the value is encrypted by aesgcm:v1, key \"key3\"");
    assert!(closed.said().contains("hint: "), "{closed}");
    let opened = Run::ours([&args[..], &["--key", &secret.key]].concat()).stdin(&secret.value);
    opened.outcome().assert_prints(&unversioned(&secret.yaml));
    Run::ours(["kube", "decode", "--encryption-config", "/nowhere"])
        .stdin(b"")
        .outcome()
        .assert_fails(1, "could not read /nowhere: No such file or directory (os error 2)");
}

#[test]
fn what_kubectl_prints_is_encoded_as_it_was_stored() {
    let pod = pod();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pod.yaml");
    fs::write(&file, &pod.yaml_with_managers).unwrap();
    let encoded = Run::ours([&"kube".into(), &"encode".into(), &file.clone().into_os_string()]
        as [&std::ffi::OsString; 3])
    .outcome();
    assert_same(&encoded.stdout, &pod.value, "encoded from YAML");
    let encoded = Run::ours(["kube", "encode"]).stdin(&pod.json).outcome();
    assert_same(&encoded.stdout, &pod.value, "encoded from JSON");
    Run::ours(["kube", "encode"])
        .stdin(b"kind: Pod\napiVersion: v1\nspec: {nodeNam: x}")
        .outcome()
        .assert_fails(1, "could not encode the object: spec.nodeNam: there is no such member here");
    Run::ours(["kube", "decode"])
        .stdin(b"text")
        .outcome()
        .assert_fails(1, "the value is no Kubernetes object");
}

/// A person gets digits, as do programs of which one would hand them on; anybody else gets the bytes.
#[test]
fn what_is_encoded_is_hexadecimal_on_a_persons_terminal_alone() {
    let object = b"apiVersion: v1\nkind: Pod\nmetadata: {name: p}\n";
    let stored = Run::ours(["kube", "encode", "-"]).stdin(object).outcome().stdout;
    assert!(stored.starts_with(b"k8s\0"));
    let hex = stored.iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("pod.yaml"), object).unwrap();
    let run = || Run::ours(["kube", "encode", "pod.yaml"]).inside(folder.path());
    let shown = run().on_persons_terminal();
    assert_eq!(shown.text().replace("\r\n", "\n"), format!("{hex}\n"));
    assert_eq!(run().outcome().stdout, stored);
    // And back.
    let decoded = Run::ours(["kube", "decode"]).stdin(shown.text().as_bytes()).outcome();
    assert!(decoded.text().starts_with("apiVersion: v1\nkind: Pod\n"), "{decoded}");
}
