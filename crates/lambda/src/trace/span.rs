//! Spans whose name is known at run time only.

use std::fmt;
use std::sync::OnceLock;

use tracing::callsite::{Callsite, Identifier};
use tracing::field::FieldSet;
use tracing::level_filters::LevelFilter;
use tracing::metadata::Kind;
use tracing::subscriber::Interest;
use tracing::{Level, Metadata, Span};

/// The fields of the span of a middleware. `otel.*` are known to `tracing-opentelemetry`.
const FIELDS: &[&str] =
    &["middleware", "hook", "annotations", "metadata", "error.type", "otel.status_code"];

/// The span `## name` of a middleware.
//
// `tracing` wants names and callsites that live for ever, because a macro usually makes them. One is leaked for
// each middleware that is traced, when it is built: a handful in the life of a process.
#[derive(Clone, Copy)]
pub(crate) struct SpanKind {
    metadata: &'static Metadata<'static>,
}

impl SpanKind {
    /// The span of the middleware of this name.
    pub(crate) fn new(name: &str) -> Self {
        let callsite: &'static MiddlewareCallsite =
            Box::leak(Box::new(MiddlewareCallsite(OnceLock::new())));
        let name: &'static str = Box::leak(format!("## {name}").into_boxed_str());
        let metadata = callsite.0.get_or_init(|| {
            Metadata::new(
                name,
                "hookstack::lambda",
                Level::INFO,
                None,
                None,
                None,
                FieldSet::new(FIELDS, Identifier(callsite)),
                Kind::SPAN,
            )
        });
        tracing::callsite::register(callsite);
        SpanKind { metadata }
    }

    /// The middleware's name.
    pub(crate) fn middleware(&self) -> &'static str {
        let name = self.metadata.name();
        name.strip_prefix("## ").unwrap_or(name)
    }

    /// A new span, a child of the current one. Nothing where nobody listens.
    pub(crate) fn open(&self, hook: &'static str) -> Span {
        let metadata = self.metadata;
        let listens = *metadata.level() <= LevelFilter::current()
            && tracing::dispatcher::get_default(|dispatch| dispatch.enabled(metadata));
        if !listens {
            return Span::none();
        }
        let fields = metadata.fields();
        let (Some(middleware), Some(of_hook)) = (fields.field("middleware"), fields.field("hook"))
        else {
            return Span::none();
        };
        let name = self.middleware();
        let values = [
            (&middleware, Some(&name as &dyn tracing::Value)),
            (&of_hook, Some(&hook as &dyn tracing::Value)),
        ];
        Span::new(metadata, &fields.value_set(&values))
    }
}

impl fmt::Debug for SpanKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SpanKind").field(&self.metadata.name()).finish()
    }
}

struct MiddlewareCallsite(OnceLock<Metadata<'static>>);

impl Callsite for MiddlewareCallsite {
    /// Asked for at every use: a middleware is no hot loop.
    fn set_interest(&self, _: Interest) {}

    fn metadata(&self) -> &Metadata<'_> {
        self.0.get().expect("set before the callsite is registered")
    }
}
