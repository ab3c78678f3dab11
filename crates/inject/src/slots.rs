//! The instances of one scope: one construction each, and teardown in the reverse order.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::task::{Context, Poll};

use futures_util::FutureExt;
use futures_util::future::WeakShared;
use hookstack_core::host::BoxFuture;
use hookstack_core::{Error, Result};

use crate::dep::{Instance, Observed};
use crate::error::{ResolveError, TeardownFailed};
use crate::graph::{Graph, Node};
use crate::provider::Phase;
use crate::scope::{Ended, Scope};
use crate::waits::{Site, Wait};

/// The instances of one scope of one container.
pub(crate) struct Slots {
    slots: Box<[Slot]>,
    log: Mutex<Log>,
    /// How many phases are over, as the log says, to be read without its lock.
    over: AtomicU8,
    /// Held by the one who ends what was built: two at once would end what others still need.
    turn: tokio::sync::Mutex<()>,
    /// A teardown during which whoever ran it was dropped. The next one to end something finishes it.
    interrupted: Mutex<Option<Ending>>,
}

type Ending = BoxFuture<'static, Result>;

#[derive(Default)]
struct Slot {
    /// Weak, so that it is read without a lock and what has ended is gone: the log holds the instances.
    ready: OnceLock<Observed>,
    /// The construction in progress. Weak, so that it goes with the last one who waits for it.
    construction: Mutex<Option<WeakShared<Construction>>>,
}

/// It is driven by everybody who waits for it: one of them may be polled only when another one has it.
pub(crate) type Construction = BoxFuture<'static, Result<Instance, ResolveError>>;

#[derive(Default)]
struct Log {
    /// The nodes in the order in which they were built.
    built: Vec<(usize, Instance)>,
}

impl Slots {
    pub(crate) fn new(count: usize) -> Self {
        Slots {
            slots: (0..count).map(|_| Slot::default()).collect(),
            log: Mutex::default(),
            over: AtomicU8::new(0),
            turn: tokio::sync::Mutex::default(),
            interrupted: Mutex::default(),
        }
    }

