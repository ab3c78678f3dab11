//! Finding a secret in raw bytes.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// A secret whose absence from the bytes that leave a process is tested.
///
/// It is searched for as text, escaped as JSON does (with and without `\uXXXX` for everything that is
/// not ASCII, and escaped twice, as in JSON inside of JSON), and each of these also as hex and as
/// Base64, in both alphabets and at all three offsets, so that it is found in the middle of a larger
/// encoded text as well.
///
/// ```
/// use hookstack_testing::{Canary, Encoding};
///
/// let canary = Canary::new("canary \"7f3a\" chirps");
/// assert_eq!(canary.find(b"nothing to see"), None);
///
/// let leak = canary.find(br#"{"note":"canary \"7f3a\" chirps"}"#).expect("it is in there");
/// assert_eq!((leak.at, leak.encoding), (9, Encoding::Plain));
/// ```
#[derive(Clone)]
pub struct Canary {
    text: String,
    needles: Vec<Needle>,
}

#[derive(Clone)]
struct Needle {
    encoding: Encoding,
    bytes: Vec<u8>,
}

/// How a secret was encoded where it was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Encoding {
    /// As text, or escaped in JSON.
    Plain,
    /// As hex digits.
    Hex,
    /// As Base64.
    Base64,
}

/// Where a secret was found. It does not show the bytes around the place.
///
/// ```
/// let leak = hookstack_testing::Canary::new("canary-7f3a").find(b"-> canary-7f3a").unwrap();
/// assert_eq!(leak.to_string(), "at byte 3, Plain");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Leak {
    /// The offset of its first byte.
    pub at: usize,
    /// The encoding.
    pub encoding: Encoding,
}

impl fmt::Display for Leak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at byte {}, {:?}", self.at, self.encoding)
    }
}

/// Shorter texts turn up in Base64 by chance.
const SHORTEST: usize = 8;

impl Canary {
    /// A secret of at least 8 bytes.
    ///
    /// ```
    /// assert_eq!(hookstack_testing::Canary::new("canary-7f3a").text(), "canary-7f3a");
    /// ```
    ///
    /// # Panics
    /// When the text is shorter: it would be found by chance.
    pub fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        assert!(text.len() >= SHORTEST, "a canary needs {SHORTEST} bytes or more");
        let mut spellings = vec![text.clone(), escaped(&text), escaped(&escaped(&text))];
        spellings.extend([ascii_escaped(&text), escaped(&ascii_escaped(&text))]);
        let mut needles: Vec<Needle> = Vec::new();
        for spelling in spellings {
            for needle in encodings(spelling.as_bytes()) {
                if needles.iter().all(|known| known.bytes != needle.bytes) {
                    needles.push(needle);
                }
            }
        }
        Canary { text, needles }
    }

    /// The secret.
    ///
    /// ```
    /// assert_eq!(hookstack_testing::Canary::new("canary-7f3a").text(), "canary-7f3a");
    /// ```
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The first place where the secret is, in any encoding.
    ///
    /// ```
    /// use hookstack_testing::{Canary, Encoding};
    ///
    /// // Base64 of "x canary-7f3a y".
    /// let leak = Canary::new("canary-7f3a").find(b"eCBjYW5hcnktN2YzYSB5").unwrap();
    /// assert_eq!(leak.encoding, Encoding::Base64);
    /// ```
    pub fn find(&self, bytes: impl AsRef<[u8]>) -> Option<Leak> {
        let bytes = bytes.as_ref();
        let leaks = self.needles.iter().filter_map(|needle| {
            let at = bytes.windows(needle.bytes.len()).position(|window| window == needle.bytes)?;
            Some(Leak { at, encoding: needle.encoding })
        });
        leaks.min_by_key(|leak| leak.at)
    }

    /// Fails the test when the secret is in `bytes`; `what` tells which bytes these are.
    ///
    /// ```should_panic
    /// let canary = hookstack_testing::Canary::new("canary-7f3a");
    /// canary.assert_absent("the response", br#"{"echo":"canary-7f3a"}"#);
    /// ```
    ///
    /// # Panics
    /// When the secret is in there. The message tells where and quotes nothing.
    #[track_caller]
    pub fn assert_absent(&self, what: &str, bytes: impl AsRef<[u8]>) {
        if let Some(leak) = self.find(bytes) {
            panic!("the canary is in {what}: {leak}");
        }
    }
}

