//! Texts: in which style, and how they are folded and escaped.

use super::Writer;
use super::resolve::stays_text;

/// From this column on a blank breaks the line.
const WIDTH: usize = 80;

/// Where a text stands: keys are neither folded nor written over several lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Key,
    Value,
}

/// Whether a text is nothing but blanks, letters, digits and signs of ASCII; most are.
pub(super) fn is_simple(text: &str) -> bool {
    // Without an early end, so that many bytes are looked at in one step.
    text.as_bytes().iter().fold(true, |simple, byte| simple & matches!(byte, b' '..=b'~'))
}

/// Whether a text has no line break of any kind.
pub(super) fn fits_on_a_line(text: &str) -> bool {
    !text.contains(is_break)
}

fn is_break(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// What YAML prints as it is. Nothing past U+FFFF, in this library.
#[must_use]
pub fn is_printable(c: char) -> bool {
    matches!(c, '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}')
        && c != '\u{feff}'
}

/// Which styles a text can be written in. Double quotes can write every one.
#[derive(Clone, Copy, Debug)]
struct Styles {
    plain: bool,
    single: bool,
    literal: bool,
}

fn styles(text: &str, simple: bool) -> Styles {
    let bytes = text.as_bytes();
    let begins = match bytes.first() {
        None => return Styles { plain: true, single: true, literal: false },
        Some(
            b'#' | b',' | b'[' | b']' | b'{' | b'}' | b'&' | b'*' | b'!' | b'|' | b'>' | b'\''
            | b'"' | b'%' | b'@' | b'`',
        ) => true,
        Some(b'-' | b'?' | b':') => matches!(bytes.get(1), None | Some(b' ' | b'\t')),
        Some(_) => false,
    };
    let mut found = Styles { plain: true, single: true, literal: true };
    if begins || text.starts_with("---") || text.starts_with("...") {
        found.plain = false;
    }
    if bytes.first() == Some(&b' ') || bytes.last() == Some(&b' ') {
        found.plain = false;
        found.literal &= bytes.last() != Some(&b' ');
    }
    // In words of ASCII only a colon or a number sign beside a blank has a meaning.
    if simple {
        let means = |pair: &[u8]| pair == b": " || pair == b" #";
        let colon = bytes.len() > 1 && bytes.last() == Some(&b':');
        found.plain &= !colon && !bytes.windows(2).any(means);
        return found;
    }
    let mut before = None;
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let blank_before = before.is_some_and(|c| c == ' ' || c == '\t' || is_break(c));
        let ends = rest.peek().is_none_or(|c| *c == ' ' || *c == '\t');
        match c {
            ':' if before.is_some() && ends => found.plain = false,
            '#' if blank_before => found.plain = false,
            ' ' if before.is_some_and(is_break) => {
                found.plain = false;
                found.single = false;
            }
            _ if is_break(c) => {
                found.plain = false;
                if before == Some(' ') {
                    return Styles { plain: false, single: false, literal: false };
                }
            }
            _ => {}
        }
        if !is_printable(c) {
            return Styles { plain: false, single: false, literal: false };
        }
        before = Some(c);
    }
    found
}

