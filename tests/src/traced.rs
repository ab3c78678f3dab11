//! An app whose functions mark in a log what they do, between a middleware of the app's and one of each
//! function's.

use std::future::pending;
use std::time::Duration;

use hookstack_core::host::BoxFuture;
use hookstack_core::{
    CallTrigger, Error, Event, Info, Middleware, NonRetriable, RetryAfter, Sent, WaitForEvent,
};
use hookstack_inngest::{App, ConfigError, EventTransport, Function, Step, TypedEvent};
use hookstack_testing::{Log, Recorder};
use serde_json::{Value, json};

use crate::request::APP;

/// The app with recorders `A` and `F` that do nothing but record.
pub fn app(log: &Log) -> App {
    with(log, Recorder::new("A", log), || Recorder::new("F", log))
}

/// The app with recorders `A` and `F`, the one of this name changed.
///
/// # Panics
/// As [`with`].
pub fn changed(log: &Log, name: &str, change: impl Fn(Recorder) -> Recorder) -> App {
    let recorder = |who: &str| match who == name {
        true => change(Recorder::new(who, log)),
        false => Recorder::new(who, log),
    };
    with(log, recorder("A"), || recorder("F"))
}

/// The app with other middleware; the log begins after the start-up.
///
/// # Panics
/// When a middleware refuses to start.
pub fn with<A: Middleware, F: Middleware>(log: &Log, a: A, f: impl Fn() -> F) -> App {
    let app = try_with(log, a, f).expect("no middleware refuses");
    log.clear();
    app
}

/// The app with other middleware, if they let it start.
///
/// # Errors
/// When a middleware refuses.
pub fn try_with<A: Middleware, F: Middleware>(
    log: &Log,
    a: A,
    f: impl Fn() -> F,
) -> Result<App, ConfigError> {
    let mut app = App::builder(APP).with(a).transport(FakeTransport(log.clone()));
    macro_rules! functions {
        ($($name:ident)*) => {$(
            let own = log.clone();
            app = app.function(
                Function::builder(stringify!($name))
                    .on_event("t/event")
                    .with(f())
                    .handler(move |step: Step| $name(own.clone(), step)),
            );
        )*};
    }
    functions! {
        plain two catches never later step_never step_later panics step_panics hangs step_hangs
        sleeps waits invokes parallel mixed sends drop_panics
    }
    let (own, on_failure) = (log.clone(), log.clone());
    let fails = Function::builder("fails")
        .with(f())
        .on_failure(move |info: Info| failed(on_failure.clone(), info))
        .handler(move |_: Step| fails(own.clone()));
    app.function(fails).build()
}

async fn plain(log: Log, _: Step) -> Result<&'static str, Error> {
    log.mark("body");
    Ok("done")
}

/// Two steps, one after the other.
async fn two(log: Log, step: Step) -> Result<String, Error> {
    log.mark("top");
    let a: String = step.run("a", || marked(&log, "run-a", "A")).await?;
    log.mark("between");
    let b: String = step.run("b", || marked(&log, "run-b", "B")).await?;
    log.mark("rest");
    Ok(a + &b)
}

async fn marked(log: &Log, mark: &str, value: &str) -> Result<String, Error> {
    log.mark(mark);
    Ok(value.to_owned())
}

/// A step that fails, whose final error the function handles.
async fn catches(log: Log, step: Step) -> Result<String, Error> {
    log.mark("top");
    let failed = step.run("a", async || {
        log.mark("run-a");
        Err::<(), _>(Error::message("boom").with_name("Boom"))
    });
    let error = failed.await.expect_err("it always fails");
    log.mark("caught");
    Ok(format!("{}: {} in {}", error.name(), error.text(), error.step()))
}

async fn fails(log: Log) -> Result<(), Error> {
    log.mark("body");
    Err(Error::message("boom"))
}

/// The failure handler of `fails`.
async fn failed(log: Log, info: Info) -> Result<&'static str, Error> {
    match &info.trigger {
        CallTrigger::Failure { function, run_id } => {
            log.mark(format!("failed:{function}:{run_id}"))
        }
        other => log.mark(format!("{other:?}")),
    }
    Ok("noted")
}

async fn never(log: Log, _: Step) -> Result<(), NonRetriable> {
    log.mark("body");
    Err(NonRetriable::new("declined"))
}

