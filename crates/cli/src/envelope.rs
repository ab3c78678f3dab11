//! The sealed values of a document.

use std::borrow::Cow;

use hookstack_encryption::{Class, Header, Suite};

use crate::document::{Document, Kind, NodeId};

/// What the message of a sealed error begins with.
pub(crate) const ERROR_PREFIX: &str = "hookstack/v1:";
/// Its two halves, between which some encoders escape the slash.
const SCHEME: &str = "hookstack";
const VERSION: &str = "/v1:";

const MARKER: &str = "__ENCRYPTED__";
const STRATEGY: &str = "__STRATEGY__";
const LIBSODIUM: &str = "inngest/libsodium";
const HEAD: &str = r#"{"__ENCRYPTED__":true,"__STRATEGY__":"hookstack/v1","data":""#;
const TAIL: &str = r#""}"#;

/// A sealed value, found by the way it looks.
pub(crate) struct Found {
    pub(crate) node: NodeId,
    pub(crate) form: Form,
    pub(crate) sealed: Sealed,
}

/// How a sealed value is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Form {
    /// An object with the marker.
    Object,
    /// A text, which is the message of an error.
    Message,
}

/// What can be told of it without a key.
pub(crate) enum Sealed {
    /// Ours, with its header.
    Hookstack(Box<Header>),
    /// Sealed by the TypeScript or Python package, or in its way.
    Libsodium,
    /// It has the marker and is not readable.
    Unreadable,
    /// A text, JSON for instance, in which the marker or the message of a sealed error stands. Told of, and not
    /// taken apart.
    Quoted,
}

/// All sealed values of a document, in their order. One inside of another does not count.
pub(crate) fn find(document: &Document<'_>) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    let mut end = 0;
    for (node, value) in document.nodes.iter().enumerate() {
        if value.span.start < end {
            continue;
        }
        let form = match &value.kind {
            Kind::Object if has_marker(document, node) => Form::Object,
            Kind::String(text) if text.starts_with(ERROR_PREFIX) => Form::Message,
            Kind::String(text) if quotes_sealed(text) => {
                found.push(Found { node, form: Form::Message, sealed: Sealed::Quoted });
                continue;
            }
            _ => continue,
        };
        end = value.span.end;
        found.push(Found { node, form, sealed: sealed(document, node, form) });
    }
    found
}

/// Whether something sealed seems to stand in a text. Around the marker and before the slash stand as many
/// backslashes as it takes where JSON was put into a text, that into another, and so on.
fn quotes_sealed(text: &str) -> bool {
    let is_prefix = |at: usize| text[..at].trim_end_matches('\\').ends_with(SCHEME);
    text.contains(MARKER) || text.match_indices(VERSION).any(|(at, _)| is_prefix(at))
}

fn has_marker(document: &Document<'_>, node: NodeId) -> bool {
    document.children(node).any(|child| document.key(child) == Some(MARKER))
}

fn sealed(document: &Document<'_>, node: NodeId, form: Form) -> Sealed {
    let text = match form {
        Form::Object => document.json(node),
        Form::Message => document.string(node).unwrap_or_default(),
    };
    match Header::read(text.as_bytes()) {
        Ok(header) => Sealed::Hookstack(Box::new(header)),
        Err(_) => {
            let strategy = document
                .children(node)
                .find(|&child| document.key(child) == Some(STRATEGY))
                .and_then(|child| document.string(child));
            if strategy == Some(LIBSODIUM) { Sealed::Libsodium } else { Sealed::Unreadable }
        }
    }
}

impl Found {
    /// The envelope's JSON. The text of a sealed error is brought into that form.
    pub(crate) fn envelope<'t>(&self, document: &'t Document<'_>) -> Cow<'t, [u8]> {
        match self.form {
            Form::Object => Cow::Borrowed(document.json(self.node).as_bytes()),
            Form::Message => {
                let text = document.string(self.node).unwrap_or_default();
                let encoded = text.strip_prefix(ERROR_PREFIX).unwrap_or_default();
                Cow::Owned([HEAD, encoded, TAIL].concat().into_bytes())
            }
        }
    }

    /// An envelope's JSON, in the form that this one has in its document.
    pub(crate) fn in_this_form(&self, envelope: Vec<u8>) -> Option<String> {
        let envelope = String::from_utf8(envelope).ok()?;
        match self.form {
            Form::Object => Some(envelope),
            Form::Message => {
                let encoded = envelope.strip_prefix(HEAD)?.strip_suffix(TAIL)?;
                Some(format!("\"{ERROR_PREFIX}{encoded}\""))
            }
        }
    }
}

/// What a class is called.
pub(crate) fn class_name(class: Class) -> &'static str {
    match class {
        Class::Event => "event",
        Class::Step => "step",
        Class::FunctionOutput => "function output",
        Class::StepError => "step error",
        Class::FunctionError => "function error",
        Class::Invoke => "invocation",
        Class::HttpRequest => "HTTP request",
        Class::HttpResponse => "HTTP response",
        Class::LambdaEvent => "Lambda event",
        Class::LambdaResponse => "Lambda response",
        _ => "unknown",
    }
}

/// What a cipher is called.
pub(crate) fn suite_name(suite: Suite) -> &'static str {
    match suite {
        Suite::Aes256Gcm => "AES-256-GCM",
        Suite::ChaCha20Poly1305 => "ChaCha20-Poly1305",
        _ => "unknown",
    }
}
