//! The driver of durable functions without middleware, through [`App::call`](hookstack_inngest::App::call).
//!
//! `call` is the whole of it: reading the request, the hooks that nobody has, the function with its
//! memoized steps, writing the response. `parse` reads the same request for a function that awaits none
//! of its steps; the difference is the driver's and the step tools' share. The counter gives steps a
//! second: its inverse is the time per memoized step.

mod subjects;

use divan::Bencher;
use divan::counter::ItemsCount;

const MANY: [usize; 5] = [1, 10, 100, 1000, 10_000];

pub(crate) fn main() {
    divan::main();
}

fn bench(bencher: Bencher<'_, '_>, steps: usize, call: impl FnMut()) {
    bencher.counter(ItemsCount::new(steps.max(1))).bench_local(call);
}

#[divan::bench]
fn call_without_steps(bencher: Bencher<'_, '_>) {
    bench(bencher, 0, subjects::without_steps());
}

#[divan::bench]
fn call_that_runs_a_step(bencher: Bencher<'_, '_>) {
    bench(bencher, 0, subjects::running_a_step());
}

#[divan::bench(args = MANY)]
fn parse(bencher: Bencher<'_, '_>, steps: usize) {
    bench(bencher, steps, subjects::reading(steps));
}

#[divan::bench(args = MANY)]
fn call_in_sequence(bencher: Bencher<'_, '_>, steps: usize) {
    bench(bencher, steps, subjects::in_sequence(steps));
}

#[divan::bench(args = MANY)]
fn call_with_join_all(bencher: Bencher<'_, '_>, steps: usize) {
    bench(bencher, steps, subjects::with_join_all(steps));
}

#[divan::bench(args = MANY)]
fn call_with_a_repeated_id(bencher: Bencher<'_, '_>, steps: usize) {
    bench(bencher, steps, subjects::with_a_repeated_id(steps));
}