impl Writer<'_> {
    pub(super) fn text(&mut self, text: &str, simple: bool, depth: usize, place: Place) {
        let can = styles(text, simple);
        let is_key = place == Place::Key;
        if !simple && text.contains('\n') {
            return if can.literal && !is_key {
                self.literal(text, depth);
            } else {
                self.double(text, depth, is_key);
            };
        }
        if !stays_text(text) {
            return self.double(text, depth, is_key);
        }
        match can {
            Styles { plain: true, .. } => self.plain(text, depth, is_key),
            Styles { single: true, .. } if !is_key || simple || fits_on_a_line(text) => {
                self.single(text, depth, is_key);
            }
            _ => self.double(text, depth, is_key),
        }
    }

    fn break_line(&mut self, depth: usize) {
        self.newline();
        self.indent(depth);
    }

    fn plain(&mut self, text: &str, depth: usize, is_key: bool) {
        if is_key || self.column() + text.len() <= WIDTH || !text.contains(' ') {
            return self.put(text);
        }
        self.folded(text, depth, false);
    }

    fn single(&mut self, text: &str, depth: usize, is_key: bool) {
        let doubled = text.replace('\'', "''");
        self.out.push(b'\'');
        if is_key || self.column() + doubled.len() <= WIDTH && fits_on_a_line(text) {
            self.put(&doubled);
        } else {
            self.folded(&doubled, depth, true);
        }
        self.out.push(b'\'');
    }

    /// Breaks a line at the first single blank past its width; a quoted text's outer blanks stay.
    fn folded(&mut self, text: &str, depth: usize, quoted: bool) {
        let mut column = self.column();
        let mut after_blank = false;
        let mut after_break = false;
        let bytes = text.as_bytes();
        for (at, c) in text.char_indices() {
            if c != ' ' {
                // Behind the breaks that are no newline the next line is indented too.
                if after_break && !is_break(c) {
                    self.indent(depth);
                    column = depth;
                }
                self.out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                after_break = is_break(c);
                column = if after_break { 0 } else { column + 1 };
                after_blank = false;
                continue;
            }
            let outer = quoted && (at == 0 || at + 1 == text.len());
            let next_blank = bytes.get(at + 1) == Some(&b' ');
            if !after_blank && column > WIDTH && !outer && !next_blank {
                self.break_line(depth);
                column = depth;
            } else {
                self.out.push(b' ');
                column += 1;
            }
            after_blank = true;
        }
    }

    fn double(&mut self, text: &str, depth: usize, is_key: bool) {
        self.out.push(b'"');
        let mut column = self.column();
        let mut after_blank = false;
        // A text that begins with a byte order mark is escaped throughout.
        let marked = text.starts_with('\u{feff}');
        let bytes = text.as_bytes();
        for (at, c) in text.char_indices() {
            let start = self.out.len();
            if marked || !is_printable(c) || is_break(c) || c == '"' || c == '\\' {
                self.escape(c);
                after_blank = false;
            } else if c == ' ' {
                let inner = at > 0 && at + 1 < text.len();
                if !is_key && !after_blank && column > WIDTH && inner {
                    self.break_line(depth);
                    column = depth;
                    after_blank = true;
                    if bytes.get(at + 1) == Some(&b' ') {
                        self.out.push(b'\\');
                        column += 1;
                    }
                    continue;
                }
                self.out.push(b' ');
                after_blank = true;
            } else {
                self.out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                column += 1;
                after_blank = false;
                continue;
            }
            column += self.out.len() - start;
        }
        self.out.push(b'"');
    }

    fn escape(&mut self, c: char) {
        let short = match c {
            '\0' => '0',
            '\x07' => 'a',
            '\x08' => 'b',
            '\t' => 't',
            '\n' => 'n',
            '\x0b' => 'v',
            '\x0c' => 'f',
            '\r' => 'r',
            '\x1b' => 'e',
            '"' => '"',
            '\\' => '\\',
            '\u{85}' => 'N',
            '\u{a0}' => '_',
            '\u{2028}' => 'L',
            '\u{2029}' => 'P',
            _ => {
                let code = u32::from(c);
                let escape = match code {
                    0..=0xff => format!("\\x{code:02X}"),
                    0x100..=0xffff => format!("\\u{code:04X}"),
                    _ => format!("\\U{code:08X}"),
                };
                return self.put(&escape);
            }
        };
        self.out.push(b'\\');
        self.out.extend_from_slice(short.encode_utf8(&mut [0; 4]).as_bytes());
    }

    /// Lines as they are, below a bar that says what becomes of the last break.
    fn literal(&mut self, text: &str, depth: usize) {
        self.out.push(b'|');
        if text.starts_with(|c| c == ' ' || is_break(c)) {
            self.out.push(b'2');
        }
        let mut back = text.chars().rev();
        match (back.next(), back.next()) {
            (Some(last), _) if !is_break(last) => self.out.push(b'-'),
            (_, None) => self.out.push(b'+'),
            (_, Some(before)) if is_break(before) => self.out.push(b'+'),
            _ => {}
        }
        self.newline();
        let mut at_start = true;
        for line in text.split_inclusive(is_break) {
            let content = line.trim_end_matches(is_break);
            if !content.is_empty() {
                if at_start {
                    self.indent(depth);
                }
                self.put(content);
                at_start = false;
            }
            if content.len() < line.len() {
                self.put(&line[content.len()..]);
                self.line = self.out.len();
                at_start = true;
            }
        }
    }
}
