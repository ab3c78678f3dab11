//! All of it in one line, for programs that have no subscriber.

use tracing::Level;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::prelude::*;

use crate::TARGET;
use crate::error::InitError;
use crate::layer::LogLayer;

/// Sets up logging for the whole process: JSON on standard output, or the form for people when that is a
/// terminal.
///
/// What is written is told by `RUST_LOG` (`info,my_crate=debug`: levels by target, without spans or fields in
/// brackets), or else by `LOG_LEVEL`; `info` without both. `OTEL_SERVICE_NAME` is the `service` of all lines,
/// without it that is the app's id. Lines of the `log` crate are written too.
///
/// A program that wants anything else puts the subscriber together itself; this is the only function of the
/// crate that installs something globally.
///
/// ```standalone_crate
/// hookstack_logging::init()?;
/// # Ok::<_, hookstack_logging::InitError>(())
/// ```
///
/// # Errors
/// [`InitError`] when there is a subscriber already, or a variable holds no filter.
pub fn init() -> Result<(), InitError> {
    let variable =
        |name| std::env::var(name).ok().filter(|value: &String| !value.trim().is_empty());
    let filter = filter(variable("RUST_LOG").as_deref(), variable("LOG_LEVEL").as_deref())?;
    let mut layer = LogLayer::auto();
    if let Some(service) = variable("OTEL_SERVICE_NAME") {
        layer = layer.service(service);
    }
    tracing_subscriber::registry()
        .with(layer.with_filter(filter))
        .try_init()
        .map_err(|_| InitError::AlreadySet)
}

fn filter(directives: Option<&str>, level: Option<&str>) -> Result<Targets, InitError> {
    let invalid = |variable, problem: &dyn std::fmt::Display| InitError::Filter {
        variable,
        problem: problem.to_string(),
    };
    let filter = match (directives, level) {
        (Some(directives), _) => {
            directives.trim().parse::<Targets>().map_err(|e| invalid("RUST_LOG", &e))?
        }
        (None, Some(level)) => {
            let level: LevelFilter = level.trim().parse().map_err(|e| invalid("LOG_LEVEL", &e))?;
            Targets::new().with_default(level)
        }
        (None, None) => Targets::new().with_default(LevelFilter::INFO),
    };
    // The spans lead spawned tasks to their call, so they are there unless everything is off.
    let is_off = filter.iter().all(|(_, level)| level == LevelFilter::OFF)
        && filter.default_level().is_none_or(|level| level == LevelFilter::OFF);
    match is_off || filter.would_enable(TARGET, &Level::ERROR) {
        true => Ok(filter),
        false => Ok(filter.with_target(TARGET, LevelFilter::ERROR)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_variables_say() {
        let of = |directives, level| filter(directives, level).expect("a filter");
        let enables = |filter: &Targets, target, level| filter.would_enable(target, &level);
        let default = of(None, None);
        assert!(enables(&default, "any", Level::INFO) && !enables(&default, "any", Level::DEBUG));
        let level = of(None, Some(" DEBUG "));
        assert!(enables(&level, "any", Level::DEBUG) && !enables(&level, "any", Level::TRACE));
        let both = of(Some("warn,my_app=trace"), Some("debug"));
        assert!(enables(&both, "my_app::sub", Level::TRACE) && !enables(&both, "any", Level::INFO));
        let narrow = of(Some("my_app=info"), None);
        assert!(!enables(&narrow, "any", Level::ERROR) && enables(&narrow, TARGET, Level::ERROR));
        assert!(!enables(&of(Some("off"), None), TARGET, Level::ERROR));
        for (directives, level) in [(Some("my_app=loud"), None), (None, Some("loud"))] {
            let error = filter(directives, level).expect_err("no level").to_string();
            assert!(error.contains("environment variable"), "{error}");
        }
    }
}
