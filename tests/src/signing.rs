//! Signatures as the Inngest SDK specification describes them (sections 4.1.1, 4.1.3 and 4.1.4), written
//! independently of the crate that is tested.

use std::time::{SystemTime, UNIX_EPOCH};

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// Now, in seconds since the Unix epoch.
///
/// # Panics
/// When the clock is before the epoch.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970").as_secs()
}

/// The value of `x-inngest-signature` for a body at a time.
pub fn sign_at(key: &str, body: &[u8], seconds: u64) -> String {
    format!("t={seconds}&s={}", mac(key, body, &seconds.to_string()))
}

/// The value of `x-inngest-signature` for a body, now.
pub fn sign(key: &str, body: &[u8]) -> String {
    sign_at(key, body, now())
}

/// Whether a header's value was made with this key for this body, whatever its time.
pub fn verifies(key: &str, header: &str, body: &[u8]) -> bool {
    let Some((t, s)) = header.strip_prefix("t=").and_then(|rest| rest.split_once("&s=")) else {
        return false;
    };
    s == mac(key, body, t)
}

/// What a server is shown of a key: the secret, which must be hex, hashed.
///
/// # Panics
/// When the secret is not hex.
pub fn hashed(key: &str) -> String {
    let secret = secret(key);
    let digits: Vec<u8> = (0..secret.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&secret[at..at + 2], 16).expect("a secret of hex digits"))
        .collect();
    let prefix = &key[..key.len() - secret.len()];
    format!("{prefix}{}", to_hex(&Sha256::digest(digits)))
}

/// The lower-case hex digits of the SHA-256 of a text.
pub fn sha256(text: &str) -> String {
    to_hex(&Sha256::digest(text))
}

fn mac(key: &str, body: &[u8], timestamp: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret(key).as_bytes()).expect("any length");
    mac.update(body);
    mac.update(timestamp.as_bytes());
    to_hex(&mac.finalize().into_bytes())
}

/// The part behind `signkey-*-`.
fn secret(key: &str) -> &str {
    key.strip_prefix("signkey-").and_then(|rest| rest.split_once('-')).map_or(key, |(_, s)| s)
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
