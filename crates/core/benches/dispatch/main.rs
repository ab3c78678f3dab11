//! What dispatch costs: the lifecycle around a handler that does nothing but box one future.
//!
//! Run with `cargo bench -p hookstack-core --bench dispatch`; the bench `allocations` runs the same code
//! under a counting allocator, which would blur the times here. Every `whole_call` makes and drops its
//! context as a host does; so does `fixed::handler_alone`, the figure to compare it with. `onion` is
//! dispatch without any of that, to be compared with `fixed::step_body_alone`.

mod subjects;

use divan::Bencher;
use subjects::{Around, Both, Nothing, Paired, all, one_of};

pub(crate) fn main() {
    // Fixed sizes: the whole of a sample must dwarf the timer's precision.
    divan::Divan::default().sample_count(200).sample_size(500).config_with_args().main();
}

const DEPTHS: [usize; 4] = [0, 1, 10, 50];

mod whole_call {
    use super::*;
    use subjects::whole_call;

    #[divan::bench(args = DEPTHS)]
    fn nothing_overridden(bencher: Bencher<'_, '_>, depth: usize) {
        bencher.bench_local(whole_call(all(|| Nothing, depth)));
    }

    #[divan::bench(args = [1, 10, 50])]
    fn one_paired_hook(bencher: Bencher<'_, '_>, depth: usize) {
        bencher.bench_local(whole_call(one_of(Paired, depth)));
    }

    #[divan::bench(args = [1, 10, 50])]
    fn one_around_function(bencher: Bencher<'_, '_>, depth: usize) {
        bencher.bench_local(whole_call(one_of(Around, depth)));
    }

    #[divan::bench(args = [1, 10, 50])]
    fn two_paired_hooks_each(bencher: Bencher<'_, '_>, depth: usize) {
        bencher.bench_local(whole_call(all(|| Both, depth)));
    }
}

mod timed_call {
    use super::*;
    use subjects::timed_call;

    #[divan::bench]
    fn nothing_overridden(bencher: Bencher<'_, '_>) {
        bencher.bench_local(timed_call(all(|| Nothing, 10)));
    }

    #[divan::bench]
    fn one_paired_hook(bencher: Bencher<'_, '_>) {
        bencher.bench_local(timed_call(one_of(Paired, 10)));
    }

    #[divan::bench]
    fn one_around_function(bencher: Bencher<'_, '_>) {
        bencher.bench_local(timed_call(one_of(Around, 10)));
    }

    #[divan::bench]
    fn two_paired_hooks_each(bencher: Bencher<'_, '_>) {
        bencher.bench_local(timed_call(all(|| Both, 10)));
    }
}

/// What reading the time costs, which the above does twice for each hook.
mod clock {
    #[divan::bench]
    fn instant_now() -> std::time::Instant {
        std::time::Instant::now()
    }
}

mod onion {
    use super::*;
    use subjects::onion;

    #[divan::bench(args = DEPTHS)]
    fn nothing_overridden(bencher: Bencher<'_, '_>, depth: usize) {
        bencher.bench_local(onion(all(|| Nothing, depth)));
    }

    #[divan::bench(args = [1, 10, 50])]
    fn one_around(bencher: Bencher<'_, '_>, depth: usize) {
        bencher.bench_local(onion(one_of(Around, depth)));
    }

    #[divan::bench(args = [1, 10, 50])]
    fn all_around(bencher: Bencher<'_, '_>, depth: usize) {
        bencher.bench_local(onion(all(|| Around, depth)));
    }
}

/// What the above contains besides dispatch.
mod fixed {
    use super::*;

    #[divan::bench]
    fn step_body_alone(bencher: Bencher<'_, '_>) {
        bencher.bench_local(subjects::step_body_alone());
    }

    #[divan::bench]
    fn handler_alone(bencher: Bencher<'_, '_>) {
        bencher.bench_local(subjects::handler_alone());
    }

    #[divan::bench]
    fn making_a_call(bencher: Bencher<'_, '_>) {
        let app = subjects::App::new();
        bencher.bench_local(|| app.call());
    }
}

/// The usual ways of doing the same, at depth 10.
mod others {
    use super::*;

    #[divan::bench]
    fn async_trait_objects_with_five_default_hooks(bencher: Bencher<'_, '_>) {
        bencher.bench_local(subjects::async_trait_objects(10));
    }

    #[divan::bench]
    fn boxed_tower_services(bencher: Bencher<'_, '_>) {
        bencher.bench_local(subjects::boxed_tower_services(10));
    }
}
