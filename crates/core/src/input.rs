//! What a call brings with it: events or a request payload, and memoized state.

use std::collections::HashMap;
use std::fmt;

use crate::error::StepError;
use crate::event::Event;
use crate::extensions::Extensions;
use crate::payload::Payload;
use crate::step::StepHash;

/// The input of a call, which [`transform_input`](crate::Middleware::transform_input) may change.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Input {
    /// The triggering events of a durable function: one, or all of a batch.
    pub events: Vec<Event>,
    /// The request payload of a Lambda invocation or an HTTP request, when a middleware reads it.
    pub payload: Payload,
    /// The memoized steps of a durable function.
    pub memoized: Memoized,
}

/// The memoized steps of a run, by step hash.
#[derive(Debug, Default)]
pub struct Memoized {
    memos: HashMap<StepHash, Memo>,
    order: Vec<StepHash>,
}

impl Memoized {
    /// For hosts: memos, and the order in which their steps finished.
    pub fn new(memos: HashMap<StepHash, Memo>, order: Vec<StepHash>) -> Self {
        Memoized { memos, order }
    }

    /// How many steps are memoized.
    pub fn len(&self) -> usize {
        self.memos.len()
    }

    /// Whether nothing is memoized.
    pub fn is_empty(&self) -> bool {
        self.memos.is_empty()
    }

    /// The memo of a step.
    pub fn get(&self, hash: StepHash) -> Option<&Memo> {
        self.memos.get(&hash)
    }

    /// The memo of a step, for changing.
    pub fn get_mut(&mut self, hash: StepHash) -> Option<&mut Memo> {
        self.memos.get_mut(&hash)
    }

    /// All memos, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = (StepHash, &Memo)> {
        self.memos.iter().map(|(hash, memo)| (*hash, memo))
    }

    /// All memos for changing, in no particular order.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (StepHash, &mut Memo)> {
        self.memos.iter_mut().map(|(hash, memo)| (*hash, memo))
    }

    /// The order in which the steps finished.
    pub fn order(&self) -> &[StepHash] {
        &self.order
    }

    /// For hosts: takes memos and order apart.
    pub fn into_parts(self) -> (HashMap<StepHash, Memo>, Vec<StepHash>) {
        (self.memos, self.order)
    }
}

/// One memoized step.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Memo {
    /// What was stored.
    pub value: MemoValue,
    /// What middleware attach to the memo, for instance how it was authenticated.
    pub extensions: Extensions,
}

impl Memo {
    /// A memo of a stored value.
    pub fn new(value: MemoValue) -> Self {
        Memo { value, extensions: Extensions::new() }
    }
}

/// What the platform stored for a step (sections 5.2.1 and 5.3 of the Inngest SDK specification).
#[derive(Clone)]
#[non_exhaustive]
pub enum MemoValue {
    /// `{"data": …}`: a result.
    Data(Payload),
    /// `{"error": …}`: the error of the last attempt.
    Error(StepError),
    /// Anything else: `null` after a sleep or an unmet wait, or the awaited event itself.
    Bare(Payload),
    /// `{"input": […]}`: somebody edited the step's input and reran the step from there.
    Input(Payload),
}

/// Sizes and names: a stored error's message may quote data.
impl fmt::Debug for MemoValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MemoValue::Data(payload) => f.debug_tuple("Data").field(payload).finish(),
            MemoValue::Error(error) => f.debug_tuple("Error").field(&error.name()).finish(),
            MemoValue::Bare(payload) => f.debug_tuple("Bare").field(payload).finish(),
            MemoValue::Input(payload) => f.debug_tuple("Input").field(payload).finish(),
        }
    }
}

impl Default for MemoValue {
    fn default() -> Self {
        MemoValue::Bare(Payload::null())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memos_are_found_by_their_steps_and_keep_the_order_in_which_those_finished() {
        let hash = |byte| StepHash::new([byte; 20]);
        let memo = |text: &str| Memo::new(MemoValue::Data(Payload::from_value(text.into())));
        let text = |memo: &Memo| match &memo.value {
            MemoValue::Data(payload) => payload.to::<String>().expect("a string"),
            other => format!("{other:?}"),
        };
        let memos = [(hash(1), memo("first")), (hash(2), memo("second")), (hash(3), memo("third"))];
        let mut memoized = Memoized::new(memos.into(), vec![hash(2), hash(3), hash(1)]);
        assert_eq!((memoized.len(), memoized.is_empty()), (3, false));
        assert_eq!(memoized.order(), [hash(2), hash(3), hash(1)]);
        assert_eq!(memoized.get(hash(2)).map(text).as_deref(), Some("second"));
        assert!(memoized.get(hash(4)).is_none() && memoized.get_mut(hash(4)).is_none());

        *memoized.get_mut(hash(3)).expect("a memo") = memo("changed");
        for (_, memo) in memoized.iter_mut().filter(|(of, _)| *of == hash(1)) {
            memo.value = MemoValue::default();
        }
        let mut all: Vec<_> = memoized.iter().map(|(of, memo)| (of, text(memo))).collect();
        all.sort();
        let expected = ["Bare(Payload(4 bytes))", "second", "changed"].map(String::from);
        assert_eq!(all, Vec::from_iter([hash(1), hash(2), hash(3)].into_iter().zip(expected)));
        assert!(Memoized::default().is_empty());
    }
}
