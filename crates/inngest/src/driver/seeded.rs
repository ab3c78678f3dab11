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
        // The low bits of the one half depend on the low bits of the word alone, those of the other on all.
        self.state = (product as u64) ^ ((product >> 64) as u64);
    }
}

impl Hasher for Folding {
    /// Once more, so that the last word too reaches every bit.
    fn finish(&self) -> u64 {
        let product = u128::from(self.state) * u128::from(self.factor);
        (product as u64) ^ ((product >> 64) as u64)
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
    use hookstack_core::StepHash;

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

    /// The table takes the low bits for the place and the high ones to tell neighbours apart.
    #[test]
    fn numbers_spread_wherever_they_stand() {
        let seeded = Seeded::default();
        for position in 0..=16 {
            for swap in [false, true] {
                let hash = |n: u32| {
                    let mut bytes = [0; 20];
                    let number = if swap { n.to_be_bytes() } else { n.to_le_bytes() };
                    bytes[position..position + 4].copy_from_slice(&number);
                    seeded.hash_one(StepHash::new(bytes))
                };
                let hashes: Vec<u64> = (0..4096).map(hash).collect();
                for (shift, buckets) in [(0, 4096), (57, 128)] {
                    let mut counts = vec![0_usize; buckets];
                    for hash in &hashes {
                        counts[(hash >> shift) as usize % buckets] += 1;
                    }
                    let most = counts.iter().max().copied().unwrap_or_default();
                    let limit = 4096 / buckets * 4 + 12;
                    assert!(most < limit, "{position} {swap} {shift}: {most}");
                }
            }
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
