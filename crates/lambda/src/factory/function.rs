//! Which functions are middleware.

use hookstack_core::{Call, Result};

use super::next::NextHandler;

/// An async function of an event, a call, the rest of the chain and parameters. Implemented for every fitting
/// function; `E` is the type of its event and `R` that of its response.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a middleware function with parameters of type `{P}`",
    note = "write `async fn name(event: Value, cx: &mut Call, next: NextHandler<'_>, parameters: &{P}) -> Result<Value>`; without parameters, use `middleware` and leave the last argument out",
    note = "the event is `DeserializeOwned`, the response `Serialize`, and the future `Send`"
)]
pub trait FactoryFn<'a, P, E, R>: Send + Sync {
    /// The function's future.
    type Future: Future<Output = Result<R>> + Send + 'a;
    /// Calls the function.
    fn call(
        &'a self,
        event: E,
        cx: &'a mut Call,
        next: NextHandler<'a>,
        parameters: &'a P,
    ) -> Self::Future;
}

// A function that does not fit shall be told so in our words, not in terms of `Fn`.
#[diagnostic::do_not_recommend]
impl<'a, P: 'a, E, R, F, Fut> FactoryFn<'a, P, E, R> for F
where
    F: Fn(E, &'a mut Call, NextHandler<'a>, &'a P) -> Fut + Send + Sync,
    Fut: Future<Output = Result<R>> + Send + 'a,
{
    type Future = Fut;
    fn call(&'a self, event: E, cx: &'a mut Call, next: NextHandler<'a>, parameters: &'a P) -> Fut {
        self(event, cx, next, parameters)
    }
}

/// A function that takes no parameters. Made by [`middleware`](super::middleware()).
#[derive(Clone, Copy, Debug)]
pub struct NoParameters<F>(pub(super) F);

#[diagnostic::do_not_recommend]
impl<'a, E, R, F, Fut> FactoryFn<'a, (), E, R> for NoParameters<F>
where
    F: Fn(E, &'a mut Call, NextHandler<'a>) -> Fut + Send + Sync,
    Fut: Future<Output = Result<R>> + Send + 'a,
{
    type Future = Fut;
    fn call(&'a self, event: E, cx: &'a mut Call, next: NextHandler<'a>, (): &'a ()) -> Fut {
        (self.0)(event, cx, next)
    }
}
