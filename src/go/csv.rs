//! One record of comma-separated values: how pflag splits `--endpoints`.

use std::fmt;

/// Why Go refuses a record: what `encoding/csv` 1.26 reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CsvError {
    /// Nothing but empty lines.
    Eof,
    /// A quote inside a field that does not start with one. Columns count bytes from 1.
    BareQuote { start_line: usize, line: usize, column: usize },
    /// A quoted field that goes on after its quote, or never ends.
    Quote { start_line: usize, line: usize, column: usize },
}

impl fmt::Display for CsvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (start_line, line, column, cause) = match *self {
            Self::Eof => return f.write_str("EOF"),
            Self::BareQuote { start_line, line, column } => {
                (start_line, line, column, "bare \" in non-quoted-field")
            }
            Self::Quote { start_line, line, column } => {
                (start_line, line, column, "extraneous or missing \" in quoted-field")
            }
        };
        if start_line != line {
            write!(f, "record on line {start_line}; ")?;
        }
        write!(f, "parse error on line {line}, column {column}: {cause}")
    }
}

impl std::error::Error for CsvError {}

/// The fields of the first record of `text`, none if it is empty.
///
/// pflag 1.0.10’s `readAsCSV`: `encoding/csv`’s `Reader.Read` of Go 1.26, once. Whatever follows
/// the first record is not read.
pub fn record(text: &str) -> Result<Vec<String>, CsvError> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let mut reader = Reader::new(text);
    if !reader.next_record() {
        return Err(CsvError::Eof);
    }
    let mut fields = Vec::new();
    loop {
        let quoted = reader.rest.starts_with('"');
        let (field, last) = if quoted { reader.quoted()? } else { reader.plain()? };
        fields.push(field);
        if last {
            return Ok(fields);
        }
    }
}

