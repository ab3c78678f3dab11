//! HKDF with SHA-256 (RFC 5869).

use hkdf::Hkdf;
use sha2::Sha256;

/// An extracted key, from which others are expanded.
pub(crate) struct Extracted(Hkdf<Sha256>);

impl Extracted {
    /// HKDF-Extract, section 2.2.
    pub(crate) fn new(salt: &[u8], secret: &[u8]) -> Self {
        Extracted(Hkdf::new(Some(salt), secret))
    }

    /// HKDF-Expand, section 2.3. `None` when `output` is longer than 8160 bytes.
    pub(crate) fn expand(&self, info: &[&[u8]], output: &mut [u8]) -> Option<()> {
        self.0.expand_multi_info(info, output).ok()
    }
}
