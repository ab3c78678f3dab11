//! `{:?}` of what people print while they look for a fault: it tells which one it is, and none of its data.

use std::fmt::Debug;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use futures::executor::block_on;
use hookstack_core::host::{ArcHandler, BoxFuture, CallGuard, Execution, Host};
use hookstack_core::{
    Call, CallInfo, DeadlineAlarm, Error, ErrorKind, Event, FunctionInfo, Hook, Input, Memo,
    MemoValue, Middleware, Next, Origin, Outcome, Payload, Platform, Retry, Stack, StepError,
    StepHash, TraceCarrier, WaitForEvent, from_fn, from_fn_with,
};
use http::{HeaderMap, StatusCode};
use serde_json::json;

const CANARY: &str = "canary";

/// What is printed tells all of `told`, and nothing of what is secret.
#[track_caller]
fn tells(value: impl Debug, told: &[&str]) {
    let text = format!("{value:?}");
    for part in told {
        assert!(text.contains(part), "{part:?} is missing in {text}");
    }
    assert!(!text.contains(CANARY), "{text}");
}

fn secret() -> Payload {
    Payload::from_value(json!(CANARY))
}

fn info() -> CallInfo {
    let mut info = CallInfo::new("shop", Arc::new(FunctionInfo::new("fulfil")), "run-1");
    info.deadline = Some(SystemTime::now() + Duration::from_secs(3600));
    info.with_platform(Some(Platform::new(CANARY)))
}

#[test]
fn data_is_counted_and_never_shown() {
    tells(secret(), &["Payload(8 bytes)"]);
    tells(Payload::absent(), &["Payload(absent)"]);
    tells(Event::from_payload("order.placed", secret()).with_id("7"), &["order.placed", "7"]);
    tells(Platform::new(CANARY).with(7_u8), &["Platform(2 values)"]);
    let wait = WaitForEvent::new("order.paid", Duration::from_secs(3));
    tells(wait.clone().matching("async.data.card == 'canary'"), &["order.paid", "3s", "Some"]);
    tells(wait, &["condition: None"]);
    let mut carrier = TraceCarrier::new();
    carrier.set("baggage", CANARY);
    tells(carrier, &["baggage"]);
    for (value, kind) in [
        (MemoValue::Data(secret()), "Data"),
        (MemoValue::Bare(secret()), "Bare"),
        (MemoValue::Input(secret()), "Input"),
        (MemoValue::Error(StepError::new("Declined", CANARY)), "Declined"),
    ] {
        tells(Memo::new(value), &[kind]);
    }
}

#[test]
fn who_and_where_is_told() {
    tells(info(), &["shop", "fulfil", "run-1"]);
    tells(StepHash::new([0xab; 20]), &["abababababababababababababababababababab"]);
    tells(
        StepError::new("Declined", "no funds").with_step("pay"),
        &["pay", "Declined", "no funds"],
    );
    let alarm = DeadlineAlarm::default();
    let pending = alarm.set(&info(), Duration::from_secs(1), || ());
    tells(&alarm, &["DeadlineAlarm", "1"]);
    tells(pending, &["PendingAlarm"]);
    tells(ArcHandler::new(async || Ok::<_, Error>(())), &["Handler"]);
}

#[test]
fn an_error_in_the_coat_of_a_standard_error_looks_the_same() {
    let text = || Error::message("no funds").with_name("Declined").with_kind(ErrorKind::Misuse);
    let boxed = text().into_boxed();
    assert_eq!(format!("{boxed:?}"), format!("{:?}", text()));
    assert_eq!(boxed.to_string(), "no funds");
    let caused = Error::new(StepError::new("Declined", "cause")).into_boxed();
    assert_eq!(caused.source().map(ToString::to_string).as_deref(), Some("cause"));
}

#[test]
fn the_structure_of_an_error_has_what_is_unusual_and_nothing_else() {
    let plain = format!("{:#?}", Error::message("no funds"));
    for absent in ["retry", "origin", "causes", "suppressed"] {
        assert!(!plain.contains(absent), "{absent} in {plain}");
    }
    let cause = hookstack_core::HttpError::new(StatusCode::CONFLICT, "outer")
        .with_source(StepError::new("Declined", "inner"));
    let mut error = Error::new(cause).with_retry(Retry::Never).with_origin(Origin::Code);
    error.suppress(Error::message("later"));
    let full = format!("{error:#?}");
    for part in ["retry: Never", "origin: user code", "inner", "later"] {
        assert!(full.contains(part), "{part} is missing in {full}");
    }
}

/// Prints what it is given.
struct Printing(Arc<Mutex<Vec<String>>>);

impl Middleware for Printing {
    async fn around_function(&self, cx: &mut Call, next: Next<'_>) -> Outcome {
        let mut printed = vec![format!("{next:?}")];
        let run = next.run(cx);
        printed.push(format!("{run:?}"));
        self.0.lock().expect("no panic").extend(printed);
        run.await
    }
}

struct Inner;

impl Middleware for Inner {
    async fn around_function(&self, cx: &mut Call, next: Next<'_>) -> Outcome {
        next.run(cx).await
    }
}

struct Done;

impl Host for Done {
    fn execute<'a>(&'a mut self, _: Execution<'a>) -> BoxFuture<'a, Outcome> {
        Box::pin(async { Outcome::ok(CANARY) })
    }
    fn respond(&self, _: &CallInfo, _: &Outcome) -> (StatusCode, HeaderMap) {
        Default::default()
    }
}

#[test]
fn middleware_are_told_by_name() {
    let pass =
        from_fn("audit", async |cx: &mut Call, next: Next<'_>| -> Outcome { next.run(cx).await });
    let keyed = from_fn_with("quota", CANARY, async |_: &&str, cx: &mut Call, next: Next<'_>| {
        next.run(cx).await
    });
    tells(&pass, &["FromFn", "audit"]);
    tells(&keyed, &["FromFnWith", "quota"]);
    assert_eq!((pass.name(), keyed.name()), ("audit", "quota"));
    tells(pass.boxed(), &["audit", "AroundFunction"]);

    let printed = Arc::new(Mutex::new(Vec::new()));
    let stack = Arc::new(Stack::builder().with(Printing(printed.clone())).with(Inner).build());
    let guard = CallGuard::new(stack, Call::new(info())).with_timings();
    let answered = block_on(guard.run(&mut Done, Input::default()));
    let printed = printed.lock().expect("no panic").join("\n");
    tells(Plain(&printed), &["Next", "AroundFunction", "Inner", "Run"]);
    assert_eq!(Hook::AroundFunction.to_string(), "around_function");
    tells(answered.clock(), &["Clock"]);
    tells(answered.timings(), &["total", "host", "code", "Printing", "Inner"]);
    tells(&answered, &["run-1"]);
}

struct Plain<'a>(&'a str);

impl Debug for Plain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}
