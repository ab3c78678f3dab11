//! Salts that differ even after a fork or the restoring of a virtual machine.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, TryLockError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::error::{EnvelopeError, KeyError};

/// How many random bytes go into each salt.
const FRESH: usize = 16;
/// How many are fetched from the system at once, so that only one of many messages in a row waits for them.
const POOL: usize = 16 * FRESH;

/// Makes a salt of 32 bytes per message: an HMAC under a key of this process over fresh random bytes,
/// the process id, the clock and a counter.
///
/// Each message has a key of its own, derived with its salt, and the nonce is fixed; so two messages
/// must never have the same salt. Any one of the inputs suffices to tell two salts apart: a forked
/// process has another id, a restored machine another clock and soon other random bytes, and in between the
/// counter runs.
///
/// The process id is asked for each time, which is a system call (less than a tenth of sealing 64 bytes): no
/// safe code notices a fork by other means. The plaintext is not mixed in: to hash 1 KiB takes longer than to
/// get 16 random bytes from the system, and to hash 64 KiB nearly as long as to seal them.
pub(crate) struct SaltGenerator {
    key: Hmac<Sha256>,
    pool: Mutex<Pool>,
    counter: AtomicU64,
}

struct Pool {
    bytes: Zeroizing<[u8; POOL]>,
    used: usize,
    filled: SystemTime,
}

/// How long random bytes may wait to be used. Two machines restored from one snapshot share them, and
/// the clock alone tells their messages apart until each fetches its own. That it is short costs nothing where
/// it counts: a thousand fetches a second are few beside the messages that would notice.
const FRESH_FOR: Duration = Duration::from_millis(1);

impl SaltGenerator {
    pub(crate) fn new() -> Result<Self, KeyError> {
        let mut key = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *key).map_err(|_| KeyError::Random)?;
        let key = Hmac::new_from_slice(&*key).expect("HMAC takes keys of every length");
        let pool =
            Mutex::new(Pool { bytes: Zeroizing::new([0; POOL]), used: POOL, filled: UNIX_EPOCH });
        Ok(SaltGenerator { key, pool, counter: AtomicU64::new(0) })
    }

    pub(crate) fn next(&self) -> Result<[u8; 32], EnvelopeError> {
        let now = SystemTime::now();
        let fresh = self.fresh(now)?;
        let clock = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        Ok(self.derive(
            &fresh,
            std::process::id(),
            clock.as_nanos(),
            self.counter.fetch_add(1, Ordering::Relaxed),
        ))
    }

    fn derive(&self, fresh: &[u8; FRESH], process: u32, clock: u128, counter: u64) -> [u8; 32] {
        let mut mac = self.key.clone();
        mac.update(fresh);
        mac.update(&process.to_be_bytes());
        mac.update(&clock.to_be_bytes());
        mac.update(&counter.to_be_bytes());
        mac.finalize().into_bytes().into()
    }

    fn fresh(&self, now: SystemTime) -> Result<[u8; FRESH], EnvelopeError> {
        let mut pool = match self.pool.try_lock() {
            Ok(pool) => pool,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            // Not waited for: in a process that was forked meanwhile, the thread that holds it is gone.
            Err(TryLockError::WouldBlock) => {
                let mut fresh = [0; FRESH];
                getrandom::fill(&mut fresh).map_err(|_| EnvelopeError::Random)?;
                return Ok(fresh);
            }
        };
        // An error means that the clock went back.
        let is_old = now.duration_since(pool.filled).map_or(true, |age| age > FRESH_FOR);
        if is_old || pool.used + FRESH > POOL {
            // Marked as used up before it is filled: after an error nothing old is handed out.
            pool.used = POOL;
            getrandom::fill(&mut *pool.bytes).map_err(|_| EnvelopeError::Random)?;
            pool.used = 0;
            pool.filled = now;
        }
        let start = pool.used;
        pool.used += FRESH;
        let mut fresh = [0; FRESH];
        fresh.copy_from_slice(&pool.bytes[start..start + FRESH]);
        // What was handed out is forgotten here, so that a memory image does not tell past salts.
        pool.bytes[start..start + FRESH].fill(0);
        Ok(fresh)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn salts_do_not_repeat() {
        let salts = SaltGenerator::new().expect("random");
        let made: HashSet<_> = (0..10_000).map(|_| salts.next().expect("random")).collect();
        assert_eq!(made.len(), 10_000);
    }

    #[test]
    fn a_lock_that_a_fork_left_behind_is_not_waited_for() {
        let salts = SaltGenerator::new().expect("random");
        let held = salts.pool.lock().expect("nobody panicked");
        let made: HashSet<_> = (0..100).map(|_| salts.next().expect("random")).collect();
        drop(held);
        assert_eq!(made.len(), 100);
    }

    #[test]
    fn random_bytes_that_waited_too_long_or_were_made_in_the_future_are_not_used() {
        let salts = SaltGenerator::new().expect("random");
        let now = SystemTime::now();
        let used = |salts: &SaltGenerator| salts.pool.lock().expect("nobody panicked").used;
        for (at, expected) in [
            (now, FRESH),
            (now, 2 * FRESH),
            (now + 2 * FRESH_FOR, FRESH),
            (now + 2 * FRESH_FOR, 2 * FRESH),
            (now + 3 * FRESH_FOR, 3 * FRESH),
            (now, FRESH),
        ] {
            salts.fresh(at).expect("random");
            assert_eq!(used(&salts), expected);
        }
    }

    #[test]
    fn one_message_of_sixteen_in_a_row_waits_for_the_system() {
        let salts = SaltGenerator::new().expect("random");
        let now = SystemTime::now();
        let fetches = |salt: &[u8; FRESH]| {
            assert_ne!(salt, &[0; FRESH]);
            salts.pool.lock().expect("nobody panicked").used == FRESH
        };
        let fetched: Vec<bool> =
            (0..40).map(|_| fetches(&salts.fresh(now).expect("random"))).collect();
        let expected: Vec<bool> = (0..40).map(|index| index % 16 == 0).collect();
        assert_eq!(fetched, expected);
    }

    #[test]
    fn after_a_fork_or_restore_the_same_random_state_gives_other_salts() {
        let salts = SaltGenerator::new().expect("random");
        let fresh = [7; FRESH];
        let parent = salts.derive(&fresh, 100, 5, 1);
        assert_ne!(parent, salts.derive(&fresh, 101, 5, 1), "another process");
        assert_ne!(parent, salts.derive(&fresh, 100, 6, 1), "another time");
        assert_ne!(parent, salts.derive(&fresh, 100, 5, 2), "another message");
    }
}
