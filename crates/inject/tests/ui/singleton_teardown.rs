//! A singleton that shall be torn down with a call.

use hookstack_core::Result;
use hookstack_inject::{Dep, Ended, Provider};

struct Pool;

async fn close(_: Dep<Pool>, _: Ended) -> Result {
    Ok(())
}

fn main() {
    let _ = Provider::singleton(async || Dep::new(Pool)).before_response(close);
}
