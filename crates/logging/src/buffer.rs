//! Lines of a call that are held until it is known whether anybody wants them.

use std::collections::VecDeque;
use std::sync::Arc;

use tracing::Metadata;

use crate::layer::Output;
use crate::scope::Scope;

/// What a line costs beside its text: the allocation and its place in the queue.
const OVERHEAD: usize = 64;

/// What is held for a call, by the layer that holds it.
#[derive(Default)]
pub(crate) struct Held(Vec<HeldBy>);

struct HeldBy {
    output: Arc<Output>,
    lines: VecDeque<Line>,
    bytes: usize,
    dropped: u64,
}

struct Line {
    metadata: &'static Metadata<'static>,
    text: Box<[u8]>,
}

impl Held {
    /// How many bytes are held for a layer.
    pub(crate) fn bytes(&self, output: &Arc<Output>) -> usize {
        let held = self.0.iter().find(|held| Arc::ptr_eq(&held.output, output));
        held.map_or(0, |held| held.bytes)
    }

    /// Holds a line for a layer; when it would hold more than `most` bytes of this call, the oldest go.
    pub(crate) fn push(
        &mut self,
        output: &Arc<Output>,
        most: usize,
        metadata: &'static Metadata<'static>,
        text: &[u8],
    ) {
        let at = self.0.iter().position(|held| Arc::ptr_eq(&held.output, output));
        let held = match at {
            Some(at) => &mut self.0[at],
            None => {
                self.0.push(HeldBy {
                    output: output.clone(),
                    lines: VecDeque::new(),
                    bytes: 0,
                    dropped: 0,
                });
                self.0.last_mut().expect("it was pushed")
            }
        };
        let cost = text.len() + OVERHEAD;
        while held.bytes + cost > most {
            match held.lines.pop_front() {
                Some(oldest) => {
                    held.bytes -= oldest.text.len() + OVERHEAD;
                    held.dropped += 1;
                }
                None => {
                    // Larger than everything that may be held.
                    held.dropped += 1;
                    return;
                }
            }
        }
        held.bytes += cost;
        held.lines.push_back(Line { metadata, text: text.into() });
    }
}

/// Writes what one layer holds of the call, in order. Nothing is locked while it is written.
pub(crate) fn write_held_by(scope: &Scope, output: &Arc<Output>) {
    let taken = take_of(&mut scope.held(), output);
    taken.into_iter().for_each(|held| held.write(scope));
}

/// Writes what all layers hold of the call.
pub(crate) fn write(scope: &Scope) {
    let taken = std::mem::take(&mut scope.held().0);
    taken.into_iter().for_each(|held| held.write(scope));
}

/// Forgets what is held of the call.
pub(crate) fn drop_held(scope: &Scope) {
    let taken = std::mem::take(&mut scope.held().0);
    drop(taken);
}

/// Writes the lines that a former attempt may have written: by one layer, or by all.
pub(crate) fn write_retried(scope: &Scope, by: Option<&Arc<Output>>) {
    let taken = match by {
        Some(output) => take_of(&mut scope.retried(), output),
        None => std::mem::take(&mut scope.retried().0),
    };
    taken.into_iter().for_each(|held| held.write(scope));
}

/// The former attempt did write them.
pub(crate) fn drop_retried(scope: &Scope) {
    let taken = std::mem::take(&mut scope.retried().0);
    drop(taken);
}

/// What was taken for repeated code, when the call ends: it was that if new code followed. Otherwise the
/// call took another way than the former one, and nobody wrote it.
pub(crate) fn settle_replayed(scope: &Scope) {
    let taken = std::mem::take(&mut scope.replayed().0);
    // A call that is dropped is repeating still.
    if scope.info.is_repeating() || scope.info.has_ended_repeating() {
        taken.into_iter().for_each(|held| held.write(scope));
    }
}

fn take_of(held: &mut Held, output: &Arc<Output>) -> Vec<HeldBy> {
    let at = held.0.iter().position(|held| Arc::ptr_eq(&held.output, output));
    at.map(|at| held.0.swap_remove(at)).into_iter().collect()
}

impl HeldBy {
    fn write(self, scope: &Scope) {
        if self.dropped > 0 {
            self.output.write_dropped(scope, self.dropped);
        }
        for line in &self.lines {
            self.output.write(Some(line.metadata), &line.text);
        }
    }
}
