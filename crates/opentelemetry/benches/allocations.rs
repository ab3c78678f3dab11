//! The bench `calls` under an allocator that counts: read its allocations, not its times.

#[path = "calls.rs"]
mod calls;

#[global_allocator]
static ALLOCATIONS: divan::AllocProfiler = divan::AllocProfiler::system();

fn main() {
    calls::main();
}
