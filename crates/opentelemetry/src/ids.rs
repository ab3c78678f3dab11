//! Ids that every process derives alike.
//!
//! The derivation is that of the Inngest server: the SHA-256 of a text seeds the ChaCha8 generator of Go's
//! `math/rand/v2` (C2SP `chacha8rand`), whose first 16 bytes are a trace id and the next 8 a span id.

use chacha20::ChaCha8;
use chacha20::cipher::{KeyIvInit, StreamCipher};
use hookstack_core::{StepHash, TraceContext};
use opentelemetry::trace::{SpanId, TraceId};
use sha2::{Digest, Sha256};

/// The ids of a trace and of a span in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ids {
    pub(crate) trace: TraceId,
    pub(crate) span: SpanId,
}

impl Ids {
    /// Those of a run's trace and of its root, the run span.
    pub(crate) fn of_run(run_id: &str) -> Self {
        derive(&[run_id.as_bytes()])
    }
}

impl From<TraceContext> for Ids {
    fn from(trace: TraceContext) -> Self {
        Ids { trace: TraceId::from_bytes(trace.trace_id), span: SpanId::from_bytes(trace.span_id) }
    }
}

/// The id of the trace that all spans of a run belong to, unless it belongs to the sender's.
///
/// ```
/// let id = hookstack_opentelemetry::trace_id_of_run("01JD5RZ3V0000000000000000");
/// assert_eq!(id, hookstack_opentelemetry::trace_id_of_run("01JD5RZ3V0000000000000000"));
/// ```
pub fn trace_id_of_run(run_id: &str) -> TraceId {
    Ids::of_run(run_id).trace
}

/// The id of the span of a run.
pub fn span_id_of_run(run_id: &str) -> SpanId {
    Ids::of_run(run_id).span
}

/// The id of the span of one attempt of a step, in a run that is a trace of its own; `attempt` counts from 0.
///
/// It is the same in every run, and unique inside of the run: use it together with
/// [`trace_id_of_run`]. In a trace of the sender's, which can hold many runs, it is
/// [`span_id_of_step_in_run`].
///
/// ```
/// use hookstack_core::StepHash;
///
/// let hash = StepHash::from_hex("86f7e437faa5a7fce15d1ddcb9eaeaea377667b8").expect("40 digits");
/// let id = hookstack_opentelemetry::span_id_of_step(hash, 0);
/// assert_eq!(id.to_string(), "b017a66031df8079");
/// ```
pub fn span_id_of_step(hash: StepHash, attempt: u32) -> SpanId {
    let (start, digits) = decimal(attempt);
    derive(&[&hash.to_hex(), b":", &digits[start..]]).span
}

/// The id of the span of one attempt of a step, in a run that belongs to the trace of its sender
/// ([`SenderTrace::Parent`](crate::SenderTrace::Parent)); `attempt` counts from 0. It is unique, whatever
/// other runs the trace holds.
pub fn span_id_of_step_in_run(run_id: &str, hash: StepHash, attempt: u32) -> SpanId {
    let (start, digits) = decimal(attempt);
    derive(&[run_id.as_bytes(), b":", &hash.to_hex(), b":", &digits[start..]]).span
}

/// The id of the span of a failed attempt of a function, which had so many memoized steps.
pub(crate) fn span_id_of_call(run_id: &str, memoized: usize, attempt: u32) -> SpanId {
    derive(&[run_id.as_bytes(), format!(":{memoized}:{attempt}").as_bytes()]).span
}

fn derive(seed: &[&[u8]]) -> Ids {
    let mut hash = Sha256::new();
    seed.iter().for_each(|part| hash.update(part));
    let [first, second, third] = chacha8rand(&hash.finalize().into());
    let (mut trace, span) = ([0; 16], third.to_le_bytes());
    trace[..8].copy_from_slice(&first.to_le_bytes());
    trace[8..].copy_from_slice(&second.to_le_bytes());
    Ids { trace: TraceId::from_bytes(trace), span: SpanId::from_bytes(span) }
}

