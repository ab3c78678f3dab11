//! What the platform sent with a call.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

/// The request of the platform that called, as one or several values, each found by its type. Cheap to
/// clone.
///
/// Hosts document which types they provide: HTTP hosts `http::request::Parts`, the Lambda host
/// [`LambdaInfo`] and the context of its runtime.
///
/// ```
/// use hookstack_core::Platform;
///
/// let platform = Platform::new(7_u16).with("eu-central-1");
/// assert_eq!(platform.get::<u16>(), Some(&7));
/// assert_eq!(platform.get::<&str>(), Some(&"eu-central-1"));
/// ```
#[derive(Clone)]
pub struct Platform(Arc<Vec<Arc<dyn Any + Send + Sync>>>);

impl Platform {
    /// A request of one value.
    pub fn new<T: Send + Sync + 'static>(value: T) -> Self {
        Platform(Arc::new(vec![Arc::new(value)]))
    }

    /// Adds a value of another type. Of two values of the same type the first is found.
    #[must_use]
    pub fn with<T: Send + Sync + 'static>(mut self, value: T) -> Self {
        Arc::make_mut(&mut self.0).push(Arc::new(value));
        self
    }

    /// The value of type `T`.
    pub fn get<T: Send + Sync + 'static>(&self) -> Option<&T> {
        self.0.iter().find_map(|value| value.downcast_ref())
    }

    /// The same, shared.
    pub fn shared<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        self.0.iter().find_map(|value| value.clone().downcast().ok())
    }
}

/// How many values there are: requests hold credentials.
impl fmt::Debug for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Platform({} values)", self.0.len())
    }
}

/// An invocation of an AWS Lambda function, as middleware that know nothing of the host want to tell it.
/// The Lambda host puts it into the call's [platform](crate::CallInfo::platform).
///
/// What AWS does not tell is empty, as when a function runs locally.
///
/// ```
/// use hookstack_core::LambdaInfo;
///
/// let mut invocation = LambdaInfo::new("8476a536-e9f4-11e8-9739-2dfe598c3fcd");
/// invocation.region = Some("eu-central-1".to_owned());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LambdaInfo {
    /// The id that AWS gave the request.
    pub request_id: String,
    /// The ARN that was invoked: with a version or an alias if the caller named one.
    pub function_arn: Option<String>,
    /// The version of the function.
    pub function_version: Option<String>,
    /// How much memory the function has, in MiB.
    pub memory_mib: Option<u32>,
    /// The region that the function runs in.
    pub region: Option<String>,
    /// Its log group in CloudWatch.
    pub log_group: Option<String>,
    /// Its log stream in CloudWatch: one for each execution environment.
    pub log_stream: Option<String>,
    /// Whether it is the first invocation of this process.
    pub is_cold_start: bool,
}

impl LambdaInfo {
    /// An invocation of which only the id of the request is known.
    pub fn new(request_id: impl Into<String>) -> Self {
        LambdaInfo { request_id: request_id.into(), ..LambdaInfo::default() }
    }
}
