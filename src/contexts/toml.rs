//! The part of TOML that a file of contexts needs: tables one deep, keys with texts, bools, integers and lists of
//! texts on one line. What is edited keeps every other line, comments too; what is beyond this part is refused
//! by its line's number. A whole TOML crate that edits would weigh more than the rest of this feature.
//!
//! Source: TOML 1.0.0.

use std::fmt::Write as _;

/// A file, line by line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Toml {
    lines: Vec<Line>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Line {
    /// A comment, or nothing.
    Other(String),
    Table {
        name: String,
        text: String,
    },
    /// `tail` is what follows the value: blanks, a comment.
    Pair {
        key: String,
        value: String,
        text: String,
        tail: String,
    },
}

impl Toml {
    /// # Errors
    /// What is wrong, with the line's number.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut toml = Self::default();
        for (at, text) in text.lines().enumerate() {
            let line = line(text).map_err(|why| format!("line {}: {why}", at + 1))?;
            let table = toml.table_at(toml.lines.len());
            let again = match &line {
                Line::Table { name, .. } => toml.has(name),
                Line::Pair { key, .. } => toml.get(table.as_deref(), key).is_some(),
                Line::Other(_) => false,
            };
            if again {
                return Err(format!("line {}: this stands there already", at + 1));
            }
            toml.lines.push(line);
        }
        Ok(toml)
    }

    /// The tables' names in their order.
    pub fn tables(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().filter_map(|line| match line {
            Line::Table { name, .. } => Some(name.as_str()),
            _ => None,
        })
    }

    #[must_use]
    pub fn has(&self, table: &str) -> bool {
        self.tables().any(|name| name == table)
    }

    /// A table's keys and values; those before all tables without a name.
    #[must_use]
    pub fn pairs(&self, table: Option<&str>) -> Vec<(&str, &str)> {
        let of_table = self.span(table).and_then(|span| self.lines.get(span));
        let pairs = of_table.into_iter().flatten().filter_map(|line| match line {
            Line::Pair { key, value, .. } => Some((key.as_str(), value.as_str())),
            _ => None,
        });
        pairs.collect()
    }

    #[must_use]
    pub fn get(&self, table: Option<&str>, key: &str) -> Option<&str> {
        self.pairs(table).into_iter().find(|(name, _)| *name == key).map(|(_, value)| value)
    }

    /// Sets a text, in the place of the one that is there.
    pub fn set(&mut self, table: Option<&str>, key: &str, value: &str) {
        if let Some(name) = table.filter(|name| !self.has(name)) {
            if !self.lines.is_empty() {
                self.lines.push(Line::Other(String::new()));
            }
            let text = format!("[{}]", shown_key(name));
            self.lines.push(Line::Table { name: name.to_owned(), text });
        }
        let Some(span) = self.span(table) else { return };
        let pair = |tail: &str| Line::Pair {
            key: key.to_owned(),
            value: value.to_owned(),
            text: format!("{} = {}", shown_key(key), shown(value)),
            tail: tail.to_owned(),
        };
        let lines = self.lines.get_mut(span.clone()).unwrap_or_default();
        for line in lines {
            if let Line::Pair { key: known, tail, .. } = line
                && known == key
            {
                *line = pair(&tail.clone());
                return;
            }
        }
        // Behind the last line that says something, so that a blank one stays before the next table.
        let said = |line: &Line| !matches!(line, Line::Other(text) if text.trim().is_empty());
        let of_table = self.lines.get(span.clone()).unwrap_or_default();
        let end = of_table.iter().rposition(said).map_or(span.start, |last| span.start + last + 1);
        let alone = table.is_none() && end == span.end && end < self.lines.len();
        self.lines.insert(end, pair(""));
        if alone {
            self.lines.insert(end + 1, Line::Other(String::new()));
        }
    }

    /// Removes a key.
    pub fn unset(&mut self, table: Option<&str>, key: &str) {
        let Some(span) = self.span(table) else { return };
        let at = self.lines.iter().enumerate().position(|(at, line)| {
            span.contains(&at) && matches!(line, Line::Pair { key: known, .. } if known == key)
        });
        if let Some(at) = at {
            self.lines.remove(at);
        }
    }

    /// Removes a table with everything in it.
    pub fn remove(&mut self, table: &str) {
        if let Some(span) = self.span(Some(table)) {
            self.lines.drain(span.start.saturating_sub(1)..span.end);
        }
    }

    #[must_use]
    pub fn text(&self) -> String {
        let mut out = String::new();
        for line in &self.lines {
            let _ = match line {
                Line::Other(text) | Line::Table { text, .. } => writeln!(out, "{text}"),
                Line::Pair { text, tail, .. } => writeln!(out, "{text}{tail}"),
            };
        }
        out
    }

    /// Which lines are a table's, without its head.
    fn span(&self, table: Option<&str>) -> Option<std::ops::Range<usize>> {
        let is_head = |line: &Line| matches!(line, Line::Table { .. });
        let start = match table {
            None => 0,
            Some(name) => {
                let named =
                    |line: &Line| matches!(line, Line::Table { name: known, .. } if known == name);
                self.lines.iter().position(named)? + 1
            }
        };
        let rest = self.lines.get(start..)?;
        Some(start..start + rest.iter().position(is_head).unwrap_or(rest.len()))
    }

    fn table_at(&self, line: usize) -> Option<String> {
        let before = self.lines.get(..line)?;
        before.iter().rev().find_map(|line| match line {
            Line::Table { name, .. } => Some(name.clone()),
            _ => None,
        })
    }
}

