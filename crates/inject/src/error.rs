//! Why a container cannot be built, and why an instance cannot be had.

use std::error::Error as StdError;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use hookstack_core::{BoxError, Error, ErrorKind, Retry};

use crate::key::{Key, path};
use crate::scope::Scope;

/// Why a container cannot be built: every problem of its graph.
///
/// `Debug` writes the same text as `Display`, because a `main` that returns the error prints it, alone or within an
/// [`Error`].
#[derive(Clone)]
pub struct BuildError {
    pub(crate) problems: Vec<Problem>,
}

/// One problem of a container's graph. `Display` prints the path to it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// A type is needed and nothing provides it.
    Missing {
        /// From whoever needs it in the end to the missing type.
        path: Vec<Key>,
        /// Where the provider that needs it was written.
        location: &'static Location<'static>,
        /// What the author may have meant.
        hint: Option<String>,
    },
    /// A type needs itself.
    Cycle {
        /// Once around: the first and the last are the same.
        path: Vec<Key>,
        /// Where the first's provider was written.
        location: &'static Location<'static>,
    },
    /// A type is provided twice.
    Duplicate {
        /// The type.
        key: Key,
        /// Where both providers were written.
        locations: [&'static Location<'static>; 2],
    },
    /// A longer-lived instance needs a shorter-lived one, and would hold it beyond its end.
    Captive {
        /// From the one to the other, with their scopes.
        path: Vec<(Key, Scope)>,
        /// Where the first's provider was written.
        location: &'static Location<'static>,
    },
    /// An instance is torn down after the response and needs one that is torn down before it.
    Outlived {
        /// From the one to the other.
        path: Vec<Key>,
        /// Where the first's provider was written.
        location: &'static Location<'static>,
    },
    /// A type shall be replaced that nothing provides.
    NothingToReplace {
        /// The type.
        key: Key,
        /// Where the replacement was written.
        location: &'static Location<'static>,
        /// What the author may have meant.
        hint: Option<String>,
    },
}

impl BuildError {
    /// The problems, in the order of registration.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::Missing { path: keys, location, hint } => {
                let missing = keys.last().map(ToString::to_string).unwrap_or_default();
                write!(
                    f,
                    "missing dependency: nothing provides `{missing}`: {} ({location})",
                    path(keys)
                )?;
                write_hint(f, hint.as_deref())
            }
            Problem::Cycle { path: keys, location } => {
                write!(f, "cyclic dependency: {} ({location})", path(keys))
            }
            Problem::Duplicate { key, locations: [first, second] } => write!(
                f,
                "duplicate provider: `{key}` is provided at {first} and at {second}; to override one on purpose, use `replace`"
            ),
            Problem::Captive { path: keys, location } => {
                let ends = keys.first().zip(keys.last());
                let path = path(keys.iter().map(|(key, scope)| format!("{key} ({scope})")));
                match ends {
                    Some(((long, scope), (short, shorter))) => write!(
                        f,
                        "captive dependency: `{long}` has scope {scope} and cannot need `{short}`, which has the shorter scope {shorter}: {path} ({location})"
                    ),
                    None => write!(f, "captive dependency: {path} ({location})"),
                }
            }
            Problem::Outlived { path: keys, location } => write!(
                f,
                "teardown in the wrong order: the first is torn down after the response and needs the last, which is torn down before it: {} ({location})",
                path(keys)
            ),
            Problem::NothingToReplace { key, location, hint } => {
                write!(f, "nothing to replace: `{key}` is not provided ({location})")?;
                write_hint(f, hint.as_deref())
            }
        }
    }
}

fn write_hint(f: &mut fmt::Formatter<'_>, hint: Option<&str>) -> fmt::Result {
    hint.map_or(Ok(()), |hint| write!(f, "; {hint}"))
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the container cannot be built:")?;
        match self.problems.as_slice() {
            [only] => write!(f, " {only}"),
            several => several.iter().try_for_each(|problem| write!(f, "\n- {problem}")),
        }
    }
}

/// As [`Display`](fmt::Display), because a `main` that returns an error prints this.
impl fmt::Debug for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl StdError for BuildError {}

/// An instance that cannot be had: the path from what was asked for to what failed, and why.
///
/// The source of the [`Error`] that `get` returns; kind and retry are those of the failed factory. Those
/// who waited for the same construction share it.
#[derive(Clone)]
pub struct ResolveError {
    path: Vec<Key>,
    name: Arc<str>,
    error: Arc<BoxError>,
}

impl ResolveError {
    pub(crate) fn new(key: Key, error: Error) -> Self {
        let name = error.name().into();
        ResolveError { path: vec![key], name, error: Arc::new(error.into_boxed()) }
    }

    /// It was asked for where it cannot be had: no retry helps.
    pub(crate) fn misuse(key: Key, message: String) -> Self {
        let error = Error::of_kind(ErrorKind::Misuse, message).with_retry(Retry::Never);
        ResolveError::new(key, error)
    }

    pub(crate) fn needed_by(mut self, key: Key) -> Self {
        self.path.insert(0, key);
        self
    }

    /// Under the name of what failed; kind and retry come through the source.
    pub(crate) fn into_error(self) -> Error {
        let name = self.name.to_string();
        Error::new(self).with_name(name)
    }

    /// The types from what was asked for to what failed.
    pub fn path(&self) -> &[Key] {
        &self.path
    }
}

impl fmt::Display for ResolveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot inject `{}`: {}", path(&self.path), self.error)
    }
}

impl fmt::Debug for ResolveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResolveError").field("path", &path(&self.path)).finish_non_exhaustive()
    }
}

impl StdError for ResolveError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&**self.error)
    }
}

/// A teardown that failed.
pub(crate) struct TeardownFailed {
    key: Key,
    error: BoxError,
}

impl TeardownFailed {
    pub(crate) fn of(key: Key, error: Error) -> Error {
        let name = error.name().to_owned();
        Error::new(TeardownFailed { key, error: error.into_boxed() }).with_name(name)
    }
}

impl fmt::Display for TeardownFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "teardown of `{}`: {}", self.key, self.error)
    }
}

impl fmt::Debug for TeardownFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl StdError for TeardownFailed {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&*self.error)
    }
}
