//! Running functions under a subscriber whose lines are caught.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use hookstack_core::{Event, Result};
use hookstack_inngest::engine::Engine;
use hookstack_inngest::{App, AppBuilder, Function};
use hookstack_logging::{LogLayer, Logging};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use tracing::Subscriber;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::prelude::*;

/// Catches what is written.
#[derive(Clone, Default)]
pub(crate) struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.0.lock().expect("nobody panicked").clone()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.bytes()).expect("UTF-8")
    }

    /// Each line as an object without repeated keys.
    pub(crate) fn json(&self) -> Vec<Object> {
        let text = self.text();
        assert!(text.is_empty() || text.ends_with('\n'), "an unfinished line");
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}")))
            .collect()
    }

    /// The messages of the user's lines.
    pub(crate) fn messages(&self) -> Vec<String> {
        let of_user = self.json().into_iter().filter(|line| !line.is_own());
        of_user.map(|line| line.text("message")).collect()
    }

    /// How often a text stands in what was written.
    pub(crate) fn count(&self, text: &str) -> usize {
        self.text().matches(text).count()
    }
}

impl<'w> MakeWriter<'w> for Lines {
    type Writer = Lines;

    fn make_writer(&'w self) -> Lines {
        self.clone()
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("nobody panicked").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A JSON object in which no key is there twice.
#[derive(Debug, PartialEq)]
pub(crate) struct Object(pub(crate) BTreeMap<String, Value>);

impl Object {
    pub(crate) fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key)
    }

    pub(crate) fn text(&self, key: &str) -> String {
        match self.get(key) {
            Some(Value::String(text)) => text.clone(),
            other => panic!("{key} is {other:?} in {self:?}"),
        }
    }

    pub(crate) fn is_own(&self) -> bool {
        self.get("target").is_some_and(|target| target == hookstack_logging::TARGET)
    }
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Keys;
        impl<'de> Visitor<'de> for Keys {
            type Value = Object;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                let mut object = BTreeMap::new();
                while let Some((key, value)) = map.next_entry::<String, Value>()? {
                    if object.insert(key.clone(), value).is_some() {
                        return Err(serde::de::Error::custom(format!("{key} is there twice")));
                    }
                }
                Ok(Object(object))
            }
        }
        deserializer.deserialize_map(Keys)
    }
}

/// An app of one function, with the middleware.
pub(crate) fn app(function: Function) -> AppBuilder {
    App::builder("shop").with(Logging::new()).function(function)
}

pub(crate) const EVENT: &str = "shop/order.placed";

/// Sends one event and runs everything under a subscriber.
pub(crate) fn run(subscriber: impl Subscriber + Send + Sync, app: AppBuilder) -> Engine {
    let event = Event::new(EVENT, &serde_json::json!({ "order": { "id": 7 } })).expect("an object");
    run_with(subscriber, app, event.with_id("event-1"))
}

pub(crate) fn run_with(
    subscriber: impl Subscriber + Send + Sync,
    app: AppBuilder,
    event: Event,
) -> Engine {
    let _default = tracing::subscriber::set_default(subscriber);
    block_on(async {
        let engine = Engine::start(app).expect("an engine");
        engine.inject(event).expect("an event");
        engine.run_until_idle().await.expect("it comes to rest");
        engine
    })
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime")
        .block_on(future)
}

/// Runs an app with the JSON layer alone, and returns what was written.
pub(crate) fn lines_of(app: AppBuilder, layer: LogLayer) -> Lines {
    let lines = Lines::default();
    let layer = layer.writer(lines.clone());
    run(tracing_subscriber::registry().with(layer), app);
    lines
}
