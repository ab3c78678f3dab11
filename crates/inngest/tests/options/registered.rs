//! The JSON of each option, from the `json` tags of the server's `pkg/sdk/function.go` and `pkg/inngest`.

use std::time::Duration;

use hookstack_inngest::{
    Batching, Cancel, Concurrency, ConcurrencyScope, Debounce, Function, FunctionBuilder, Priority,
    RateLimit, RunConcurrency, Singleton, SingletonMode, Throttle, Timeouts, Trigger,
};
use serde_json::{Value, json};

use crate::build;

const MILLISECOND: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);

fn function() -> FunctionBuilder {
    Function::builder("f")
}

fn config(function: FunctionBuilder) -> Value {
    let app = build(function).expect("options that the server takes");
    app.function("shop-f").expect("the function").info().config.clone()
}

fn without_options() -> Value {
    json!({
        "id": "shop-f",
        "name": "f",
        "triggers": [],
        "steps": { "step": { "id": "step", "name": "step", "runtime": { "type": "http" } } },
    })
}

#[test]
fn a_function_without_options_is_its_id_and_its_step() {
    assert_eq!(config(function()), without_options());
}

#[test]
fn each_option_adds_its_field_and_nothing_else() {
    let rows = [
        (function().name("Orders"), "name", r#""Orders""#),
        (function().on_event("a/b.c"), "triggers", r#"[{"event":"a/b.c"}]"#),
        (
            function().on_event("a/*").on_event("b.*"),
            "triggers",
            r#"[{"event":"a/*"},{"event":"b.*"}]"#,
        ),
        (
            function().on_event("inngest/function.cancelled"),
            "triggers",
            r#"[{"event":"inngest/function.cancelled"}]"#,
        ),
        (
            function().trigger(Trigger::event("e").matching("event.data.n > 1")).on_event("e"),
            "triggers",
            r#"[{"event":"e","expression":"event.data.n > 1"},{"event":"e"}]"#,
        ),
        (function().on_cron("0 9 * * 1"), "triggers", r#"[{"cron":"0 9 * * 1"}]"#),
        (
            function().trigger(Trigger::cron("TZ=Europe/Berlin 0 9 * * 1").jitter(5 * MINUTE)),
            "triggers",
            r#"[{"cron":"TZ=Europe/Berlin 0 9 * * 1","jitter":"5m"}]"#,
        ),
        (
            function().retries(0),
            "steps",
            r#"{"step":{"id":"step","name":"step","runtime":{"type":"http"},"retries":{"attempts":0}}}"#,
        ),
        (
            function().retries(20),
            "steps",
            r#"{"step":{"id":"step","name":"step","runtime":{"type":"http"},"retries":{"attempts":20}}}"#,
        ),
        (function().concurrency(Concurrency::limit(1)), "concurrency", r#"[{"limit":1}]"#),
        (
            function()
                .concurrency(Concurrency::limit(10).scope(ConcurrencyScope::Function))
                .concurrency(
                    Concurrency::limit(2)
                        .key("event.data.customer")
                        .scope(ConcurrencyScope::Environment),
                ),
            "concurrency",
            r#"[{"limit":10,"scope":"fn"},{"limit":2,"key":"event.data.customer","scope":"env"}]"#,
        ),
        (
            function()
                .concurrency(Concurrency::limit(3).key("'ai'").scope(ConcurrencyScope::Account)),
            "concurrency",
            r#"[{"limit":3,"key":"'ai'","scope":"account"}]"#,
        ),
        (
            function().run_concurrency(RunConcurrency::limit(1).key("event.data.customer")),
            "concurrency",
            r#"{"fn":[{"limit":1,"key":"event.data.customer"}]}"#,
        ),
        (
            function().run_concurrency(RunConcurrency::limit(4)).concurrency(Concurrency::limit(8)),
            "concurrency",
            r#"{"fn":[{"limit":4}],"step":[{"limit":8}]}"#,
        ),
        (function().throttle(Throttle::new(1, SECOND)), "throttle", r#"{"limit":1,"period":"1s"}"#),
        (
            function().throttle(Throttle::new(5, 9 * DAY).burst(2).key("event.data.k")),
            "throttle",
            r#"{"limit":5,"period":"1w2d","burst":2,"key":"event.data.k"}"#,
        ),
        (
            function().rate_limit(RateLimit::new(1, DAY)),
            "rateLimit",
            r#"{"limit":1,"period":"1d"}"#,
        ),
        (
            function().rate_limit(RateLimit::new(7, 90 * MINUTE).key("event.data.k")),
            "rateLimit",
            r#"{"limit":7,"period":"1h30m","key":"event.data.k"}"#,
        ),
        (function().debounce(Debounce::new(7 * DAY)), "debounce", r#"{"period":"1w"}"#),
        (
            function()
                .debounce(Debounce::new(SECOND).timeout(1500 * MILLISECOND).key("event.data.k")),
            "debounce",
            r#"{"period":"1s","timeout":"1s500ms","key":"event.data.k"}"#,
        ),
        (
            function().priority(Priority::expression("event.data.paid ? 60 : 0")),
            "priority",
            r#"{"run":"event.data.paid ? 60 : 0"}"#,
        ),
        (
            function().batch(Batching::new(2, 1500 * MILLISECOND)),
            "batchEvents",
            r#"{"maxSize":2,"timeout":"1s500ms"}"#,
        ),
        (
            // The server reads it with Go's `time.ParseDuration`, which knows no days.
            function()
                .batch(Batching::new(100, MINUTE).key("event.data.k").matching("event.data.b")),
            "batchEvents",
            r#"{"maxSize":100,"timeout":"1m","key":"event.data.k","if":"event.data.b"}"#,
        ),
        (function().cancel_on(Cancel::on("e")), "cancel", r#"[{"event":"e"}]"#),
        (
            function()
                .cancel_on(
                    Cancel::on("e").matching("event.data.id == async.data.id").timeout(365 * DAY),
                )
                .cancel_on(Cancel::on("e").timeout(SECOND)),
            "cancel",
            r#"[{"event":"e","if":"event.data.id == async.data.id","timeout":"52w1d"},{"event":"e","timeout":"1s"}]"#,
        ),
        (function().idempotency("event.data.order"), "idempotency", r#""event.data.order""#),
        (function().timeouts(Timeouts::default().start(SECOND)), "timeouts", r#"{"start":"1s"}"#),
        (
            function().timeouts(Timeouts::default().start(HOUR).finish(36 * HOUR)),
            "timeouts",
            r#"{"start":"1h","finish":"1d12h"}"#,
        ),
        (
            function().singleton(Singleton::new(SingletonMode::Skip)),
            "singleton",
            r#"{"mode":"skip"}"#,
        ),
        (
            function().singleton(Singleton::new(SingletonMode::Cancel).key("event.data.k")),
            "singleton",
            r#"{"mode":"cancel","key":"event.data.k"}"#,
        ),
    ];
    for (function, field, text) in rows {
        let mut expected = without_options();
        expected[field] = serde_json::from_str(text).unwrap();
        assert_eq!(config(function), expected, "{field}: {text}");
    }
}

#[test]
fn a_function_with_all_options() {
    let function = function()
        .name("Everything")
        .trigger(Trigger::event("shop/order.placed").matching("event.data.total > 100"))
        .trigger(Trigger::cron("0 9 * * 1").jitter(30 * SECOND))
        .retries(2)
        .concurrency(Concurrency::limit(10))
        .concurrency(Concurrency::limit(2).key("event.data.customer"))
        .run_concurrency(RunConcurrency::limit(100))
        .throttle(Throttle::new(20, MINUTE).burst(5))
        .rate_limit(RateLimit::new(1000, HOUR))
        .debounce(Debounce::new(10 * SECOND).timeout(MINUTE))
        .priority(Priority::expression("60"))
        .cancel_on(Cancel::on("shop/order.withdrawn").timeout(DAY))
        .timeouts(Timeouts::default().finish(HOUR))
        .singleton(Singleton::new(SingletonMode::Skip).key("event.data.order"));
    let expected = json!({
        "id": "shop-f",
        "name": "Everything",
        "triggers": [
            { "event": "shop/order.placed", "expression": "event.data.total > 100" },
            { "cron": "0 9 * * 1", "jitter": "30s" },
        ],
        "steps": {
            "step": {
                "id": "step",
                "name": "step",
                "runtime": { "type": "http" },
                "retries": { "attempts": 2 },
            },
        },
        "concurrency": {
            "fn": [{ "limit": 100 }],
            "step": [{ "limit": 10 }, { "limit": 2, "key": "event.data.customer" }],
        },
        "throttle": { "limit": 20, "period": "1m", "burst": 5 },
        "rateLimit": { "limit": 1000, "period": "1h" },
        "debounce": { "period": "10s", "timeout": "1m" },
        "priority": { "run": "60" },
        "cancel": [{ "event": "shop/order.withdrawn", "timeout": "1d" }],
        "timeouts": { "finish": "1h" },
        "singleton": { "mode": "skip", "key": "event.data.order" },
    });
    assert_eq!(config(function), expected);
}

/// Those that the others exclude.
#[test]
fn a_batch_with_all_options_that_go_with_it() {
    let function = function()
        .on_event("e")
        .batch(Batching::new(10, SECOND))
        .concurrency(Concurrency::limit(1))
        .throttle(Throttle::new(1, SECOND))
        .idempotency("event.id")
        .timeouts(Timeouts::default().finish(HOUR));
    let config = config(function);
    assert_eq!(config["batchEvents"], json!({ "maxSize": 10, "timeout": "1s" }));
    assert_eq!(config["idempotency"], "event.id");
}

#[test]
fn a_failure_handler_is_registered_for_the_failures_of_its_function() {
    let function = function().retries(9).on_failure(async || Ok::<_, hookstack_core::Error>(()));
    let app = build(function).unwrap();
    let expected = json!({
        "id": "shop-f-failure",
        "name": "f (failure)",
        "triggers": [{
            "event": "inngest/function.failed",
            "expression": "event.data.function_id == 'shop-f'",
        }],
        "steps": {
            "step": {
                "id": "step",
                "name": "step",
                "runtime": { "type": "http" },
                "retries": { "attempts": 0 },
            },
        },
    });
    assert_eq!(app.function("shop-f-failure").unwrap().info().config, expected);
}
