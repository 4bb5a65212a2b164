//! Keys and values in the formats for people: as they are, in hexadecimal, or safe for a screen.

use std::io::{self, Write};

use super::Look;

/// Writes bytes as a look demands.
pub fn write(bytes: &[u8], look: &Look, out: &mut dyn Write) -> io::Result<()> {
    if look.hex {
        return bytes.iter().try_for_each(|byte| write!(out, "\\x{byte:02x}"));
    }
    if !look.escape || is_harmless(bytes) {
        return out.write_all(bytes);
    }
    look.escaped.set(true);
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            if is_obeyed(character) {
                let mut buffer = [0; 4];
                hex(character.encode_utf8(&mut buffer).as_bytes(), out)?;
            } else {
                write!(out, "{character}")?;
            }
        }
        hex(chunk.invalid(), out)?;
    }
    Ok(())
}

/// The same on one line of plain text, for a cell of a table.
pub fn cell(bytes: &[u8], look: &Look) -> String {
    if look.hex {
        return bytes.iter().fold(String::new(), |text, byte| format!("{text}\\x{byte:02x}"));
    }
    let quoted = crate::go::quote::quote(bytes);
    let inside = quoted.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    // Quotes need no escape where none stand around the text.
    inside.unwrap_or(&quoted).replace("\\\"", "\"")
}

fn hex(bytes: &[u8], out: &mut dyn Write) -> io::Result<()> {
    bytes.iter().try_for_each(|byte| write!(out, "\\x{byte:02x}"))
}

fn is_harmless(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok_and(|text| !text.chars().any(is_obeyed))
}

/// What moves a cursor or changes a screen; lines and tabs are part of a text.
fn is_obeyed(character: char) -> bool {
    character.is_control() && !matches!(character, '\n' | '\t')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8], look: &Look) -> Vec<u8> {
        let mut out = Vec::new();
        write(bytes, look, &mut out).unwrap();
        out
    }

    #[test]
    fn bytes_are_exact_unless_a_person_watches() {
        assert_eq!(text(b"a\x1b\xff\n", &Look::default()), b"a\x1b\xff\n");
    }

    #[test]
    fn a_persons_screen_gets_escapes_and_keeps_lines_and_letters() {
        let look = Look { escape: true, ..Look::default() };
        assert_eq!(text("é\tb\n".as_bytes(), &look), "é\tb\n".as_bytes());
        assert!(!look.escaped.get());
        assert_eq!(text(b"k8s\0\x1b[2J\xff\xc2\x85\r", &look), br"k8s\x00\x1b[2J\xff\xc2\x85\x0d");
        assert!(look.escaped.get());
    }

    #[test]
    fn hex_shows_every_byte() {
        let look = Look { hex: true, ..Look::default() };
        assert_eq!(text(b"fo\xff", &look), br"\x66\x6f\xff");
    }

    #[test]
    fn a_cell_is_one_line() {
        assert_eq!(cell(b"a\n\"b\"\\\xff", &Look::default()), r#"a\n"b"\\\xff"#);
    }
}
