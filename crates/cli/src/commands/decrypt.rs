//! `decrypt`: every sealed value replaced by its plaintext.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use clap::Args;
use hookstack_encryption::Opened;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::{Work, change_documents};
use crate::args::{InputArgs, KeyArgs, PlaceArgs};
use crate::document::{Document, Kind, NodeId};
use crate::edit::Edits;
use crate::envelope::Form;
use crate::failure::Failed;
use crate::open::Reason;

#[derive(Debug, Args)]
pub(crate) struct Decrypt {
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    keys: KeyArgs,
    #[command(flatten)]
    places: PlaceArgs,
}

pub(crate) fn run(args: &Decrypt) -> Result<u8, Failed> {
    change_documents(&args.keys, &args.places, &args.input, decrypt)
}

fn decrypt(work: &mut Work<'_>) -> String {
    let document = work.document;
    let mut edits = Edits::default();
    let mut removed: HashMap<NodeId, HashSet<NodeId>> = HashMap::new();
    let mut errors = HashSet::new();
    for (index, found) in work.found.iter().enumerate() {
        let opened = match work.opener.open(found) {
            Ok((opened, _)) => opened,
            Err(reason) => {
                work.left.push((index, reason));
                continue;
            }
        };
        if found.form == Form::Message
            && let Ok(contents) = serde_json::from_slice::<Contents<'_>>(opened.plaintext())
        {
            replace_error(document, found.node, &contents, &mut errors, &mut edits);
            continue;
        }
        // A field that was not there when it was sealed is sealed as nothing.
        if opened.plaintext().is_empty()
            && let Some(parent) = document.nodes[found.node].parent
            && matches!(document.nodes[parent].kind, Kind::Object)
        {
            removed.entry(parent).or_default().insert(found.node);
            continue;
        }
        match as_json(&opened) {
            Some((json, is_json)) => {
                if !is_json {
                    work.notes
                        .push((index, "its plaintext is not JSON; it was written as a string"));
                }
                edits.replace(document.nodes[found.node].span.clone(), json);
            }
            None => {
                let (class, key) = (opened.class(), opened.key());
                work.left.push((index, Reason::NotText { class, key }));
            }
        }
    }
    for (parent, entries) in removed {
        for span in without(document, parent, &entries) {
            edits.replace(span, "");
        }
    }
    edits.apply(document.text)
}

/// The plaintext as JSON, and whether it was that already.
fn as_json(opened: &Opened) -> Option<(String, bool)> {
    let text = std::str::from_utf8(opened.plaintext()).ok()?;
    if serde_json::from_str::<IgnoredAny>(text).is_ok() {
        return Some((text.to_owned(), true));
    }
    Some((serde_json::to_string(text).ok()?, false))
}

/// What is sealed of an error.
#[derive(serde::Deserialize)]
struct Contents<'a> {
    #[serde(borrow)]
    name: &'a RawValue,
    #[serde(borrow)]
    message: &'a RawValue,
    #[serde(borrow)]
    stack: Option<&'a RawValue>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    #[serde(borrow)]
    cause: Option<&'a RawValue>,
}

impl<'a> Contents<'a> {
    fn fields(&self) -> impl Iterator<Item = (&'static str, &'a str)> {
        let fields = [
            ("message", Some(self.message)),
            ("name", Some(self.name)),
            ("stack", self.stack),
            ("data", self.data),
            ("cause", self.cause),
        ];
        fields.into_iter().filter_map(|(key, value)| Some((key, value?.get())))
    }
}

/// An error is an object of which the message was sealed: its fields get what was sealed with it, and
/// those that are not there come behind the message. A message that stands elsewhere becomes an object.
///
/// An object in which the message is repeated is in `errors` from the first one on: the fields there are
/// that one's, and those of the others come behind their messages. Without that, a document of repeated
/// messages would be searched again for each.
fn replace_error(
    document: &Document<'_>,
    node: NodeId,
    contents: &Contents<'_>,
    errors: &mut HashSet<NodeId>,
    edits: &mut Edits,
) {
    let span = document.nodes[node].span.clone();
    let parent = document.nodes[node].parent.filter(|_| document.key(node) == Some("message"));
    let Some(parent) = parent else {
        let fields: Vec<_> =
            contents.fields().map(|(key, json)| format!("\"{key}\":{json}")).collect();
        edits.replace(span, format!("{{{}}}", fields.join(",")));
        return;
    };
    let is_first = errors.insert(parent);
    let mut message = String::new();
    for (key, json) in contents.fields() {
        let search = || document.children(parent).find(|&child| document.key(child) == Some(key));
        match is_first.then(search).flatten() {
            _ if key == "message" => message.push_str(json),
            Some(child) => edits.replace(document.nodes[child].span.clone(), json),
            None => {
                message.push_str(&format!(",\"{key}\":{json}"));
            }
        }
    }
    edits.replace(span, message);
}

