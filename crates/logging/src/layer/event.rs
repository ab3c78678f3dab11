//! What becomes of an event: it is written, held, or left out.

use std::sync::Arc;

use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::output::{self, Form};
use super::{LogLayer, json, line, terminal};
use crate::scope::{self, Scope};
use crate::{buffer, replay};

impl LogLayer {
    /// What becomes of an event.
    pub(super) fn take<S>(&self, event: &Event<'_>, cx: &Context<'_, S>)
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let is_unwanted = !self.writes_always(*event.metadata().level())
            && self.buffer == 0
            && !self.traced
            && self.rate.is_none_or(|rate| rate <= 0.0);
        // A writer that logs would be asked to write what it logs.
        if is_unwanted || output::is_writing() {
            return;
        }
        let scope = scope::find(cx.event_scope(event).into_iter().flatten());
        let is_replayed = !self.replayed && scope.as_deref().is_some_and(replay::is_replayed);
        // Most of what is said again is dropped as cheaply as can be.
        if is_replayed && !self.holds_replayed(*event.metadata().level()) {
            return;
        }
        self.write(event, scope.as_ref(), is_replayed, cx);
    }

    fn writes_always(&self, level: Level) -> bool {
        let samples = self.rate.is_some() || self.traced;
        let default = if samples || self.buffer > 0 { Level::INFO } else { Level::TRACE };
        level <= self.level.unwrap_or(default)
    }

    fn is_sampled(&self, scope: &Scope) -> bool {
        self.rate.is_some_and(|rate| scope.is_sampled(rate))
            || (self.traced && scope.is_trace_sampled())
    }

    /// Whether a line of this level is held until it is known whether an earlier call wrote it.
    fn holds_replayed(&self, level: Level) -> bool {
        level <= Level::WARN && self.writes_always(level)
    }

    fn write<S>(
        &self,
        event: &Event<'_>,
        scope: Option<&Arc<Scope>>,
        is_replayed: bool,
        cx: &Context<'_, S>,
    ) where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let metadata = event.metadata();
        let level = *metadata.level();
        let is_held = !self.writes_always(level)
            && match scope {
                None => return,
                Some(scope) if self.is_sampled(scope) => false,
                Some(scope) if self.buffer == 0 || scope.has_ended() => return,
                Some(_) => true,
            };
        line::with_scratch(|scratch| {
            let spans = cx.event_scope(event).into_iter().flatten();
            match self.output.form() {
                Form::Json => json::write(scratch, &self.output, event, scope, spans),
                Form::Terminal { colored } => {
                    terminal::write(scratch, &self.output, colored, event, scope, spans);
                }
            }
            match scope {
                Some(scope) if is_replayed => self.hold_replayed(scope, metadata, &scratch.text),
                Some(scope) if is_held => {
                    scope.held().push(&self.output, self.buffer, metadata, &scratch.text);
                }
                Some(scope) => self.write_in_call(scope, metadata, &scratch.text),
                None => self.output.write(Some(metadata), &scratch.text),
            }
        });
    }

    /// Holds a line of code that seems to be repeated, until the call ends.
    fn hold_replayed(&self, scope: &Scope, metadata: &'static Metadata<'static>, line: &[u8]) {
        /// How many bytes of a call are held.
        const MOST_REPLAYED: usize = 64 * 1024;
        let mut replayed = scope.replayed();
        if !scope.has_ended() {
            return replayed.push(&self.output, MOST_REPLAYED, metadata, line);
        }
        drop(replayed);
        self.output.write(Some(metadata), line);
    }

    /// Writes a line of a call, unless a former attempt may have written it, after those that it brings up.
    fn write_in_call(&self, scope: &Arc<Scope>, metadata: &'static Metadata<'static>, line: &[u8]) {
        /// More than what waits for a step to begin, so that nothing of it is ever dropped.
        const MOST_RETRIED: usize = 64 * 1024;
        let is_error = *metadata.level() == Level::ERROR;
        if !self.retried && replay::may_be_retried(scope) {
            let mut retried = scope.retried();
            let has_room = retried.bytes(&self.output) + line.len() < MOST_RETRIED / 2;
            if !is_error && has_room && !scope.has_ended() {
                return retried.push(&self.output, MOST_RETRIED, metadata, line);
            }
            drop(retried);
            buffer::write_retried(scope, Some(&self.output));
        }
        if is_error && self.buffer > 0 {
            buffer::write_held_by(scope, &self.output);
        }
        self.output.write(Some(metadata), line);
    }
}
