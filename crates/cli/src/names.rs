//! The names in a document: what may name an event, a field, a function, a step or a route.

use std::cell::OnceCell;
use std::collections::HashSet;
use std::hash::Hash;

use hookstack_core::StepHash;
use sha1::{Digest, Sha1};

use crate::document::{Document, Kind};
use crate::envelope::Found;

/// The longest name that is tried, in bytes.
pub(crate) const LONGEST: usize = 1024;

/// Keys at which names stand, in documents of the server and of this middleware.
const NAMING: [&str; 18] = [
    "name",
    "id",
    "event",
    "event_name",
    "eventName",
    "fn_id",
    "function",
    "function_id",
    "functionId",
    "function_slug",
    "functionSlug",
    "slug",
    "step",
    "stepID",
    "stepId",
    "stepName",
    "step_name",
    "displayName",
];

/// Names, each once, the likely ones first.
#[derive(Debug)]
pub(crate) struct Names<T> {
    texts: Vec<T>,
    seen: HashSet<T>,
    steps: OnceCell<Vec<StepHash>>,
}

impl<T> Default for Names<T> {
    fn default() -> Self {
        Names { texts: Vec::new(), seen: HashSet::new(), steps: OnceCell::new() }
    }
}

impl<T: AsRef<str> + Clone + Eq + Hash> Names<T> {
    pub(crate) fn extend(&mut self, names: impl Iterator<Item = T>) {
        self.steps.take();
        self.texts.extend(names.filter(|name| self.seen.insert(name.clone())));
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        self.texts.iter().map(AsRef::as_ref)
    }

    /// The steps that these may be: those of which one is the hash, and those of which one is the id.
    /// Computed when it is first asked for, because most documents do not need it.
    pub(crate) fn steps(&self) -> &[StepHash] {
        self.steps.get_or_init(|| {
            let hashes = self.iter().filter_map(StepHash::from_hex);
            hashes.chain(self.iter().map(hash_of)).collect()
        })
    }
}

/// The short strings and keys of a document outside of envelopes: strings at keys that name something,
/// then keys, then the other strings.
pub(crate) fn in_document<'a>(
    document: &'a Document<'_>,
    found: &[Found],
) -> impl Iterator<Item = &'a str> + use<'a> {
    let (mut naming, mut keys, mut others) = (Vec::new(), Vec::new(), Vec::new());
    let mut sealed = found.iter().map(|found| document.nodes[found.node].span.clone()).peekable();
    for (node, value) in document.nodes.iter().enumerate() {
        while sealed.peek().is_some_and(|span| span.end <= value.span.start) {
            sealed.next();
        }
        if sealed.peek().is_some_and(|span| span.start < value.span.start) {
            continue;
        }
        let key = document.key(node);
        keys.extend(key.filter(|key| key.len() <= LONGEST));
        if sealed.peek().is_some_and(|span| span.start == value.span.start) {
            continue;
        }
        if let Kind::String(text) = &value.kind
            && text.len() <= LONGEST
        {
            let is_name = key.is_some_and(|key| NAMING.contains(&key));
            if is_name { naming.push(&**text) } else { others.push(&**text) }
        }
    }
    naming.into_iter().chain(keys).chain(others)
}

/// The hash of a step's id (Inngest SDK specification, section 5.1.2); a repeated id has its number
/// behind a colon.
pub(crate) fn hash_of(id: &str) -> StepHash {
    StepHash::new(Sha1::digest(id.as_bytes()).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_gathered_outside_of_envelopes_likely_ones_first() {
        let text = r#"{"z":"other","data":{"encrypted":{"__ENCRYPTED__":true,"__STRATEGY__":"s","data":"x"},"k":1},"name":"shop/order"}"#;
        let document = Document::parse(text).expect("JSON");
        let found = crate::envelope::find(&document);
        assert_eq!(found.len(), 1);
        let names: Vec<_> = in_document(&document, &found).collect();
        assert_eq!(names, ["shop/order", "z", "data", "encrypted", "k", "name", "other"]);
    }

    #[test]
    fn each_name_counts_once_as_a_hash_and_as_an_id() {
        let hash = "98bf98df193bcce7c33e6bc50927cf2ac21206cb";
        let mut names = Names::default();
        names.extend(["first step", hash, "first step"].into_iter());
        assert_eq!(names.iter().collect::<Vec<_>>(), ["first step", hash]);
        let steps: Vec<_> = names.steps().iter().map(ToString::to_string).collect();
        assert_eq!(steps[..2], [hash, hash]);
        assert_eq!(steps.len(), 3);
        names.extend(["more"].into_iter());
        assert_eq!(names.steps().len(), 4);
    }
}
