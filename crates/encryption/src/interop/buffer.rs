//! A buffer that leaves no copies of its contents behind.

use std::io;

use crate::wipe::Wiped;

/// Bytes that are wiped when they are dropped, and when they move because the buffer grows.
pub(super) struct Buffer(Wiped);

impl Buffer {
    pub(super) fn with_capacity(capacity: usize) -> Self {
        Buffer(Wiped::new(Vec::with_capacity(capacity)))
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.reserve(bytes.len());
        self.0.extend_from_slice(bytes);
    }

    /// Appends this many zeros.
    pub(super) fn push_zeros(&mut self, count: usize) {
        self.reserve(count);
        let length = self.0.len() + count;
        self.0.resize(length, 0);
    }

    #[inline]
    fn reserve(&mut self, more: usize) {
        if self.0.capacity() - self.0.len() < more {
            let mut larger = Vec::with_capacity(self.0.capacity().max(more + self.0.len()) * 2);
            larger.extend_from_slice(&self.0);
            // The old one is wiped as it is dropped.
            self.0 = Wiped::new(larger);
        }
    }

    pub(super) fn bytes(&mut self) -> &mut [u8] {
        &mut self.0
    }

    /// The bytes, which then nobody wipes.
    pub(super) fn into_inner(self) -> Vec<u8> {
        self.0.into_inner()
    }
}

impl io::Write for Buffer {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.push(bytes);
        Ok(bytes.len())
    }

    #[inline]
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.push(bytes);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
