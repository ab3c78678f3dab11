//! Keys that a handler or hook adds to the lines that follow.

use std::borrow::Cow;

use serde::Serialize;

use crate::render::to_json;
use crate::scope;

/// At most so many keys in a call, and as many in a step.
const MOST_KEYS: usize = 64;

/// Appended keys, in the order in which they were first appended.
#[derive(Default)]
pub(crate) struct Keys(Vec<Key>);

pub(crate) struct Key {
    pub(crate) name: Cow<'static, str>,
    /// The value as JSON.
    pub(crate) json: Box<str>,
}

impl Keys {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Key> {
        self.0.iter()
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        self.0.iter().any(|key| key.name == name)
    }

    fn set(&mut self, name: Cow<'static, str>, json: Box<str>) {
        let has_room = self.0.len() < MOST_KEYS;
        match self.0.iter_mut().find(|key| key.name == name) {
            Some(key) => key.json = json,
            None if has_room => self.0.push(Key { name, json }),
            None => {}
        }
    }

    fn remove(&mut self, name: &str) {
        self.0.retain(|key| key.name != name);
    }
}

/// Adds a key to all further lines of this call, from handler code, step bodies, hooks, and tasks that
/// carry the call's span. A later value of the same name replaces the former. Outside of any call it does
/// nothing.
///
/// A call is one request; each call of a durable run executes the function's code anew, so what stands
/// between steps is appended in each of them. What a step body appends is known in the call that executes
/// the step and not in those in which it is memoized.
///
/// Up to 64 keys are kept. A value without a JSON form becomes `null`; JSON over several lines
/// (`RawValue`) is written on one. In a line, a field of the event
/// wins over a key of the same name; see the [guide](crate::guide).
///
/// ```
/// # let order = "o-1";
/// hookstack_logging::append("order_id", order);
/// tracing::info!("charging"); // {…,"message":"charging",…,"order_id":"o-1"}
/// ```
pub fn append(name: impl Into<Cow<'static, str>>, value: impl Serialize) {
    if let Some(scope) = scope::current() {
        let json = to_json(&value);
        scope.call().keys().set(name.into(), json);
    }
}

/// The same for the rest of the step body in which it is called; outside of one, for the rest of the call.
pub fn append_to_step(name: impl Into<Cow<'static, str>>, value: impl Serialize) {
    if let Some(scope) = scope::current() {
        let json = to_json(&value);
        scope.keys().set(name.into(), json);
    }
}

/// Takes an appended key away again, from call and step.
pub fn remove(name: &str) {
    if let Some(scope) = scope::current() {
        scope.keys().remove(name);
        scope.call().keys().remove(name);
    }
}
