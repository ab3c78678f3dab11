//! A dependency that cannot be shared between threads.

use std::cell::Cell;

use hookstack_core::Error;
use hookstack_inject::Dep;
use hookstack_inngest::Function;

struct Counter(Cell<u32>);

async fn handler(_: Dep<Counter>) -> Result<(), Error> {
    Ok(())
}

fn main() {
    Function::builder("function").handler(handler);
}
