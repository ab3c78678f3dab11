//! The bench `driver` under an allocator that counts: read its allocations, not its times.

#[path = "driver/main.rs"]
mod driver;

#[global_allocator]
static ALLOCATIONS: divan::AllocProfiler = divan::AllocProfiler::system();

fn main() {
    driver::main();
}
