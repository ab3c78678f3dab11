//! A hasher for step hashes: they are many, short, and chosen by whoever sent the request.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::LazyLock;

/// Random in each process, so that nobody can choose hashes that fall together.
static SEED: LazyLock<[u64; 2]> = LazyLock::new(|| {
    let random = RandomState::new();
    [random.hash_one(0_u8), random.hash_one(1_u8) | 1]
});

#[derive(Clone, Copy, Debug)]
pub(super) struct Seeded([u64; 2]);

impl Default for Seeded {
    fn default() -> Self {
        Seeded(*SEED)
    }
}

impl BuildHasher for Seeded {
    type Hasher = Folding;

    fn build_hasher(&self) -> Folding {
        Folding { state: self.0[0], factor: self.0[1] }
    }
}

/// Folds the 128 bits of a product, as `foldhash` does: a fraction of SipHash's time.
pub(super) struct Folding {
    state: u64,
    factor: u64,
}

impl Folding {
    fn fold(&mut self, word: u64) {
        let product = u128::from(self.state ^ word) * u128::from(self.factor);
        self.state = (product as u64) ^ ((product >> 64) as u64).rotate_left(23);
    }
}

impl Hasher for Folding {
    fn finish(&self) -> u64 {
        self.state
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.fold(u64::from_le_bytes(word));
        }
    }

    /// The length of a hash is always the same.
    fn write_usize(&mut self, _: usize) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::step::hash::hash_of;

    #[test]
    fn hashes_spread_over_the_low_and_the_high_bits() {
        let seeded = Seeded::default();
        let hashes: Vec<u64> =
            (0..4096).map(|n| seeded.hash_one(hash_of(&n.to_string()))).collect();
        for shift in [0, 52] {
            let mut buckets = vec![0; 4096];
            for hash in &hashes {
                buckets[((hash >> shift) & 4095) as usize] += 1;
            }
            // Thrown at random, 4096 balls leave no bucket with more than about seven.
            assert!(buckets.iter().all(|count| *count < 14), "{shift}");
        }
    }

    #[test]
    fn every_byte_counts() {
        let seeded = Seeded::default();
        let mut bytes = [7; 20];
        let original = seeded.hash_one(bytes);
        for position in 0..20 {
            bytes[position] ^= 1;
            assert_ne!(seeded.hash_one(bytes), original, "{position}");
            bytes[position] ^= 1;
        }
    }
}
