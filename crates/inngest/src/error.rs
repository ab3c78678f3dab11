//! Errors of putting an app and its configuration together.

use std::fmt;

use hookstack_core::Error;

/// Why an app, its endpoint or its client cannot be built.
///
/// `Debug` writes the same sentence as `Display`: that is what a `main` which returns the error prints.
#[non_exhaustive]
pub enum ConfigError {
    /// The app's id cannot be one; why.
    AppId(&'static str),
    /// Two functions have the same id; a failure handler takes `{id}-failure`.
    DuplicateFunction(String),
    /// An option of a function cannot work.
    Function {
        /// The function's id.
        function: String,
        /// The option, by the builder's method; `trigger` for every way to add one.
        option: &'static str,
        /// What is wrong, and where it is not plain, what to do.
        problem: String,
    },
    /// A setting or an environment variable has a value that cannot be meant. The value is not quoted.
    Setting {
        /// The setting or variable.
        name: &'static str,
        /// What is wrong.
        problem: String,
    },
    /// An argument of a function's handler asks for what no middleware around the function provides.
    Handler {
        /// The function's id.
        function: String,
        /// What the argument says.
        error: Error,
    },
    /// A middleware refused to start.
    Middleware(Error),
}

#[cfg(feature = "client")]
impl ConfigError {
    pub(crate) fn setting(name: &'static str, problem: impl Into<String>) -> Self {
        ConfigError::Setting { name, problem: problem.into() }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConfigError::AppId(problem) => write!(f, "the app's id {problem}"),
            ConfigError::DuplicateFunction(id) => {
                write!(f, "two functions have the id \"{id}\"; ids must be unique in an app")
            }
            ConfigError::Function { function, option, problem } => {
                write!(f, "function \"{function}\": option `{option}`: {problem}")
            }
            ConfigError::Setting { name, problem } => write!(f, "{name}: {problem}"),
            ConfigError::Handler { function, error } => {
                write!(f, "function \"{function}\": its handler: {error}")
            }
            ConfigError::Middleware(error) => match error.origin() {
                Some(origin) => write!(f, "{origin}: {error}"),
                None => write!(f, "a middleware refused to start: {error}"),
            },
        }
    }
}

/// As [`Display`](fmt::Display), because a `main` that returns an error prints this.
impl fmt::Debug for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for ConfigError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn main_prints_a_sentence() {
        let error = crate::App::builder("").build().expect_err("an empty id");
        assert_eq!(format!("{error:?}"), error.to_string());
        let error: Box<dyn std::error::Error> = ConfigError::DuplicateFunction("a".into()).into();
        let expected = "two functions have the id \"a\"; ids must be unique in an app";
        assert_eq!(format!("{error:?}"), expected);
    }
}