/// A place in the text.
struct Reader<'a> {
    lines: std::str::SplitInclusive<'a, char>,
    /// What is left of the line, without its end.
    rest: &'a str,
    /// Whether the line ends in a newline.
    newline: bool,
    start_line: usize,
    line: usize,
    column: usize,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str) -> Self {
        let lines = text.split_inclusive('\n');
        Self { lines, rest: "", newline: false, start_line: 0, line: 0, column: 1 }
    }

    /// Goes to the first line that is not empty; false if there is none.
    fn next_record(&mut self) -> bool {
        while self.next_line() {
            self.start_line = self.line;
            if !self.rest.is_empty() {
                return true;
            }
        }
        false
    }

    /// `\r\n` counts as `\n`, and a `\r` at the very end as nothing; false if nothing is left.
    fn next_line(&mut self) -> bool {
        let line = self.lines.next().unwrap_or_default();
        let content = line.strip_suffix('\n');
        self.newline = content.is_some();
        let content = content.unwrap_or(line);
        self.rest = content.strip_suffix('\r').unwrap_or(content);
        let any = self.newline || !self.rest.is_empty();
        if any {
            self.line += 1;
            self.column = 1;
        }
        any
    }

    /// Steps over `length` bytes, or what is left.
    fn take(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, ""));
        self.rest = rest;
        self.column += taken.len();
        taken
    }

    /// A field without quotes, and whether it ends the record.
    fn plain(&mut self) -> Result<(String, bool), CsvError> {
        let end = self.rest.find(',');
        let start = self.column;
        let field = self.take(end.unwrap_or(self.rest.len()));
        if let Some(at) = field.find('"') {
            let (start_line, line, column) = (self.start_line, self.line, start + at);
            return Err(CsvError::BareQuote { start_line, line, column });
        }
        self.take(1);
        Ok((field.to_owned(), end.is_none()))
    }

    /// A field in quotes, perhaps over several lines, and whether it ends the record.
    fn quoted(&mut self) -> Result<(String, bool), CsvError> {
        self.take(1);
        let mut field = String::new();
        loop {
            if let Some(quote) = self.rest.find('"') {
                field.push_str(self.take(quote));
                self.take(1);
                match self.rest.bytes().next() {
                    None => return Ok((field, true)),
                    Some(b'"') => field.push('"'),
                    Some(b',') => {
                        self.take(1);
                        return Ok((field, false));
                    }
                    Some(_) => return Err(self.quote_error(self.column - 1)),
                }
                self.take(1);
            } else {
                field.push_str(self.take(self.rest.len()));
                if self.newline {
                    field.push('\n');
                    self.column += 1;
                }
                if !self.next_line() {
                    return Err(self.quote_error(self.column));
                }
            }
        }
    }

    fn quote_error(&self, column: usize) -> CsvError {
        CsvError::Quote { start_line: self.start_line, line: self.line, column }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_read_as_pflag_reads_them() {
        let table: &[(&str, Result<&[&str], &str>)] = &[
            ("", Ok(&[])),
            ("a", Ok(&["a"])),
            ("a,b", Ok(&["a", "b"])),
            ("a,,b,", Ok(&["a", "", "b", ""])),
            (",", Ok(&["", ""])),
            (" a , b ", Ok(&[" a ", " b "])),
            ("127.0.0.1:2379,http://[::1]:2379", Ok(&["127.0.0.1:2379", "http://[::1]:2379"])),
            (r#""a,b",c"#, Ok(&["a,b", "c"])),
            (r#""a""b""#, Ok(&[r#"a"b"#])),
            (r#""""#, Ok(&[""])),
            ("\"a\"\n", Ok(&["a"])),
            ("a\nb", Ok(&["a"])),
            ("\n\na,b\nc", Ok(&["a", "b"])),
            ("a\r\n", Ok(&["a"])),
            ("a\r", Ok(&["a"])),
            ("a\rb", Ok(&["a\rb"])),
            ("\"a\r\nb\"", Ok(&["a\nb"])),
            ("\"a\n\nb\",c", Ok(&["a\n\nb", "c"])),
            ("\n", Err("EOF")),
            ("\r\n\r", Err("EOF")),
            (r#"a"b"#, Err(r#"parse error on line 1, column 2: bare " in non-quoted-field"#)),
            (r#"x,a"b"#, Err(r#"parse error on line 1, column 4: bare " in non-quoted-field"#)),
            (r#"é,a"b"#, Err(r#"parse error on line 1, column 5: bare " in non-quoted-field"#)),
            ("\n\na\"b", Err(r#"parse error on line 3, column 2: bare " in non-quoted-field"#)),
            (
                r#"""#,
                Err(r#"parse error on line 1, column 2: extraneous or missing " in quoted-field"#),
            ),
            (
                r#""a"#,
                Err(r#"parse error on line 1, column 3: extraneous or missing " in quoted-field"#),
            ),
            (
                "\"a\n",
                Err(r#"parse error on line 1, column 4: extraneous or missing " in quoted-field"#),
            ),
            (
                "\"a\nb",
                Err(
                    r#"record on line 1; parse error on line 2, column 2: extraneous or missing " in quoted-field"#,
                ),
            ),
            (
                r#""a"b"#,
                Err(r#"parse error on line 1, column 3: extraneous or missing " in quoted-field"#),
            ),
            (
                r#"x,"a" ,b"#,
                Err(r#"parse error on line 1, column 5: extraneous or missing " in quoted-field"#),
            ),
            (
                "\"a\nb\"c",
                Err(
                    r#"record on line 1; parse error on line 2, column 2: extraneous or missing " in quoted-field"#,
                ),
            ),
            (
                "\"a\n\r",
                Err(r#"parse error on line 1, column 4: extraneous or missing " in quoted-field"#),
            ),
        ];
        for &(text, expected) in table {
            let expected = expected
                .map(|fields| fields.iter().map(|&field| field.to_owned()).collect())
                .map_err(str::to_owned);
            assert_eq!(record(text).map_err(|error| error.to_string()), expected, "{text:?}");
        }
    }
}
