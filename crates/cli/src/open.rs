//! Opening a sealed value by trying the places that it may belong to.

use std::fmt;

use hookstack_encryption::{Class, EnvelopeError, Header, KeyId, Keyset, Opened};

use crate::candidates::{Address, Candidates};
use crate::document::Document;
use crate::envelope::{Found, Sealed, class_name};

/// Why a value stays as it is.
#[derive(Debug)]
pub(crate) enum Reason {
    /// Sealed by another package, in another way.
    Libsodium,
    /// It has the marker and is no envelope.
    Unreadable,
    /// It stands in a text.
    Quoted,
    /// The key is not there.
    UnknownKey { class: Class, key: KeyId },
    /// It belongs to none of the places that were tried.
    NoPlace { class: Class, key: KeyId, tried: u64, is_cut_short: bool },
    /// It stands in one object with another field that does not open.
    Sibling { class: Class, key: KeyId },
    /// It opened and holds no text that can stand in JSON.
    NotText { class: Class, key: KeyId },
    /// It opened and could not be sealed again.
    Unsealed(EnvelopeError),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Libsodium => f.write_str(
                "sealed as inngest/libsodium, by the TypeScript or Python package; this tool does not open that",
            ),
            Reason::Unreadable => f.write_str("marked as sealed, but it is not an envelope of a known version"),
            Reason::Quoted => f.write_str(
                "a text with something sealed in it, which is left alone: take it out (`jq -r`) and pass it by itself",
            ),
            Reason::UnknownKey { class, key } => write!(
                f,
                "{}, key {key}: this key is not in the keyset; add it, as `ro:` if it no longer writes",
                class_name(*class)
            ),
            Reason::NoPlace { class, key, tried, is_cut_short } => {
                write!(f, "{}, key {key}: ", class_name(*class))?;
                write!(f, "not authentic in any of the {tried} places tried; ")?;
                if *is_cut_short {
                    f.write_str("there were more (--max-tries); ")?;
                }
                write!(f, "{}, and check --namespace", advice(*class))
            }
            Reason::Sibling { class, key } => write!(
                f,
                "{}, key {key}: left, because another field sealed with it does not open",
                class_name(*class)
            ),
            Reason::NotText { class, key } => write!(
                f,
                "{}, key {key}: it opened, but holds bytes that are not text",
                class_name(*class)
            ),
            Reason::Unsealed(failure) => write!(f, "it opened and cannot be sealed again: {failure}"),
        }
    }
}

/// What to pass so that the place is found.
fn advice(class: Class) -> &'static str {
    match class {
        Class::Event => "name the event with --event, and the field with --field",
        Class::Step | Class::StepError => "name the step with --step, or give its run with --hints",
        Class::FunctionOutput | Class::FunctionError => "name the function with --function",
        Class::Invoke => "name the invoked function with --function, and the field with --field",
        Class::HttpRequest => "give --method and --route",
        Class::HttpResponse => "give --method, --route and --request",
        Class::LambdaEvent => "name the function with --lambda-function",
        Class::LambdaResponse => "give --lambda-function and --request",
        _ => "a newer version of this tool may know its class",
    }
}

/// So many bytes of an envelope take as long to read as a try takes anyway.
const BYTES_PER_TRY: usize = 16 * 1024;
/// Every value gets so many tries, whatever the others took.
const AT_LEAST: u64 = 1000;
/// How many values of a document may use all of their tries.
const COSTLY: u64 = 32;

/// Opens the values of one document, with a limit on the work for all of them together: so that a
/// document which opens nowhere takes a time in proportion to its size.
pub(crate) struct Opener<'a> {
    keys: &'a Keyset,
    document: &'a Document<'a>,
    candidates: &'a Candidates<'a>,
    max_tries: u64,
    left: u64,
}

impl<'a> Opener<'a> {
    pub(crate) fn new(
        keys: &'a Keyset,
        document: &'a Document<'a>,
        candidates: &'a Candidates<'a>,
        max_tries: u64,
    ) -> Self {
        let left = max_tries.saturating_mul(COSTLY);
        Opener { keys, document, candidates, max_tries, left }
    }

    /// Opens a value, and tells its place.
    pub(crate) fn open(&mut self, found: &'a Found) -> Result<(Opened, Address<'a>), Reason> {
        let header: &Header = match &found.sealed {
            Sealed::Hookstack(header) => header,
            Sealed::Libsodium => return Err(Reason::Libsodium),
            Sealed::Unreadable => return Err(Reason::Unreadable),
            Sealed::Quoted => return Err(Reason::Quoted),
        };
        let (class, key) = (header.class(), header.key());
        if !self.keys.ids().contains(&key) {
            return Err(Reason::UnknownKey { class, key });
        }
        let envelope = found.envelope(self.document);
        let cost = 1 + (envelope.len() / BYTES_PER_TRY) as u64;
        let limit = (self.max_tries.min(self.left) / cost).max(AT_LEAST.min(self.max_tries));
        let mut places = self.candidates.addresses(found.node, header);
        let mut tried = 0;
        let opened = places.by_ref().take(limit as usize).find_map(|place| {
            tried += 1;
            self.keys.open(&place.context(), &envelope).ok().map(|opened| (opened, place))
        });
        self.left = self.left.saturating_sub(tried * cost);
        opened.ok_or_else(|| {
            let is_cut_short = places.next().is_some();
            Reason::NoPlace { class, key, tried, is_cut_short }
        })
    }
}
