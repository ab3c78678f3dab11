//! Which function a request calls.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use hookstack_core::{CallTrigger, FunctionInfo};
use http::Method;
use http::request::Parts;

/// The functions of a layer, one for each method and route, made at their first call.
#[derive(Debug)]
pub(crate) struct Routes {
    /// The route of all requests, if it was given.
    fixed: Option<Arc<str>>,
    known: RwLock<Known>,
}

/// By route, then by method.
type Known = HashMap<Box<str>, Vec<(Method, Arc<FunctionInfo>)>>;

impl Routes {
    pub(crate) fn new(fixed: Option<Arc<str>>) -> Self {
        Routes { fixed, known: RwLock::default() }
    }

    /// The function and trigger of a request. What no route matched has an empty route: paths are too many,
    /// and may be secret.
    pub(crate) fn of(&self, parts: &Parts) -> (Arc<FunctionInfo>, CallTrigger) {
        let route = match &self.fixed {
            Some(route) => route,
            None => matched(parts).unwrap_or_default(),
        };
        let trigger =
            CallTrigger::Http { method: parts.method.as_str().to_owned(), route: route.to_owned() };
        (self.function(&parts.method, route), trigger)
    }

    fn function(&self, method: &Method, route: &str) -> Arc<FunctionInfo> {
        if !is_usual(method) {
            return Arc::new(make(method, route));
        }
        let find = |known: &Known| {
            let (_, function) = known.get(route)?.iter().find(|(known, _)| known == method)?;
            Some(function.clone())
        };
        if let Some(function) = find(&self.known.read().unwrap_or_else(PoisonError::into_inner)) {
            return function;
        }
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(function) = find(&known) {
            return function;
        }
        let function = Arc::new(make(method, route));
        known.entry(route.into()).or_default().push((method.clone(), function.clone()));
        function
    }
}

fn make(method: &Method, route: &str) -> FunctionInfo {
    FunctionInfo::new(if route.is_empty() {
        method.to_string()
    } else {
        format!("{method} {route}")
    })
}

/// Clients can make up methods without end, which must not fill the memory.
fn is_usual(method: &Method) -> bool {
    const USUAL: [Method; 9] = [
        Method::GET,
        Method::POST,
        Method::PUT,
        Method::DELETE,
        Method::PATCH,
        Method::HEAD,
        Method::OPTIONS,
        Method::CONNECT,
        Method::TRACE,
    ];
    USUAL.contains(method)
}

#[cfg(feature = "axum")]
fn matched(parts: &Parts) -> Option<&str> {
    parts.extensions.get::<axum::extract::MatchedPath>().map(axum::extract::MatchedPath::as_str)
}

#[cfg(not(feature = "axum"))]
fn matched(_: &Parts) -> Option<&str> {
    None
}
