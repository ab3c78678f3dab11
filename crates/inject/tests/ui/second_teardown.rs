//! A provider that shall be torn down twice.

use hookstack_core::Result;
use hookstack_inject::{Dep, Ended, Provider};

struct Tx;

async fn commit(_: Dep<Tx>, _: Ended) -> Result {
    Ok(())
}

async fn audit(_: Dep<Tx>, _: Ended) -> Result {
    Ok(())
}

fn main() {
    let _ = Provider::call(async || Dep::new(Tx)).before_response(commit).after_response(audit);
}
