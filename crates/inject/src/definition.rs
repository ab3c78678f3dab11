//! What the graph knows of a provider.

use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use crate::dep::{Dep, Instance};
use crate::factory::{Build, Factory, Recipe, Requirement, Teardown};
use crate::key::Key;
use crate::phase::Phase;
use crate::scope::Scope;

/// A provider without its types.
#[derive(Clone)]
pub(crate) struct Definition {
    pub(crate) key: Key,
    pub(crate) kind: Kind,
    pub(crate) requirements: Vec<Requirement>,
    pub(crate) teardown: Option<(Phase, Teardown)>,
    pub(crate) eager: bool,
    /// Where it was written.
    pub(crate) location: &'static Location<'static>,
}

#[derive(Clone)]
pub(crate) enum Kind {
    /// It exists already.
    Value(Instance),
    /// It is constructed once in each scope.
    Factory(Scope, Build),
    /// It is another instance under another type, and lives as long.
    Binding(Build),
}

impl Definition {
    #[track_caller]
    pub(crate) fn new(key: Key, kind: Kind, requirements: Vec<Requirement>) -> Self {
        let location = Location::caller();
        Definition { key, kind, requirements, teardown: None, eager: false, location }
    }

    /// `T` under the type `U`.
    #[track_caller]
    pub(crate) fn binding<T, U>(bind: impl Fn(Arc<T>) -> Arc<U> + Send + Sync + 'static) -> Self
    where
        T: ?Sized + Send + Sync + 'static,
        U: ?Sized + Send + Sync + 'static,
    {
        let bind = Arc::new(bind);
        let location = Location::caller();
        let Recipe { requirements, build } = Factory::<U, _>::erase(move |source: Dep<T>| {
            let bind = bind.clone();
            async move { Dep(bind(source.0)) }
        });
        Definition {
            location,
            ..Definition::new(Key::of::<U>(), Kind::Binding(build), requirements)
        }
    }
}

impl fmt::Debug for Definition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let needs: Vec<_> = self.requirements.iter().map(|r| r.key.to_string()).collect();
        f.debug_struct("Provider")
            .field("provides", &self.key)
            .field("needs", &needs)
            .field("location", &format_args!("{}", self.location))
            .finish_non_exhaustive()
    }
}
