//! Reading environment variables.

use std::fmt;
use std::sync::Arc;

use crate::error::ConfigError;

type Lookup = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// Where variables come from. A variable that is empty counts as not set.
#[derive(Clone)]
pub(super) struct Variables(Lookup);

impl Variables {
    pub(super) fn new(lookup: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        Variables(Arc::new(lookup))
    }

    pub(super) fn get(&self, name: &str) -> Option<String> {
        let value = (self.0)(name)?;
        let value = value.trim();
        (!value.is_empty()).then(|| value.to_owned())
    }

    /// A variable of a type that says what it takes.
    pub(super) fn parse<T: std::str::FromStr<Err = ConfigError>>(
        &self,
        name: &'static str,
    ) -> Result<Option<T>, ConfigError> {
        match self.get(name).map(|value| value.parse()) {
            None => Ok(None),
            Some(Ok(value)) => Ok(Some(value)),
            Some(Err(ConfigError::Setting { problem, .. })) => {
                Err(ConfigError::setting(name, problem))
            }
            Some(Err(other)) => Err(other),
        }
    }

    /// `1` or `true`, `0` or `false`.
    pub(super) fn switch(&self, name: &'static str) -> Result<Option<bool>, ConfigError> {
        match self.get(name).as_deref().map(str::to_ascii_lowercase).as_deref() {
            None => Ok(None),
            Some("1" | "true") => Ok(Some(true)),
            Some("0" | "false") => Ok(Some(false)),
            Some(_) => Err(ConfigError::setting(name, "takes `1` or `true`, `0` or `false`")),
        }
    }
}

impl Default for Variables {
    fn default() -> Self {
        Variables::new(|name| std::env::var(name).ok())
    }
}

impl fmt::Debug for Variables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Variables(..)")
    }
}
