//! Constructions that wait for each other. What factories need by their arguments is no cycle, but what they
//! ask for at run time may be one.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use crate::dep::Instance;
use crate::error::ResolveError;
use crate::key::{Key, path};

/// What is constructed: its slots' address with its number there, and its name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Site {
    pub(crate) id: (usize, usize),
    pub(crate) key: Key,
}

thread_local! {
    /// What is being constructed on this thread at this moment, each for the one before it.
    static CONSTRUCTING: RefCell<Vec<Site>> = const { RefCell::new(Vec::new()) };
}

/// Which constructions wait for which, on all threads. Only those that really had to wait are here.
static WAITS: Mutex<BTreeMap<(usize, usize), Vec<Site>>> = Mutex::new(BTreeMap::new());

/// Somebody who waits for a construction.
#[derive(Debug)]
pub(crate) struct Wait {
    site: Site,
    /// The construction that waits, as noted in `WAITS`.
    noted: Option<(usize, usize)>,
}

impl Wait {
    pub(crate) fn new(site: Site) -> Self {
        Wait { site, noted: None }
    }

    /// Polls the construction, unless it waits for whoever waits here: that would be for ever.
    pub(crate) fn poll<F>(
        &mut self,
        construction: Pin<&mut F>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Instance, ResolveError>>
    where
        F: Future<Output = Result<Instance, ResolveError>>,
    {
        // Each time: two that were begun apart may come to wait for each other later.
        if let Some(cycle) = self.cycle_here() {
            return Poll::Ready(Err(cycle));
        }
        let polling = Polling::begin(self.site);
        let polled = construction.poll(cx);
        drop(polling);
        if polled.is_pending()
            && let Some(cycle) = self.note()
        {
            return Poll::Ready(Err(cycle));
        }
        polled
    }

    /// A cycle on this thread.
    fn cycle_here(&self) -> Option<ResolveError> {
        let names = CONSTRUCTING.with_borrow(|all| {
            let first = all.iter().position(|site| site.id == self.site.id)?;
            Some(all[first..].iter().map(|site| site.key).collect::<Vec<_>>())
        })?;
        Some(self.cycle(names))
    }

    /// Notes the construction that has to wait here, and says if it closes a cycle over several threads:
    /// each is polled by another one then, and none would wake another.
    fn note(&mut self) -> Option<ResolveError> {
        if self.noted.is_some() {
            return None;
        }
        let waiter = CONSTRUCTING.with_borrow(|all| all.last().copied())?;
        let mut waits = waits();
        if let Some(names) = find(&waits, self.site, waiter) {
            return Some(self.cycle(names));
        }
        waits.entry(waiter.id).or_default().push(self.site);
        self.noted = Some(waiter.id);
        None
    }

    fn cycle(&self, names: Vec<Key>) -> ResolveError {
        let names = path(names.into_iter().chain([self.site.key]));
        ResolveError::misuse(self.site.key, format!("its own factory asks for it: {names}"))
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        let Some(waiter) = self.noted.take() else { return };
        let mut waits = waits();
        if let Some(sites) = waits.get_mut(&waiter) {
            if let Some(own) = sites.iter().position(|site| site.id == self.site.id) {
                sites.swap_remove(own);
            }
            if sites.is_empty() {
                waits.remove(&waiter);
            }
        }
    }
}

/// How one comes to wait for another: the names from the first to the last.
fn find(waits: &BTreeMap<(usize, usize), Vec<Site>>, first: Site, last: Site) -> Option<Vec<Key>> {
    let mut reached = vec![(first, None)];
    let mut next = 0;
    while let Some((site, _)) = reached.get(next).copied() {
        if site.id == last.id {
            let back = std::iter::successors(Some(next), |at| reached[*at].1);
            let mut names: Vec<_> = back.map(|at| reached[at].0.key).collect();
            names.reverse();
            return Some(names);
        }
        for site in waits.get(&site.id).into_iter().flatten() {
            if reached.iter().all(|(known, _)| known.id != site.id) {
                reached.push((*site, Some(next)));
            }
        }
        next += 1;
    }
    None
}

fn waits() -> MutexGuard<'static, BTreeMap<(usize, usize), Vec<Site>>> {
    WAITS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// While a construction is polled.
struct Polling;

impl Polling {
    fn begin(site: Site) -> Self {
        CONSTRUCTING.with_borrow_mut(|all| all.push(site));
        Polling
    }
}

impl Drop for Polling {
    fn drop(&mut self) {
        CONSTRUCTING.with_borrow_mut(|all| all.pop());
    }
}
