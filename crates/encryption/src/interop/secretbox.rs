//! `crypto_secretbox_xsalsa20poly1305` of NaCl, in place. The stream's first 32 bytes are the
//! authenticator's key, the rest encrypts.

use poly1305::Poly1305;
use poly1305::universal_hash::KeyInit;
use salsa20::XSalsa20;
use salsa20::cipher::{KeyIvInit, StreamCipher};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

pub(super) const KEY: usize = 32;
pub(super) const NONCE: usize = 24;
pub(super) const TAG: usize = 16;

/// Encrypts in place and returns the tag.
pub(super) fn seal(key: &[u8; KEY], nonce: &[u8; NONCE], text: &mut [u8]) -> [u8; TAG] {
    let (mut stream, authenticator) = start(key, nonce);
    stream.apply_keystream(text);
    authenticator.compute_unpadded(text).into()
}

/// Decrypts in place. `None`, with nothing changed, when it is not authentic.
pub(super) fn open(
    key: &[u8; KEY],
    nonce: &[u8; NONCE],
    tag: &[u8; TAG],
    text: &mut [u8],
) -> Option<()> {
    let (mut stream, authenticator) = start(key, nonce);
    let expected: [u8; TAG] = authenticator.compute_unpadded(text).into();
    bool::from(expected.ct_eq(tag)).then(|| stream.apply_keystream(text))
}

fn start(key: &[u8; KEY], nonce: &[u8; NONCE]) -> (XSalsa20, Poly1305) {
    let mut stream = XSalsa20::new(key.into(), nonce.into());
    let mut authenticator = Zeroizing::new([0; KEY]);
    stream.apply_keystream(&mut *authenticator);
    let authenticator = Poly1305::new((&*authenticator).into());
    (stream, authenticator)
}
