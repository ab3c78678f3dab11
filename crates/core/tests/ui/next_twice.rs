use hookstack_core::{Call, Middleware, Next, Outcome};

struct Twice;

impl Middleware for Twice {
    async fn around_function(&self, cx: &mut Call, next: Next<'_>) -> Outcome {
        let _first = next.run(cx).await;
        next.run(cx).await
    }
}

fn main() {}
