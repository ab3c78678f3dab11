//! What is known about a function.

use std::sync::Arc;

use serde_json::Value;

/// The function that is called: its identity and configuration.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FunctionInfo {
    /// The id inside its app.
    pub id: String,
    /// The identity across apps; on Inngest `app-function`. Opaque: never split it.
    pub slug: String,
    /// The display name.
    pub name: String,
    /// The configuration in the form that the host registers.
    pub config: Value,
    /// The function whose failures this one handles, if it is a failure handler.
    pub guards: Option<Arc<FunctionInfo>>,
}

impl FunctionInfo {
    /// A function whose slug and name are its id, without configuration.
    pub fn new(id: impl Into<String>) -> Self {
        let id = id.into();
        FunctionInfo { slug: id.clone(), name: id.clone(), id, config: Value::Null, guards: None }
    }

    /// Sets the slug.
    #[must_use]
    pub fn with_slug(mut self, slug: impl Into<String>) -> Self {
        self.slug = slug.into();
        self
    }

    /// Sets the display name.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Sets the configuration.
    #[must_use]
    pub fn with_config(mut self, config: Value) -> Self {
        self.config = config;
        self
    }

    /// For hosts: makes it the failure handler of `function`.
    #[must_use]
    pub fn guarding(mut self, function: Arc<FunctionInfo>) -> Self {
        self.guards = Some(function);
        self
    }
}
