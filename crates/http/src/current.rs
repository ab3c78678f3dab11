//! The call that a request belongs to, for the code that handles it.

use std::fmt;
use std::sync::Arc;

use hookstack_core::{Call, CallInfo, Extensions, Extract, ExtractContext, Input, Result};
use tokio::sync::Mutex;

/// The call of a request, in the request's extensions: what extractors and inner layers work with.
#[derive(Clone)]
pub(crate) struct CurrentCall(Arc<State>);

struct State {
    info: Arc<CallInfo>,
    /// There while the user's code runs.
    lent: Mutex<Option<Lent>>,
    outer: Option<CurrentCall>,
}

struct Lent {
    call: Call,
    input: Input,
}

impl CurrentCall {
    pub(crate) fn info(&self) -> &Arc<CallInfo> {
        &self.0.info
    }

    /// A call inside this one; `None` when this one's code has ended.
    pub(crate) async fn begin_inside(&self, info: CallInfo) -> Result<Call, CallInfo> {
        match self.0.lent.lock().await.as_mut() {
            Some(lent) => Ok(Call::inside(&mut lent.call, info)),
            None => Err(info),
        }
    }

    /// Makes an argument, with the innermost call whose middleware provide what it needs.
    pub(crate) async fn extract<T: Extract>(&self) -> Result<T> {
        let current = self.providing::<T>().unwrap_or(self);
        match current.0.lent.lock().await.as_mut() {
            Some(Lent { call, input }) => T::extract(&mut ExtractContext::new(call, input)).await,
            None => Err(hookstack_core::Error::of_kind(
                hookstack_core::ErrorKind::Misuse,
                "the call that the request belongs to is over: extract while it is handled",
            )),
        }
    }

    fn providing<T: Extract>(&self) -> Option<&CurrentCall> {
        // Nothing to choose from, as a rule.
        self.0.outer.as_ref()?;
        let nothing = Extensions::new();
        std::iter::successors(Some(self), |current| current.0.outer.as_ref()).find(|current| {
            T::check(current.0.info.provided().map_or(&nothing, |provided| provided)).is_ok()
        })
    }
}

impl fmt::Debug for CurrentCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CurrentCall").field(&self.0.info).finish()
    }
}

/// Lends a call and its input to the user's code, and puts them back, also when that code panics or is
/// dropped.
pub(crate) struct Loan<'a> {
    call: &'a mut Call,
    input: &'a mut Input,
    current: CurrentCall,
}

impl<'a> Loan<'a> {
    pub(crate) fn new(
        call: &'a mut Call,
        input: &'a mut Input,
        outer: Option<CurrentCall>,
    ) -> Self {
        let lent = Lent { call: call.lend(), input: std::mem::take(input) };
        let info = call.info().clone();
        let state = State { info, lent: Mutex::new(Some(lent)), outer };
        Loan { call, input, current: CurrentCall(Arc::new(state)) }
    }

    pub(crate) fn current(&self) -> CurrentCall {
        self.current.clone()
    }

    /// Waits for an extractor that a spawned task still runs.
    pub(crate) async fn end(self) {
        let current = self.current.clone();
        let lent = current.0.lent.lock().await.take();
        self.put_back(lent);
    }

    fn put_back(mut self, lent: Option<Lent>) {
        self.restore(lent);
    }

    fn restore(&mut self, lent: Option<Lent>) {
        if let Some(Lent { call, input }) = lent {
            *self.call = call;
            *self.input = input;
        }
    }
}

impl Drop for Loan<'_> {
    fn drop(&mut self) {
        // Held by a task that outlives the code: the call goes on with what it knows.
        let lent = self.current.0.lent.try_lock().ok().and_then(|mut lent| lent.take());
        self.restore(lent);
    }
}
