//! To which call a record belongs.

use std::sync::atomic::{AtomicU64, Ordering};

use hookstack_core::{Call, CallInfo, Extensions, Sending};

/// Where a record belongs and what it tells.
pub(crate) struct Scene {
    pub(crate) call: u64,
    pub(crate) run_id: String,
    pub(crate) attempt: u32,
    pub(crate) detail: String,
}

/// The call's number in this process, left by the first recorder in it for all others.
struct CallNumber(u64);

static NEXT_CALL: AtomicU64 = AtomicU64::new(1);

impl Scene {
    pub(crate) fn nowhere(detail: String) -> Self {
        Scene { call: 0, run_id: String::new(), attempt: 0, detail }
    }

    pub(crate) fn of(
        info: &CallInfo,
        extensions: &mut Extensions,
        detail: impl Into<String>,
    ) -> Self {
        let known = extensions.get::<CallNumber>().map(|number| number.0);
        let call = known.unwrap_or_else(|| {
            let call = NEXT_CALL.fetch_add(1, Ordering::Relaxed);
            extensions.insert(CallNumber(call));
            call
        });
        Scene { call, run_id: info.run_id.clone(), attempt: info.attempt, detail: detail.into() }
    }

    pub(crate) fn of_call(call: &mut Call, detail: impl Into<String>) -> Self {
        let info = call.info().clone();
        Scene::of(&info, call.extensions_mut(), detail)
    }

    /// A sending of a client belongs to no call.
    pub(crate) fn of_sending(sending: &mut Sending, detail: String) -> Self {
        match sending.info().cloned() {
            Some(info) => Scene::of(&info, sending.extensions_mut(), detail),
            None => Scene::nowhere(detail),
        }
    }
}
