//! The recording middleware: what it is told, and what it does in every hook.

mod middleware;

use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use hookstack_core::{Error, Hook, Position, Result, StepInfo};

use crate::fault::Fault;
use crate::log::{Entry, Log, Phase, Record};
use crate::scene::Scene;

/// A middleware that overrides every hook, writes each into a [`Log`], and fails where it is told to.
///
/// ```
/// use hookstack_core::Stack;
/// use hookstack_testing::{Log, Recorder};
///
/// let log = Log::new();
/// let stack = Stack::builder().with(Recorder::new("A", &log)).build();
/// stack.register("app", &[], None)?;
/// assert_eq!(log.sequence(), ["A.on_register"]);
/// # Ok::<_, hookstack_core::Error>(())
/// ```
#[must_use]
pub struct Recorder {
    name: String,
    log: Log,
    position: Position,
    faults: Vec<(Hook, Fault)>,
    errors: Vec<(Hook, Box<dyn Fn() -> Error + Send + Sync>)>,
}

impl Recorder {
    /// A recorder of this name that writes into `log`.
    ///
    /// ```
    /// use hookstack_core::Middleware;
    /// use hookstack_testing::{Log, Recorder};
    ///
    /// assert_eq!(Recorder::new("A", &Log::new()).name(), "A");
    /// ```
    pub fn new(name: impl Into<String>, log: &Log) -> Self {
        Recorder {
            name: name.into(),
            log: log.clone(),
            position: Position::Normal,
            faults: Vec::new(),
            errors: Vec::new(),
        }
    }

    /// Declares a position, [`Position::Wire`] for instance.
    ///
    /// ```
    /// use hookstack_core::{Middleware, Position};
    /// use hookstack_testing::{Log, Recorder};
    ///
    /// let recorder = Recorder::new("A", &Log::new()).at(Position::Wire);
    /// assert_eq!(recorder.position(), Position::Wire);
    /// ```
    pub fn at(mut self, position: Position) -> Self {
        self.position = position;
        self
    }

    /// Fails in `hook`, every time. The text of the error or panic is [`Recorder::message`].
    ///
    /// ```
    /// use hookstack_core::{Hook, Stack};
    /// use hookstack_testing::{Fault, Log, Recorder};
    ///
    /// let failing = Recorder::new("A", &Log::new()).failing(Hook::OnRegister, Fault::Error);
    /// let error = Stack::builder().with(failing).build().register("app", &[], None).unwrap_err();
    /// assert_eq!(error.text(), "A fails in on_register");
    /// ```
    ///
    /// # Panics
    /// When the fault does not [fit](Fault::fits) the hook: the test would inject nothing.
    pub fn failing(mut self, hook: Hook, fault: Fault) -> Self {
        assert!(fault.fits(hook), "{fault:?} cannot happen in {hook}");
        self.faults.push((hook, fault));
        self
    }

    /// Fails in `hook`, every time, with an error of the test's own; an `around_*` hook without having
    /// called `next`.
    ///
    /// ```
    /// use hookstack_core::{Error, Hook, Stack};
    /// use hookstack_testing::{Log, Recorder};
    ///
    /// let failing = Recorder::new("A", &Log::new())
    ///     .failing_with(Hook::OnRegister, || Error::message("no key").with_name("NoKey"));
    /// let error = Stack::builder().with(failing).build().register("app", &[], None).unwrap_err();
    /// assert_eq!(error.name(), "NoKey");
    /// ```
    ///
    /// # Panics
    /// When the hook cannot return an error.
    pub fn failing_with(
        mut self,
        hook: Hook,
        error: impl Fn() -> Error + Send + Sync + 'static,
    ) -> Self {
        assert!(Fault::Error.fits(hook), "{hook} cannot return an error");
        self.errors.push((hook, Box::new(error)));
        self
    }

    /// The text of the errors and panics that a recorder of this name injects into `hook`.
    ///
    /// ```
    /// use hookstack_core::Hook;
    /// use hookstack_testing::Recorder;
    ///
    /// assert_eq!(Recorder::message("A", Hook::TransformInput), "A fails in transform_input");
    /// ```
    pub fn message(name: &str, hook: Hook) -> String {
        format!("{name} fails in {hook}")
    }

    fn record(&self, hook: Hook, phase: Phase, step: Option<&StepInfo>, scene: Scene) {
        let middleware = self.name.clone();
        let step = step.map(|step| step.id().to_owned());
        let entry = Entry::Hook { middleware, hook, phase, step };
        let record = Record {
            run_id: scene.run_id,
            attempt: scene.attempt,
            detail: scene.detail,
            ..Record::new(entry, 0)
        };
        self.log.push(scene.call, record);
    }

    fn error(&self, hook: Hook) -> Error {
        Error::message(Recorder::message(&self.name, hook))
    }

    /// What goes wrong in the hook itself, or before it calls `next`.
    async fn fail(&self, hook: Hook) -> Result {
        if let Some((_, error)) = self.errors.iter().find(|(at, _)| *at == hook) {
            return Err(error());
        }
        let fault = self.faults.iter().find(|(at, fault)| *at == hook && !fault.is_after_next());
        match fault {
            Some((_, Fault::Error)) => Err(self.error(hook)),
            Some((_, Fault::Panic)) => panic!("{}", Recorder::message(&self.name, hook)),
            Some((_, Fault::Hang)) => std::future::pending().await,
            _ => Ok(()),
        }
    }

    /// What goes wrong after an `around_*` hook called `next`.
    fn fail_after_next(&self, hook: Hook) -> Result {
        match self.faults.iter().find(|(at, fault)| *at == hook && fault.is_after_next()) {
            Some((_, Fault::PanicAfterNext)) => {
                panic!("{}", Recorder::message(&self.name, hook))
            }
            Some(_) => Err(self.error(hook)),
            None => Ok(()),
        }
    }

    /// Runs the rest, or polls it once and drops it.
    async fn rest<O>(&self, hook: Hook, rest: impl Future<Output = O> + Send) -> Result<O> {
        if !self.faults.contains(&(hook, Fault::DropNext)) {
            return Ok(rest.await);
        }
        let mut rest = pin!(rest);
        match poll_fn(|task| Poll::Ready(rest.as_mut().poll(task))).await {
            Poll::Ready(output) => Ok(output),
            Poll::Pending => Err(self.error(hook)),
        }
    }

    fn returns_early(&self, hook: Hook) -> bool {
        self.faults.contains(&(hook, Fault::EarlyReturn))
    }

    async fn hook(&self, hook: Hook, step: Option<&StepInfo>, scene: Scene) -> Result {
        self.record(hook, Phase::Whole, step, scene);
        self.fail(hook).await
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder")
            .field("name", &self.name)
            .field("position", &self.position)
            .field("faults", &self.faults)
            .finish_non_exhaustive()
    }
}