    /// The instance, if it is there: two loads and one increment. Nothing whose time is over, though
    /// somebody may have kept it.
    #[inline]
    pub(crate) fn ready<T: ?Sized + Send + Sync + 'static>(
        &self,
        slot: usize,
        phase: Phase,
    ) -> Option<Arc<T>> {
        if self.is_over(phase) {
            return None;
        }
        self.slots.get(slot)?.ready.get()?.downcast_ref::<Weak<T>>()?.upgrade()
    }

    /// The same without its type, for those who construct.
    pub(crate) fn built(&self, index: usize, phase: Phase) -> Option<Instance> {
        let log = self.log();
        if self.is_over(phase) {
            return None;
        }
        log.built.iter().find(|(built, _)| *built == index).map(|(_, instance)| instance.clone())
    }

    /// The instance, constructed by this caller together with all others who wait for it. They share its
    /// failure too; whoever asks afterwards tries again.
    pub(crate) async fn get_or_build(
        &self,
        index: usize,
        node: &Node,
        build: impl FnOnce() -> Construction,
    ) -> Result<Instance, ResolveError> {
        let construction = {
            let mut current = self.construction(node);
            if let Some(instance) = self.built(index, node.phase) {
                return Ok(instance);
            }
            match current.as_ref().and_then(WeakShared::upgrade) {
                Some(construction) => construction,
                None if self.is_over(node.phase) => return Err(over(node)),
                None => {
                    let construction = build().shared();
                    *current = construction.downgrade();
                    construction
                }
            }
        };
        let mut construction = pin!(construction);
        let id = (std::ptr::from_ref(self).addr(), index);
        let mut wait = Wait::new(Site { id, key: node.definition.key });
        std::future::poll_fn(|cx| wait.poll(construction.as_mut(), cx)).await
    }

    /// The end of a construction.
    pub(crate) async fn constructed(
        &self,
        index: usize,
        node: &Node,
        built: Result<Instance, ResolveError>,
    ) -> Result<Instance, ResolveError> {
        let result = match built {
            Ok(instance) if self.keep(index, node, &instance) => Ok(instance),
            // The scope ended meanwhile, so nobody else would end the instance.
            Ok(instance) => {
                let _ = end(node, instance, Ended::Abandoned).await;
                Err(over(node))
            }
            Err(failure) => Err(failure),
        };
        *self.construction(node) = None;
        result
    }

    fn construction(&self, node: &Node) -> MutexGuard<'_, Option<WeakShared<Construction>>> {
        let construction = &self.slots[node.slot].construction;
        construction.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, index: usize, node: &Node, instance: &Instance) -> bool {
        let mut log = self.log();
        if self.is_over(node.phase) {
            return false;
        }
        log.built.push((index, instance.clone()));
        if let Some(observed) = instance.observe() {
            // Empty until now: nothing is built twice.
            let _ = self.slots[node.slot].ready.set(observed);
        }
        true
    }

    #[inline]
    fn is_over(&self, phase: Phase) -> bool {
        phase.is_among_first(self.over.load(Ordering::Acquire))
    }

    /// Says that a phase begins: what belongs to it is no longer built.
    pub(crate) fn close(&self, phase: Phase) {
        // Under the lock, so that nothing is kept meanwhile.
        let _log = self.log();
        self.over.fetch_max(phase.count(), Ordering::AcqRel);
    }

    /// Whether something is there that this phase would end.
    pub(crate) fn holds(&self, graph: &Graph, phase: Phase) -> bool {
        let is_due = |(index, _): &(usize, Instance)| graph.nodes[*index].phase <= phase;
        self.interrupted().is_some() || self.log().built.iter().any(is_due)
    }

    /// Ends what was built, the last first, up to a phase. A failed teardown does not keep the others
    /// from running; they are told that the scope failed.
    pub(crate) async fn tear_down(
        &self,
        graph: &Graph,
        phase: Phase,
        mut ended: Ended,
        errors: &mut Vec<Error>,
    ) {
        self.close(phase);
        let _turn = self.turn.lock().await;
        loop {
            let interrupted = self.interrupted().take();
            let ending = match interrupted {
                Some(ending) => ending,
                None => match self.pop(graph, phase) {
                    Some((node, instance)) => end(node, instance, ended),
                    None => break,
                },
            };
            let ending = Interruptible { slots: self, ending: Some(ending) };
            if let Err(error) = ending.await {
                errors.push(error);
                if ended.is_ok() {
                    ended = Ended::Error;
                }
            }
        }
    }

    /// Drops what was built, the last first, without teardowns.
    pub(crate) fn discard(&self, graph: &Graph) {
        self.close(Phase::After);
        let interrupted = self.interrupted().take();
        let _ = catch_unwind(AssertUnwindSafe(move || drop(interrupted)));
        while let Some((_, instance)) = self.pop(graph, Phase::After) {
            // The value's own `Drop` may panic, and this may be part of an unwinding.
            let _ = catch_unwind(AssertUnwindSafe(move || drop(instance)));
        }
    }

    fn pop<'g>(&self, graph: &'g Graph, phase: Phase) -> Option<(&'g Node, Instance)> {
        let mut log = self.log();
        let is_due = |(index, _): &(usize, Instance)| graph.nodes[*index].phase <= phase;
        let last = log.built.iter().rposition(is_due)?;
        let (index, instance) = log.built.remove(last);
        Some((&graph.nodes[index], instance))
    }

    fn interrupted(&self) -> MutexGuard<'_, Option<Ending>> {
        self.interrupted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Slots {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Slots").field("built", &self.log().built.len()).finish_non_exhaustive()
    }
}

fn end(node: &Node, instance: Instance, ended: Ended) -> Ending {
    let key = node.definition.key;
    let teardown = node.definition.teardown.as_ref().map(|(_, teardown)| teardown.clone());
    Box::pin(async move {
        let ended = caught(async move {
            match teardown {
                Some(teardown) => teardown(instance, ended).await,
                None => {
                    drop(instance);
                    Ok(())
                }
            }
        });
        ended.await.map_err(|error| TeardownFailed::of(key, error))
    })
}

/// A teardown that is kept for the next one when it is dropped before its end.
struct Interruptible<'a> {
    slots: &'a Slots,
    ending: Option<Ending>,
}

impl Future for Interruptible<'_> {
    type Output = Result;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result> {
        let Some(ending) = &mut self.ending else { return Poll::Ready(Ok(())) };
        let polled = ending.as_mut().poll(cx);
        if polled.is_ready() {
            self.ending = None;
        }
        polled
    }
}

impl Drop for Interruptible<'_> {
    fn drop(&mut self) {
        if let Some(ending) = self.ending.take() {
            *self.slots.interrupted() = Some(ending);
        }
    }
}

fn over(node: &Node) -> ResolveError {
    let when = match (node.scope, node.phase) {
        (Scope::Singleton, _) => "its container was shut down",
        (Scope::Call, Phase::Before) => "it was torn down before the response",
        (Scope::Call, Phase::After) => "the call or its function has ended",
        (Scope::Step, _) => "the step has ended",
    };
    ResolveError::misuse(node.definition.key, format!("too late: {when}"))
}

/// A panic becomes an error, so that whoever waits for the same construction and the other teardowns go on.
pub(crate) async fn caught<T>(future: impl Future<Output = Result<T>>) -> Result<T> {
    let mut future = pin!(future);
    std::future::poll_fn(move |cx| {
        let polled = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx)));
        polled.unwrap_or_else(|panic| Poll::Ready(Err(Error::from_panic(panic))))
    })
    .await
}