/// Shows no secret.
impl fmt::Debug for Canary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Canary").field("needles", &self.needles.len()).finish_non_exhaustive()
    }
}

/// As serde_json, JavaScript and Go write it in a JSON string.
fn escaped(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

/// As Python writes it by default: nothing but ASCII.
fn ascii_escaped(text: &str) -> String {
    let mut out = String::new();
    for character in escaped(text).chars() {
        match character.is_ascii() {
            true => out.push(character),
            false => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    out.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
    out
}

fn encodings(bytes: &[u8]) -> Vec<Needle> {
    let needle = |encoding, bytes: String| Needle { encoding, bytes: bytes.into_bytes() };
    let lower: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut needles = vec![
        Needle { encoding: Encoding::Plain, bytes: bytes.to_vec() },
        needle(Encoding::Hex, lower.to_uppercase()),
        needle(Encoding::Hex, lower),
    ];
    for offset in 0..3 {
        for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
            let mut shifted = vec![0; offset];
            shifted.extend_from_slice(bytes);
            let encoded = engine.encode(&shifted);
            // Without the digits at both ends in which bits of the neighbours take part.
            let whole = shifted.len() * 8 / 6;
            let first = (offset * 8).div_ceil(6);
            needles.push(needle(Encoding::Base64, encoded[first..whole].to_owned()));
        }
    }
    needles
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "canary \"ü\" 🐤\n~~~???";

    fn found(bytes: impl AsRef<[u8]>) -> Option<Encoding> {
        Canary::new(TEXT).find(bytes).map(|leak| leak.encoding)
    }

    #[test]
    fn as_text_and_escaped() {
        assert_eq!(found(format!("before {TEXT} after")), Some(Encoding::Plain));
        let json = serde_json::json!({ "a": TEXT }).to_string();
        assert_eq!(found(&json), Some(Encoding::Plain));
        assert_eq!(found(serde_json::json!({ "inner": json }).to_string()), Some(Encoding::Plain));
        // What Python's `json.dumps` writes.
        let python = br#"{"a": "canary \"\u00fc\" \ud83d\udc24\n~~~???"}"#;
        assert_eq!(found(python), Some(Encoding::Plain));
    }

    #[test]
    fn as_hex() {
        let hex: String = format!("x{TEXT}").bytes().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(found(&hex), Some(Encoding::Hex));
        assert_eq!(found(hex.to_uppercase()), Some(Encoding::Hex));
    }

    #[test]
    fn as_base64_wherever_it_stands() {
        for before in 0..7 {
            for after in 0..4 {
                let text = format!("{}{TEXT}{}", "ÿ".repeat(before), "ÿ".repeat(after));
                // Another offset than the two bytes of each "ÿ" give.
                for text in [text.clone(), format!("-{text}")] {
                    for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
                        let encoded = format!("{{\"v\":\"{}\"}}", engine.encode(&text));
                        assert_eq!(found(encoded), Some(Encoding::Base64), "{before} {after}");
                    }
                }
            }
        }
        let json = serde_json::json!({ "a": TEXT }).to_string();
        assert_eq!(found(STANDARD_NO_PAD.encode(json)), Some(Encoding::Base64));
    }

    #[test]
    fn not_where_a_part_of_it_is() {
        for part in [&TEXT[1..], &TEXT[..TEXT.len() - 1]] {
            assert_eq!(found(part), None);
            assert_eq!(found(part.to_uppercase()), None);
            let encoded = STANDARD_NO_PAD.encode(part);
            assert_eq!(found(encoded), None);
        }
    }

    #[test]
    fn the_first_place_is_told() {
        let canary = Canary::new("canary-7f3a");
        let leak = canary.find(b"Y2FuYXJ5LTdmM2E canary-7f3a").expect("it is in there twice");
        assert_eq!((leak.at, leak.encoding), (0, Encoding::Base64));
        assert!(!format!("{canary:?}").contains("7f3a"));
    }

    #[test]
    #[should_panic(expected = "8 bytes or more")]
    fn a_short_canary_is_refused() {
        let _ = Canary::new("canary");
    }
}
