//! A JSON document as its text, with the places of its values: so that parts of it can be replaced and
//! everything else stays byte for byte.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::ops::Range;

use serde::de::IgnoredAny;

/// The index of a value in [`Document::nodes`].
pub(crate) type NodeId = usize;

/// How many levels of a path are shown, and how many bytes of a key: a document of somebody else must not
/// make the messages about it larger than itself.
const DEEPEST_SHOWN: usize = 64;
const LONGEST_SHOWN: usize = 256;

/// A document: its values, parents before what is in them. Numbers, booleans and `null` in arrays or
/// alone are left out: nothing is ever looked for there.
pub(crate) struct Document<'t> {
    pub(crate) text: &'t str,
    pub(crate) nodes: Vec<Node<'t>>,
}

/// A value.
pub(crate) struct Node<'t> {
    pub(crate) parent: Option<NodeId>,
    pub(crate) place: Place<'t>,
    pub(crate) kind: Kind<'t>,
    /// Where its text stands.
    pub(crate) span: Range<usize>,
    /// Its place in the parent, if that is an object: where its key begins.
    pub(crate) entry: usize,
    /// The next value of the same parent.
    next: Option<NodeId>,
    /// The first value in it.
    first: Option<NodeId>,
}

/// Where in its parent a value stands.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Place<'t> {
    Root,
    Key(Cow<'t, str>),
    Index(usize),
}

/// What a value is.
pub(crate) enum Kind<'t> {
    Object,
    Array,
    String(Cow<'t, str>),
    /// A number, a boolean or `null`, at a key.
    Scalar,
}

/// What is open while the text is read.
struct Frame {
    node: NodeId,
    is_object: bool,
    /// How many elements were read.
    index: usize,
    last: Option<NodeId>,
}

impl<'t> Document<'t> {
    /// Reads the text of one JSON value. The error says where it is not JSON and quotes nothing.
    pub(crate) fn parse(text: &'t str) -> Result<Self, String> {
        // This proves the grammar; what follows relies on it. Neither recurses, however deep it nests.
        serde_json::from_str::<IgnoredAny>(text).map_err(|error| {
            format!("not JSON at line {}, column {}", error.line(), error.column())
        })?;
        Ok(Document { text, nodes: Reader::new(text).read() })
    }

    /// The values directly in a value.
    pub(crate) fn children(&self, node: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        std::iter::successors(self.nodes[node].first, |&child| self.nodes[child].next)
    }

    /// The value that holds this one, then the one that holds that, and so on.
    pub(crate) fn ancestors(&self, node: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        std::iter::successors(self.nodes[node].parent, |&parent| self.nodes[parent].parent)
    }

    /// The key at which a value stands.
    pub(crate) fn key(&self, node: NodeId) -> Option<&str> {
        match &self.nodes[node].place {
            Place::Key(key) => Some(key),
            _ => None,
        }
    }

    /// The text of a string; `None` for anything else.
    pub(crate) fn string(&self, node: NodeId) -> Option<&str> {
        match &self.nodes[node].kind {
            Kind::String(text) => Some(text),
            _ => None,
        }
    }

    /// The JSON of a value.
    pub(crate) fn json(&self, node: NodeId) -> &'t str {
        &self.text[self.nodes[node].span.clone()]
    }

    /// Where a value stands, from the root: `$.data["odd key"][0]`. Safe to be shown on a terminal; of
    /// what is very deep only the end, and of very long keys the beginning.
    pub(crate) fn path(&self, node: NodeId) -> String {
        let around = std::iter::once(node).chain(self.ancestors(node));
        let mut places: Vec<_> = around.take(DEEPEST_SHOWN).collect();
        places.reverse();
        let mut path = String::new();
        if self.nodes[places[0]].parent.is_some() {
            path.push('…');
        }
        for node in places {
            // Writing to a string does not fail.
            let _ = match &self.nodes[node].place {
                Place::Root => write!(path, "$"),
                Place::Index(index) => write!(path, "[{index}]"),
                Place::Key(key) if key.len() <= LONGEST_SHOWN && is_plain(key) => {
                    write!(path, ".{key}")
                }
                Place::Key(key) if key.len() <= LONGEST_SHOWN => write!(path, "[{key:?}]"),
                Place::Key(key) => write!(path, "[{:?}…]", &key[..key.floor_char_boundary(64)]),
            };
        }
        path
    }
}

