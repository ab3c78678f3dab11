//! The bench `speed` under an allocator that counts: read its allocations, not its times.

#[path = "speed.rs"]
mod speed;

#[global_allocator]
static ALLOCATIONS: divan::AllocProfiler = divan::AllocProfiler::system();

fn main() {
    speed::main();
}
