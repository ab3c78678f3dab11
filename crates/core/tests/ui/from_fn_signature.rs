use hookstack_core::{Call, Next, Outcome, from_fn, from_fn_with};

async fn without_next(_cx: &mut Call) -> Outcome {
    Outcome::ok("done")
}

async fn without_outcome(cx: &mut Call, next: Next<'_>) {
    let _ = next.run(cx).await;
}

async fn without_state(cx: &mut Call, next: Next<'_>) -> Outcome {
    next.run(cx).await
}

fn main() {
    from_fn("without_next", without_next);
    from_fn("without_outcome", without_outcome);
    from_fn_with("without_state", 7_u32, without_state);
}