fn is_plain(key: &str) -> bool {
    !key.is_empty()
        && !key.starts_with(|first: char| first.is_ascii_digit())
        && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
    nodes: Vec<Node<'t>>,
    open: Vec<Frame>,
    /// The key of the entry whose value comes next, and where it begins.
    key: Option<(Cow<'t, str>, usize)>,
}

impl<'t> Reader<'t> {
    fn new(text: &'t str) -> Self {
        Reader { text, at: 0, nodes: Vec::new(), open: Vec::new(), key: None }
    }

    fn read(mut self) -> Vec<Node<'t>> {
        // Whether a string that comes next is a key.
        let mut at_key = false;
        while let Some(&byte) = self.text.as_bytes().get(self.at) {
            let start = self.at;
            self.at += 1;
            match byte {
                b'{' | b'[' => {
                    at_key = byte == b'{';
                    let node = self.add(if at_key { Kind::Object } else { Kind::Array }, start);
                    self.open.push(Frame { node, is_object: at_key, index: 0, last: None });
                }
                b'}' | b']' => {
                    if let Some(frame) = self.open.pop() {
                        self.nodes[frame.node].span.end = self.at;
                    }
                    (self.key, at_key) = (None, false);
                }
                b',' => {
                    self.key = None;
                    if let Some(frame) = self.open.last_mut() {
                        frame.index += 1;
                        at_key = frame.is_object;
                    }
                }
                b'"' => {
                    let text = self.string(start);
                    if at_key {
                        (self.key, at_key) = (Some((text, start)), false);
                    } else {
                        self.add(Kind::String(text), start);
                    }
                }
                b':' | b' ' | b'\t' | b'\r' | b'\n' => {}
                // A number, `true`, `false` or `null`.
                _ => {
                    let rest = &self.text.as_bytes()[self.at..];
                    let ends = |byte: &u8| {
                        matches!(byte, b',' | b'}' | b']') || byte.is_ascii_whitespace()
                    };
                    self.at += rest.iter().position(ends).unwrap_or(rest.len());
                    if self.key.is_some() {
                        self.add(Kind::Scalar, start);
                    }
                }
            }
        }
        self.nodes
    }

    /// Reads to the end of the string that begins at `start`, and decodes it.
    fn string(&mut self, start: usize) -> Cow<'t, str> {
        let bytes = self.text.as_bytes();
        let mut escapes = false;
        while let Some(&byte) = bytes.get(self.at) {
            self.at += 1;
            match byte {
                b'"' => break,
                b'\\' => {
                    escapes = true;
                    self.at += 1;
                }
                _ => {}
            }
        }
        let inner = &self.text[start + 1..self.at - 1];
        if escapes {
            // Half a surrogate pair is no text; such a string is shown as it is written.
            let decoded = serde_json::from_str::<String>(&self.text[start..self.at]);
            return decoded.map_or(Cow::Borrowed(inner), Cow::Owned);
        }
        Cow::Borrowed(inner)
    }

    /// Adds a value that begins at `start` and ends here; one that is opened gets its end later.
    fn add(&mut self, kind: Kind<'t>, start: usize) -> NodeId {
        let id = self.nodes.len();
        let frame = self.open.last_mut();
        let (place, entry) = match (self.key.take(), &frame) {
            (Some((key, entry)), _) => (Place::Key(key), entry),
            (None, Some(frame)) => (Place::Index(frame.index), start),
            (None, None) => (Place::Root, start),
        };
        let parent = frame.as_ref().map(|frame| frame.node);
        if let Some(frame) = frame {
            match frame.last.replace(id) {
                Some(last) => self.nodes[last].next = Some(id),
                None => self.nodes[frame.node].first = Some(id),
            }
        }
        let span = start..self.at;
        self.nodes.push(Node { parent, place, kind, span, entry, next: None, first: None });
        id
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    fn shown(text: &str) -> Vec<String> {
        let document = Document::parse(text).expect("JSON");
        (0..document.nodes.len())
            .map(|node| format!("{} {}", document.path(node), document.json(node)))
            .collect()
    }

    #[test]
    fn values_are_found_with_their_places() {
        let text = r#" {"a" : [1, "x\"y", {"b c": [] , "é": 2.50}], "n": null, "\u0061\u001b": "\ud800"} "#;
        assert_eq!(
            shown(text),
            [
                format!("$ {}", text.trim()),
                r#"$.a [1, "x\"y", {"b c": [] , "é": 2.50}]"#.to_owned(),
                r#"$.a[1] "x\"y""#.to_owned(),
                r#"$.a[2] {"b c": [] , "é": 2.50}"#.to_owned(),
                r#"$.a[2]["b c"] []"#.to_owned(),
                r#"$.a[2]["é"] 2.50"#.to_owned(),
                "$.n null".to_owned(),
                r#"$["a\u{1b}"] "\ud800""#.to_owned(),
            ]
        );
    }

    #[test]
    fn entries_begin_at_their_keys_and_children_are_in_order() {
        let text = r#"{"k": "v", "l": 1, "m": {"in": "n"}, "o": "p"}"#;
        let document = Document::parse(text).expect("JSON");
        let keys: Vec<_> =
            document.children(0).map(|child| document.key(child).expect("a key")).collect();
        assert_eq!(keys, ["k", "l", "m", "o"]);
        for child in document.children(0) {
            assert!(text[document.nodes[child].entry..].starts_with('"'));
            assert_eq!(document.ancestors(child).collect::<Vec<_>>(), [0]);
        }
        assert_eq!(document.string(1), Some("v"));
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let text = prop_oneof![".{0,8}", "[{}\\[\\]:,\"\\\\ ]{0,8}"];
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            text.clone().prop_map(Value::from),
        ];
        leaf.prop_recursive(5, 64, 6, move |inner| {
            let object = prop::collection::vec((text.clone(), inner.clone()), 0..6);
            prop_oneof![
                prop::collection::vec(inner, 0..6).prop_map(Value::from),
                object.prop_map(|entries| Value::Object(entries.into_iter().collect())),
            ]
        })
    }

    /// Follows the places from the root.
    fn follow<'v>(document: &Document<'_>, node: NodeId, root: &'v Value) -> &'v Value {
        let Some(parent) = document.nodes[node].parent else { return root };
        let parent = follow(document, parent, root);
        match &document.nodes[node].place {
            Place::Key(key) => &parent[&**key],
            Place::Index(index) => &parent[index],
            Place::Root => panic!("a root has no parent"),
        }
    }

    /// How many values are to be found.
    fn count(value: &Value, has_key: bool) -> usize {
        match value {
            Value::Object(entries) => 1 + entries.values().map(|v| count(v, true)).sum::<usize>(),
            Value::Array(elements) => 1 + elements.iter().map(|v| count(v, false)).sum::<usize>(),
            Value::String(_) => 1,
            _ => usize::from(has_key),
        }
    }

    proptest! {
        #[test]
        fn every_value_is_found_where_it_stands(root in any_json(), is_pretty: bool) {
            let text = if is_pretty {
                serde_json::to_string_pretty(&root)
            } else {
                serde_json::to_string(&root)
            };
            let text = text.expect("JSON");
            let document = Document::parse(&text).expect("JSON");
            prop_assert_eq!(document.nodes.len(), count(&root, false));
            for node in 0..document.nodes.len() {
                let value: Value = serde_json::from_str(document.json(node)).expect("JSON");
                prop_assert_eq!(&value, follow(&document, node, &root));
                if let Kind::String(text) = &document.nodes[node].kind {
                    prop_assert_eq!(value.as_str(), Some(&**text));
                }
            }
        }
    }

    #[test]
    fn depth_costs_no_stack_and_what_is_not_json_is_told_by_place_only() {
        let depth = 200_000;
        let deep = "[".repeat(depth) + &"]".repeat(depth);
        let document = Document::parse(&deep).expect("JSON");
        assert_eq!(document.nodes.len(), depth);
        assert_eq!(document.path(depth - 1), format!("…{}", "[0]".repeat(DEEPEST_SHOWN)));
        for text in ["", "{", r#"{"secret": x}"#, "1 2", "\"\n\""] {
            let Err(message) = Document::parse(text) else { panic!("{text} is not JSON") };
            assert!(message.starts_with("not JSON at line") && !message.contains("secret"));
        }
    }
}
