//! JSON objects as text: taken apart and put together without parsing their values.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The entries of an object, in their order, with raw values.
#[derive(Clone)]
pub(crate) struct Object<'a>(Vec<(Cow<'a, str>, Cow<'a, [u8]>)>);

impl<'a> Object<'a> {
    /// `None` when `json` is not an object, or has a key twice: whoever reads it next could see the
    /// other one.
    pub(crate) fn parse(json: &'a [u8]) -> Option<Self> {
        let entries: Entries<'a> = serde_json::from_slice(json).ok()?;
        let mut keys: Vec<&str> = entries.0.iter().map(|(key, _)| &**key).collect();
        keys.sort_unstable();
        if keys.windows(2).any(|pair| pair[0] == pair[1]) {
            return None;
        }
        drop(keys);
        let raw =
            entries.0.into_iter().map(|(key, value)| (key, Cow::Borrowed(value.get().as_bytes())));
        Some(Object(raw.collect()))
    }

    pub(crate) fn new() -> Self {
        Object(Vec::new())
    }

    pub(crate) fn get(&self, key: &str) -> Option<&[u8]> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, value)| &**value)
    }

    /// A member that is a string.
    pub(crate) fn text(&self, key: &str) -> Option<String> {
        serde_json::from_slice(self.get(key)?).ok()
    }

    /// Sets a member to JSON text, in its place if it is there already.
    pub(crate) fn set(&mut self, key: &str, json: impl Into<Cow<'a, [u8]>>) {
        let json = json.into();
        match self.0.iter_mut().find(|(name, _)| name == key) {
            Some((_, value)) => *value = json,
            None => self.0.push((Cow::Owned(key.to_owned()), json)),
        }
    }

    pub(crate) fn set_text(&mut self, key: &str, text: &str) {
        self.set(key, string(text));
    }

    pub(crate) fn remove(&mut self, key: &str) {
        self.0.retain(|(name, _)| name != key);
    }

    pub(crate) fn to_json(&self) -> Vec<u8> {
        let mut out = vec![b'{'];
        for (index, (key, value)) in self.0.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            out.extend_from_slice(&string(key));
            out.push(b':');
            out.extend_from_slice(value);
        }
        out.push(b'}');
        out
    }
}

/// A JSON string.
fn string(text: &str) -> Vec<u8> {
    serde_json::to_vec(text).expect("writing a string to memory cannot fail")
}

/// The elements of an array, raw.
pub(crate) fn elements(json: &[u8]) -> Option<Vec<&RawValue>> {
    serde_json::from_slice(json).ok()
}

struct Entries<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Entries<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EntriesVisitor;
        impl<'de> Visitor<'de> for EntriesVisitor {
            type Value = Entries<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries<'de>, A::Error> {
                let mut entries = Vec::new();
                while let Some((Key(key), value)) = map.next_entry()? {
                    entries.push((key, value));
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(EntriesVisitor)
    }
}

#[derive(serde::Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_keeps_its_order_and_the_text_of_its_values() {
        let json = br#"{"b": 1.0, "a\n": "\ud800", "c": [1e400]}"#;
        let mut object = Object::parse(json).expect("an object");
        object.set("b", &b"2"[..]);
        object.set_text("d", "x\"");
        object.remove("c");
        assert_eq!(
            String::from_utf8_lossy(&object.to_json()),
            r#"{"b":2,"a\n":"\ud800","d":"x\""}"#
        );
    }

    #[test]
    fn what_is_ambiguous_or_no_object_is_refused() {
        for json in [&br#"{"a":1,"a":2}"#[..], br#"{"a":1,"\u0061":2}"#, b"[]", b"null", b"{", b""]
        {
            assert!(Object::parse(json).is_none(), "{}", String::from_utf8_lossy(json));
        }
    }
}
