//! What happened, in order.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hookstack_core::Hook;

/// The sequence that [`Recorder`](crate::Recorder)s and the code under test write. Cheap to clone; all
/// clones write into the same sequence.
///
/// ```
/// use hookstack_testing::Log;
///
/// let log = Log::new();
/// log.mark("body");
/// assert_eq!(log.sequence(), ["[body]"]);
/// ```
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    records: Vec<Record>,
    /// The calls seen so far; a call's number is its place here, counted from 1.
    calls: Vec<u64>,
}

/// One thing that happened.
///
/// Its `Display` form is what [`Log::sequence`] holds: `A.transform_input`, `A.around_function>`,
/// `A.transform_output(charge)`, `[body]`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Record {
    /// What happened.
    pub entry: Entry,
    /// The place in the whole log, from 0.
    pub order: usize,
    /// The number of the call, from 1, in the order in which the log first heard of them; 0 outside of
    /// any. A mark belongs to the call that wrote before it.
    pub call: usize,
    /// The run that the call belongs to; empty outside of any call and for marks.
    pub run_id: String,
    /// The attempt of the call.
    pub attempt: u32,
    /// In short, how things stood: the kind of an outcome, a status, how many events. Never contents of
    /// a payload, never the text of an error.
    pub detail: String,
}

/// What a [`Record`] is about.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Entry {
    /// A hook ran.
    Hook {
        /// The name of the recorder.
        middleware: String,
        /// The hook.
        hook: Hook,
        /// Where in the hook.
        phase: Phase,
        /// The id of the step in whose scope it ran, or that it was about.
        step: Option<String>,
    },
    /// Somebody called [`Log::mark`].
    Mark(String),
}

/// Where in a hook a record was written.
///
/// ```
/// use hookstack_testing::Phase;
/// assert_ne!(Phase::Enter, Phase::Exit);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// A hook that is not an onion.
    Whole,
    /// An `around_*` hook, before it calls `next`.
    Enter,
    /// An `around_*` hook, after `next` came back. There is none when `next` was not called or did not
    /// come back.
    Exit,
}

impl Log {
    /// An empty log.
    ///
    /// ```
    /// assert!(hookstack_testing::Log::new().sequence().is_empty());
    /// ```
    pub fn new() -> Self {
        Log::default()
    }

    /// Writes a mark into the sequence, from user code for instance: it becomes `[text]`.
    ///
    /// ```
    /// let log = hookstack_testing::Log::new();
    /// log.mark("charged");
    /// assert_eq!(log.sequence(), ["[charged]"]);
    /// ```
    pub fn mark(&self, text: impl Into<String>) {
        let mut inner = self.lock();
        let call = inner.records.last().map_or(0, |record| record.call);
        inner.push(Record::new(Entry::Mark(text.into()), call));
    }

    /// Everything so far, in compact form: what tests compare.
    ///
    /// ```
    /// let log = hookstack_testing::Log::new();
    /// log.mark("one");
    /// log.mark("two");
    /// assert_eq!(log.sequence().join(" "), "[one] [two]");
    /// ```
    pub fn sequence(&self) -> Vec<String> {
        self.lock().records.iter().map(ToString::to_string).collect()
    }

    /// The sequence of each call, in the order of [`Record::call`]; what happened outside of calls
    /// comes first, if there is anything.
    ///
    /// ```
    /// let log = hookstack_testing::Log::new();
    /// log.mark("before any call");
    /// assert_eq!(log.calls(), [["[before any call]"]]);
    /// ```
    pub fn calls(&self) -> Vec<Vec<String>> {
        let inner = self.lock();
        let mut calls = vec![Vec::new(); inner.calls.len() + 1];
        for record in &inner.records {
            calls[record.call].push(record.to_string());
        }
        calls.retain(|call| !call.is_empty());
        calls
    }

    /// Everything so far, with the details.
    ///
    /// ```
    /// let log = hookstack_testing::Log::new();
    /// log.mark("one");
    /// assert_eq!(log.records()[0].order, 0);
    /// ```
    pub fn records(&self) -> Vec<Record> {
        self.lock().records.clone()
    }

    /// Forgets everything; the next call is number 1 again.
    ///
    /// ```
    /// let log = hookstack_testing::Log::new();
    /// log.mark("one");
    /// log.clear();
    /// assert!(log.sequence().is_empty());
    /// ```
    pub fn clear(&self) {
        *self.lock() = Inner::default();
    }

    /// `call` is unique in this process, 0 outside of any call.
    pub(crate) fn push(&self, call: u64, mut record: Record) {
        let mut inner = self.lock();
        record.call = inner.number(call);
        inner.push(record);
    }

    /// Nothing panics while the lock is held, so a poisoned log is still whole.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn number(&mut self, call: u64) -> usize {
        if call == 0 {
            return 0;
        }
        let known = self.calls.iter().position(|known| *known == call);
        known.unwrap_or_else(|| {
            self.calls.push(call);
            self.calls.len() - 1
        }) + 1
    }

    fn push(&mut self, mut record: Record) {
        record.order = self.records.len();
        self.records.push(record);
    }
}

impl Record {
    pub(crate) fn new(entry: Entry, call: usize) -> Self {
        let (run_id, detail) = Default::default();
        Record { entry, order: 0, call, run_id, attempt: 0, detail }
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.entry {
            Entry::Mark(text) => write!(f, "[{text}]"),
            Entry::Hook { middleware, hook, phase, step } => {
                write!(f, "{middleware}.{hook}")?;
                if let Some(step) = step {
                    write!(f, "({step})")?;
                }
                f.write_str(match phase {
                    Phase::Whole => "",
                    Phase::Enter => ">",
                    Phase::Exit => "<",
                })
            }
        }
    }
}

/// A line for each record, with its details; for looking at when a test is red.
///
/// ```
/// let log = hookstack_testing::Log::new();
/// log.mark("body");
/// assert_eq!(log.to_string(), "[body]\n");
/// ```
impl fmt::Display for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut call = 0;
        for record in &self.lock().records {
            if record.call != call {
                call = record.call;
                writeln!(f, "call {call}: run {}, attempt {}", record.run_id, record.attempt)?;
            }
            match record.detail.as_str() {
                "" => writeln!(f, "{record}")?,
                detail => writeln!(f, "{record}: {detail}")?,
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.sequence()).finish()
    }
}
