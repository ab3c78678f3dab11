//! The places that a sealed value may belong to.
//!
//! An envelope opens only in its place, and the place is not transmitted. So the names that stand around
//! it, in the document, in further documents and in the options are tried, the likely ones first. That is
//! safe: the envelope's commitment fixes its place, so in a wrong one it does not open.

use std::collections::HashSet;

use hookstack_core::StepHash;
use hookstack_encryption::{Class, Commitment, Context, Header};

use crate::document::{Document, NodeId};
use crate::envelope::{self, Found, Sealed};
use crate::names::{LONGEST, Names, hash_of, in_document};

/// How many values around an envelope count as near, on each level, and how many levels.
const NEAR: usize = 256;
const LEVELS: usize = 16;
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
    /// Names in further documents.
    pub(crate) further: Names<String>,
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
    names: Names<&'a str>,
    requests: Vec<Commitment>,
}

/// The places to try, lazily.
type Addresses<'a> = Box<dyn Iterator<Item = Address<'a>> + 'a>;

impl<'a> Candidates<'a> {
    /// Gathers the candidates of a document with these sealed values.
    pub(crate) fn new(given: &'a Given, document: &'a Document<'a>, found: &[Found]) -> Self {
        let mut names = Names::default();
        names.extend(in_document(document, found));
        let mut requests = given.requests.clone();
        requests.extend(found.iter().filter_map(request));
        Candidates { given, document, names, requests }
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

    /// All names, those of the document first.
    fn names(&'a self) -> impl Iterator<Item = &'a str> + 'a {
        self.names.iter().chain(self.given.further.iter())
    }

    /// All that these may be as steps. What is not reached is not computed.
    fn all_steps(&'a self) -> impl Iterator<Item = StepHash> + 'a {
        let own = std::iter::once_with(|| self.names.steps());
        let further = std::iter::once_with(|| self.given.further.steps());
        own.chain(further).flatten().copied()
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
        given.chain(self.near(node)).chain(self.names())
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
            given.chain(self.names()).map(move |id| hash_of(&format!("{id}:{n}")))
        });
        let hashes = near.chain(self.all_steps()).chain(repeats);
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
        let routes = given.chain(self.names().filter(|name| name.starts_with('/')));
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
    let found = envelope::find(document);
    given.further.extend(in_document(document, &found).map(str::to_owned));
    given.requests.extend(found.iter().filter_map(request));
}
