//! Text with nothing in it that would end a string, a line or a terminal's patience.

use std::fmt;

/// Writes text with the escapes of JSON, up to a limit. It never stops inside of an escape or a character.
///
/// All control characters are escaped, those of the C1 set included, so that nothing that is logged commands
/// a terminal.
pub(super) struct Escape<'a> {
    out: &'a mut Vec<u8>,
    /// The most that `out` may hold.
    limit: usize,
    quotes: bool,
    /// Whether something did not fit.
    pub(super) is_cut: bool,
}

impl<'a> Escape<'a> {
    /// The contents of a JSON string.
    pub(super) fn json(out: &'a mut Vec<u8>, limit: usize) -> Self {
        Escape { out, limit, quotes: true, is_cut: false }
    }

    /// Text for people: quotes and backslashes stay as they are.
    pub(super) fn plain(out: &'a mut Vec<u8>, limit: usize) -> Self {
        Escape { out, limit, quotes: false, is_cut: false }
    }

    pub(super) fn push(&mut self, text: &str) {
        // Most text needs no escape, so it is copied in runs.
        let bytes = text.as_bytes();
        let mut start = 0;
        for (at, byte) in bytes.iter().enumerate() {
            let class = CLASSES[usize::from(*byte)];
            if class == PLAIN || (class == QUOTE && !self.quotes) {
                continue;
            }
            if class == LEAD_C2 {
                let second = bytes.get(at + 1).copied().unwrap_or_default();
                if second > 0x9f {
                    continue;
                }
                self.run(&text[start..at]);
                self.escape(&[b'\\', b'u', b'0', b'0', hex(second >> 4), hex(second & 15)]);
                start = at + 2;
                continue;
            }
            self.run(&text[start..at]);
            match class {
                CONTROL => self.escape(&[b'\\', b'u', b'0', b'0', hex(byte >> 4), hex(byte & 15)]),
                _ => self.escape(&[b'\\', short(*byte)]),
            }
            start = at + 1;
        }
        self.run(&text[start..]);
    }

    fn run(&mut self, text: &str) {
        if self.is_cut {
            return;
        }
        let room = self.limit.saturating_sub(self.out.len());
        let fits = if text.len() <= room { text.len() } else { text.floor_char_boundary(room) };
        self.is_cut = fits < text.len();
        self.out.extend_from_slice(&text.as_bytes()[..fits]);
    }

    fn escape(&mut self, escape: &[u8]) {
        self.is_cut |= self.out.len() + escape.len() > self.limit;
        if !self.is_cut {
            self.out.extend_from_slice(escape);
        }
    }
}

impl fmt::Write for Escape<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push(text);
        // Whoever formats something endless stops here.
        if self.is_cut { Err(fmt::Error) } else { Ok(()) }
    }
}

/// A name or id from outside, as a JSON string of at most about half a kilobyte.
pub(crate) fn identifier(text: &str) -> Box<str> {
    const LONGEST: usize = 512;
    let mut out = Vec::with_capacity(text.len() + 2);
    out.push(b'"');
    Escape::json(&mut out, LONGEST).push(text);
    out.push(b'"');
    String::from_utf8(out).unwrap_or_default().into_boxed_str()
}

/// Escapes what another serialiser left in the contents of a JSON string.
pub(crate) fn escape_fragment(out: &mut Vec<u8>, fragment: &str) {
    Escape::json(out, usize::MAX).push(fragment);
}

const PLAIN: u8 = 0;
/// `"` and `\`.
const QUOTE: u8 = 1;
/// A control character with a short escape.
const SHORT: u8 = 2;
const CONTROL: u8 = 3;
/// The first byte of the C1 control characters, and of others.
const LEAD_C2: u8 = 4;

const CLASSES: [u8; 256] = {
    let mut classes = [PLAIN; 256];
    let mut byte = 0;
    while byte < 0x20 {
        classes[byte] = CONTROL;
        byte += 1;
    }
    classes[0x7f] = CONTROL;
    classes[8] = SHORT;
    classes[9] = SHORT;
    classes[10] = SHORT;
    classes[12] = SHORT;
    classes[13] = SHORT;
    classes[b'"' as usize] = QUOTE;
    classes[b'\\' as usize] = QUOTE;
    classes[0xc2] = LEAD_C2;
    classes
};

fn short(byte: u8) -> u8 {
    match byte {
        8 => b'b',
        9 => b't',
        10 => b'n',
        12 => b'f',
        13 => b'r',
        other => other,
    }
}

fn hex(nibble: u8) -> u8 {
    b"0123456789abcdef"[usize::from(nibble & 15)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn json(text: &str, limit: usize) -> (String, bool) {
        let mut out = Vec::new();
        let mut escape = Escape::json(&mut out, limit);
        escape.push(text);
        let is_cut = escape.is_cut;
        (String::from_utf8(out).expect("UTF-8"), is_cut)
    }

    proptest! {
        #[test]
        fn reads_back_as_serde_json_reads_it(text in any::<String>()) {
            let (escaped, is_cut) = json(&text, usize::MAX);
            prop_assert!(!is_cut);
            let read: String = serde_json::from_str(&format!("\"{escaped}\"")).expect("a JSON string");
            prop_assert_eq!(read, text);
        }

        #[test]
        fn cut_it_is_the_beginning(text in any::<String>(), limit in 0..40_usize) {
            let (escaped, is_cut) = json(&text, limit);
            prop_assert!(escaped.len() <= limit);
            let read: String = serde_json::from_str(&format!("\"{escaped}\"")).expect("a JSON string");
            prop_assert!(text.starts_with(&read));
            prop_assert_eq!(is_cut, read.len() < text.len());
        }

        #[test]
        fn nothing_commands_a_terminal(text in any::<String>()) {
            let mut out = Vec::new();
            Escape::plain(&mut out, usize::MAX).push(&text);
            let plain = String::from_utf8(out).expect("UTF-8");
            prop_assert!(!plain.chars().any(char::is_control));
        }
    }

    #[test]
    fn every_control_character_and_its_neighbours() {
        for code in (0..0x200).chain([0x2028, 0xfffd, 0x10ffff]) {
            let text = char::from_u32(code).expect("a character").to_string().repeat(2);
            let read: String =
                serde_json::from_str(&format!("\"{}\"", json(&text, 99).0)).expect("a JSON string");
            assert_eq!(read, text);
            let mut out = Vec::new();
            Escape::plain(&mut out, 99).push(&text);
            let plain = String::from_utf8(out).expect("UTF-8");
            assert!(!plain.chars().any(char::is_control), "{code:x}");
        }
    }
}
