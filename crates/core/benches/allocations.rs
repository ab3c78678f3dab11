//! The bench `dispatch` under an allocator that counts: read its allocations, not its times.

#[path = "dispatch/main.rs"]
mod dispatch;

#[global_allocator]
static ALLOCATIONS: divan::AllocProfiler = divan::AllocProfiler::system();

fn main() {
    dispatch::main();
}