async fn later(log: Log, _: Step) -> Result<(), RetryAfter> {
    log.mark("body");
    Err(RetryAfter::new(Duration::from_millis(89_001), "busy"))
}

async fn step_never(log: Log, step: Step) -> Result<(), Error> {
    let body = async || {
        log.mark("run-a");
        Err::<(), _>(NonRetriable::new("declined"))
    };
    Ok(step.run("a", body).await?)
}

async fn step_later(log: Log, step: Step) -> Result<(), Error> {
    let body = async || {
        log.mark("run-a");
        Err::<(), _>(RetryAfter::new(Duration::from_secs(90), "busy"))
    };
    Ok(step.run("a", body).await?)
}

async fn panics(log: Log, _: Step) -> Result<(), Error> {
    log.mark("body");
    panic!("broken body")
}

async fn step_panics(log: Log, step: Step) -> Result<(), Error> {
    let body = async || -> Result<(), Error> {
        log.mark("run-a");
        panic!("broken step")
    };
    Ok(step.run("a", body).await?)
}

async fn hangs(log: Log, _: Step) -> Result<(), Error> {
    log.mark("body");
    pending().await
}

async fn step_hangs(log: Log, step: Step) -> Result<(), Error> {
    let body = async || -> Result<(), Error> {
        log.mark("run-a");
        pending().await
    };
    Ok(step.run("a", body).await?)
}

/// What a call that stops at a new step drops is dropped in the middle of the function.
async fn drop_panics(log: Log, step: Step) -> Result<String, Error> {
    struct Guard;
    impl Drop for Guard {
        fn drop(&mut self) {
            panic!("broken destructor");
        }
    }
    let _guard = Guard;
    Ok(step.run("a", || marked(&log, "run-a", "A")).await?)
}

async fn sleeps(log: Log, step: Step) -> Result<(), Error> {
    log.mark("top");
    step.sleep("nap", Duration::from_secs(90)).await?;
    log.mark("rest");
    Ok(())
}

async fn waits(log: Log, step: Step) -> Result<Option<Value>, Error> {
    log.mark("top");
    let wait = WaitForEvent::new("t/later", Duration::from_secs(20)).matching("async.data.k == 1");
    let event: Option<TypedEvent<Value>> = step.wait_for_event("wait", wait).await?;
    log.mark("rest");
    Ok(event.map(|event| event.data))
}

async fn invokes(log: Log, step: Step) -> Result<Value, Error> {
    log.mark("top");
    let result = step.invoke("call", "plain", &json!({ "x": 7 })).await?;
    log.mark("rest");
    Ok(result)
}

/// Two steps at once.
async fn parallel(log: Log, step: Step) -> Result<String, Error> {
    log.mark("top");
    let a = step.run("a", || marked(&log, "run-a", "A"));
    let b = step.run("b", || marked(&log, "run-b", "B"));
    let (a, b): (_, String) = futures::future::try_join(a, b).await?;
    log.mark("rest");
    Ok(a + &b)
}

/// A step with a body, a sleep, a wait and an invocation at once.
async fn mixed(log: Log, step: Step) -> Result<(), Error> {
    log.mark("top");
    let wait = WaitForEvent::new("t/later", Duration::from_secs(20));
    futures::future::try_join4(
        step.run("a", || marked(&log, "run-a", "A")),
        step.sleep("nap", Duration::from_secs(1)),
        step.wait_for_event::<_, Value>("wait", wait),
        step.invoke::<_, _, _, Value>("call", "plain", &json!({ "x": 7 })),
    )
    .await?;
    Ok(())
}

/// Sends an event, then another one that the transport refuses.
async fn sends(log: Log, step: Step) -> Result<(), Error> {
    log.mark("top");
    step.send_event("send", Event::new("t/sent", &json!({ "x": 1 }))?).await?;
    log.mark("between");
    step.send_event("refused", Event::new("t/refused", &json!({ "x": 1 }))?).await?;
    Ok(())
}

/// Accepts everything but `t/refused`.
struct FakeTransport(Log);

impl EventTransport for FakeTransport {
    fn send<'a>(&'a self, events: &'a [Event]) -> BoxFuture<'a, Sent> {
        Box::pin(async move {
            self.0.mark("transport");
            match events.iter().any(|event| event.name == "t/refused") {
                true => Sent::failed(Error::message("refused").with_name("Refused")),
                false => Sent::accepted((1..=events.len()).map(|n| format!("sent-{n}")).collect()),
            }
        })
    }
}
