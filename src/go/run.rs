//! How much of a text can be written as it is, in one piece.

/// The length of the part of `text` before the first character that is not plain.
pub fn plain_run(text: &str, ascii: impl Fn(u8) -> bool, wide: impl Fn(char) -> bool) -> usize {
    let mut rest = text;
    loop {
        let (_, tail) = rest.split_at(ascii_run(rest.as_bytes(), |b| b.is_ascii() & ascii(b)));
        let mut characters = tail.chars();
        match characters.next() {
            Some(c) if !c.is_ascii() && wide(c) => rest = characters.as_str(),
            _ => return text.len() - tail.len(),
        }
    }
}

fn ascii_run(bytes: &[u8], plain: impl Fn(u8) -> bool) -> usize {
    // A block that is read without a branch inside is what the compiler turns into vector code.
    let (blocks, _) = bytes.as_chunks::<32>();
    let is_plain = |block: &&[u8; 32]| block.iter().fold(true, |all, &byte| all & plain(byte));
    let start = blocks.iter().take_while(is_plain).count() * 32;
    start + bytes.iter().skip(start).take_while(|&&byte| plain(byte)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_run_ends_before_the_first_character_that_is_not_plain() {
        for before in 0..70 {
            for (stop, tail) in [("#", ""), ("#", "more"), ("€", "mehr"), ("", "")] {
                for plain in ["a", "é"] {
                    let run = plain.repeat(before);
                    let text = format!("{run}{stop}{tail}");
                    assert_eq!(plain_run(&text, |b| b != b'#', |c| c == 'é'), run.len(), "{text}");
                }
            }
        }
    }
}
