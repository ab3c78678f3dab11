//! The handler runs at most once.

use hookstack_core::{Call, Result};
use hookstack_lambda::NextHandler;
use serde_json::Value;

async fn again(event: Value, cx: &mut Call, next: NextHandler<'_>) -> Result<Value> {
    let first: Result<Value> = next.run(event.clone(), cx).await;
    match first {
        Ok(response) => Ok(response),
        Err(_) => next.run(event, cx).await,
    }
}

fn main() {
    let _ = hookstack_lambda::middleware("again", again);
}
