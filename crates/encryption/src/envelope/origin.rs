//! Where a value was sealed: transmitted with it, readable by everyone, and authentic once it opened.

/// Where a value was sealed. Empty strings mean that something does not apply.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Origin {
    /// The slug of the function that sealed it.
    pub function: String,
    /// Its run.
    pub run_id: String,
    /// What had triggered the run: an identity made of the triggering events.
    pub trigger_id: String,
    /// The id of the event that the value belongs to.
    pub event_id: String,
    /// Who invoked the function.
    pub invoker: Invoker,
}

/// Who invoked a function, and in which step.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Invoker {
    /// The slug of the invoking function.
    pub function: String,
    /// Its run.
    pub run_id: String,
    /// What had triggered its run.
    pub trigger_id: String,
    /// The hash of the invoking step, in hex.
    pub step: String,
}

impl Origin {
    /// Whether it was sealed by a call that could not read its event.
    pub(crate) fn is_unbound(&self) -> bool {
        self.trigger_id.is_empty() && self.invoker == Invoker::default()
    }

    fn strings(&self) -> [&str; 8] {
        [
            &self.function,
            &self.run_id,
            &self.trigger_id,
            &self.event_id,
            &self.invoker.function,
            &self.invoker.run_id,
            &self.invoker.trigger_id,
            &self.invoker.step,
        ]
    }

    /// The length of the encoded form, which must fit 16 bits. Then each string's does too.
    pub(super) fn encoded_length(&self) -> usize {
        self.strings().iter().map(|text| 2 + text.len()).sum()
    }

    /// Appends the strings, each with a length of 16 bits before it.
    pub(super) fn encode_into(&self, out: &mut Vec<u8>) {
        for text in self.strings() {
            out.extend_from_slice(&(text.len() as u16).to_be_bytes());
            out.extend_from_slice(text.as_bytes());
        }
    }

    /// Exactly eight strings of UTF-8, and nothing behind them.
    pub(super) fn decode(mut bytes: &[u8]) -> Option<Self> {
        let mut strings: [String; 8] = Default::default();
        for string in &mut strings {
            let (length, rest) = bytes.split_first_chunk::<2>()?;
            let (text, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
            *string = std::str::from_utf8(text).ok()?.to_owned();
            bytes = rest;
        }
        if !bytes.is_empty() {
            return None;
        }
        let [function, run_id, trigger_id, event_id, invoker, invoker_run, invoker_trigger, step] =
            strings;
        let invoker =
            Invoker { function: invoker, run_id: invoker_run, trigger_id: invoker_trigger, step };
        Some(Origin { function, run_id, trigger_id, event_id, invoker })
    }
}