fn line(text: &str) -> Result<Line, String> {
    let trimmed = text.trim();
    if trimmed.is_empty() || trimmed.starts_with('#') {
        return Ok(Line::Other(text.to_owned()));
    }
    if let Some(rest) = trimmed.strip_prefix('[') {
        let (name, rest) = key(rest.trim_start())?;
        let rest = rest.trim_start().strip_prefix(']').ok_or("a table's name ends with ]")?;
        tail(rest)?;
        return Ok(Line::Table { name, text: text.to_owned() });
    }
    let (key, rest) = key(trimmed)?;
    let rest = rest.trim_start().strip_prefix('=').ok_or("a key is followed by =")?;
    let (value, rest) = value(rest.trim_start())?;
    tail(rest)?;
    let head = text.strip_suffix(rest).unwrap_or(text);
    Ok(Line::Pair { key, value, text: head.to_owned(), tail: rest.to_owned() })
}

/// What may follow a value: a comment.
fn tail(rest: &str) -> Result<(), String> {
    let rest = rest.trim_start();
    if rest.is_empty() || rest.starts_with('#') {
        Ok(())
    } else {
        // Without its text, which may be a secret's.
        Err("only a comment may follow".to_owned())
    }
}

fn is_bare(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-' || c == '_'
}

fn key(text: &str) -> Result<(String, &str), String> {
    if text.starts_with(['"', '\'']) {
        return string(text);
    }
    let end = text.find(|c| !is_bare(c)).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    if name.is_empty() {
        return Err("a key is made of letters, digits, - and _, or stands in quotes".to_owned());
    }
    Ok((name.to_owned(), rest))
}

/// A value as the text of a flag: a list's texts with commas between.
fn value(text: &str) -> Result<(String, &str), String> {
    if text.starts_with("\"\"\"") || text.starts_with("'''") {
        return Err("a text stands on one line".to_owned());
    }
    if text.starts_with(['"', '\'']) {
        return string(text);
    }
    if let Some(mut rest) = text.strip_prefix('[') {
        let mut texts = Vec::new();
        loop {
            rest = rest.trim_start();
            if let Some(after) = rest.strip_prefix(']') {
                return Ok((texts.join(","), after));
            }
            let (text, after) = string(rest)?;
            texts.push(text);
            rest = after.trim_start();
            rest = match rest.strip_prefix(',') {
                Some(after) => after,
                None if rest.starts_with(']') => rest,
                None => {
                    return Err("a list holds texts with commas between, on one line".to_owned());
                }
            };
        }
    }
    let end = text.find(|c: char| !is_bare(c) && c != '+').unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    let number = word.replace('_', "");
    if word == "true" || word == "false" || number.parse::<i64>().is_ok() {
        return Ok((number, rest));
    }
    Err("a value is a text in quotes, true, false, a number or a list of texts".to_owned())
}

