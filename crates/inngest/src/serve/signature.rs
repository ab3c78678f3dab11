//! Signatures of requests and responses (Inngest SDK specification, sections 4.1.1 and 4.1.3).

use std::fmt;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::config::{SigningKey, hex, to_hex};

/// How far the time in a signature may be from this machine's, in both directions.
const TOLERANCE: Duration = Duration::from_secs(5 * 60);

/// What the header `x-inngest-signature` says: `t=<Unix seconds>&s=<64 hex digits>`.
struct Signature {
    timestamp: u64,
    /// The digits as they were sent, because they are what is signed.
    digits: String,
    mac: [u8; 32],
}

/// The largest body whose canonical form is made. Making it takes many times the body's size in memory, and
/// it happens before anybody has proved anything; servers, which send large bodies, do not need it.
const MAX_CANONICAL: usize = 64 * 1024;

/// A request whose signature holds.
#[derive(Debug)]
pub(super) struct Verified {
    /// Which of the keys it was signed with; the response is signed with the same.
    pub(super) key: usize,
    /// The bytes that the signature is about.
    pub(super) body: Bytes,
}

/// Why a signature does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SignatureError {
    Malformed,
    Expired,
    Mismatch,
}

/// Checks a signature with each key in turn.
///
/// Servers sign the bytes that they send. SDKs that play a server sign the canonical form of the JSON
/// (RFC 8785), as the specification allows; then that form is what is verified and what is handled, so
/// nothing that the signature does not cover is ever read. Bodies beyond 64 KiB have no canonical form here.
pub(super) fn verify<'k>(
    keys: impl Iterator<Item = &'k SigningKey> + Clone,
    header: &[u8],
    body: &Bytes,
    now: SystemTime,
) -> Result<Verified, SignatureError> {
    let signature = Signature::of(header, now)?;
    let find = |body: &[u8]| keys.clone().position(|key| signature.matches(key, body));
    if let Some(key) = find(body) {
        return Ok(Verified { key, body: body.clone() });
    }
    let canonical = canonical(body).ok_or(SignatureError::Mismatch)?;
    match find(&canonical) {
        Some(key) => Ok(Verified { key, body: Bytes::from(canonical) }),
        None => Err(SignatureError::Mismatch),
    }
}

/// Whether a signature can hold at all: its form and its time, which need no body.
pub(super) fn check_form(header: &[u8], now: SystemTime) -> Result<(), SignatureError> {
    Signature::of(header, now).map(drop)
}

/// The header's value for a response.
pub(super) fn sign(key: &SigningKey, body: &[u8], now: SystemTime) -> String {
    let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let timestamp = since.as_secs().to_string();
    let mac = mac(key, body, &timestamp).finalize().into_bytes();
    format!("t={timestamp}&s={}", to_hex(&mac))
}

fn mac(key: &SigningKey, body: &[u8], timestamp: &str) -> Hmac<Sha256> {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(key.secret()).expect("HMAC takes keys of every length");
    mac.update(body);
    mac.update(timestamp.as_bytes());
    mac
}

fn canonical(body: &[u8]) -> Option<Vec<u8>> {
    if body.len() > MAX_CANONICAL {
        return None;
    }
    let value: serde_json::Value = serde_json::from_slice(body).ok()?;
    serde_json_canonicalizer::to_vec(&value).ok()
}

impl Signature {
    fn of(header: &[u8], now: SystemTime) -> Result<Self, SignatureError> {
        let signature = Signature::parse(header).ok_or(SignatureError::Malformed)?;
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(signature.timestamp);
        let distance = now.duration_since(time).unwrap_or_else(|error| error.duration());
        if distance > TOLERANCE {
            return Err(SignatureError::Expired);
        }
        Ok(signature)
    }

    /// Each part once, nothing else.
    fn parse(header: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(header).ok()?;
        let (first, second) = text.split_once('&')?;
        let (t, s) = match (first.split_once('=')?, second.split_once('=')?) {
            (("t", t), ("s", s)) | (("s", s), ("t", t)) => (t, s),
            _ => return None,
        };
        let is_number = !t.is_empty() && t.len() <= 12 && t.bytes().all(|b| b.is_ascii_digit());
        let timestamp = if is_number { t.parse().ok()? } else { return None };
        let mac = <[u8; 32]>::try_from(hex(s)?.as_slice()).ok()?;
        Some(Signature { timestamp, digits: t.to_owned(), mac })
    }

    fn matches(&self, key: &SigningKey, body: &[u8]) -> bool {
        // Compares in constant time.
        mac(key, body, &self.digits).verify_slice(&self.mac).is_ok()
    }
}

impl SignatureError {
    pub(super) fn code(self) -> &'static str {
        match self {
            SignatureError::Malformed => "sig_malformed",
            SignatureError::Expired => "sig_expired",
            SignatureError::Mismatch => "sig_verification_failed",
        }
    }
}

