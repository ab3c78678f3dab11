//! The places that a sealed value may belong to.
//!
//! An envelope opens only in its place, and the place is not transmitted. So the names that stand around
//! it, in the document, in further documents and in the options are tried, the likely ones first. That is
//! safe: the envelope's commitment fixes its place, so in a wrong one it does not open.

use std::collections::HashSet;

use hookstack_core::StepHash;
use hookstack_encryption::{Class, Commitment, Context, Header};
use sha1::{Digest, Sha1};

use crate::document::{Document, Kind, NodeId};
use crate::envelope::{Found, Sealed};

/// The longest name that is tried, in bytes.
const LONGEST: usize = 1024;
/// How many values around an envelope count as near, on each level, and how many levels.
const NEAR: usize = 256;
const LEVELS: usize = 16;
/// Keys at which names stand, in documents of the server and of this middleware.
const NAMING: [&str; 16] = [
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
    "displayName",
];
const METHODS: [&str; 5] = ["POST", "PUT", "PATCH", "DELETE", "GET"];
/// The field under which whole data objects are sealed unless an app sets another.
const FIELD: &str = "encrypted";

/// Names given by hand, and those of further documents.
#[derive(Debug, Default)]
pub(crate) struct Given {
    pub(crate) events: Vec<String>,
    pub(crate) fields: Vec<String>,
    pub(crate) functions: Vec<String>,
    pub(crate) steps: Vec<String>,
    pub(crate) methods: Vec<String>,
    pub(crate) routes: Vec<String>,
    pub(crate) lambda_functions: Vec<String>,
    pub(crate) requests: Vec<Commitment>,
    /// Strings of further documents.
    pub(crate) names: Vec<String>,
    /// How often a step's id may have been repeated.
    pub(crate) repeats: u32,
}

