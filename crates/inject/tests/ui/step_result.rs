//! A dependency as a step's result.

use hookstack_core::Error;
use hookstack_inject::Dep;
use hookstack_inngest::Step;

struct Connection;

async fn handler(step: Step, connection: Dep<Connection>) -> Result<(), Error> {
    step.run("connect", || async { Ok::<_, Error>(connection.clone()) }).await?;
    Ok(())
}

fn main() {
    let _ = handler;
}
