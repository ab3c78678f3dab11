//! Where the user's code runs: told per thread, because hooks of the same call run between its polls.

use std::cell::Cell;
use std::marker::PhantomData;

use crate::info::CallInfo;

thread_local! {
    /// The address of the call's information; 0 when no code of a call is polled.
    static CODE_OF: Cell<usize> = const { Cell::new(0) };
}

/// For hosts that replay: marks that the code of this call is polled on this thread, until the mark is
/// dropped. [`CallInfo::is_polling_code`] answers by it.
///
/// ```
/// use std::sync::Arc;
/// use hookstack_core::{CallInfo, FunctionInfo, host};
///
/// let info = CallInfo::new("shop", Arc::new(FunctionInfo::new("fulfil")), "run-1");
/// let mark = host::mark_code(&info);
/// assert!(info.is_polling_code());
/// drop(mark);
/// assert!(!info.is_polling_code());
/// ```
#[must_use = "the mark ends when it is dropped"]
pub fn mark_code(info: &CallInfo) -> CodeMark {
    CodeMark { before: CODE_OF.replace(address(info)), not_send: PhantomData }
}

/// See [`mark_code`].
#[derive(Debug)]
pub struct CodeMark {
    before: usize,
    not_send: PhantomData<*const ()>,
}

impl Drop for CodeMark {
    fn drop(&mut self) {
        CODE_OF.set(self.before);
    }
}

pub(crate) fn is_marked(info: &CallInfo) -> bool {
    CODE_OF.get() == address(info)
}

fn address(info: &CallInfo) -> usize {
    std::ptr::from_ref(info).addr()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::info::FunctionInfo;

    #[test]
    fn the_innermost_mark_counts_and_tells_calls_apart() {
        let info = || CallInfo::new("shop", Arc::new(FunctionInfo::new("f")), "run");
        let (outer, inner) = (info(), info());
        let polled = || (outer.is_polling_code(), inner.is_polling_code());
        assert_eq!(polled(), (false, false));
        let around = mark_code(&outer);
        assert_eq!(polled(), (true, false));
        let within = mark_code(&inner);
        assert_eq!(polled(), (false, true));
        drop(within);
        assert_eq!(polled(), (true, false));
        drop(around);
        assert_eq!(polled(), (false, false));
    }
}
