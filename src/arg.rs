//! The types of arguments: bytes, Go's integers and durations, lease ids.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use clap::builder::{OsStringValueParser, TypedValueParser};

use crate::go::duration::GoDuration;
use crate::go::number::{self, NumberError};

/// A key or a value: bytes, whatever their encoding.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bytes(pub Vec<u8>);

impl From<OsString> for Bytes {
    fn from(text: OsString) -> Self {
        Self(text.into_vec())
    }
}

impl From<&str> for Bytes {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

/// A flag of pflag's kind `int`: Go's literals, so `0x10`, `0b1` and `1_000` too.
pub fn int(text: &str) -> Result<i64, String> {
    number::parse_int(text, 0, 64).map_err(|err| err.to_string())
}

/// A flag of pflag's kind `uint64`.
pub fn uint(text: &str) -> Result<u64, String> {
    number::parse_uint(text, 0, 64).map_err(|err| err.to_string())
}

/// A flag of pflag's kind `duration`.
pub fn duration(text: &str) -> Result<GoDuration, String> {
    GoDuration::parse(text).map_err(|err| err.to_string())
}

/// The path of a file: any bytes, and none too, which is a fault of its own.
#[must_use]
pub fn path() -> impl TypedValueParser<Value = PathBuf> {
    OsStringValueParser::new().map(PathBuf::from)
}

/// A lease id: hexadecimal; a text of digits too long for that is decimal, as JSON answers print it.
pub fn lease(text: &str) -> Result<i64, NumberError> {
    const LONGEST_HEX: usize = 16;
    let digits = text.trim_start_matches(['-', '+']).len();
    let decimal = digits > LONGEST_HEX && number::parse_int(text, 10, 64).is_ok();
    let base = if decimal { 10 } else { 16 };
    number::parse_int(text, base, 64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_id_is_hex_and_a_longer_text_of_digits_decimal() {
        assert_eq!(lease("3daba2020b665131").unwrap(), 0x3dab_a202_0b66_5131);
        assert_eq!(lease("10").unwrap(), 16);
        assert_eq!(lease("-5").unwrap(), -5);
        assert_eq!(lease("4443823586996015414").unwrap(), 4_443_823_586_996_015_414);
        assert!(lease("8000000000000000").unwrap_err().to_string().contains("out of range"));
        assert_eq!(
            lease("zz").unwrap_err().to_string(),
            r#"strconv.ParseInt: parsing "zz": invalid syntax"#
        );
    }
}
