//! What the server refuses, changes in silence or can never do, with the option that the error names.

use std::time::Duration;

use hookstack_inngest::{
    Batching, Cancel, Concurrency, ConcurrencyScope, ConfigError, Debounce, Function,
    FunctionBuilder, Priority, RateLimit, RunConcurrency, Singleton, SingletonMode, Throttle,
    Timeouts, Trigger,
};

use crate::build;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(86_400);

fn function() -> FunctionBuilder {
    Function::builder("f")
}

/// Each is refused by an error that names the function, the option and the problem.
fn refused<const N: usize>(option: &str, rows: [(FunctionBuilder, &str); N]) {
    for (function, problem) in rows {
        let error = match build(function) {
            Ok(_) => panic!("taken, although: {problem}"),
            Err(error) => error.to_string(),
        };
        let start = format!("function \"f\": option `{option}`: ");
        assert!(error.starts_with(&start) && error.contains(problem), "{problem}: {error}");
    }
}

#[test]
fn names() {
    refused(
        "name",
        [(function().name(""), "must not be empty"), (function().name(" \t"), "must not be empty")],
    );
}

#[test]
fn triggers() {
    let many = (0..11).fold(function(), |function, n| function.on_event(format!("e{n}")));
    refused(
        "trigger",
        [
            (many, "takes 10 triggers, not 11"),
            (function().on_event(""), "the event's name must not be empty"),
            (function().on_event("  "), "the event's name must not be empty"),
            (function().on_event(" e"), "white space at its ends"),
            (function().on_event("e\u{0}f"), "control characters"),
            (function().on_event("e".repeat(256)), "at most 255 bytes"),
            (function().on_event("*"), "matches no event"),
            (function().on_event("shop/ord*"), "matches no event"),
            (function().on_event("shop/*.placed"), "matches no event"),
            (function().on_event("e").on_event("e"), "\"e\" is there twice"),
            (function().trigger(Trigger::event("e").matching("")), "`matching` must not be empty"),
            (function().trigger(Trigger::event("e").matching("(event.data.n")), "lacks a `)`"),
        ],
    );
}

#[test]
fn schedules() {
    let jitter = |jitter| function().trigger(Trigger::cron("0 9 * * 1").jitter(jitter));
    refused(
        "trigger",
        [
            (function().on_cron("now"), "five fields"),
            (function().on_cron("0 0 9 * * 1"), "five fields"),
            (function().on_cron("@daily"), "write `0 0 * * *` for `@daily`"),
            (function().on_cron("0 9 * * 7"), "the weekday `7` is not in 0 to 6"),
            (
                function().on_cron(format!("{} * * * *", "1,".repeat(123) + "10")),
                "at most 255 bytes",
            ),
            (function().on_cron("0 9 * * 1").on_cron("0 9 * * 1"), "is there twice"),
            (
                function().on_cron("0 9 * * 1").trigger(Trigger::cron("0 9 * * 1").jitter(SECOND)),
                "is there twice",
            ),
            (jitter(Duration::from_millis(999)), "`jitter` must be 1s to 5m, but is 999ms"),
            (jitter(5 * MINUTE + SECOND), "`jitter` must be 1s to 5m, but is 301s"),
        ],
    );
}

#[test]
fn retries() {
    refused(
        "retries",
        [
            (function().retries(21), "must be 0 to 20, but is 21"),
            (function().retries(u32::MAX), "must be 0 to 20"),
        ],
    );
}

