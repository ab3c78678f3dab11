//! Taking the key out of JSON text, which is otherwise copied as it is: values keep their text, members
//! their order. Everything is written straight into one buffer, whatever the number of members.

use std::fmt;
use std::sync::LazyLock;

use hookstack_core::TraceCarrier;
use memchr::memmem::Finder;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// What is searched for before anything is parsed.
const QUOTED: &str = "\"__hookstack_trace\"";

/// How deep events stand in events about runs: the end of a run can start one, whose end can start one.
const DEEPEST: u32 = 4;

/// The carrier in the data of an event of this name, and the data without it and without those of the
/// events that it tells about. `None` if there is none of them, or `data` is no object.
pub(super) fn from_data(name: &str, data: &[u8]) -> Option<(TraceCarrier, Vec<u8>)> {
    let text = std::str::from_utf8(data).ok().filter(|text| holds_key(text))?;
    let mut walk = Walk { out: Vec::with_capacity(text.len()), carrier: None, removed: false };
    walk.data(name, text, 0).ok()?;
    let removed = walk.removed;
    removed.then(|| (walk.carrier.unwrap_or_default(), walk.out))
}

/// An event without the carriers in it. `None` if there is none, or `event` is no object.
pub(super) fn from_event(event: &str) -> Option<Vec<u8>> {
    if !holds_key(event) {
        return None;
    }
    let mut walk = Walk { out: Vec::with_capacity(event.len()), carrier: None, removed: false };
    walk.event(event, 0).ok()?;
    walk.removed.then_some(walk.out)
}

fn holds_key(text: &str) -> bool {
    // Preparing the search takes longer than searching through a small event.
    static QUOTED_KEY: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new(QUOTED));
    QUOTED_KEY.find(text.as_bytes()).is_some()
}

/// The server's events that tell about the events of a run.
fn is_about_a_run(name: &str) -> bool {
    matches!(
        name,
        "inngest/function.failed" | "inngest/function.finished" | "inngest/function.cancelled"
    )
}

/// The text so far.
struct Walk {
    out: Vec<u8>,
    /// The carrier of the outermost data.
    carrier: Option<TraceCarrier>,
    removed: bool,
}

type Walked = Result<(), serde_json::Error>;

impl Walk {
    /// Data without the key.
    fn data(&mut self, name: &str, text: &str, depth: u32) -> Walked {
        let tells_of_events = is_about_a_run(name) && depth < DEEPEST;
        self.object(text, |walk, key, value| match key {
            QUOTED => {
                walk.removed = true;
                // Of the events inside, nobody asks for theirs.
                if depth == 0 {
                    walk.carrier = Some(read(value));
                }
                Ok(())
            }
            "\"event\"" if tells_of_events => {
                walk.member(key);
                walk.event_or_copy(value, depth + 1)
            }
            "\"events\"" if tells_of_events && holds_key(value) && value.starts_with('[') => {
                walk.member(key);
                walk.events(value, depth + 1)
            }
            _ => {
                walk.member(key);
                walk.out.extend_from_slice(value.as_bytes());
                Ok(())
            }
        })
    }

    /// An event whose data is without the key. The name decides how deep to look, and may come last.
    fn event(&mut self, text: &str, depth: u32) -> Walked {
        #[derive(serde::Deserialize)]
        struct Named {
            name: Option<String>,
        }
        let name = serde_json::from_str::<Named>(text).ok().and_then(|event| event.name);
        self.object(text, |walk, key, value| {
            walk.member(key);
            if key == "\"data\"" && value.starts_with('{') && holds_key(value) {
                return walk.data(name.as_deref().unwrap_or_default(), value, depth);
            }
            walk.out.extend_from_slice(value.as_bytes());
            Ok(())
        })
    }

    fn event_or_copy(&mut self, value: &str, depth: u32) -> Walked {
        if value.starts_with('{') && holds_key(value) {
            return self.event(value, depth);
        }
        self.out.extend_from_slice(value.as_bytes());
        Ok(())
    }

    fn events(&mut self, text: &str, depth: u32) -> Walked {
        self.out.push(b'[');
        let mut is_first = true;
        let each = |value: &RawValue| {
            if !std::mem::take(&mut is_first) {
                self.out.push(b',');
            }
            self.event_or_copy(value.get(), depth)
        };
        Each(each).deserialize(&mut serde_json::Deserializer::from_str(text))?;
        self.out.push(b']');
        Ok(())
    }

    fn object(
        &mut self,
        text: &str,
        mut member: impl FnMut(&mut Self, &str, &str) -> Walked,
    ) -> Walked {
        self.out.push(b'{');
        let each = |key: &RawValue, value: &RawValue| member(self, key.get(), value.get());
        EachMember(each).deserialize(&mut serde_json::Deserializer::from_str(text))?;
        self.out.push(b'}');
        Ok(())
    }

    /// The beginning of a member; `key` with its quotes.
    fn member(&mut self, key: &str) {
        if self.out.last() != Some(&b'{') {
            self.out.push(b',');
        }
        self.out.extend_from_slice(key.as_bytes());
        self.out.push(b':');
    }
}

/// Whatever has another form than ours carries nothing.
fn read(value: &str) -> TraceCarrier {
    let mut carrier = TraceCarrier::new();
    let each = |key: &RawValue, value: &RawValue| {
        let key = serde_json::from_str::<Box<str>>(key.get());
        if let (Ok(key), Ok(value)) = (key, serde_json::from_str::<Box<str>>(value.get())) {
            carrier.set(key, value);
        }
        Ok(())
    };
    // What came before something unreadable stays.
    let _ = EachMember(each).deserialize(&mut serde_json::Deserializer::from_str(value));
    carrier
}

/// Calls the closure with each member of an object.
struct EachMember<F>(F);

impl<'de, F> DeserializeSeed<'de> for EachMember<F>
where
    F: FnMut(&'de RawValue, &'de RawValue) -> Walked,
{
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, F> Visitor<'de> for EachMember<F>
where
    F: FnMut(&'de RawValue, &'de RawValue) -> Walked,
{
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }
    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some((key, value)) = map.next_entry()? {
            self.0(key, value).map_err(serde::de::Error::custom)?;
        }
        Ok(())
    }
}

/// Calls the closure with each element of an array.
struct Each<F>(F);

impl<'de, F: FnMut(&'de RawValue) -> Walked> DeserializeSeed<'de> for Each<F> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, F: FnMut(&'de RawValue) -> Walked> Visitor<'de> for Each<F> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }
    fn visit_seq<A: SeqAccess<'de>>(mut self, mut elements: A) -> Result<(), A::Error> {
        while let Some(value) = elements.next_element()? {
            self.0(value).map_err(serde::de::Error::custom)?;
        }
        Ok(())
    }
}
