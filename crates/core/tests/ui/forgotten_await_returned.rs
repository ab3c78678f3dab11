use hookstack_core::{Call, Middleware, Next, Outcome};

struct Returned;

impl Middleware for Returned {
    async fn around_function(&self, cx: &mut Call, next: Next<'_>) -> Outcome {
        next.run(cx)
    }
}

fn main() {}
