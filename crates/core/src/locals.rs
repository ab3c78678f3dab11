//! Values that everything in one call shares, made at their first use.

use std::any::Any;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering, fence};

use crate::panic::catch;

/// A list with one value a type, which only grows. Reading takes no lock, and an empty one costs
/// nothing.
#[derive(Default)]
pub(crate) struct Locals {
    first: Link,
    ended: AtomicBool,
}

#[derive(Default)]
struct Link(OnceLock<Box<Node>>);

type End = dyn Fn(&(dyn Any + Send + Sync)) + Send + Sync;

struct Node {
    value: Box<dyn Any + Send + Sync>,
    /// What the value does when the call is over.
    end: Option<Box<End>>,
    is_told: AtomicBool,
    next: Link,
}

impl Locals {
    pub(crate) fn get<T: 'static>(&self) -> Option<&T> {
        let mut node = self.first.0.get()?;
        loop {
            if let Some(value) = node.value.downcast_ref() {
                return Some(value);
            }
            node = node.next.0.get()?;
        }
    }

    /// `make` runs before a place is taken, so it may come back here for any type; where two are made
    /// at once, one stays.
    pub(crate) fn get_or_insert_with<T: Send + Sync + 'static>(
        &self,
        make: impl FnOnce() -> T,
        end: Option<fn(&T)>,
    ) -> &T {
        let value = Box::new(make());
        let end = end.map(|end| {
            Box::new(move |value: &(dyn Any + Send + Sync)| {
                if let Some(value) = value.downcast_ref() {
                    end(value);
                }
            }) as Box<_>
        });
        let mut new = Some(Box::new(Node {
            value,
            end,
            is_told: AtomicBool::new(false),
            next: Link::default(),
        }));
        let mut link = &self.first;
        loop {
            // Another thread may be first with a value of another type; then the next place is tried.
            let node = link.0.get_or_init(|| new.take().expect("it is placed once"));
            if let Some(value) = node.value.downcast_ref() {
                if new.is_none() {
                    // With the fence in `end`: either this sees the end, or the end sees the node.
                    fence(Ordering::SeqCst);
                    if self.ended.load(Ordering::Relaxed) {
                        node.end();
                    }
                }
                return value;
            }
            link = &node.next;
        }
    }

    /// The call is over: tells the values of it, the last made first.
    pub(crate) fn end(&self) {
        self.ended.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        self.first.end();
    }
}

impl Link {
    /// As deep as there are types of values, which are few.
    fn end(&self) {
        if let Some(node) = self.0.get() {
            node.next.end();
            node.end();
        }
    }
}

impl Node {
    /// Once. A panic stays here: the others are told too, and this may be part of an unwinding.
    fn end(&self) {
        if let Some(end) = &self.end
            && !self.is_told.swap(true, Ordering::AcqRel)
        {
            let _ = catch(|| end(&*self.value));
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
        assert_eq!(*locals.get_or_insert_with(|| 1_u8, None), 1);
        assert_eq!(*locals.get_or_insert_with(|| 2_u16, None), 2);
        assert_eq!(*locals.get_or_insert_with(|| 3_u8, None), 1, "made already");
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
                    locals.get_or_insert_with(|| n.to_string(), None);
                    *locals.get_or_insert_with(|| n, None)
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

    #[test]
    fn a_value_may_be_made_of_another_one_and_of_its_own_type() {
        let locals = Locals::default();
        let made = *locals.get_or_insert_with(
            || {
                let inner = *locals.get_or_insert_with(|| 2_u8, None);
                locals.get_or_insert_with(|| 3_u16, None);
                inner + 1
            },
            None,
        );
        assert_eq!((made, locals.get::<u16>()), (2, Some(&3)), "the first one placed stays");
    }

    #[test]
    fn values_are_told_of_the_end_also_when_they_come_after_it() {
        let locals = Locals::default();
        locals.get_or_insert_with(|| 1_u8, None);
        let over = |flag: &AtomicBool| flag.store(true, Ordering::SeqCst);
        let flag = locals.get_or_insert_with(|| AtomicBool::new(false), Some(over));
        assert!(!flag.load(Ordering::SeqCst));
        locals.end();
        assert!(flag.load(Ordering::SeqCst));
        let set = |late: &OnceLock<u8>| {
            late.get_or_init(|| 1);
        };
        let late = locals.get_or_insert_with(OnceLock::<u8>::new, Some(set));
        assert_eq!(late.get(), Some(&1));
    }

    #[test]
    fn an_end_before_any_value_is_an_end_too() {
        let locals = Locals::default();
        locals.end();
        let over = |flag: &AtomicBool| flag.store(true, Ordering::SeqCst);
        let flag = locals.get_or_insert_with(|| AtomicBool::new(false), Some(over));
        assert!(flag.load(Ordering::SeqCst));
    }

    #[test]
    fn the_last_made_is_told_first_each_once_and_a_panic_stops_nobody() {
        type Told = std::sync::Mutex<Vec<u8>>;
        struct Value<const N: u8>(std::sync::Arc<Told>);
        fn tell<const N: u8>(value: &Value<N>) {
            value.0.lock().expect("no panic while held").push(N);
            assert_ne!(N, 2, "the second one panics");
        }
        let told = std::sync::Arc::new(Told::default());
        let locals = Locals::default();
        locals.get_or_insert_with(|| Value::<1>(told.clone()), Some(tell));
        locals.get_or_insert_with(|| Value::<2>(told.clone()), Some(tell));
        locals.get_or_insert_with(|| Value::<3>(told.clone()), Some(tell));
        locals.end();
        locals.end();
        assert_eq!(*told.lock().expect("no panic while held"), [3, 2, 1]);
    }

    #[test]
    fn a_value_that_is_made_while_the_others_are_told_is_told_too() {
        use std::sync::{Arc, OnceLock};
        struct Late(Arc<AtomicBool>);
        struct Maker(OnceLock<(Arc<Locals>, Arc<AtomicBool>)>);
        let locals = Arc::new(Locals::default());
        let make = |maker: &Maker| {
            let (locals, told) = maker.0.get().expect("set");
            let end = |late: &Late| late.0.store(true, Ordering::SeqCst);
            locals.get_or_insert_with(|| Late(told.clone()), Some(end));
        };
        let maker = locals.get_or_insert_with(|| Maker(OnceLock::new()), Some(make));
        let told = Arc::new(AtomicBool::new(false));
        // A circle, which a test may leave behind.
        assert!(maker.0.set((locals.clone(), told.clone())).is_ok());
        locals.end();
        assert!(told.load(Ordering::SeqCst));
    }
}
