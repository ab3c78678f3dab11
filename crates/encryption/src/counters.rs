//! How many values were sealed, opened, refused, and accepted in plaintext.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::policy::Slot;

/// What the middleware counts; a handle to read it from outside, cheap to clone.
///
/// Taken from [`Encryption::counters`](crate::Encryption::counters) before the app takes the middleware.
///
/// ```
/// use hookstack_core::{AfterResponse, Middleware, Result, Stack};
/// use hookstack_encryption::{Counters, Encryption, Key, Keyset, Slot};
///
/// /// Publishes the counters after each call.
/// struct Metrics(Counters);
///
/// impl Middleware for Metrics {
///     async fn after_response(&self, _: &mut AfterResponse<'_>) -> Result {
///         let counts = self.0.read();
///         for slot in Slot::ALL {
///             println!("{slot:?}: {} sealed, {} refused", counts.sealed(slot), counts.refused(slot));
///         }
///         Ok(())
///     }
/// }
///
/// let keys = Keyset::builder().primary(Key::generate()?).build()?;
/// let encryption = Encryption::new(keys);
/// let metrics = Metrics(encryption.counters());
/// let stack = Stack::builder().with(metrics).with(encryption).build();
/// # Ok::<_, hookstack_encryption::KeyError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Counters(Arc<Cells>);

#[derive(Debug, Default)]
struct Cells {
    slots: [[AtomicU64; COUNTED]; Slot::ALL.len()],
    reloads_failed: AtomicU64,
}

/// What the counters stood at when they were read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    slots: [[u64; COUNTED]; Slot::ALL.len()],
    reloads_failed: u64,
}

/// What is counted.
#[derive(Clone, Copy)]
pub(crate) enum Counted {
    Sealed,
    Opened,
    Refused,
    Plaintext,
}

const COUNTED: usize = 4;

impl Counters {
    /// What they stand at. They only grow, and begin at zero with the middleware.
    pub fn read(&self) -> Counts {
        let slots = std::array::from_fn(|slot| {
            std::array::from_fn(|counted| self.0.slots[slot][counted].load(Ordering::Relaxed))
        });
        Counts { slots, reloads_failed: self.0.reloads_failed.load(Ordering::Relaxed) }
    }

    pub(crate) fn add(&self, slot: Slot, counted: Counted) {
        self.0.slots[slot as usize][counted as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn add_failed_reload(&self) {
        self.0.reloads_failed.fetch_add(1, Ordering::Relaxed);
    }
}

impl Counts {
    /// How many values were sealed. A data object of which several fields are sealed counts once.
    pub fn sealed(&self, slot: Slot) -> u64 {
        self.of(slot, Counted::Sealed)
    }

    /// How many were authentic and were opened. What is stored is opened in each call that brings it.
    pub fn opened(&self, slot: Slot) -> u64 {
        self.of(slot, Counted::Opened)
    }

    /// How many were refused: not authentic, in plaintext, or sealed with a key that is missing.
    pub fn refused(&self, slot: Slot) -> u64 {
        self.of(slot, Counted::Refused)
    }

    /// How many were accepted in plaintext where an envelope could have been. When this no longer grows,
    /// plaintext can be refused.
    ///
    /// Not counted is what is never sealed: events whose policy is plaintext and those that the server
    /// writes. Nor are errors, because those of the server's own look like those of a function that does
    /// not seal yet.
    pub fn plaintext_accepted(&self, slot: Slot) -> u64 {
        self.of(slot, Counted::Plaintext)
    }

    /// How often a [`KeyProvider`](crate::KeyProvider) was asked again and the keys stayed as they were,
    /// because it failed, because its keys were of another namespace or shared a secret with the
    /// [`LibsodiumRing`](crate::LibsodiumRing), or because the call that asked was given up before the answer
    /// came: its caller hung up.
    pub fn reloads_failed(&self) -> u64 {
        self.reloads_failed
    }

    fn of(&self, slot: Slot, counted: Counted) -> u64 {
        self.slots[slot as usize][counted as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_slot_counts_each_thing_by_itself() {
        let counters = Counters::default();
        let things = [Counted::Sealed, Counted::Opened, Counted::Refused, Counted::Plaintext];
        for (index, slot) in Slot::ALL.into_iter().enumerate() {
            for (weight, counted) in things.into_iter().enumerate() {
                (0..10 * index + weight).for_each(|_| counters.add(slot, counted));
            }
        }
        counters.add_failed_reload();
        let counts = counters.read();
        for (index, slot) in Slot::ALL.into_iter().enumerate() {
            let of = [
                counts.sealed(slot),
                counts.opened(slot),
                counts.refused(slot),
                counts.plaintext_accepted(slot),
            ];
            assert_eq!(of, [0, 1, 2, 3].map(|weight| 10 * index as u64 + weight), "{slot:?}");
        }
        assert_eq!(counts.reloads_failed(), 1);
    }
}
