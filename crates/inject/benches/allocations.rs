//! The bench `get` under an allocator that counts: read its allocations, not its times.

#[path = "get.rs"]
mod get;

#[global_allocator]
static ALLOCATIONS: divan::AllocProfiler = divan::AllocProfiler::system();

fn main() {
    get::main();
}