#[test]
fn concurrency() {
    let limit = Concurrency::limit;
    let keyed = |key: &str| function().concurrency(Concurrency::limit(1).key(key));
    let three = function()
        .concurrency(limit(1))
        .concurrency(limit(2).key("event.data.a"))
        .concurrency(limit(3).key("event.data.b"));
    refused(
        "concurrency",
        [
            (three, "takes 2 limits at most, not 3"),
            (function().concurrency(limit(0)), "`limit` must be at least 1"),
            (keyed(""), "`key` must not be empty"),
            (keyed("event.data['a'"), "`key` lacks a `]`"),
            (
                function().concurrency(limit(1).scope(ConcurrencyScope::Environment)),
                "a `scope` beyond the function needs a `key`",
            ),
            (
                function().concurrency(limit(1).scope(ConcurrencyScope::Account)),
                "a `scope` beyond the function needs a `key`",
            ),
            (
                function()
                    .concurrency(limit(1))
                    .concurrency(limit(2).scope(ConcurrencyScope::Function)),
                "the same scope and key",
            ),
            (
                keyed("event.data.a").concurrency(limit(2).key("event.data.a")),
                "the same scope and key",
            ),
        ],
    );
}

#[test]
fn run_concurrency() {
    refused(
        "run_concurrency",
        [
            (function().run_concurrency(RunConcurrency::limit(0)), "`limit` must be at least 1"),
            (
                function().run_concurrency(RunConcurrency::limit(1).key(" ")),
                "`key` must not be empty",
            ),
        ],
    );
}

#[test]
fn throttle() {
    let throttle = |throttle| function().throttle(throttle);
    refused(
        "throttle",
        [
            (throttle(Throttle::new(0, SECOND)), "`limit` must be at least 1"),
            (throttle(Throttle::new(1, Duration::ZERO)), "`period` must be 1s to"),
            (throttle(Throttle::new(1, Duration::MAX)), "`period` must be 1s to"),
            (
                throttle(Throttle::new(1, Duration::from_millis(1500))),
                "in whole seconds, but is 1.5s",
            ),
            (throttle(Throttle::new(1, SECOND).key("'a")), "`key` lacks a closing `'`"),
        ],
    );
}

#[test]
fn rate_limits() {
    let rate_limit = |rate_limit| function().rate_limit(rate_limit);
    refused(
        "rate_limit",
        [
            (rate_limit(RateLimit::new(0, SECOND)), "`limit` must be at least 1"),
            (rate_limit(RateLimit::new(1, SECOND / 2)), "`period` must be 1s to 1d, but is 500ms"),
            (rate_limit(RateLimit::new(1, DAY + SECOND)), "`period` must be 1s to 1d"),
            (rate_limit(RateLimit::new(1, SECOND * 3 / 2)), "in whole seconds, but is 1.5s"),
            (rate_limit(RateLimit::new(1, SECOND).key("")), "`key` must not be empty"),
        ],
    );
}

#[test]
fn debounce() {
    let debounce = |debounce| function().debounce(debounce);
    refused(
        "debounce",
        [
            (debounce(Debounce::new(Duration::ZERO)), "`period` must be 1s to 1w, but is 0ns"),
            (debounce(Debounce::new(7 * DAY + SECOND)), "`period` must be 1s to 1w"),
            (debounce(Debounce::new(SECOND * 5 / 2)), "in whole seconds, but is 2.5s"),
            (debounce(Debounce::new(MINUTE).timeout(SECOND)), "`timeout` must be 1m to"),
            (
                debounce(Debounce::new(SECOND).timeout(SECOND + Duration::from_micros(1))),
                "`timeout` must be in whole milliseconds, but is 1.000001s",
            ),
            (debounce(Debounce::new(SECOND).key("f(")), "`key` lacks a `)`"),
        ],
    );
}

#[test]
fn priority() {
    refused(
        "priority",
        [
            (function().priority(Priority::expression("")), "`expression` must not be empty"),
            (function().priority(Priority::expression("1)")), "`)` that closes nothing"),
        ],
    );
}

