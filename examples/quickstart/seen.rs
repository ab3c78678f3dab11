//! A middleware of one's own: notes what the function sees of each stored value.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use hookstack::MemoValue;
use hookstack::inngest::engine::Engine;
use hookstack::prelude::*;

/// Registered inside encryption, it sees values after they were opened. Clones share their notes.
#[derive(Clone, Default)]
pub(crate) struct Seen(Arc<Mutex<BTreeMap<String, String>>>);

impl Middleware for Seen {
    async fn before_memoization(&self, cx: &mut BeforeMemoization<'_>) -> Result {
        for event in cx.events() {
            self.note("the event", &event.data);
        }
        Ok(())
    }

    async fn transform_memoized(&self, cx: &mut TransformMemoized<'_>) -> Result {
        match &cx.memo().value {
            MemoValue::Data(value) | MemoValue::Bare(value) => self.note(cx.step().id(), value),
            MemoValue::Error(error) => self.note(cx.step().id(), &Payload::new(error.text())?),
            _ => {}
        }
        Ok(())
    }

    async fn transform_output(&self, cx: &mut TransformOutput<'_>) -> Result {
        if cx.step().is_none() {
            if let Some(output) = cx.output() {
                self.note("the output", output);
            }
            if let Some(error) = cx.error() {
                self.note("the error", &Payload::new(error.text())?);
            }
        }
        Ok(())
    }
}

impl Seen {
    fn note(&self, place: &str, value: &Payload) {
        let text = String::from_utf8_lossy(&value.text()).into_owned();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(place.to_owned(), text);
    }

    /// What the function saw in this place.
    pub(crate) fn of(&self, place: &str) -> String {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(place)
            .cloned()
            .unwrap_or_default()
    }

    /// Prints each value of the first run as a server stored it, and under it what the function saw.
    pub(crate) fn print_beside(&self, engine: &Engine) {
        let runs = engine.runs();
        let Some(run) = runs.first() else { return };
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let event = run.events.first().map(|event| ("the event", event.as_str()));
        let steps = run.steps.iter().map(|step| (step.id.as_str(), step.memo.as_str()));
        let output = run.output.iter().map(|output| ("the output", output.as_str()));
        println!("\nwhat {} saw of what a server stored", run.function);
        for (place, stored) in event.into_iter().chain(steps).chain(output) {
            println!("  {place}");
            println!("    stored  {}", cut(stored));
            println!("    saw     {}", cut(seen.get(place).map_or("", String::as_str)));
        }
    }
}

fn cut(text: &str) -> String {
    const WIDTH: usize = 100;
    match text.chars().count() {
        ..=WIDTH => text.to_owned(),
        _ => text.chars().take(WIDTH - 1).chain(['…']).collect(),
    }
}