/// What to cut out of an object so that these entries are gone, with one comma each.
fn without(document: &Document<'_>, object: NodeId, gone: &HashSet<NodeId>) -> Vec<Range<usize>> {
    let entries: Vec<NodeId> = document.children(object).collect();
    let last_kept = entries.iter().rposition(|entry| !gone.contains(entry));
    let mut spans = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        let before_a_kept_one = last_kept.is_some_and(|last| index < last);
        if before_a_kept_one && gone.contains(entry) {
            let next = entries[index + 1];
            spans.push(document.nodes[*entry].entry..document.nodes[next].entry);
        }
    }
    let end = |entry: NodeId| document.nodes[entry].span.end;
    match (last_kept, entries.last()) {
        (Some(kept), Some(&last)) if kept + 1 < entries.len() => {
            spans.push(end(entries[kept])..end(last));
        }
        (None, Some(&last)) => spans.push(document.nodes[entries[0]].entry..end(last)),
        _ => {}
    }
    spans
}

#[cfg(test)]
mod tests {

    use super::*;

    fn cut(text: &str, keys: &[&str]) -> String {
        let document = Document::parse(text).expect("JSON");
        let is_gone = |&child: &NodeId| keys.contains(&document.key(child).expect("a key"));
        let gone: HashSet<_> = document.children(0).filter(is_gone).collect();
        let mut edits = Edits::default();
        without(&document, 0, &gone).into_iter().for_each(|span| edits.replace(span, ""));
        edits.apply(text)
    }

    #[test]
    fn entries_are_cut_with_their_commas() {
        let text = r#"{ "a": 1, "b": 2, "c": 3 }"#;
        assert_eq!(cut(text, &["a"]), r#"{ "b": 2, "c": 3 }"#);
        assert_eq!(cut(text, &["a", "b"]), r#"{ "c": 3 }"#);
        assert_eq!(cut(text, &["b", "c"]), r#"{ "a": 1 }"#);
        assert_eq!(cut(text, &["a", "c"]), r#"{ "b": 2 }"#);
        assert_eq!(cut(text, &["a", "b", "c"]), "{  }");
    }

    #[test]
    fn an_error_gets_its_fields_back_where_it_stands() {
        let contents = r#"{"name":"CardError","message":"declined","stack":"at","data":{"n":1}}"#;
        let contents: Contents<'_> = serde_json::from_str(contents).expect("contents");
        let replaced = |text: &str, node: NodeId| {
            let document = Document::parse(text).expect("JSON");
            let mut edits = Edits::default();
            replace_error(&document, node, &contents, &mut HashSet::new(), &mut edits);
            edits.apply(text)
        };
        assert_eq!(
            replaced(r#"{"error":"CardError","message":"sealed","stack":"","cause":null}"#, 2),
            r#"{"error":"CardError","message":"declined","name":"CardError","data":{"n":1},"stack":"at","cause":null}"#
        );
        assert_eq!(
            replaced(r#"["sealed"]"#, 1),
            r#"[{"message":"declined","name":"CardError","stack":"at","data":{"n":1}}]"#
        );
    }

    #[test]
    fn a_repeated_message_keeps_what_was_sealed_with_each() {
        let contents = |n| format!(r#"{{"name":"E{n}","message":"m{n}","stack":"s{n}"}}"#);
        let text = r#"{"message":"sealed","message":"sealed","stack":""}"#;
        let document = Document::parse(text).expect("JSON");
        let (mut errors, mut edits) = (HashSet::new(), Edits::default());
        for node in [1, 2] {
            let contents = contents(node);
            let contents = serde_json::from_str(&contents).expect("contents");
            replace_error(&document, node, &contents, &mut errors, &mut edits);
        }
        assert_eq!(
            edits.apply(text),
            r#"{"message":"m1","name":"E1","message":"m2","name":"E2","stack":"s2","stack":"s1"}"#
        );
    }

    /// Searching all for each would take more than a minute.
    #[test]
    fn many_repeated_keys_are_taken_apart_one_by_one() {
        const ENTRIES: usize = 30_000;
        let text = format!("{{{}}}", vec![r#""message":"""#; ENTRIES].join(","));
        let document = Document::parse(&text).expect("JSON");
        let contents = r#"{"name":"E","message":"m","data":1}"#;
        let contents: Contents<'_> = serde_json::from_str(contents).expect("contents");
        let (mut errors, mut edits) = (HashSet::new(), Edits::default());
        for node in document.children(0) {
            replace_error(&document, node, &contents, &mut errors, &mut edits);
        }
        let gone: HashSet<_> = document.children(0).collect();
        let cut = without(&document, 0, &gone);
        assert_eq!((cut.len(), cut[0].clone()), (1, 1..text.len() - 1));
        assert_eq!(edits.apply(&text).matches(r#""data":1"#).count(), ENTRIES);
    }
}