#[test]
fn batches() {
    let batch = |batch| function().batch(batch);
    let good = || Batching::new(2, SECOND);
    refused(
        "batch",
        [
            (batch(Batching::new(0, SECOND)), "`max_size` must be 2 to 100, but is 0"),
            (batch(Batching::new(1, SECOND)), "`max_size` must be 2 to 100, but is 1"),
            (batch(Batching::new(101, SECOND)), "`max_size` must be 2 to 100, but is 101"),
            (batch(Batching::new(2, SECOND / 2)), "`timeout` must be 1s to 1m, but is 500ms"),
            (batch(Batching::new(2, MINUTE + SECOND)), "`timeout` must be 1s to 1m, but is 61s"),
            (batch(Batching::new(2, SECOND * 10 / 3)), "`timeout` must be in whole milliseconds"),
            (batch(good().key("")), "`key` must not be empty"),
            (batch(good().matching("{")), "`matching` lacks a `}`"),
            (batch(good()).cancel_on(Cancel::on("e")), "does not go with `cancel_on`"),
            (batch(good()).debounce(Debounce::new(SECOND)), "does not go with `debounce`"),
            (batch(good()).priority(Priority::expression("1")), "does not go with `priority`"),
            (
                batch(good()).singleton(Singleton::new(SingletonMode::Skip)),
                "does not go with `singleton`",
            ),
        ],
    );
}

#[test]
fn cancellations() {
    let cancel = |cancel| function().cancel_on(cancel);
    let matching = |condition: &str| cancel(Cancel::on("e").matching(condition));
    let many =
        (0..6).fold(function(), |function, n| function.cancel_on(Cancel::on(format!("{n}"))));
    refused(
        "cancel_on",
        [
            (many, "takes 5 events at most, not 6"),
            (cancel(Cancel::on("")), "the event's name must not be empty"),
            (cancel(Cancel::on("shop/*")), "`*` matches no event here"),
            (cancel(Cancel::on("e".repeat(513))), "at most 512 bytes"),
            (cancel(Cancel::on("e")).cancel_on(Cancel::on("e").timeout(SECOND)), "is there twice"),
            (matching(""), "`matching` must not be empty"),
            (matching("event.data.a == async.data.a)"), "closes nothing"),
            (matching("has(async.data.a)"), "uses the function `has`"),
            (matching("event.data.a + 1 == async.data.a"), "uses the operator `+`"),
            (cancel(Cancel::on("e").timeout(Duration::ZERO)), "`timeout` must be 1s to 52w1d"),
            (cancel(Cancel::on("e").timeout(366 * DAY)), "`timeout` must be 1s to 52w1d"),
        ],
    );
}

#[test]
fn idempotency() {
    refused(
        "idempotency",
        [
            (function().idempotency(""), "`expression` must not be empty"),
            (function().idempotency("event.data[0"), "lacks a `]`"),
            (
                function().idempotency("event.id").rate_limit(RateLimit::new(1, SECOND)),
                "does not go with `rate_limit`",
            ),
        ],
    );
}

#[test]
fn timeouts() {
    let timeouts = |timeouts| function().timeouts(timeouts);
    let unset = Timeouts::default();
    refused(
        "timeouts",
        [
            (timeouts(unset), "set `start` or `finish`"),
            (timeouts(unset.start(SECOND / 2)), "`start` must be 1s to"),
            (timeouts(unset.finish(Duration::MAX)), "`finish` must be 1s to"),
            (timeouts(unset.finish(SECOND * 10 / 3)), "`finish` must be in whole milliseconds"),
        ],
    );
}

#[test]
fn singletons() {
    let keyed = |key: &str| function().singleton(Singleton::new(SingletonMode::Skip).key(key));
    refused(
        "singleton",
        [(keyed(""), "`key` must not be empty"), (keyed("event.data.k]"), "closes nothing")],
    );
}

#[test]
fn ids() {
    for (id, problem) in [("", "must not be empty"), ("a b", "takes letters, digits")] {
        let error = build(Function::builder(id)).unwrap_err();
        assert!(
            matches!(&error, ConfigError::Function { function, option: "id", .. } if function == id)
        );
        assert!(error.to_string().contains(problem), "{error}");
    }
}
