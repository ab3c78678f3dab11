//! A dependency as a function's result.

use hookstack_core::Error;
use hookstack_inject::Dep;
use hookstack_inngest::Function;

struct Connection;

async fn handler(connection: Dep<Connection>) -> Result<Dep<Connection>, Error> {
    Ok(connection)
}

fn main() {
    Function::builder("function").handler(handler);
}
