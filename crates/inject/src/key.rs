//! Types as keys, and their names for people.

use std::any::{TypeId, type_name};
use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};

/// A type that is provided or needed.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    pub(crate) id: TypeId,
    name: &'static str,
}

impl Key {
    pub(crate) fn of<T: ?Sized + 'static>() -> Self {
        Key { id: TypeId::of::<T>(), name: type_name::<T>() }
    }

    /// Whether it is `wrapper<inner>`.
    pub(crate) fn wraps(self, wrapper: &str, inner: Key) -> bool {
        let inside = self.name.strip_prefix(wrapper).and_then(|rest| rest.strip_prefix('<'));
        inside.and_then(|rest| rest.strip_suffix('>')) == Some(inner.name)
    }

    /// The whole name, with modules.
    pub(crate) fn full_name(self) -> &'static str {
        self.name
    }
}

/// Without the modules, also in type arguments: `alloc::sync::Arc<shop::Db>` is `Arc<Db>`.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut short = String::with_capacity(self.name.len());
        let mut word = 0;
        let mut characters = self.name.chars().peekable();
        while let Some(c) = characters.next() {
            if c == ':' && characters.peek() == Some(&':') {
                characters.next();
                short.truncate(word);
                continue;
            }
            short.push(c);
            if !(c.is_alphanumeric() || matches!(c, '_' | '{' | '}' | '#')) {
                word = short.len();
            }
        }
        f.pad(&short)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// `A -> B -> C`.
pub(crate) fn path(keys: impl IntoIterator<Item = impl fmt::Display>) -> String {
    keys.into_iter().map(|key| key.to_string()).collect::<Vec<_>>().join(" -> ")
}

pub(crate) type TypeMap<V> = HashMap<TypeId, V, BuildHasherDefault<TypeIdHasher>>;

/// A `TypeId` is a hash already.
#[derive(Default)]
pub(crate) struct TypeIdHasher(u64);

impl Hasher for TypeIdHasher {
    #[inline]
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.0 ^= u64::from_ne_bytes(word);
        }
    }

    #[inline]
    fn write_u64(&mut self, word: u64) {
        self.0 ^= word;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    trait Mailer {}

    #[test]
    fn names_are_shown_without_modules() {
        assert_eq!(Key::of::<std::sync::Arc<std::cell::Cell<u8>>>().to_string(), "Arc<Cell<u8>>");
        assert_eq!(Key::of::<dyn Mailer + Send>().to_string(), "dyn Mailer + Send");
        assert_eq!(Key::of::<[String]>().to_string(), "[String]");
        assert_eq!(Key::of::<(String, &'static str)>().to_string(), "(String, &str)");
    }
}
