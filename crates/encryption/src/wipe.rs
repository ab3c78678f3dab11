//! Buffers that are wiped when they are dropped.

use std::fmt;
use std::ops::{Deref, DerefMut};

/// Bytes that are overwritten when they are dropped.
///
/// [`zeroize::Zeroizing`] writes every byte of a slice by itself, which takes longer than decrypting it;
/// filling and then a barrier that the optimiser respects is the same at the speed of memory.
#[derive(Default)]
pub(crate) struct Wiped(Vec<u8>);

impl Wiped {
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        Wiped(bytes)
    }

    /// The bytes, which then nobody wipes.
    pub(crate) fn into_inner(mut self) -> Vec<u8> {
        std::mem::take(&mut self.0)
    }
}

impl Drop for Wiped {
    fn drop(&mut self) {
        // Only what is in use: nothing here is ever shortened after something secret was written.
        self.0.fill(0);
        zeroize::optimization_barrier(&self.0[..]);
    }
}

impl Deref for Wiped {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.0
    }
}

impl DerefMut for Wiped {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.0
    }
}

impl fmt::Debug for Wiped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Wiped({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_counts_and_does_not_show() {
        assert_eq!(format!("{:?}", Wiped::new(b"canary".to_vec())), "Wiped(6 bytes)");
    }
}
