use super::*;
use crate::kube::tree::Tree;

fn again(text: &str, style: Style) -> String {
    let mut out = Vec::new();
    write(&read(text.as_bytes()).unwrap(), style, &mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn json_is_read_and_written_in_each_manner() {
    let text = r#" {"b": [1, -2, 18446744073709551615, 1.50, 1e3, true, null], "a": {"x": "<\u00e9\ud83d\ude00\ud800>"}, "c": {}} "#;
    assert_eq!(
        again(text, Style::Server),
        "{\"b\":[1,-2,18446744073709551615,1.50,1e3,true,null],\"a\":{\"x\":\"\\u003cé😀\u{fffd}\\u003e\"},\"c\":{}}"
    );
    assert_eq!(
        again(r#"{"b":[1.50,1e3],"a":{}}"#, Style::Kubectl),
        "{\n    \"a\": {},\n    \"b\": [\n        1.5,\n        1000\n    ]\n}"
    );
}

#[test]
fn of_equal_names_the_last_wins() {
    assert_eq!(again(r#"{"a":1,"b":2,"a":3}"#, Style::Server), r#"{"b":2,"a":3}"#);
    let many: Vec<String> = (0..40).map(|n| format!("\"k{}\":{n}", n % 20)).collect();
    let read = again(&format!("{{{}}}", many.join(",")), Style::Server);
    assert_eq!(read.matches(':').count(), 20);
    assert!(read.contains("\"k3\":23"), "{read}");
}

#[test]
fn integers_past_64_bits_are_rounded_by_nobody() {
    for (text, printed) in [
        ("100000000000000000000", "100000000000000000000"),
        ("12345678901234567890123", "12345678901234567890123"),
        ("1e21", "1e+21"),
        ("-0.0", "-0"),
        ("1e400", "1e400"),
    ] {
        assert_eq!(canonical(text), printed);
    }
}

#[test]
fn what_is_no_json_is_refused() {
    for text in [
        "",
        "{",
        "[1,]",
        "01",
        "1.",
        "-",
        "1e",
        "\"",
        "\"\\u12\"",
        "\"\\x\"",
        "tru",
        "{\"a\"}",
        "{1:2}",
        "1 2",
        "\"\n\"",
    ] {
        assert!(read(text.as_bytes()).is_err(), "{text}");
    }
    let deep = "[".repeat(100_000);
    assert!(read(deep.as_bytes()).unwrap_err().to_string().contains("too deep"));
    assert_eq!(read(b"\"\xff\"").unwrap(), Tree::text("\u{fffd}"));
}
