//! JSON to a tree. Numbers keep their text where they are no integers of 64 bits.

use std::borrow::Cow;

use super::super::damage::Damage;
use super::super::tree::{self, Members, Tree};

/// How deep lists and maps may stand in each other.
const DEEPEST: usize = 500;
/// Up to so many members are compared each with each.
const FEW: usize = 8;

/// Reads one JSON value with blanks around it.
///
/// # Errors
/// Where it is none, or stands too deep.
pub fn read(bytes: &[u8]) -> Result<Tree<'_>, Damage> {
    match read_partly(bytes) {
        (value, None) => Ok(value),
        (_, Some(damage)) => Err(damage),
    }
}

/// Likewise, and what was read up to where it is damaged.
#[must_use]
pub fn read_partly(bytes: &[u8]) -> (Tree<'_>, Option<Damage>) {
    let mut reader = Reader { bytes, at: 0, damage: None };
    let value = match reader.value(0) {
        Ok(value) => value,
        Err(damage) => return (Tree::Null, Some(damage)),
    };
    reader.blanks();
    if reader.at < bytes.len() && reader.damage.is_none() {
        reader.damage = Some(reader.wrong("there is more behind the JSON value"));
    }
    (value, reader.damage)
}

/// What a number's text stands for.
#[must_use]
pub fn number(text: &str) -> Tree<'_> {
    let integer = !text.contains(['.', 'e', 'E']);
    if let (true, Ok(value)) = (integer, text.parse()) {
        return Tree::Int(value);
    }
    if let (true, Ok(value)) = (integer, text.parse()) {
        return Tree::Uint(value);
    }
    Tree::Number(Cow::Borrowed(text))
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    /// What ended the list or the map that is read; those around it end with it.
    damage: Option<Damage>,
}

