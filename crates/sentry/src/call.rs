//! One call: its hub, and what was taken down about it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use hookstack_core::redact::ErrorMessages;
use hookstack_core::{CallInfo, Error, StepInfo, TraceContext, TraceWatch};
use http::StatusCode;
use sentry_core::protocol::Event;
use sentry_core::{Client, Hub};

use crate::config::{Base, Config};
use crate::failure::{FailedStep, Failure};
use crate::limits;
use crate::processor;
use crate::spans::Spans;
use crate::stand_in::StandIns;

/// A call's hub and notes. The hub's scope refers to the notes, never the other way round.
#[derive(Clone)]
pub(crate) struct CallHub {
    pub(crate) hub: Arc<Hub>,
    pub(crate) client: Arc<Client>,
    pub(crate) notes: Arc<CallNotes>,
}

/// What is known about a call in progress.
pub(crate) struct CallNotes {
    pub(crate) info: Arc<CallInfo>,
    messages: ErrorMessages,
    pub(crate) request_data: bool,
    /// Whether something was sent for which it is worth to wait.
    pub(crate) has_sent: AtomicBool,
    /// The hub's client for the time of a panic.
    stand_in: Arc<Client>,
    is_concluded: AtomicBool,
    has_stood_in: AtomicBool,
    changing: Mutex<Changing>,
}

/// What changes in the course of a call.
#[derive(Default)]
pub(crate) struct Changing {
    pub(crate) trace: Option<TraceContext>,
    /// The trace that another middleware set, further out or further in.
    pub(crate) watch: Option<TraceWatch>,
    /// What was decided about the trace, where no span knows it.
    pub(crate) sampled: Option<bool>,
    /// The step whose body runs.
    pub(crate) step: Option<Arc<StepInfo>>,
    /// The ids of all events of a batch.
    pub(crate) event_ids: Vec<String>,
    /// Errors of earlier steps that the function was given.
    pub(crate) stored: Vec<FailedStep>,
    /// The first failure of the function, and of the step that was executed.
    pub(crate) failures: Vec<Failure>,
    /// What the panic hook captured, until it is known what came of the panic.
    pub(crate) panics: Vec<Event<'static>>,
    /// Hubs that have a stand-in for their client.
    stood_in: Vec<(Arc<Hub>, Arc<Client>)>,
    /// The client of a hub that keeps its stand-in, which does not hold it.
    stood_in_for: Option<Arc<Client>>,
    pub(crate) spans: Option<Spans>,
    /// The status of the response, once it is known.
    pub(crate) status: Option<StatusCode>,
    /// When the call began, as long as its transaction was not started.
    pub(crate) started: Option<SystemTime>,
}

/// How many panics of one call are kept; code that panics and goes on can do so any number of times.
const MAX_PANICS: usize = 8;
const MAX_STORED: usize = 64;

impl CallHub {
    /// A fresh hub; `None` where nothing would be sent.
    pub(crate) fn new(config: &Config, stand_ins: &StandIns, info: &Arc<CallInfo>) -> Option<Self> {
        let main;
        let (parent, client) = match &config.base {
            Base::Client(client, _) => (None, client.clone()),
            Base::Hub(hub) => (Some(hub), hub.client()?),
            Base::Main => {
                main = Hub::main();
                let client = main.client()?;
                (Some(&main), client)
            }
        };
        if !client.is_enabled() {
            return None;
        }
        let notes = Arc::new(CallNotes {
            info: info.clone(),
            messages: config.error_messages,
            request_data: config.request_data,
            has_sent: AtomicBool::new(false),
            stand_in: stand_ins.of(&client),
            is_concluded: AtomicBool::new(false),
            has_stood_in: AtomicBool::new(false),
            changing: Mutex::default(),
        });
        let processor = processor::of(notes.clone());
        let hub = match (&config.base, parent) {
            (Base::Client(_, empty), _) => {
                let mut scope = empty.clone();
                scope.add_event_processor(processor);
                Hub::new(Some(client.clone()), Arc::new(scope))
            }
            (_, parent) => {
                let hub = Hub::new_from_top(parent?);
                hub.configure_scope(|scope| scope.add_event_processor(processor));
                hub
            }
        };
        Some(CallHub { hub: Arc::new(hub), client, notes })
    }
}

impl Changing {
    /// The trace that the call belongs to, as far as somebody set one.
    pub(crate) fn trace(&self) -> Option<TraceContext> {
        self.trace.or_else(|| self.watch.as_ref().and_then(TraceWatch::get))
    }
}

impl CallNotes {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Changing> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether messages of errors and panics may be told in general. Asked when one is told, because a layer within
    /// this call may say that payloads are secret after the call began.
    pub(crate) fn shows(&self) -> bool {
        self.messages.shows(self.info.is_sensitive())
    }

    /// Whether the message of this error may be told.
    pub(crate) fn shows_of(&self, error: &Error) -> bool {
        self.messages.shows_of(error, self.info.is_sensitive())
    }

    /// Whether the call's end was not dealt with before.
    pub(crate) fn conclude(&self) -> bool {
        // Under the lock, so that a panic is either kept before this or sees it.
        let _changing = self.lock();
        !self.is_concluded.swap(true, Ordering::AcqRel)
    }

    pub(crate) fn sent(&self) {
        self.has_sent.store(true, Ordering::Release);
    }

    /// Keeps what the panic hook captured; gives it back after the call's end, when nothing else will come of it.
    ///
    /// The hook flushes the client of the current hub next, which would block the executor as long as Sentry is
    /// slow, so the hub is given the stand-in.
    pub(crate) fn keep_panic(&self, mut event: Event<'static>) -> Option<Event<'static>> {
        let hub = Hub::current();
        let client = hub.client().filter(|client| !Arc::ptr_eq(client, &self.stand_in));
        if client.is_some() {
            hub.bind_client(Some(self.stand_in.clone()));
        }
        let mut changing = self.lock();
        if self.is_concluded.load(Ordering::Acquire) {
            // Whoever takes it back is not there any more.
            changing.stood_in_for = client.or(changing.stood_in_for.take());
            return Some(event);
        }
        if let Some(client) = client {
            changing.stood_in.push((hub, client));
            self.has_stood_in.store(true, Ordering::Release);
        }
        if changing.panics.len() < MAX_PANICS {
            for text in event.exception.iter_mut().filter_map(|e| e.value.as_mut()) {
                text.truncate(text.floor_char_boundary(limits::MESSAGE));
            }
            changing.panics.push(event);
        }
        None
    }

    /// Gives hubs their clients back.
    pub(crate) fn bind_again(&self) {
        if self.has_stood_in.load(Ordering::Acquire) {
            let stood_in = {
                let mut changing = self.lock();
                self.has_stood_in.store(false, Ordering::Release);
                std::mem::take(&mut changing.stood_in)
            };
            for (hub, client) in stood_in {
                hub.bind_client(Some(client));
            }
            // What it collected without sending yet, such as logs. It waits for nothing.
            self.stand_in.flush(None);
        }
    }

    pub(crate) fn note_stored(&self, step: &StepInfo) {
        let mut changing = self.lock();
        if changing.stored.len() < MAX_STORED {
            changing.stored.push(step.into());
        }
    }
}

/// Ids only: scopes hold what applications put there.
impl std::fmt::Debug for CallHub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CallHub").field("info", &self.notes.info).finish_non_exhaustive()
    }
}