/// A text in quotes: plain in single ones, with escapes in double ones.
fn string(text: &str) -> Result<(String, &str), String> {
    const OPEN: &str = "a text in quotes that is not closed, or not begun";
    if let Some(rest) = text.strip_prefix('\'') {
        let (value, rest) = rest.split_once('\'').ok_or(OPEN)?;
        return Ok((value.to_owned(), rest));
    }
    let mut rest = text.strip_prefix('"').ok_or(OPEN)?.chars();
    let mut value = String::new();
    loop {
        match rest.next().ok_or(OPEN)? {
            '"' => return Ok((value, rest.as_str())),
            '\\' => value.push(match rest.next().ok_or(OPEN)? {
                'b' => '\u{8}',
                't' => '\t',
                'n' => '\n',
                'f' => '\u{c}',
                'r' => '\r',
                same @ ('"' | '\\') => same,
                long @ ('u' | 'U') => {
                    let digits = if long == 'u' { 4 } else { 8 };
                    let hex: String = rest.by_ref().take(digits).collect();
                    let code = u32::from_str_radix(&hex, 16).ok().filter(|_| hex.len() == digits);
                    code.and_then(char::from_u32).ok_or("an escape that is no character")?
                }
                other => return Err(format!("\\{other} is no escape")),
            }),
            c if c.is_control() && c != '\t' => {
                return Err("a control character must be escaped".to_owned());
            }
            c => value.push(c),
        }
    }
}

fn shown_key(key: &str) -> String {
    if !key.is_empty() && key.chars().all(is_bare) { key.to_owned() } else { shown(key) }
}

/// A text in quotes.
#[must_use]
pub fn shown(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "# mine\ncurrent = \"prod\" # now\n\n[prod]\n# far\nendpoints = [\"https://a:1\", 'https://b:1',] # two\nhex = true\nmax-recv-bytes = 1_000\n\n[\"my lab\"]\nuser = \"a\\\"\\u00e4\\\\\"\n";

    #[test]
    fn a_file_is_read_and_written_again_as_it_was() {
        let toml = Toml::parse(FILE).unwrap();
        assert_eq!(toml.text(), FILE);
        assert_eq!(toml.tables().collect::<Vec<_>>(), ["prod", "my lab"]);
        assert_eq!(toml.pairs(None), [("current", "prod")]);
        assert_eq!(
            toml.pairs(Some("prod")),
            [("endpoints", "https://a:1,https://b:1"), ("hex", "true"), ("max-recv-bytes", "1000")]
        );
        assert_eq!(toml.get(Some("my lab"), "user"), Some("a\"ä\\"));
        assert_eq!(toml.get(Some("none"), "user"), None);
    }

    #[test]
    fn an_edit_keeps_every_other_line() {
        let mut toml = Toml::parse(FILE).unwrap();
        toml.set(None, "current", "my lab");
        toml.set(Some("prod"), "endpoints", "c:1");
        toml.set(Some("prod"), "cacert", "/ca");
        toml.set(Some("new"), "user", "x\n");
        let expected = FILE
            .replace("\"prod\" # now", "\"my lab\" # now")
            .replace("[\"https://a:1\", 'https://b:1',]", "\"c:1\"")
            .replace("1_000\n", "1_000\ncacert = \"/ca\"\n")
            + "\n[new]\nuser = \"x\\n\"\n";
        assert_eq!(toml.text(), expected);
        toml.unset(Some("prod"), "cacert");
        toml.remove("new");
        toml.remove("prod");
        assert_eq!(
            toml.text(),
            "# mine\ncurrent = \"my lab\" # now\n\n[\"my lab\"]\nuser = \"a\\\"\\u00e4\\\\\"\n\n"
        );
        let mut empty = Toml::default();
        empty.set(Some("a"), "user", "x");
        empty.set(None, "current", "a");
        assert_eq!(empty.text(), "current = \"a\"\n\n[a]\nuser = \"x\"\n");
        assert_eq!(Toml::parse(&empty.text()).map(|toml| toml.text()), Ok(empty.text()));
    }

    #[test]
    fn what_is_no_such_file_is_refused_with_its_line() {
        for (text, line) in [
            ("a = 1\nb", 2),
            ("a.b = 1", 1),
            ("[a", 1),
            ("[a.b]", 1),
            ("[[a]]", 1),
            ("a = \"", 1),
            ("a = \"\\x\"", 1),
            ("a = \"\\ud800\"", 1),
            ("a = 'b' c", 1),
            ("a = {}", 1),
            ("a = [1]", 1),
            ("a = [\"b\" \"c\"]", 1),
            ("a = \"\"\"b\"\"\"", 1),
            ("a = 1.5", 1),
            ("\n[a]\n[a]", 3),
            ("[a]\nb = 1\nb = 2", 3),
            ("= 1", 1),
        ] {
            let why = Toml::parse(text).unwrap_err();
            assert!(why.starts_with(&format!("line {line}: ")), "{text:?}: {why}");
        }
    }
}