impl<'a> Reader<'a> {
    fn wrong(&self, what: &str) -> Damage {
        Damage::new(what).at(self.at)
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn blanks(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    fn value(&mut self, depth: usize) -> Result<Tree<'a>, Damage> {
        if depth > DEEPEST {
            return Err(self.wrong("JSON stands too deep in itself"));
        }
        self.blanks();
        match self.peek() {
            Some(b'{') => Ok(self.map(depth)),
            Some(b'[') => Ok(self.list(depth)),
            Some(b'"') => Ok(Tree::Text(self.string()?)),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true", Tree::Bool(true)),
            Some(b'f') => self.word("false", Tree::Bool(false)),
            Some(b'n') => self.word("null", Tree::Null),
            _ => Err(self.wrong("this is no JSON")),
        }
    }

    fn word(&mut self, word: &str, value: Tree<'a>) -> Result<Tree<'a>, Damage> {
        if self.bytes[self.at..].starts_with(word.as_bytes()) {
            self.at += word.len();
            return Ok(value);
        }
        Err(self.wrong("this is no JSON"))
    }

    fn list(&mut self, depth: usize) -> Tree<'a> {
        let mut items = Vec::new();
        if let Err(damage) = self.items(depth, &mut items) {
            self.damage = Some(damage);
        }
        Tree::List(items)
    }

    fn items(&mut self, depth: usize, items: &mut Vec<Tree<'a>>) -> Result<(), Damage> {
        self.at += 1;
        self.blanks();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(());
        }
        loop {
            items.push(self.value(depth + 1)?);
            if self.damage.is_some() {
                return Ok(());
            }
            self.blanks();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => break,
                _ => return Err(self.wrong("a JSON list does not end")),
            }
        }
        self.at += 1;
        Ok(())
    }

    fn map(&mut self, depth: usize) -> Tree<'a> {
        let mut members = Vec::new();
        if let Err(damage) = self.members(depth, &mut members) {
            self.damage = Some(damage);
        }
        last_wins(&mut members);
        Tree::Map(members)
    }

    fn members(&mut self, depth: usize, members: &mut Members<'a>) -> Result<(), Damage> {
        self.at += 1;
        self.blanks();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.blanks();
            if self.peek() != Some(b'"') {
                return Err(self.wrong("a JSON member has no name"));
            }
            let key = self.string()?;
            self.blanks();
            if self.peek() != Some(b':') {
                return Err(self.wrong("a JSON member has no value"));
            }
            self.at += 1;
            members.push((key, self.value(depth + 1)?));
            if self.damage.is_some() {
                return Ok(());
            }
            self.blanks();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => break,
                _ => return Err(self.wrong("a JSON object does not end")),
            }
        }
        self.at += 1;
        Ok(())
    }

    fn number(&mut self) -> Result<Tree<'a>, Damage> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        let whole = self.digits();
        let mut fine = whole == 1 || whole > 1 && self.bytes[self.at - whole] != b'0';
        if self.peek() == Some(b'.') {
            self.at += 1;
            fine &= self.digits() > 0;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            fine &= self.digits() > 0;
        }
        match std::str::from_utf8(&self.bytes[start..self.at]) {
            Ok(text) if fine => Ok(number(text)),
            _ => Err(self.wrong("a JSON number is none")),
        }
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        self.at - start
    }

    fn string(&mut self) -> Result<Cow<'a, str>, Damage> {
        self.at += 1;
        let start = self.at;
        let mut text = String::new();
        let mut plain = start;
        loop {
            match self.peek() {
                None => return Err(self.wrong("a JSON text does not end")),
                Some(b'"') => break,
                Some(0..=0x1f) => return Err(self.wrong("a JSON text has a control character")),
                Some(b'\\') => {
                    text.push_str(&tree::text(&self.bytes[plain..self.at]));
                    self.at += 1;
                    text.push(self.escape()?);
                    plain = self.at;
                }
                Some(_) => self.at += 1,
            }
        }
        let rest = tree::text(&self.bytes[plain..self.at]);
        self.at += 1;
        if plain == start {
            return Ok(rest);
        }
        text.push_str(&rest);
        Ok(Cow::Owned(text))
    }

    fn escape(&mut self) -> Result<char, Damage> {
        let escaped = self.peek();
        self.at += 1;
        Ok(match escaped {
            Some(plain @ (b'"' | b'\\' | b'/')) => char::from(plain),
            Some(b'b') => '\x08',
            Some(b'f') => '\x0c',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                let first = self.hex()?;
                let behind = self.at;
                // Half a pair stands for nothing.
                if (0xd800..0xdc00).contains(&first) && self.bytes[behind..].starts_with(b"\\u") {
                    self.at += 2;
                    let second = self.hex()?;
                    if (0xdc00..0xe000).contains(&second) {
                        let both = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                        return Ok(char::from_u32(both).unwrap_or(char::REPLACEMENT_CHARACTER));
                    }
                    self.at = behind;
                }
                char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER)
            }
            _ => return Err(self.wrong("a JSON text has an escape that does not exist")),
        })
    }

    fn hex(&mut self) -> Result<u32, Damage> {
        let digits = self.bytes.get(self.at..self.at + 4).unwrap_or_default();
        let text = std::str::from_utf8(digits).ok();
        let text = text.filter(|text| text.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let value = text.and_then(|text| u32::from_str_radix(text, 16).ok());
        self.at += 4;
        value.ok_or_else(|| self.wrong("a JSON text has an escape that does not exist"))
    }
}

/// Keeps the last member of each name.
fn last_wins(members: &mut Members) {
    if members.is_sorted_by(|(one, _), (other, _)| one < other) {
        return;
    }
    if members.len() <= FEW {
        let mut at = 0;
        while at < members.len() {
            if members[at + 1..].iter().any(|(later, _)| *later == members[at].0) {
                members.remove(at);
            } else {
                at += 1;
            }
        }
        return;
    }
    let mut order: Vec<usize> = (0..members.len()).collect();
    order.sort_by(|&one, &other| members[one].0.cmp(&members[other].0));
    // The sort is stable: of equal names the last stands last.
    let mut beaten: Vec<bool> = vec![false; members.len()];
    for pair in order.windows(2) {
        if members[pair[0]].0 == members[pair[1]].0 {
            beaten[pair[0]] = true;
        }
    }
    let mut beaten = beaten.into_iter();
    members.retain(|_| !beaten.next().unwrap_or(false));
}
