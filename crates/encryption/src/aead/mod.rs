//! Authenticated encryption with associated data: which cipher, and which library computes it.

#[cfg(feature = "aws-lc")]
mod aws_lc;
mod rust_crypto;

/// The length of a key of either suite in bytes.
pub(crate) const KEY: usize = 32;
/// The length of a nonce in bytes.
pub(crate) const NONCE: usize = 12;
/// The length of an authentication tag in bytes.
pub(crate) const TAG: usize = 16;

/// The cipher of an envelope. Every reader knows all of them; a keyset writes with one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u8)]
pub enum Suite {
    /// AES-256-GCM (NIST SP 800-38D): the fastest where the processor has AES instructions.
    #[default]
    Aes256Gcm = 1,
    /// ChaCha20-Poly1305 (RFC 8439): for machines without them, where software AES is slow.
    ChaCha20Poly1305 = 2,
}

impl Suite {
    pub(crate) fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            1 => Some(Suite::Aes256Gcm),
            2 => Some(Suite::ChaCha20Poly1305),
            _ => None,
        }
    }
}

/// The library that computes the ciphers. It changes no byte of an envelope, only the speed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Backend {
    /// The RustCrypto crates: Rust only, nothing else to install.
    RustCrypto,
    /// AWS-LC through `aws-lc-rs`: two to four times as fast on large payloads; needs a C compiler. With
    /// the feature `aws-lc`, which makes it the default.
    #[cfg(feature = "aws-lc")]
    AwsLc,
}

impl Default for Backend {
    fn default() -> Self {
        #[cfg(feature = "aws-lc")]
        let backend = Backend::AwsLc;
        #[cfg(not(feature = "aws-lc"))]
        let backend = Backend::RustCrypto;
        backend
    }
}

impl Backend {
    /// Encrypts in place and returns the tag. `None` when the text is longer than the suite allows.
    pub(crate) fn seal_in_place(
        self,
        suite: Suite,
        key: &[u8; KEY],
        nonce: &[u8; NONCE],
        associated: &[u8],
        text: &mut [u8],
    ) -> Option<[u8; TAG]> {
        match self {
            Backend::RustCrypto => rust_crypto::seal_in_place(suite, key, nonce, associated, text),
            #[cfg(feature = "aws-lc")]
            Backend::AwsLc => aws_lc::seal_in_place(suite, key, nonce, associated, text),
        }
    }

    /// Decrypts in place the ciphertext before the tag that ends `message`, and returns the length of
    /// the plaintext. `None` when it is not authentic; what `message` then holds is not to be used.
    pub(crate) fn open_in_place(
        self,
        suite: Suite,
        key: &[u8; KEY],
        nonce: &[u8; NONCE],
        associated: &[u8],
        message: &mut [u8],
    ) -> Option<usize> {
        match self {
            Backend::RustCrypto => {
                rust_crypto::open_in_place(suite, key, nonce, associated, message)
            }
            #[cfg(feature = "aws-lc")]
            Backend::AwsLc => aws_lc::open_in_place(suite, key, nonce, associated, message),
        }
    }
}
