use std::time::{Duration, Instant};

use hookstack::prelude::*;

/// Tells of code and of steps that take longer than a limit. What a replay repeats does not count.
struct Slow {
    limit: Duration,
    tell: Box<dyn Fn(&str) + Send + Sync>,
}

/// When the new code of this call began: once for each `Slow` in the stack, the innermost last.
struct Began(Vec<Instant>);

impl Slow {
    fn over(limit: Duration, tell: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Slow { limit, tell: Box::new(tell) }
    }

    fn judge(&self, what: &str, began: Instant) {
        if began.elapsed() >= self.limit {
            (self.tell)(what);
        }
    }
}

impl Middleware for Slow {
    async fn before_execution(&self, cx: &mut BeforeExecution<'_>) -> Result {
        let now = Instant::now();
        match cx.extensions_mut().get_mut() {
            Some(Began(all)) => all.push(now), // another `Slow` is further out
            None => drop(cx.extensions_mut().insert(Began(vec![now]))),
        }
        Ok(())
    }

    async fn around_step(&self, cx: &mut Call, next: NextStep<'_>) -> Result<Payload> {
        let began = Instant::now();
        let result = next.run(cx).await; // comes back after an error and a panic, too
        self.judge(cx.step().map_or("a step", |step| step.name()), began);
        result
    }

    async fn after_execution(&self, cx: &mut AfterExecution<'_>) -> Result {
        let began = cx.extensions_mut().get_mut().and_then(|Began(all)| all.pop());
        if let Some(began) = began {
            self.judge(&cx.info().function.id, began);
        }
        Ok(())
    }
}
