//! Standard base64 with padding (RFC 4648, section 4), canonical in both directions.

use std::sync::LazyLock;

use base64::engine::Engine as _;
use base64::engine::Simd;
use base64::engine::general_purpose::PAD;

/// With the widest vector instructions of the machine.
static ENGINE: LazyLock<Simd> = LazyLock::new(|| Simd::standard(PAD));

/// How many bytes are encoded at once: three become four, and the copy stays in the fastest cache.
const CHUNK: usize = 3 * 512;

/// The length of `length` bytes in base64.
pub(crate) fn encoded_length(length: usize) -> usize {
    length.div_ceil(3) * 4
}

/// Encodes the bytes at the end of `out` to where `start` is, which must leave room for just that:
/// `out` ends with the text. So that a message needs no second buffer.
pub(crate) fn encode_in_place(out: &mut [u8], start: usize, length: usize) {
    let mut read = out.len() - length;
    let mut write = start;
    let mut chunk = [0; CHUNK];
    // The text that is written never reaches the bytes that are still to be read: of n bytes that
    // remain, 4n/3 bytes of room remain too.
    while read < out.len() {
        let size = CHUNK.min(out.len() - read);
        chunk[..size].copy_from_slice(&out[read..read + size]);
        let room = &mut out[write..write + encoded_length(size)];
        let written = ENGINE.encode_slice(&chunk[..size], room).expect("the room is exact");
        read += size;
        write += written;
    }
}

/// Decodes; `None` for anything but the one canonical form.
pub(crate) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    ENGINE.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoding_in_place_is_encoding() {
        for length in (0..200).chain(CHUNK - 4..CHUNK + 4).chain([3 * CHUNK + 1, 100_000]) {
            let bytes: Vec<u8> = (0..length).map(|index| (index * 7 + index / 256) as u8).collect();
            let encoded = encoded_length(length);
            let mut out = b"before".to_vec();
            out.resize(out.len() + encoded - length, 0);
            out.extend_from_slice(&bytes);
            encode_in_place(&mut out, 6, length);
            assert_eq!(out, [b"before", ENGINE.encode(&bytes).as_bytes()].concat(), "{length}");
            assert_eq!(decode(&out[6..]), Some(bytes), "{length}");
        }
    }

    #[test]
    fn only_the_canonical_form_is_decoded() {
        for text in ["QQ==", "QUI=", "QUJD", ""] {
            assert!(decode(text.as_bytes()).is_some(), "{text}");
        }
        for text in [
            "QQ", "QQ=", "QR==", "QUJ=", "QUJD ", " QUJD", "QUJ\nD", "-_==", "QUJDQ", "====",
            "QQ==QQ==",
        ] {
            assert!(decode(text.as_bytes()).is_none(), "{text}");
        }
    }
}
