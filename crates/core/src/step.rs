//! What identifies a step, and what it asks of the platform.

use std::fmt;
use std::time::Duration;

use crate::payload::Payload;
use crate::trace::TraceCarrier;

/// The identity of a step on the wire: a 20-byte hash, shown as 40 hex digits.
///
/// The Inngest SDK specification, section 5.1.2, defines it as the SHA-1 of the step's id; core only
/// carries it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StepHash([u8; 20]);

impl StepHash {
    /// From the bytes of the hash.
    pub const fn new(bytes: [u8; 20]) -> Self {
        StepHash(bytes)
    }

    /// From 40 hex digits; `None` for anything else.
    pub fn from_hex(text: &str) -> Option<Self> {
        let digits: &[u8; 40] = text.as_bytes().try_into().ok()?;
        let mut bytes = [0; 20];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
        }
        Some(StepHash(bytes))
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; 20] {
        &self.0
    }

    /// The hex digits, without allocating.
    pub fn to_hex(self) -> [u8; 40] {
        let mut text = [0; 40];
        for (pair, byte) in text.chunks_exact_mut(2).zip(self.0) {
            pair[0] = HEX_DIGITS[usize::from(byte >> 4)];
            pair[1] = HEX_DIGITS[usize::from(byte & 15)];
        }
        text
    }
}

/// The value of each hex digit; a table, because digits and letters alternate too irregularly for the
/// processor to predict branches on them.
const NIBBLES: [u8; 256] = {
    let mut table = [0xff; 256];
    let mut value = 0;
    while value < 16 {
        table[HEX_DIGITS[value] as usize] = value as u8;
        value += 1;
    }
    table
};

const HEX_DIGITS: &[u8; 16] = b"0123456789abcdef";

fn nibble(digit: u8) -> Option<u8> {
    let value = NIBBLES[usize::from(digit)];
    (value != 0xff).then_some(value)
}

impl fmt::Display for StepHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.0 {
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for StepHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What kind of work a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StepOp {
    /// A body of the user's that runs here.
    Run,
    /// A sending of events, which runs here too.
    SendEvent,
    /// A sleep, kept by the platform.
    Sleep,
    /// A wait for an event, kept by the platform.
    WaitForEvent,
    /// A call of another function, made by the platform.
    Invoke,
}

impl StepOp {
    /// The name of the step tool.
    pub const fn as_str(self) -> &'static str {
        match self {
            StepOp::Run => "run",
            StepOp::SendEvent => "send_event",
            StepOp::Sleep => "sleep",
            StepOp::WaitForEvent => "wait_for_event",
            StepOp::Invoke => "invoke",
        }
    }

    /// Whether the step has a body that runs in this process.
    pub const fn has_body(self) -> bool {
        matches!(self, StepOp::Run | StepOp::SendEvent)
    }
}

/// One step, as hooks see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepInfo {
    id: Box<str>,
    name: Option<Box<str>>,
    index: u32,
    hash: StepHash,
    op: StepOp,
}

impl StepInfo {
    /// For hosts: a step with the id that the developer gave, the how-manieth step of that id it is
    /// (from 0), its hash and kind.
    pub fn new(id: impl Into<Box<str>>, index: u32, hash: StepHash, op: StepOp) -> Self {
        StepInfo { id: id.into(), name: None, index, hash, op }
    }

    /// Sets a display name that differs from the id.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<Box<str>>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The id that the developer gave.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The display name; the id unless the developer gave another.
    pub fn name(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.id)
    }

    /// How many steps of the same id came before this one in the function.
    pub fn index(&self) -> u32 {
        self.index
    }

    /// The identity on the wire.
    pub fn hash(&self) -> StepHash {
        self.hash
    }

    /// The kind of work.
    pub fn op(&self) -> StepOp {
        self.op
    }
}

/// What a step asks of the platform, beyond its identity.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum StepOptions {
    /// Nothing.
    #[default]
    None,
    /// To be called again after a time.
    Sleep {
        /// A duration (`1h30m`) or an RFC 3339 time.
        until: String,
    },
    /// To be called again when an event came.
    WaitForEvent(WaitForEvent),
    /// To run another function and hand over its result.
    Invoke(Invoke),
}

/// The options of a wait for an event.
#[derive(Clone)]
#[non_exhaustive]
pub struct WaitForEvent {
    /// The awaited event's name.
    pub event: String,
    /// How long to wait.
    pub timeout: Duration,
    /// A CEL expression over `event` (the trigger) and `async` (the awaited event).
    pub condition: Option<String>,
}

/// A condition may have data written into it, so only its presence is shown.
impl fmt::Debug for WaitForEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitForEvent")
            .field("event", &self.event)
            .field("timeout", &self.timeout)
            .field("condition", &self.condition.as_ref().map(|_| format_args!("…")))
            .finish()
    }
}

impl WaitForEvent {
    /// A wait for any event of this name.
    pub fn new(event: impl Into<String>, timeout: Duration) -> Self {
        WaitForEvent { event: event.into(), timeout, condition: None }
    }

    /// Waits only for an event for which this CEL expression holds: `event` is the trigger, `async`
    /// the awaited event.
    #[must_use]
    pub fn matching(mut self, condition: impl Into<String>) -> Self {
        self.condition = Some(condition.into());
        self
    }
}

/// The options of an invocation.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Invoke {
    /// The slug of the invoked function: `app-function`.
    pub function: String,
    /// The data of the event that the function receives; a JSON object. Transforms change it here.
    pub data: Payload,
    /// How long to wait for the result.
    pub timeout: Option<Duration>,
    /// The trace that the invoking step belongs to. It travels beside the data, which encryption seals.
    pub trace: TraceCarrier,
}

impl Invoke {
    /// An invocation without a limit of time.
    pub fn new(function: impl Into<String>, data: Payload) -> Self {
        Invoke { function: function.into(), data, timeout: None, trace: TraceCarrier::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_reads_back_from_its_hex_form() {
        let text = "98bf98df193bcce7c33e6bc50927cf2ac21206cb";
        let hash = StepHash::from_hex(text).expect("40 hex digits");
        assert_eq!(hash.to_string(), text);
        assert_eq!(hash.to_hex().as_slice(), text.as_bytes());
        assert_eq!(StepHash::from_hex(&text.to_uppercase()), None);
        assert_eq!(StepHash::from_hex(&text[1..]), None);
        assert_eq!(StepHash::new(*hash.as_bytes()), hash);
        assert_eq!(hash.as_bytes()[..2], [0x98, 0xbf]);
    }

    #[test]
    fn steps_of_one_id_are_told_apart_by_their_index() {
        let hash = StepHash::new([7; 20]);
        let second = StepInfo::new("pay", 1, hash, StepOp::Run);
        let third = StepInfo::new("pay", 2, hash, StepOp::Run).with_name("Pay the rest");
        assert_eq!((second.id(), second.name(), second.index()), ("pay", "pay", 1));
        assert_eq!((third.id(), third.name(), third.index()), ("pay", "Pay the rest", 2));
    }

    #[test]
    fn only_what_runs_in_this_process_has_a_body() {
        for (op, name, has_body) in [
            (StepOp::Run, "run", true),
            (StepOp::SendEvent, "send_event", true),
            (StepOp::Sleep, "sleep", false),
            (StepOp::WaitForEvent, "wait_for_event", false),
            (StepOp::Invoke, "invoke", false),
        ] {
            assert_eq!((op.as_str(), op.has_body()), (name, has_body));
        }
    }
}
