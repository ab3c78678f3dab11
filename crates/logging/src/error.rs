//! What [`init`](crate::init) can fail with.

use std::fmt;

/// Why [`init`](crate::init) did not set up logging.
#[derive(Debug)]
#[non_exhaustive]
pub enum InitError {
    /// The program has a subscriber already, or `init` was called before. Add
    /// [`LogLayer`](crate::LogLayer), or [`ReplayFilter`](crate::ReplayFilter), to that one.
    AlreadySet,
    /// An environment variable holds something that is no filter.
    Filter {
        /// The variable.
        variable: &'static str,
        /// What is wrong with it.
        problem: String,
    },
}

impl fmt::Display for InitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            InitError::AlreadySet => f.write_str(
                "there is a tracing subscriber (or a logger of the `log` crate) already; add `LogLayer` to it instead",
            ),
            InitError::Filter { variable, problem } => {
                write!(f, "environment variable `{variable}`: {problem}; use for instance `info` or `info,my_crate=debug`")
            }
        }
    }
}

impl std::error::Error for InitError {}
