//! Middleware as one async function with parameters.

mod function;
mod middleware;
mod next;

pub use function::{FactoryFn, NoParameters};
pub use middleware::{Factory, TRACE_VARIABLE};
pub use next::NextHandler;

/// A middleware made of one async function, without parameters. See [`middleware_with`].
///
/// ```
/// use hookstack_core::{Call, Result};
/// use hookstack_lambda::{NextHandler, middleware};
/// use serde_json::{Value, json};
///
/// // Code before: a default in the event.
/// async fn default_tenant(mut event: Value, cx: &mut Call, next: NextHandler<'_>) -> Result<Value> {
///     if event["tenant"].is_null() {
///         event["tenant"] = json!("public");
///     }
///     next.run(event, cx).await
/// }
/// let default_tenant = middleware("default_tenant", default_tenant);
/// ```
pub fn middleware<F, E, R>(
    name: impl Into<String>,
    function: F,
) -> Factory<(), NoParameters<F>, (E, R)>
where
    NoParameters<F>: for<'a> FactoryFn<'a, (), E, R>,
{
    Factory::new(name.into(), (), NoParameters(function))
}

/// A middleware made of one async function with parameters.
///
/// The function gets the event, the call, the rest of the chain and the parameters, and returns the response.
/// Code before and after [`next.run`](NextHandler::run) is logic before and after; returning without it is an
/// early return; an error, also that of `?`, is the error of the invocation. Event and response are types of
/// yours: [`serde_json::Value`] where only a few fields count.
///
/// Parameters are one value of a type of yours, so the compiler knows their names and types.
///
/// ```
/// use hookstack_core::{Call, Result};
/// use hookstack_lambda::{NextHandler, middleware_with};
/// use serde_json::{Value, json};
///
/// struct Obfuscate {
///     fields: Vec<&'static str>,
/// }
///
/// async fn obfuscate(
///     mut event: Value,
///     cx: &mut Call,
///     next: NextHandler<'_>,
///     parameters: &Obfuscate,
/// ) -> Result<Value> {
///     for field in &parameters.fields {
///         if let Some(value) = event.get_mut(field) {
///             *value = json!("*");
///         }
///     }
///     next.run(event, cx).await
/// }
/// let obfuscate = middleware_with("obfuscate", Obfuscate { fields: vec!["email"] }, obfuscate);
/// ```
///
/// Parameters by position do not compile:
///
/// ```compile_fail
/// use hookstack_core::{Call, Result};
/// use hookstack_lambda::{NextHandler, middleware_with};
/// use serde_json::Value;
///
/// struct Obfuscate {
///     fields: Vec<&'static str>,
/// }
/// async fn obfuscate(event: Value, cx: &mut Call, next: NextHandler<'_>, _: &Obfuscate) -> Result<Value> {
///     next.run(event, cx).await
/// }
/// let obfuscate = middleware_with("obfuscate", vec!["email"], obfuscate); // expected `&Obfuscate`
/// ```
///
/// An async closure must not capture, and takes its types in full:
/// `async |event: Value, cx: &mut Call, next: NextHandler<'_>, parameters: &Obfuscate| -> Result<Value> { .. }`.
pub fn middleware_with<P, F, E, R>(
    name: impl Into<String>,
    parameters: P,
    function: F,
) -> Factory<P, F, (E, R)>
where
    F: for<'a> FactoryFn<'a, P, E, R>,
{
    Factory::new(name.into(), parameters, function)
}
