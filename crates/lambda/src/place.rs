//! Where in an event something does not fit, in names that the type declares: keys of maps are the caller's data
//! and are not told.

use std::cell::{Cell, RefCell};
use std::fmt::{self, Write};

use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};

/// The place at which `text` does not fit `T`, as `items[2].price`; `None` when it fits, and when that is the whole.
pub(crate) fn of_misfit<T: DeserializeOwned>(text: &[u8]) -> Option<String> {
    let path = Path::default();
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let tracked = At { inner: &mut deserializer, path: &path, depth: 0, names: Names::Unknown };
    T::deserialize(tracked).err()?;
    path.text()
}

/// How deep, and through what, the deserializer has come. What fails leaves it as it is.
#[derive(Default)]
struct Path {
    segments: RefCell<Vec<Segment>>,
    /// The declared name that was read last.
    name: Cell<Option<&'static str>>,
}

#[derive(Clone, Copy)]
enum Segment {
    Field(&'static str),
    Index(usize),
    /// A key of a map.
    Key,
}

impl Path {
    fn enter(&self, depth: usize, segment: Segment) {
        self.leave(depth);
        self.segments.borrow_mut().push(segment);
    }

    fn leave(&self, depth: usize) {
        self.segments.borrow_mut().truncate(depth);
    }

    fn text(&self) -> Option<String> {
        let mut text = String::new();
        for segment in &*self.segments.borrow() {
            let dot = if text.is_empty() { "" } else { "." };
            let _ = match segment {
                Segment::Field(name) => write!(text, "{dot}{name}"),
                Segment::Index(index) => write!(text, "[{index}]"),
                Segment::Key => write!(text, "{dot}*"),
            };
        }
        (!text.is_empty()).then_some(text)
    }
}

/// The names that a value's keys may have.
#[derive(Clone, Copy)]
enum Names {
    Unknown,
    /// The keys of this value are fields of these names.
    OfFields(&'static [&'static str]),
    /// This value is itself a key, of one of these names.
    OfThis(&'static [&'static str]),
}

/// A deserializer, visitor, seed or access, and where it is.
struct At<'p, I> {
    inner: I,
    path: &'p Path,
    depth: usize,
    names: Names,
}

impl<'p, I> At<'p, I> {
    fn with<J>(&self, inner: J, names: Names) -> At<'p, J> {
        At { inner, path: self.path, depth: self.depth, names }
    }

    fn inside<J>(&self, inner: J) -> At<'p, J> {
        At { inner, path: self.path, depth: self.depth + 1, names: Names::Unknown }
    }
}

