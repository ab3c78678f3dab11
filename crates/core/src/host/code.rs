//! The user's code of a call: told per thread, because hooks of the same call run between its polls.

use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::error::{Error, Result};
use crate::info::CallInfo;

pin_project_lite::pin_project! {
    /// For hosts: the user's code of a call, as a future. What it does when it is started, polled and dropped is
    /// told to be its own: [`CallInfo::is_polling_code`] answers by it.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use hookstack_core::host::Code;
    /// use hookstack_core::{CallInfo, FunctionInfo};
    ///
    /// # futures::executor::block_on(async {
    /// let info = Arc::new(CallInfo::new("shop", Arc::new(FunctionInfo::new("fulfil")), "run-1"));
    /// let code = Code::start(info.clone(), || async { info.is_polling_code() });
    /// assert!(code.await);
    /// assert!(!info.is_polling_code());
    /// # });
    /// ```
    #[must_use = "code runs when it is polled"]
    pub struct Code<F> {
        info: Arc<CallInfo>,
        #[pin]
        running: Option<F>,
    }

    impl<F> PinnedDrop for Code<F> {
        fn drop(this: Pin<&mut Self>) {
            // A destructor's panic must not hide why the code was dropped.
            let _ = this.end();
        }
    }
}

impl<F> Code<F> {
    /// Runs `start`, which may be code of the user's already, and takes the future that it makes.
    pub fn start(info: Arc<CallInfo>, start: impl FnOnce() -> F) -> Self {
        let running = {
            let _mark = Mark::set(&info);
            start()
        };
        Code { info, running: Some(running) }
    }

    /// Drops the code, whether it settled or not; it is pending from then on. The second call does nothing, as
    /// does dropping this after it.
    ///
    /// # Errors
    /// When a destructor of the code panicked. Dropping this instead tells nobody.
    pub fn end(self: Pin<&mut Self>) -> Result {
        let mut this = self.project();
        let _mark = Mark::set(this.info);
        catch_unwind(AssertUnwindSafe(|| this.running.set(None))).map_err(Error::from_panic)
    }
}

impl<F: Future> Future for Code<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _mark = Mark::set(this.info);
        match this.running.as_pin_mut() {
            Some(running) => running.poll(cx),
            None => Poll::Pending,
        }
    }
}

impl<F> fmt::Debug for Code<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Code").field("info", &self.info).finish_non_exhaustive()
    }
}

thread_local! {
    /// The address of the call's information; 0 when no code of a call is polled.
    static CODE_OF: Cell<usize> = const { Cell::new(0) };
}

/// Whether the code of this call is polled on this thread.
pub(crate) fn is_marked(info: &CallInfo) -> bool {
    CODE_OF.get() == address(info)
}

/// Until it is dropped, the code of a call is polled on this thread.
struct Mark {
    before: usize,
    not_send: PhantomData<*const ()>,
}

impl Mark {
    fn set(info: &CallInfo) -> Self {
        Mark { before: CODE_OF.replace(address(info)), not_send: PhantomData }
    }
}

impl Drop for Mark {
    fn drop(&mut self) {
        CODE_OF.set(self.before);
    }
}

fn address(info: &CallInfo) -> usize {
    std::ptr::from_ref(info).addr()
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::Mutex;
    use std::task::Waker;

    use super::*;
    use crate::info::FunctionInfo;

    fn info() -> Arc<CallInfo> {
        Arc::new(CallInfo::new("app", Arc::new(FunctionInfo::new("function")), "run"))
    }

    /// Notes, when it is dropped, whether that is the code's doing.
    struct Watch(Arc<CallInfo>, Arc<Mutex<Vec<bool>>>);

    impl Drop for Watch {
        fn drop(&mut self) {
            self.1.lock().expect("no panic").push(self.0.is_polling_code());
        }
    }

    #[test]
    fn starting_polling_and_dropping_are_the_codes_doing() {
        let (info, dropped) = (info(), Arc::<Mutex<Vec<bool>>>::default());
        let watch = Watch(info.clone(), dropped.clone());
        let (started, polled) = (info.clone(), info.clone());
        let code = Code::start(info.clone(), || {
            assert!(started.is_polling_code());
            async move {
                assert!(polled.is_polling_code());
                let _watch = watch;
                std::future::pending::<()>().await;
            }
        });
        let mut code = Box::pin(code);
        assert!(!info.is_polling_code());
        assert!(code.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        assert!(!info.is_polling_code());
        drop(code);
        assert_eq!(*dropped.lock().expect("no panic"), [true]);
        assert!(!info.is_polling_code());
    }

    #[test]
    fn code_of_a_call_inside_another_is_the_inner_calls() {
        let (outer, inner) = (info(), info());
        let of_inner = Code::start(inner.clone(), || async {
            assert!(inner.is_polling_code() && !outer.is_polling_code());
        });
        let of_outer = Code::start(outer.clone(), || async {
            of_inner.await;
            assert!(outer.is_polling_code() && !inner.is_polling_code());
        });
        let mut of_outer = pin!(of_outer);
        assert!(of_outer.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready());
    }

    #[test]
    fn a_destructors_panic_is_told_once_and_only_to_who_ends_the_code() {
        struct Panics;
        impl Drop for Panics {
            fn drop(&mut self) {
                panic!("in a destructor");
            }
        }
        let start = || {
            let panics = Panics;
            Code::start(info(), move || async move { drop(panics) })
        };
        let mut code = pin!(start());
        let error = code.as_mut().end().expect_err("it panicked");
        assert_eq!(error.text(), "in a destructor");
        code.as_mut().end().expect("it was dropped already");
        assert!(code.poll(&mut Context::from_waker(Waker::noop())).is_pending());
        drop(start());
    }
}
