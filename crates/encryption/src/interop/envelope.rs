//! The peers' envelope: the same three keys, another strategy.

use crate::envelope::{Parts, decode, take_apart};
use crate::error::EnvelopeError;

/// The strategy of `@inngest/middleware-encryption` from version 1 on, and of `inngest-encryption`.
const STRATEGY: &str = "inngest/libsodium";
pub(super) const HEAD: &[u8] =
    br#"{"__ENCRYPTED__":true,"__STRATEGY__":"inngest/libsodium","data":""#;
pub(super) const TAIL: &[u8] = br#""}"#;

/// Whose an envelope is.
pub(super) enum Kind {
    /// The peers'.
    Libsodium,
    /// Of another strategy; ours perhaps.
    Other,
    /// The TypeScript package's before version 1: AES-CBC without authentication.
    Legacy,
}

/// Whose an envelope is, of a value that presents itself as one.
pub(super) fn kind(json: &[u8]) -> Result<Kind, EnvelopeError> {
    if json.starts_with(HEAD) {
        return Ok(Kind::Libsodium);
    }
    let parts = take_apart(json).ok_or(EnvelopeError::NotAuthentic)?;
    Ok(match parts.strategy.as_deref() {
        Some(STRATEGY) => Kind::Libsodium,
        Some(_) => Kind::Other,
        None => Kind::Legacy,
    })
}

/// The message of an envelope, as strict as ours is read.
pub(super) fn read(json: &[u8]) -> Result<Vec<u8>, EnvelopeError> {
    // As it was written, and as a server writes it that sorts keys.
    if let Some(encoded) = json.strip_prefix(HEAD).and_then(|rest| rest.strip_suffix(TAIL)) {
        return decode(encoded).ok_or(EnvelopeError::NotAuthentic);
    }
    match take_apart(json) {
        Some(Parts { strategy: Some(strategy), data }) if strategy == STRATEGY => {
            decode(data.as_bytes()).ok_or(EnvelopeError::NotAuthentic)
        }
        Some(Parts { strategy: None, .. }) => Err(EnvelopeError::LegacyEnvelope),
        _ => Err(EnvelopeError::NotAuthentic),
    }
}
