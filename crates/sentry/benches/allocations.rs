//! The bench `cost` under an allocator that counts: read its allocations, not its times.

#[path = "cost.rs"]
mod cost;

#[global_allocator]
static ALLOCATIONS: divan::AllocProfiler = divan::AllocProfiler::system();

fn main() {
    cost::main();
}
