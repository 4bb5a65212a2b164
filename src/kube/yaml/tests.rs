use super::super::json;
use super::*;

fn yaml(json: &str) -> String {
    let mut out = Vec::new();
    write(&json::read(json.as_bytes()).unwrap(), &mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn maps_and_lists_stand_in_block_style() {
    assert_eq!(
        yaml(r#"{"b":[{"x":1,"y":[]},[1,[2]],"t"],"a":{"c":{},"d":null},"e":true}"#),
        "a:\n  c: {}\n  d: null\nb:\n- x: 1\n  \"y\": []\n- - 1\n  - - 2\n- t\ne: true\n"
    );
    assert_eq!(
        (yaml("{}").as_str(), yaml("[]").as_str(), yaml("1").as_str()),
        ("{}\n", "[]\n", "1\n")
    );
}

#[test]
fn texts_are_written_in_the_first_style_that_can() {
    for (json, text) in [
        (r#""plain text""#, "plain text"),
        (r#""""#, "\"\""),
        (r#""yes""#, "\"yes\""),
        (r#""a: b""#, "'a: b'"),
        (r#""it's # one""#, "'it''s # one'"),
        (r#""*x""#, "'*x'"),
        (r#""- x""#, "'- x'"),
        (r#""-x""#, "-x"),
        (r#"" x ""#, "' x '"),
        (r#""a\tb""#, "\"a\\tb\""),
        (r#""😀""#, "\"\\U0001F600\""),
        (r#""a\u2028b""#, "'a\u{2028}  b'"),
        (r#""\u0085\u007f\ufeff""#, "\"\\N\\x7F\\uFEFF\""),
        (r#""---x""#, "'---x'"),
        (r#""x:""#, "'x:'"),
        (r#""1.5""#, "\"1.5\""),
    ] {
        assert_eq!(yaml(json), format!("{text}\n"), "{json}");
    }
}

#[test]
fn several_lines_stand_below_a_bar() {
    for (json, text) in [
        (r#"{"k":"a\nb"}"#, "k: |-\n  a\n  b\n"),
        (r#"{"k":"a\nb\n"}"#, "k: |\n  a\n  b\n"),
        (r#"{"k":"a\n\nb\n\n"}"#, "k: |+\n  a\n\n  b\n\n"),
        (r#"{"k":" a\nb"}"#, "k: |2-\n   a\n  b\n"),
        (r#"{"k":"\n"}"#, "k: |2+\n\n"),
        (r#"{"k":"a \nb"}"#, "k: \"a \\nb\"\n"),
        (r#"{"a\nb":1}"#, "? |-\n  a\n  b\n: 1\n"),
    ] {
        assert_eq!(yaml(json), text, "{json}");
    }
}

#[test]
fn long_lines_are_folded_at_a_blank() {
    let words = "word ".repeat(20);
    let folded = yaml(&format!("{{\"k\":\"{}\"}}", words.trim_end()));
    let lines: Vec<&str> = folded.lines().collect();
    assert_eq!(lines.len(), 2);
    assert!(lines[0].len() > 80 && lines[1].starts_with("  word"), "{folded}");
}

#[test]
fn numbers_are_written_as_go_writes_them() {
    for (json, text) in [
        ("1.50", "1.5"),
        ("1e3", "1000"),
        ("1234567.5", "1.2345675e+06"),
        ("0.00001", "1e-05"),
        ("0.0001", "0.0001"),
        ("100000000000000000000", "1e+20"),
        ("12345678901234567890123", "12345678901234567890123"),
        ("18446744073709551615", "18446744073709551615"),
        ("-0.0", "-0"),
        ("123456.75", "123456.75"),
    ] {
        assert_eq!(yaml(json), format!("{text}\n"), "{json}");
    }
}
