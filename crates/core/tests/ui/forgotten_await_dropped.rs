#![deny(unused_must_use)]

use hookstack_core::{Call, Middleware, Next, Outcome};

struct Dropped;

impl Middleware for Dropped {
    async fn around_function(&self, cx: &mut Call, next: Next<'_>) -> Outcome {
        next.run(cx);
        Outcome::ok("done")
    }
}

fn main() {}