impl fmt::Display for SignatureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SignatureError::Malformed => {
                "header `x-inngest-signature`: must be `t=<Unix seconds>&s=<64 hex digits>`"
            }
            SignatureError::Expired => {
                "header `x-inngest-signature`: its time is more than 5 minutes from this machine's"
            }
            SignatureError::Mismatch => {
                "header `x-inngest-signature`: no signing key of this app made it for this body; check INNGEST_SIGNING_KEY and INNGEST_SIGNING_KEY_FALLBACK"
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "signkey-test-12345678";

    fn key(text: &str) -> SigningKey {
        text.parse().unwrap()
    }

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    /// Made with Python's `hmac` from the specification's description.
    #[test]
    fn a_known_signature() {
        assert_eq!(
            sign(&key(KEY), b"{\"a\":1}", at(1_705_586_504)),
            "t=1705586504&s=bd16d89641dac2e340a40e3800435b96c0e533c00bc7322c1eefae65d6ab6954"
        );
    }

    #[test]
    fn what_is_signed_verifies_within_five_minutes() {
        let (key, body) = (key(KEY), Bytes::from_static(b"{\"b\":1, \"a\":2}"));
        let header = sign(&key, &body, at(1000));
        for (now, expected) in
            [(1000, true), (1300, true), (700, true), (1301, false), (699, false)]
        {
            let verified = verify([&key].into_iter(), header.as_bytes(), &body, at(now));
            assert_eq!(verified.is_ok(), expected, "{now}");
        }
    }

    #[test]
    fn the_fallback_key_is_tried_second() {
        let (old, new) = (key("signkey-test-0011"), key(KEY));
        let body = Bytes::from_static(b"{}");
        let header = sign(&old, &body, at(1000));
        let verified = verify([&new, &old].into_iter(), header.as_bytes(), &body, at(1000));
        assert_eq!(verified.unwrap().key, 1);
    }

    #[test]
    fn of_canonical_json_that_form_is_handled() {
        let key = key(KEY);
        let header = sign(&key, b"{\"a\":2,\"b\":1}", at(1000));
        let body = Bytes::from_static(b"{ \"b\": 1, \"a\": 0, \"a\": 2 }");
        let verified = verify([&key].into_iter(), header.as_bytes(), &body, at(1000));
        assert_eq!(&verified.unwrap().body[..], b"{\"a\":2,\"b\":1}");
    }

    #[test]
    fn a_large_body_is_only_taken_as_it_was_sent() {
        let key = key(KEY);
        let padding = " ".repeat(MAX_CANONICAL);
        let body = Bytes::from(format!("{{ \"a\": 1 {padding}}}"));
        for (signed, expected) in [(&body[..], true), (b"{\"a\":1}", false)] {
            let header = sign(&key, signed, at(1000));
            let verified = verify([&key].into_iter(), header.as_bytes(), &body, at(1000));
            assert_eq!(verified.is_ok(), expected);
        }
    }

    #[test]
    fn every_change_is_noticed() {
        let key = key(KEY);
        let body = Bytes::from_static(b"{\"a\":1}");
        let header = sign(&key, &body, at(1000));
        for index in 0..body.len() {
            let mut changed = body.to_vec();
            changed[index] ^= 1;
            let result = verify([&key].into_iter(), header.as_bytes(), &changed.into(), at(1000));
            assert!(result.is_err(), "{index}");
        }
        for index in 0..header.len() {
            let mut changed = header.clone().into_bytes();
            changed[index] ^= 1;
            let result = verify([&key].into_iter(), &changed, &body, at(1000));
            assert!(result.is_err(), "{index}");
        }
    }

    #[test]
    fn malformed_headers() {
        let (key, body) = (key(KEY), Bytes::new());
        let s = "0".repeat(64);
        for header in [
            String::new(),
            "t=1".to_owned(),
            format!("s={s}"),
            format!("t=&s={s}"),
            format!("t=-1&s={s}"),
            format!("t=+1&s={s}"),
            format!("t=1e3&s={s}"),
            format!("t=99999999999999999999&s={s}"),
            format!("t=1&t=1&s={s}"),
            format!("t=1&s={s}&x=1"),
            format!("t=1&s={}", &s[1..]),
            format!("t=1&s={s}0"),
            format!("t=1&s={}", "z".repeat(64)),
        ] {
            let result = verify([&key].into_iter(), header.as_bytes(), &body, at(1));
            assert_eq!(result.err(), Some(SignatureError::Malformed), "{header}");
        }
        let result = verify([&key].into_iter(), &[0xff, 0xfe], &body, at(1));
        assert_eq!(result.err(), Some(SignatureError::Malformed));
    }
}
