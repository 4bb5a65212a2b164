//! A comparison of a transaction: `FIELD("KEY") OP "VALUE"`.

use crate::arg;
use crate::error::{Error, Exit, Result};
use crate::go::number::parse_int;
use crate::go::quote::quote;
use crate::go::scan::{Scan, ScanError};
use crate::request::{Compare, Operand, Operator};

/// What a line compares, as far as it can be read.
#[derive(Default)]
struct Parts {
    key: Vec<u8>,
    operator: String,
    value: Vec<u8>,
}

impl Parts {
    /// `%q) %s %q`.
    fn read(&mut self, text: &[u8]) -> Result<(), ScanError> {
        let mut scan = Scan(text);
        self.key = scan.quoted()?;
        scan.literal(b')')?;
        scan.blanks()?;
        self.operator = scan.word()?;
        scan.blanks()?;
        self.value = scan.quoted()?;
        Ok(())
    }
}

/// Reads a line. Its complaints come in the official client's order and words.
pub fn parse(line: &[u8]) -> Result<Compare> {
    let shown = String::from_utf8_lossy(line);
    let invalid = |words: String| Error::new(Exit::InvalidInput, words);
    let malformed = |why: &str| {
        invalid(format!("malformed comparison: {shown}{why}"))
            .hint("a comparison looks like value(\"KEY\") = \"VALUE\"; an empty line ends them")
    };
    let Some(open) = line.iter().position(|&byte| byte == b'(') else { return Err(malformed("")) };
    let target = String::from_utf8_lossy(&line[..open]);
    let mut parts = Parts::default();
    if let Err(why) = parts.read(line.get(open + 1..).unwrap_or_default()) {
        let Parts { key, operator, value } = &parts;
        let got = format!("; got {target}({}) {operator} {}", quote(key), quote(value));
        return Err(malformed(&got).because(explained(why, &parts)));
    }
    let Parts { key, operator, value } = parts;
    let text = String::from_utf8_lossy(&value);
    let bad_number = |why: &dyn std::fmt::Display| {
        invalid(format!("invalid txn compare request: {shown}")).because(why.to_string())
    };
    let number = || parse_int(&text, 10, 64).map_err(|err| bad_number(&err));
    let operand = match target.as_ref() {
        "ver" | "version" => Operand::Version(number()?),
        "c" | "create" => Operand::CreateRevision(number()?),
        "m" | "mod" => Operand::ModRevision(number()?),
        "lease" => Operand::Lease(arg::lease(&text).map_err(|err| bad_number(&err))?),
        "val" | "value" => Operand::Value(value),
        _ => {
            return Err(malformed(&format!(" (unknown target {target})"))
                .hint("what can be compared: value, version, create, mod and lease"));
        }
    };
    let operator = match operator.as_str() {
        "=" | "==" => Operator::Equal,
        "!=" => Operator::NotEqual,
        ">" => Operator::Greater,
        "<" => Operator::Less,
        _ => {
            return Err(malformed(&format!(" (unknown operator {operator})"))
                .hint("the operators are =, !=, > and <"));
        }
    };
    Ok(Compare { key, operator, operand })
}

/// Why a comparison ends where it does.
fn explained(why: ScanError, parts: &Parts) -> String {
    let place = match (parts.key.is_empty(), parts.operator.is_empty()) {
        (_, false) => "the value",
        (false, true) => "what follows the key",
        (true, true) => "the key",
    };
    match why {
        ScanError::NoQuote => format!("{place} must stand in double quotes"),
        ScanError::NoBlank | ScanError::Differs => {
            "behind the key come a parenthesis, a blank and the operator".to_owned()
        }
        ScanError::BadLiteral | ScanError::Ended => format!("{place}: {why}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compare(key: &str, operator: Operator, operand: Operand) -> Compare {
        Compare { key: key.into(), operator, operand }
    }

    #[test]
    fn every_field_and_operator_is_read() {
        for (line, expected) in [
            (r#"ver("k") = "0""#, compare("k", Operator::Equal, Operand::Version(0))),
            (r#"version("k") != "+1""#, compare("k", Operator::NotEqual, Operand::Version(1))),
            (r#"c("k") > "-2""#, compare("k", Operator::Greater, Operand::CreateRevision(-2))),
            (r#"create("k") < "3""#, compare("k", Operator::Less, Operand::CreateRevision(3))),
            (r#"m(  "k")   =  "4" more"#, compare("k", Operator::Equal, Operand::ModRevision(4))),
            (r"mod(`k\`) = `5`", compare("k\\", Operator::Equal, Operand::ModRevision(5))),
            (r#"val("\x6b\"") = """#, compare("k\"", Operator::Equal, Operand::Value(Vec::new()))),
            (r#"value("") = "a b""#, compare("", Operator::Equal, Operand::Value(b"a b".to_vec()))),
            (r#"value("k") == "v""#, compare("k", Operator::Equal, Operand::Value(b"v".to_vec()))),
            (
                r#"lease("k") = "3daba2020b665131""#,
                compare("k", Operator::Equal, Operand::Lease(0x3dab_a202_0b66_5131)),
            ),
            (r#"lease("k") != "0""#, compare("k", Operator::NotEqual, Operand::Lease(0))),
        ] {
            assert_eq!(parse(line.as_bytes()).unwrap(), expected, "{line}");
        }
    }

    #[test]
    fn what_is_no_comparison_is_refused_with_the_official_words() {
        for (line, words) in [
            ("foo", "malformed comparison: foo"),
            (r#"ver(key1) = "2""#, r#"malformed comparison: ver(key1) = "2"; got ver("")  """#),
            (
                r#"ver("key1")= "2""#,
                r#"malformed comparison: ver("key1")= "2"; got ver("key1")  """#,
            ),
            (
                r#"ver("key1") = 2"#,
                r#"malformed comparison: ver("key1") = 2; got ver("key1") = """#,
            ),
            (
                r#"foo("key1") = "2""#,
                r#"malformed comparison: foo("key1") = "2" (unknown target foo)"#,
            ),
            (r#"("key1") = "2""#, r#"malformed comparison: ("key1") = "2" (unknown target )"#),
            (r#"ver("key1") = "x""#, r#"invalid txn compare request: ver("key1") = "x""#),
            (r#"ver("key1") >= "0x10""#, r#"invalid txn compare request: ver("key1") >= "0x10""#),
            (r#"lease("k") = "zz""#, r#"invalid txn compare request: lease("k") = "zz""#),
            (
                r#"ver("key1") >= "2""#,
                r#"malformed comparison: ver("key1") >= "2" (unknown operator >=)"#,
            ),
        ] {
            let error = parse(line.as_bytes()).unwrap_err();
            assert_eq!((error.message(), error.exit), (words, Exit::InvalidInput), "{line}");
        }
    }
}
