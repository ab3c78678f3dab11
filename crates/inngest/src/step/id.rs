//! Step ids.

/// A step's id, with a display name if that should differ.
///
/// ```
/// use hookstack_inngest::StepId;
/// let id = StepId::new("charge-v2").with_name("Charge the card");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct StepId {
    id: Box<str>,
    name: Option<Box<str>>,
}

impl StepId {
    /// An id.
    pub fn new(id: impl Into<Box<str>>) -> Self {
        StepId { id: id.into(), name: None }
    }

    /// Sets the name that dashboards show.
    pub fn with_name(mut self, name: impl Into<Box<str>>) -> Self {
        self.name = Some(name.into());
        self
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn into_parts(self) -> (Box<str>, Option<Box<str>>) {
        (self.id, self.name)
    }
}

impl From<&str> for StepId {
    fn from(id: &str) -> Self {
        StepId::new(id)
    }
}

impl From<String> for StepId {
    fn from(id: String) -> Self {
        StepId::new(id)
    }
}

impl From<&String> for StepId {
    fn from(id: &String) -> Self {
        StepId::new(id.as_str())
    }
}
