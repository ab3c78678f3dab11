//! Values that everything in one call shares, made at their first use.

use std::any::Any;
use std::sync::OnceLock;

/// A list with one value a type, which only grows. Reading takes no lock, and an empty one costs
/// nothing.
#[derive(Default)]
pub(crate) struct Locals(OnceLock<Box<Node>>);

struct Node {
    value: Box<dyn Any + Send + Sync>,
    next: Locals,
}

impl Locals {
    pub(crate) fn get<T: 'static>(&self) -> Option<&T> {
        let mut node = self.0.get()?;
        loop {
            if let Some(value) = node.value.downcast_ref() {
                return Some(value);
            }
            node = node.next.0.get()?;
        }
    }

    pub(crate) fn get_or_insert_with<T: Send + Sync + 'static>(
        &self,
        make: impl FnOnce() -> T,
    ) -> &T {
        let mut make = Some(make);
        let mut end = self;
        loop {
            // Another thread may be first with a value of another type; then the next place is tried.
            let node = end.0.get_or_init(|| {
                let make = make.take().expect("the node that it made holds a `T`");
                Box::new(Node { value: Box::new(make()), next: Locals::default() })
            });
            if let Some(value) = node.value.downcast_ref() {
                return value;
            }
            end = &node.next;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_type_has_one_value() {
        let locals = Locals::default();
        assert_eq!(locals.get::<u8>(), None);
        assert_eq!(*locals.get_or_insert_with(|| 1_u8), 1);
        assert_eq!(*locals.get_or_insert_with(|| 2_u16), 2);
        assert_eq!(*locals.get_or_insert_with(|| 3_u8), 1, "made already");
        assert_eq!((locals.get::<u8>(), locals.get::<u16>()), (Some(&1), Some(&2)));
        assert_eq!(locals.get::<u32>(), None);
    }

    #[test]
    fn threads_agree_on_the_value() {
        let locals = Locals::default();
        std::thread::scope(|scope| {
            let make = |n: usize| {
                let locals = &locals;
                scope.spawn(move || {
                    locals.get_or_insert_with(|| n.to_string());
                    *locals.get_or_insert_with(|| n)
                })
            };
            let seen: Vec<usize> = (0..8)
                .map(make)
                .collect::<Vec<_>>()
                .into_iter()
                .map(|t| t.join().expect("no panic"))
                .collect();
            assert!(seen.windows(2).all(|pair| pair[0] == pair[1]), "{seen:?}");
        });
    }
}