macro_rules! deserialize {
    ($($method:ident($($argument:ident: $type:ty),*))*) => {$(
        fn $method<V: Visitor<'de>>(self, $($argument: $type,)* visitor: V) -> Result<V::Value, D::Error> {
            let visitor = self.with(visitor, self.names);
            self.inner.$method($($argument,)* visitor)
        }
    )*};
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for At<'_, D> {
    type Error = D::Error;

    deserialize! {
        deserialize_any() deserialize_bool() deserialize_i8() deserialize_i16() deserialize_i32()
        deserialize_i64() deserialize_i128() deserialize_u8() deserialize_u16() deserialize_u32()
        deserialize_u64() deserialize_u128() deserialize_f32() deserialize_f64() deserialize_char()
        deserialize_str() deserialize_string() deserialize_bytes() deserialize_byte_buf()
        deserialize_option() deserialize_unit() deserialize_unit_struct(name: &'static str)
        deserialize_newtype_struct(name: &'static str) deserialize_seq() deserialize_tuple(len: usize)
        deserialize_tuple_struct(name: &'static str, len: usize) deserialize_map()
        deserialize_enum(name: &'static str, variants: &'static [&'static str])
        deserialize_identifier() deserialize_ignored_any()
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        let visitor = self.with(visitor, Names::OfFields(fields));
        self.inner.deserialize_struct(name, fields, visitor)
    }
}

macro_rules! visit {
    ($($method:ident: $type:ty)*) => {$(
        fn $method<E: serde::de::Error>(self, value: $type) -> Result<V::Value, E> {
            self.inner.$method(value)
        }
    )*};
}

macro_rules! visit_text {
    ($($method:ident: $type:ty)*) => {$(
        fn $method<E: serde::de::Error>(self, value: $type) -> Result<V::Value, E> {
            if let Names::OfThis(names) = self.names {
                self.path.name.set(names.iter().copied().find(|name| *name == &*value));
            }
            self.inner.$method(value)
        }
    )*};
}

impl<'de, V: Visitor<'de>> Visitor<'de> for At<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.expecting(f)
    }

    visit! {
        visit_bool: bool visit_i64: i64 visit_i128: i128 visit_u64: u64 visit_u128: u128 visit_f64: f64
        visit_char: char visit_bytes: &[u8] visit_borrowed_bytes: &'de [u8] visit_byte_buf: Vec<u8>
    }

    visit_text! { visit_str: &str visit_borrowed_str: &'de str visit_string: String }

    fn visit_none<E: serde::de::Error>(self) -> Result<V::Value, E> {
        self.inner.visit_none()
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<V::Value, E> {
        self.inner.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        let deserializer = self.with(deserializer, Names::Unknown);
        self.inner.visit_some(deserializer)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> Result<V::Value, D::Error> {
        let deserializer = self.with(deserializer, Names::Unknown);
        self.inner.visit_newtype_struct(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, access: A) -> Result<V::Value, A::Error> {
        let access = self.with((access, 0), self.names);
        self.inner.visit_seq(access)
    }

    fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<V::Value, A::Error> {
        let access = self.with(access, self.names);
        self.inner.visit_map(access)
    }

    fn visit_enum<A: EnumAccess<'de>>(self, access: A) -> Result<V::Value, A::Error> {
        let access = self.with(access, self.names);
        self.inner.visit_enum(access)
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for At<'_, S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        let deserializer = self.with(deserializer, self.names);
        self.inner.deserialize(deserializer)
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for At<'_, (A, usize)> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        self.path.enter(self.depth, Segment::Index(self.inner.1));
        self.inner.1 += 1;
        let seed = self.inside(seed);
        let element = self.inner.0.next_element_seed(seed)?;
        self.path.leave(self.depth);
        Ok(element)
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for At<'_, A> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        let names = match self.names {
            Names::OfFields(fields) => fields,
            Names::OfThis(_) | Names::Unknown => &[],
        };
        self.path.name.set(None);
        let seed = self.with(seed, Names::OfThis(names));
        self.inner.next_key_seed(seed)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        let segment = self.path.name.take().map_or(Segment::Key, Segment::Field);
        self.path.enter(self.depth, segment);
        let seed = self.inside(seed);
        let value = self.inner.next_value_seed(seed)?;
        self.path.leave(self.depth);
        Ok(value)
    }
}

impl<'de, 'p, A: EnumAccess<'de>> EnumAccess<'de> for At<'p, A> {
    type Error = A::Error;
    type Variant = At<'p, A::Variant>;

    fn variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Self::Variant), A::Error> {
        let At { inner, path, depth, .. } = self;
        let at = At { inner: (), path, depth, names: Names::Unknown };
        let (value, variant) = inner.variant_seed(at.with(seed, Names::Unknown))?;
        Ok((value, at.with(variant, Names::Unknown)))
    }
}

impl<'de, A: VariantAccess<'de>> VariantAccess<'de> for At<'_, A> {
    type Error = A::Error;

    fn unit_variant(self) -> Result<(), A::Error> {
        self.inner.unit_variant()
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, A::Error> {
        let seed = self.with(seed, Names::Unknown);
        self.inner.newtype_variant_seed(seed)
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, A::Error> {
        let visitor = self.with(visitor, Names::Unknown);
        self.inner.tuple_variant(len, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        let visitor = self.with(visitor, Names::OfFields(fields));
        self.inner.struct_variant(fields, visitor)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    #[allow(dead_code, reason = "only read")]
    struct Order {
        unit_price: u8,
        #[serde(default)]
        items: Vec<Item>,
        #[serde(default)]
        by_name: BTreeMap<String, Item>,
        payment: Option<Payment>,
        #[serde(default)]
        pair: Option<(u8, Wrapper)>,
    }

    #[derive(Deserialize)]
    #[allow(dead_code, reason = "only read")]
    struct Item {
        quantity: u8,
    }

    #[derive(Deserialize)]
    #[allow(dead_code, reason = "only read")]
    struct Wrapper(Item);

    #[derive(Deserialize)]
    #[allow(dead_code, reason = "only read")]
    enum Payment {
        Card { number: u64 },
        Cash(Item),
    }

    #[test]
    fn fields_and_indices_are_told_and_keys_are_not() {
        for (text, place) in [
            (r#"{"unitPrice":1}"#, None),
            ("[]", None),
            (r#"{"4111":1}"#, None),
            (r#"{"unitPrice":300}"#, Some("unitPrice")),
            (r#"{"unitPrice":"4111"}"#, Some("unitPrice")),
            (r#"{"4111":[1],"unitPrice":[]}"#, Some("unitPrice")),
            (r#"{"items":[{"quantity":1},{"quantity":-1}]}"#, Some("items[1].quantity")),
            (r#"{"items":[{"quantity":1},{}]}"#, Some("items[1]")),
            (r#"{"items":[{"quantity":1}],"unitPrice":1,"items":[]}"#, None),
            (r#"{"byName":{"4111":{"quantity":"x"}}}"#, Some("byName.*.quantity")),
            (r#"{"byName":{"quantity":4111}}"#, Some("byName.*")),
            (r#"{"payment":{"Card":{"number":"4111"}}}"#, Some("payment.number")),
            (r#"{"payment":{"Cash":{"quantity":"4111"}}}"#, Some("payment.quantity")),
            (r#"{"payment":{"4111":1}}"#, Some("payment")),
            (r#"{"pair":[1,{"quantity":"x"}]}"#, Some("pair[1].quantity")),
        ] {
            assert_eq!(of_misfit::<Order>(text.as_bytes()).as_deref(), place, "{text}");
        }
    }
}