/// A place that a sealed value may belong to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Address<'a> {
    Event(&'a str, &'a str),
    Invoke(&'a str, &'a str),
    Step(&'a str, StepHash),
    StepError(&'a str, StepHash),
    FunctionOutput(&'a str),
    FunctionError(&'a str),
    HttpRequest(&'a str, &'a str),
    HttpResponse(&'a str, &'a str, Commitment),
    LambdaEvent(&'a str),
    LambdaResponse(&'a str, Commitment),
}

impl<'a> Address<'a> {
    pub(crate) fn context(self) -> Context<'a> {
        match self {
            Address::Event(name, field) => Context::event(name, field),
            Address::Invoke(function, field) => Context::invoke(function, field),
            Address::Step(function, step) => Context::step(function, step),
            Address::StepError(function, step) => Context::step_error(function, step),
            Address::FunctionOutput(function) => Context::function_output(function),
            Address::FunctionError(function) => Context::function_error(function),
            Address::HttpRequest(method, route) => Context::http_request(method, route),
            Address::HttpResponse(method, route, request) => {
                Context::http_response(method, route, request)
            }
            Address::LambdaEvent(function) => Context::lambda_event(function),
            Address::LambdaResponse(function, event) => Context::lambda_response(function, event),
        }
    }

    /// The request that a response is bound to.
    pub(crate) fn request_mut(&mut self) -> Option<&mut Commitment> {
        match self {
            Address::HttpResponse(_, _, request) | Address::LambdaResponse(_, request) => {
                Some(request)
            }
            _ => None,
        }
    }
}

/// The candidates of one document.
pub(crate) struct Candidates<'a> {
    given: &'a Given,
    document: &'a Document<'a>,
    /// Every short string and key of the document, likely names first, then those given.
    names: Vec<&'a str>,
    /// Of all names that are the hash of a step, or its id.
    steps: Vec<StepHash>,
    requests: Vec<Commitment>,
}

/// The places to try, lazily.
type Addresses<'a> = Box<dyn Iterator<Item = Address<'a>> + 'a>;

impl<'a> Candidates<'a> {
    /// Gathers the candidates of a document with these sealed values.
    pub(crate) fn new(given: &'a Given, document: &'a Document<'a>, found: &[Found]) -> Self {
        let further = given.names.iter().map(String::as_str);
        let mut seen = HashSet::new();
        let names: Vec<&str> =
            names(document, found).chain(further).filter(|&name| seen.insert(name)).collect();
        let as_hashes = names.iter().filter_map(|name| StepHash::from_hex(name));
        let hashed = names.iter().map(|name| hash_of(name));
        let steps = as_hashes.chain(hashed).collect();
        let mut requests = given.requests.clone();
        requests.extend(found.iter().filter_map(request));
        Candidates { given, document, names, steps, requests }
    }

    /// The places that a sealed value may belong to, the likely ones first.
    pub(crate) fn addresses(&'a self, node: NodeId, header: &'a Header) -> Addresses<'a> {
        match header.class() {
            Class::Event => self.fields(node, &self.given.events, Address::Event),
            Class::Invoke => self.fields(node, &self.given.functions, Address::Invoke),
            Class::Step => self.steps(node, header, Address::Step),
            Class::StepError => self.steps(node, header, Address::StepError),
            Class::FunctionOutput => Box::new(self.functions(header).map(Address::FunctionOutput)),
            Class::FunctionError => Box::new(self.functions(header).map(Address::FunctionError)),
            Class::HttpRequest => {
                Box::new(self.routes().map(|(method, route)| Address::HttpRequest(method, route)))
            }
            Class::HttpResponse => Box::new(self.routes().flat_map(|(method, route)| {
                self.requests
                    .iter()
                    .map(move |request| Address::HttpResponse(method, route, *request))
            })),
            Class::LambdaEvent => Box::new(self.lambdas(node).map(Address::LambdaEvent)),
            Class::LambdaResponse => Box::new(self.lambdas(node).flat_map(|function| {
                self.requests.iter().map(move |request| Address::LambdaResponse(function, *request))
            })),
            _ => Box::new(std::iter::empty()),
        }
    }

    /// Names around a value: the keys and strings of what it is in, from the inside out.
    fn near(&'a self, node: NodeId) -> impl Iterator<Item = &'a str> + 'a {
        let document = self.document;
        let around = std::iter::once(node).chain(document.ancestors(node)).take(LEVELS);
        around
            .flat_map(move |node| {
                let strings = document
                    .children(node)
                    .take(NEAR)
                    .filter(move |&child| document.key(child).is_some())
                    .filter_map(|child| document.string(child));
                // What the server writes beside data stands one level deeper.
                let server = document
                    .children(node)
                    .take(NEAR)
                    .filter(|&child| document.key(child) == Some("_inngest"))
                    .flat_map(|child| document.children(child).take(NEAR))
                    .filter_map(|child| document.string(child));
                document.key(node).into_iter().chain(strings).chain(server)
            })
            .filter(|name| name.len() <= LONGEST)
    }

    fn named(&'a self, node: NodeId, given: &'a [String]) -> impl Iterator<Item = &'a str> + 'a {
        let given = given.iter().map(String::as_str);
        given.chain(self.near(node)).chain(self.names.iter().copied())
    }

    /// Places of a name and a field: the field is the key at which the value stands, unless that is
    /// cut out of its document.
    fn fields(
        &'a self,
        node: NodeId,
        given: &'a [String],
        address: fn(&'a str, &'a str) -> Address<'a>,
    ) -> Addresses<'a> {
        let own = self.document.key(node);
        let given_fields = self.given.fields.iter().map(String::as_str);
        let fields: Vec<&str> = given_fields.chain(own).chain([FIELD]).collect();
        let mut seen = HashSet::new();
        let fields: Vec<&str> = fields.into_iter().filter(|&field| seen.insert(field)).collect();
        Box::new(self.named(node, given).flat_map(move |name| {
            fields.clone().into_iter().map(move |field| address(name, field))
        }))
    }

    fn steps(
        &'a self,
        node: NodeId,
        header: &'a Header,
        address: fn(&'a str, StepHash) -> Address<'a>,
    ) -> Addresses<'a> {
        let given = self.given.steps.iter().map(String::as_str);
        let near = given.chain(self.near(node));
        let near =
            near.flat_map(|name| StepHash::from_hex(name).into_iter().chain([hash_of(name)]));
        // Then all repeats of each id once, then once more, and so on: low numbers are likely.
        let repeats = (1..=self.given.repeats).flat_map(move |n| {
            let given = self.given.steps.iter().map(String::as_str);
            given.chain(self.names.iter().copied()).map(move |id| hash_of(&format!("{id}:{n}")))
        });
        let hashes = near.chain(self.steps.iter().copied()).chain(repeats);
        Box::new(hashes.flat_map(move |hash| {
            self.functions(header).map(move |function| address(function, hash))
        }))
    }

    /// The function that sealed a value names itself in it.
    fn functions(&'a self, header: &'a Header) -> impl Iterator<Item = &'a str> + 'a {
        let own = header.origin().function.as_str();
        let given = self.given.functions.iter().map(String::as_str);
        std::iter::once(own).chain(given.filter(move |&function| function != own))
    }

    fn routes(&'a self) -> impl Iterator<Item = (&'a str, &'a str)> + 'a {
        let given = self.given.routes.iter().map(String::as_str);
        let routes = given.chain(self.names.iter().copied().filter(|name| name.starts_with('/')));
        routes.flat_map(|route| {
            let given = self.given.methods.iter().map(String::as_str);
            given.chain(METHODS).map(move |method| (method, route))
        })
    }

    fn lambdas(&'a self, node: NodeId) -> impl Iterator<Item = &'a str> + 'a {
        self.named(node, &self.given.lambda_functions)
    }
}

/// The commitment of a request or of a Lambda event, to which its response is bound.
fn request(found: &Found) -> Option<Commitment> {
    match &found.sealed {
        Sealed::Hookstack(header)
            if matches!(header.class(), Class::HttpRequest | Class::LambdaEvent) =>
        {
            Some(header.commitment())
        }
        _ => None,
    }
}

/// What may be a name in a document, and the requests in it, for other documents.
pub(crate) fn of_further(document: &Document<'_>, given: &mut Given) {
    let found = crate::envelope::find(document);
    given.names.extend(names(document, &found).map(str::to_owned));
    given.requests.extend(found.iter().filter_map(request));
}

/// The short strings and keys of a document outside of envelopes: strings at keys that name something,
/// then keys, then the other strings.
fn names<'a>(
    document: &'a Document<'_>,
    found: &[Found],
) -> impl Iterator<Item = &'a str> + use<'a> {
    let (mut naming, mut keys, mut others) = (Vec::new(), Vec::new(), Vec::new());
    let mut sealed = found.iter().map(|found| document.nodes[found.node].span.clone()).peekable();
    for (node, value) in document.nodes.iter().enumerate() {
        while sealed.peek().is_some_and(|span| span.end <= value.span.start) {
            sealed.next();
        }
        let key = document.key(node);
        if sealed.peek().is_some_and(|span| span.start < value.span.start) {
            continue;
        }
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
fn hash_of(id: &str) -> StepHash {
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
        let names: Vec<_> = names(&document, &found).collect();
        assert_eq!(names, ["shop/order", "z", "data", "encrypted", "k", "name", "other"]);
    }

    #[test]
    fn a_step_is_hashed_as_the_specification_says() {
        assert_eq!(hash_of("first step").to_string(), "98bf98df193bcce7c33e6bc50927cf2ac21206cb");
    }
}
