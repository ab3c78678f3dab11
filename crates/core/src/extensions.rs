//! A typed map for what middleware and handlers leave for each other.

use std::any::{Any, TypeId, type_name};
use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

/// Values by type, in two layers: one's own, and a frozen one below that is only read.
///
/// A call has one layer. When a step body is chosen, the call's values are frozen and shared; the
/// body's own [`Call`](crate::Call) reads through to them and writes only its own. There are no
/// locks and no `Clone` bound, and an empty map costs nothing.
///
/// ```
/// use hookstack_core::Extensions;
///
/// let mut call = Extensions::new();
/// call.insert("connection");
/// let mut step = call.child();
/// step.insert(7_u32);
/// assert_eq!(step.get::<&str>(), Some(&"connection"));
/// assert_eq!(call.get::<u32>(), None);
/// ```
#[derive(Default)]
pub struct Extensions {
    own: Option<Box<Map>>,
    below: Option<Arc<Extensions>>,
}

type Map = HashMap<TypeId, Item, BuildHasherDefault<TypeIdHasher>>;

struct Item {
    value: Box<dyn Any + Send + Sync>,
    type_name: &'static str,
}

impl Extensions {
    /// An empty map.
    pub const fn new() -> Self {
        Extensions { own: None, below: None }
    }

    /// An empty layer above a frozen one.
    pub(crate) fn above(below: Option<Arc<Extensions>>) -> Self {
        Extensions { own: None, below }
    }

    /// Stores `value`, and returns the one of its type that this layer held.
    pub fn insert<T: Send + Sync + 'static>(&mut self, value: T) -> Option<T> {
        let item = Item { value: Box::new(value), type_name: type_name::<T>() };
        self.own.get_or_insert_default().insert(TypeId::of::<T>(), item).and_then(unbox)
    }

    /// The value of type `T`, from this layer or from one below.
    pub fn get<T: Send + Sync + 'static>(&self) -> Option<&T> {
        self.find(TypeId::of::<T>()).and_then(|item| item.value.downcast_ref())
    }

    /// The value of type `T` for changing. A value of a frozen layer can be changed as soon as no
    /// step body shares it any more; until then it is `None`.
    pub fn get_mut<T: Send + Sync + 'static>(&mut self) -> Option<&mut T> {
        let id = TypeId::of::<T>();
        if self.own.as_ref().is_some_and(|own| own.contains_key(&id)) {
            return self.own.as_mut()?.get_mut(&id)?.value.downcast_mut();
        }
        Arc::get_mut(self.below.as_mut()?)?.get_mut()
    }

    /// Takes the value of type `T` out. As with [`get_mut`](Extensions::get_mut), a value that a step
    /// body still shares stays.
    pub fn remove<T: Send + Sync + 'static>(&mut self) -> Option<T> {
        if let Some(item) = self.own.as_mut().and_then(|own| own.remove(&TypeId::of::<T>())) {
            return unbox(item);
        }
        Arc::get_mut(self.below.as_mut()?)?.remove()
    }

    /// Whether nothing is in this layer and in those below.
    pub fn is_empty(&self) -> bool {
        self.own.as_ref().is_none_or(|own| own.is_empty())
            && self.below.as_ref().is_none_or(|below| below.is_empty())
    }

    /// Freezes what is here and returns a layer above it.
    #[must_use]
    pub fn child(&mut self) -> Extensions {
        if self.own.as_ref().is_some_and(|own| !own.is_empty()) {
            let frozen = Extensions { own: self.own.take(), below: self.below.take() };
            self.below = Some(Arc::new(frozen));
        }
        Extensions { own: None, below: self.below.clone() }
    }

    /// Lets go of the layers below.
    pub(crate) fn leave_below(&mut self) {
        self.below = None;
    }

    fn find(&self, id: TypeId) -> Option<&Item> {
        let mut layer = Some(self);
        while let Some(extensions) = layer {
            if let Some(item) = extensions.own.as_ref().and_then(|own| own.get(&id)) {
                return Some(item);
            }
            layer = extensions.below.as_deref();
        }
        None
    }
}

fn unbox<T: 'static>(item: Item) -> Option<T> {
    item.value.downcast().ok().map(|value| *value)
}

impl fmt::Debug for Extensions {
    /// The types, never the values: those may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names = Vec::new();
        let mut layer = Some(self);
        while let Some(extensions) = layer {
            names.extend(
                extensions.own.iter().flat_map(|own| own.values().map(|item| item.type_name)),
            );
            layer = extensions.below.as_deref();
        }
        names.sort_unstable();
        f.debug_set().entries(names).finish()
    }
}

/// A `TypeId` is a hash already.
#[derive(Default)]
struct TypeIdHasher(u64);

impl Hasher for TypeIdHasher {
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
    fn write_u64(&mut self, word: u64) {
        self.0 ^= word;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct NotClone(u8);

    #[test]
    fn a_frozen_value_changes_again_when_the_step_is_over() {
        let mut call = Extensions::new();
        call.insert(NotClone(1));
        let step = call.child();
        assert!(call.get_mut::<NotClone>().is_none());
        assert_eq!(call.get::<NotClone>().map(|v| v.0), Some(1));
        drop(step);
        call.get_mut::<NotClone>().expect("no longer shared").0 = 2;
        assert_eq!(call.remove::<NotClone>().map(|v| v.0), Some(2));
        assert!(call.get::<NotClone>().is_none());
    }

    #[test]
    fn a_step_hides_what_it_overwrites_from_nobody_else() {
        let mut call = Extensions::new();
        call.insert(1_u8);
        let mut step = call.child();
        step.insert(2_u8);
        assert_eq!((call.get::<u8>(), step.get::<u8>()), (Some(&1), Some(&2)));
    }

    #[test]
    fn debug_shows_types_only() {
        let mut extensions = Extensions::new();
        extensions.insert(String::from("canary"));
        assert_eq!(format!("{extensions:?}"), r#"{"alloc::string::String"}"#);
    }
}
