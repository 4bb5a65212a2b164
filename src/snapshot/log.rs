//! What the offline commands tell on stderr while they work: lines in the form of etcd's own log
//! (zap's console encoder), since scripts search them.

use std::io::Write;
use std::panic::Location;
use std::path::Path;
use std::time::SystemTime;

use crate::go::duration::GoDuration;

/// What a field of a line holds.
pub enum Value<'a> {
    Text(&'a str),
    Texts(&'a [String]),
    Path(&'a Path),
    Number(i128),
    Flag(bool),
    Duration(GoDuration),
}

type Fields<'a> = [(&'a str, Value<'a>)];

#[track_caller]
pub fn info(message: &str, fields: &Fields<'_>) {
    write("info", message, fields);
}

#[track_caller]
pub fn warn(message: &str, fields: &Fields<'_>) {
    write("warn", message, fields);
}

#[track_caller]
pub fn error(message: &str, fields: &Fields<'_>) {
    write("error", message, fields);
}

#[track_caller]
fn write(level: &str, message: &str, fields: &Fields<'_>) {
    let place = Location::caller();
    let file = place.file().trim_start_matches("src/");
    let time = humantime::format_rfc3339_seconds(SystemTime::now());
    let mut line = format!("{time}\t{level}\t{file}:{}\t{message}", place.line());
    if !fields.is_empty() {
        line.push('\t');
        line.push_str(&object(fields));
    }
    line.push('\n');
    // In one piece, so that lines of several processes stay whole; who closed stderr wants no log.
    let _ = std::io::stderr().write_all(line.as_bytes());
}

/// A JSON object with a blank after each colon and comma.
fn object(fields: &Fields<'_>) -> String {
    let fields: Vec<_> =
        fields.iter().map(|(name, value)| format!("\"{name}\": {}", json(value))).collect();
    format!("{{{}}}", fields.join(", "))
}

fn json(value: &Value<'_>) -> String {
    match value {
        Value::Text(text) => string(text),
        Value::Texts(texts) => {
            let texts: Vec<_> = texts.iter().map(|text| string(text)).collect();
            format!("[{}]", texts.join(", "))
        }
        Value::Path(path) => string(&path.to_string_lossy()),
        Value::Number(number) => number.to_string(),
        Value::Flag(flag) => flag.to_string(),
        Value::Duration(duration) => string(&duration.to_string()),
    }
}

/// zap escapes no more than JSON demands.
fn string(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_have_a_blank_after_colon_and_comma() {
        let urls = ["http://a:1".to_owned(), "http://b:1".to_owned()];
        let fields = [
            ("path", Value::Path(Path::new("a \"b\"<"))),
            ("urls", Value::Texts(&urls)),
            ("size", Value::Number(-1)),
            ("is-learner", Value::Flag(false)),
        ];
        assert_eq!(
            object(&fields),
            r#"{"path": "a \"b\"<", "urls": ["http://a:1", "http://b:1"], "size": -1, "is-learner": false}"#
        );
    }
}
