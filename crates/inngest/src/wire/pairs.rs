//! JSON objects as pairs of a borrowed key and a raw value.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// A JSON object whose values stay raw. A repeated key is kept; the last one wins on insertion.
pub(super) struct Pairs<'a>(pub(super) Vec<(Cow<'a, str>, &'a RawValue)>);

/// The first pair of a JSON object, and whether there are more.
pub(super) struct FirstPair<'a> {
    pub(super) first: Option<(Cow<'a, str>, &'a RawValue)>,
    pub(super) more: bool,
}

impl<'de: 'a, 'a> Deserialize<'de> for Pairs<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct PairsVisitor;
        impl<'de> Visitor<'de> for PairsVisitor {
            type Value = Pairs<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of memoized steps")
            }
            fn visit_map<A: MapAccess<'de>>(
                self,
                mut map: A,
            ) -> std::result::Result<Pairs<'de>, A::Error> {
                let mut pairs = Vec::new();
                while let Some((BorrowedKey(key), value)) = map.next_entry()? {
                    pairs.push((key, value));
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(PairsVisitor)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for FirstPair<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct FirstVisitor;
        impl<'de> Visitor<'de> for FirstVisitor {
            type Value = FirstPair<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(
                self,
                mut map: A,
            ) -> std::result::Result<FirstPair<'de>, A::Error> {
                let first = map.next_entry()?.map(|(BorrowedKey(key), value)| (key, value));
                let mut more = false;
                while map.next_entry::<serde::de::IgnoredAny, serde::de::IgnoredAny>()?.is_some() {
                    more = true;
                }
                Ok(FirstPair { first, more })
            }
        }
        deserializer.deserialize_map(FirstVisitor)
    }
}

/// A key that borrows unless it has escapes. (`Cow` alone would always copy.)
#[derive(Deserialize)]
pub(super) struct BorrowedKey<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);