/// The first three numbers of C2SP `chacha8rand`.
///
/// It is ChaCha8 whose blocks are interleaved in fours: of each word first that of blocks 0 and 1, then that of
/// blocks 2 and 3. And the first row of the initial state, four constants, is not added in the end.
fn chacha8rand(seed: &[u8; 32]) -> [u64; 3] {
    const CONSTANTS: [u32; 2] = [0x6170_7865, 0x3320_646e];
    const BLOCK: usize = 64;
    let mut blocks = [0; 4 * BLOCK];
    ChaCha8::new(seed.into(), &[0; 12].into()).apply_keystream(&mut blocks);
    let word = |block: usize, word: usize| {
        let at = block * BLOCK + word * 4;
        let bytes = [blocks[at], blocks[at + 1], blocks[at + 2], blocks[at + 3]];
        u64::from(u32::from_le_bytes(bytes).wrapping_sub(CONSTANTS[word]))
    };
    let number = |block, at| word(block, at) | word(block + 1, at) << 32;
    [number(0, 0), number(2, 0), number(0, 1)]
}

/// The digits of a number, at the end of the array, without allocating; and where they begin.
fn decimal(mut number: u32) -> (usize, [u8; 10]) {
    let mut digits = [b'0'; 10];
    let mut start = digits.len();
    for (at, digit) in digits.iter_mut().enumerate().rev() {
        *digit += (number % 10) as u8;
        number /= 10;
        start = at;
        if number == 0 {
            break;
        }
    }
    (start, digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Those of `helpers/deterministicId.test.ts` of the TypeScript SDK, made by the server, and some more.
    #[test]
    fn spans_have_the_ids_that_the_server_derives() {
        let long = "a".repeat(10_000);
        for (seed, id) in [
            ("test-seed-for-deterministic-span", "1f9f1fae2c8b51c4"),
            ("hello", "b5c2db5b06a644c5"),
            ("00000000-0000-0000-0000-000000000000", "51706347ebf6ef86"),
            ("86f7e437faa5a7fce15d1ddcb9eaeaea377667b8:0", "b017a66031df8079"),
            ("e9d71f5ee7c92d6dc9e92ffdad17b8bd49418f98:0", "a9a8b204ae8104ed"),
            ("", "dd9fc5ea353468a4"),
            (&long, "955541c801f27c55"),
            ("hello\0world", "8999f00b74c5d24d"),
            ("emoji-😀-test", "1af63e4dd8245a1d"),
            ("special!@#$%^&*()_+-=[]{}|;':\",./<>?", "b668435cd33ce0e1"),
            ("cd59ee9a8137151d1499d3d2eb40ba51aa91e0aa:0", "71d50495f5a32d76"),
            ("cd59ee9a8137151d1499d3d2eb40ba51aa91e0aa:1", "66ccae63f003f30c"),
            ("cd59ee9a8137151d1499d3d2eb40ba51aa91e0aa:2", "e488e4c433ddfb1b"),
            ("8376129f22207d6e1acaa1c92de099dcb1ba24db:0", "979694712fbc957c"),
            ("d1eefd9de6e03a9f863a9b51d0140d6d0d58e609:0", "4d2647281790ca8f"),
        ] {
            assert_eq!(derive(&[seed.as_bytes()]).span.to_string(), id, "{seed:.60}");
        }
    }

    /// The sample of the specification, <https://c2sp.org/chacha8rand>.
    #[test]
    fn the_generator_is_that_of_the_specification() {
        let numbers = chacha8rand(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ123456");
        let sample = [0xb773_b606_3d46_16a5, 0x1160_af22_a66a_bc3c, 0x8c25_99d9_418d_287c];
        assert_eq!(numbers, sample);
    }

    #[test]
    fn the_span_of_a_step_is_seeded_by_its_hash_and_attempt() {
        let hash = "cd59ee9a8137151d1499d3d2eb40ba51aa91e0aa";
        let step = StepHash::from_hex(hash).expect("40 digits");
        for attempt in [0, 1, 2, 9, 10, 99, 12_345, u32::MAX] {
            let seed = format!("{hash}:{attempt}");
            let expected = derive(&[seed.as_bytes()]).span;
            assert_eq!(span_id_of_step(step, attempt), expected, "{seed}");
        }
        assert_eq!(span_id_of_step(step, 1).to_string(), "66ccae63f003f30c");
        let seed = format!("run:{hash}:1");
        assert_eq!(span_id_of_step_in_run("run", step, 1), derive(&[seed.as_bytes()]).span);
    }

    #[test]
    fn a_trace_id_is_what_comes_before_the_span_id() {
        let ids = Ids::of_run("hello");
        assert_eq!(ids.span.to_string(), "b5c2db5b06a644c5");
        assert_eq!((trace_id_of_run("hello"), span_id_of_run("hello")), (ids.trace, ids.span));
        assert_ne!(trace_id_of_run("hello"), trace_id_of_run("hello "));
    }
}
