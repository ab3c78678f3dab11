//! The ciphers by AWS-LC.

use aws_lc_rs::aead::{AES_256_GCM, Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};

use super::{KEY, NONCE, Suite, TAG};

/// "Less safe" because the caller chooses the nonce. Each key serves one message here.
fn cipher(suite: Suite, key: &[u8; KEY]) -> Option<LessSafeKey> {
    let algorithm = match suite {
        Suite::Aes256Gcm => &AES_256_GCM,
        Suite::ChaCha20Poly1305 => &CHACHA20_POLY1305,
    };
    UnboundKey::new(algorithm, key).ok().map(LessSafeKey::new)
}

pub(super) fn seal_in_place(
    suite: Suite,
    key: &[u8; KEY],
    nonce: &[u8; NONCE],
    associated: &[u8],
    text: &mut [u8],
) -> Option<[u8; TAG]> {
    let nonce = Nonce::assume_unique_for_key(*nonce);
    let tag =
        cipher(suite, key)?.seal_in_place_separate_tag(nonce, Aad::from(associated), text).ok()?;
    tag.as_ref().try_into().ok()
}

pub(super) fn open_in_place(
    suite: Suite,
    key: &[u8; KEY],
    nonce: &[u8; NONCE],
    associated: &[u8],
    message: &mut [u8],
) -> Option<usize> {
    let nonce = Nonce::assume_unique_for_key(*nonce);
    let text = cipher(suite, key)?.open_in_place(nonce, Aad::from(associated), message).ok()?;
    Some(text.len())
}
