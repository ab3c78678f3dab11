//! The bench `full_stack` under an allocator that counts: read its allocations, not its times.

#[path = "full_stack.rs"]
mod full_stack;

#[global_allocator]
static ALLOCATIONS: divan::AllocProfiler = divan::AllocProfiler::system();

fn main() {
    full_stack::main();
}
