//! The ciphers by RustCrypto.

use aes_gcm::Aes256Gcm;
use aes_gcm::aead::consts::{U12, U16};
use aes_gcm::aead::{AeadInOut, KeyInit};
use chacha20poly1305::ChaCha20Poly1305;

use super::{KEY, NONCE, Suite, TAG};

pub(super) fn seal_in_place(
    suite: Suite,
    key: &[u8; KEY],
    nonce: &[u8; NONCE],
    associated: &[u8],
    text: &mut [u8],
) -> Option<[u8; TAG]> {
    match suite {
        Suite::Aes256Gcm => seal(Aes256Gcm::new(key.into()), nonce, associated, text),
        Suite::ChaCha20Poly1305 => seal(ChaCha20Poly1305::new(key.into()), nonce, associated, text),
    }
}

pub(super) fn open_in_place(
    suite: Suite,
    key: &[u8; KEY],
    nonce: &[u8; NONCE],
    associated: &[u8],
    message: &mut [u8],
) -> Option<usize> {
    match suite {
        Suite::Aes256Gcm => open(Aes256Gcm::new(key.into()), nonce, associated, message),
        Suite::ChaCha20Poly1305 => {
            open(ChaCha20Poly1305::new(key.into()), nonce, associated, message)
        }
    }
}

/// Both ciphers have nonces of 12 bytes and tags of 16.
trait Cipher: AeadInOut<NonceSize = U12, TagSize = U16> {}
impl<C: AeadInOut<NonceSize = U12, TagSize = U16>> Cipher for C {}

fn seal(
    cipher: impl Cipher,
    nonce: &[u8; NONCE],
    associated: &[u8],
    text: &mut [u8],
) -> Option<[u8; TAG]> {
    let tag = cipher.encrypt_inout_detached(nonce.into(), associated, text.into()).ok()?;
    Some(tag.into())
}

fn open(
    cipher: impl Cipher,
    nonce: &[u8; NONCE],
    associated: &[u8],
    message: &mut [u8],
) -> Option<usize> {
    let (text, tag) = message.split_last_chunk_mut::<TAG>()?;
    let length = text.len();
    cipher.decrypt_inout_detached(nonce.into(), associated, text.into(), (&*tag).into()).ok()?;
    Some(length)
}
