//! What the middleware costs for a call and a step, and what a line costs, beside the JSON formatter of
//! `tracing-subscriber`. The bench `speed_allocations` runs the same under an allocator that counts.
//!
//! Lines go to a writer that drops them, so that formatting is measured and no disk.
#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark may panic")]

use std::io::{self, Write};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use divan::{Bencher, black_box};
use hookstack_core::{
    BeforeResponse, Call, Completed, Error, Middleware, NextRequest, NextStep, Outcome, Payload,
    Result, Stack,
};
use hookstack_inngest::{App, CallRequest, Function, Step};
use hookstack_logging::{LogLayer, Logging, OwnLines, append};
use hookstack_testing::Request;
use tracing::level_filters::LevelFilter;
use tracing::{Dispatch, Level, Span, debug, info};
use tracing_subscriber::prelude::*;
use tracing_subscriber::{Layer, fmt, registry};

pub(crate) fn main() {
    divan::main();
}

/// Takes everything, as fast as a pipe that nobody reads would not.
#[derive(Clone, Copy)]
struct Nowhere;

impl Write for Nowhere {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(black_box(bytes).len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The smallest executor, so that only the code under test is measured. Nothing ever waits.
fn ready<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return output;
        }
    }
}

/// A first call, without memoized steps.
fn request() -> Bytes {
    let event = serde_json::json!({
        "name": "shop/order.placed", "id": "01M7YBP3XYDY6NFTP612ND2JSP", "ts": 1, "data": { "id": 7 },
    });
    let body = serde_json::json!({
        "ctx": {
            "run_id": "01M7YBP3XYDY6NFTP612ND2JSP", "attempt": 0, "max_attempts": 4,
            "disable_immediate_execution": false, "use_api": false,
            "stack": { "stack": [], "current": 0 },
        },
        "event": event, "events": [event], "steps": {},
    });
    Bytes::from(body.to_string())
}

struct Forwarding;

impl Middleware for Forwarding {
    async fn around_request(&self, cx: &mut Call, next: NextRequest<'_>) -> Result<Completed> {
        next.run(cx).await
    }
    async fn around_step(&self, cx: &mut Call, next: NextStep<'_>) -> Result<Payload> {
        next.run(cx).await
    }
    async fn before_response(&self, _: &mut BeforeResponse<'_>) -> Result {
        Ok(())
    }
}

/// What stands around the function, and who listens.
#[derive(Clone, Copy, Debug)]
enum Setting {
    /// No middleware.
    Without,
    /// One that overrides the same hooks and does nothing in them: what dispatching them costs.
    Forwarding,
    /// The middleware is switched off by its own setting.
    Disabled,
    /// The subscriber lets nothing through.
    LevelOff,
    /// As in production: `info`, JSON, failures only.
    On,
    /// The same, on a subscriber with `fmt` alone, which formats the fields of spans.
    OnWithFmt,
    /// Lines below `info` of one run in a thousand, of which this is none.
    SampledOut,
    /// Everything: the lines at debug level are written as well.
    Debug,
    /// The lines at debug level are held and forgotten.
    Buffered,
}

const SETTINGS: [Setting; 9] = [
    Setting::Without,
    Setting::Forwarding,
    Setting::Disabled,
    Setting::LevelOff,
    Setting::On,
    Setting::OnWithFmt,
    Setting::SampledOut,
    Setting::Debug,
    Setting::Buffered,
];

fn subscriber(setting: Setting) -> Dispatch {
    let json = || LogLayer::json().writer(|| Nowhere);
    match setting {
        Setting::LevelOff => Dispatch::new(registry().with(json().with_filter(LevelFilter::OFF))),
        Setting::OnWithFmt => {
            let layer = fmt::layer().json().with_writer(|| Nowhere);
            Dispatch::new(registry().with(layer.with_filter(LevelFilter::INFO)))
        }
        Setting::SampledOut => Dispatch::new(registry().with(json().sample_below(0.001))),
        Setting::Debug => Dispatch::new(registry().with(json())),
        Setting::Buffered => Dispatch::new(registry().with(json().buffer(64 * 1024))),
        _ => Dispatch::new(registry().with(json().level(Level::INFO))),
    }
}

fn bench(bencher: Bencher<'_, '_>, setting: Setting, function: Function, expected: u16) {
    let app = App::builder("bench");
    let app = match setting {
        Setting::Without => app,
        Setting::Forwarding => app.with(Forwarding),
        Setting::Disabled => app.with(Logging::builder().enabled(false).build()),
        Setting::On | Setting::OnWithFmt => {
            app.with(Logging::builder().own_lines(OwnLines::Failures).build())
        }
        _ => app.with(Logging::new()),
    };
    let app = app.function(function).build().unwrap();
    let body = request();
    tracing::dispatcher::with_default(&subscriber(setting), || {
        let call = || {
            ready(async {
                let response = app.call(CallRequest::new("bench-f", body.clone())).await;
                let status = response.status.as_u16();
                response.after_response().await;
                status
            })
        };
        assert_eq!(call(), expected);
        bencher.bench_local(call);
    });
}

#[divan::bench(args = SETTINGS)]
fn call(bencher: Bencher<'_, '_>, setting: Setting) {
    let function = Function::builder("f").on_event("shop/order.placed");
    bench(bencher, setting, function.handler(async || Ok::<_, Error>(1)), 200);
}

#[divan::bench(args = SETTINGS)]
fn call_with_a_step(bencher: Bencher<'_, '_>, setting: Setting) {
    let function = Function::builder("f").on_event("shop/order.placed");
    let handler = async |step: Step| step.run("charge", async || Ok::<u64, Error>(1)).await;
    bench(bencher, setting, function.handler(handler), 206);
}

/// The same, and a line in the step.
#[divan::bench(args = SETTINGS)]
fn call_with_a_step_and_a_line(bencher: Bencher<'_, '_>, setting: Setting) {
    let function = Function::builder("f").on_event("shop/order.placed");
    let handler = async |step: Step| {
        step.run("charge", async || {
            info!(total = 12, currency = "EUR", "charging");
            Ok::<u64, Error>(1)
        })
        .await
    };
    bench(bencher, setting, function.handler(handler), 206);
}

/// A request of HTTP on a host that does nothing, and a line in it.
#[divan::bench(args = SETTINGS)]
fn request_with_a_line(bencher: Bencher<'_, '_>, setting: Setting) {
    let stack = Stack::builder();
    let stack = match setting {
        Setting::Without => stack,
        Setting::Forwarding => stack.with(Forwarding),
        Setting::Disabled => stack.with(Logging::builder().enabled(false).build()),
        Setting::On | Setting::OnWithFmt => {
            stack.with(Logging::builder().own_lines(OwnLines::Failures).build())
        }
        _ => stack.with(Logging::new()),
    };
    let stack = Arc::new(stack.build());
    tracing::dispatcher::with_default(&subscriber(setting), || {
        let request = || Request::http("GET", "/orders/{id}");
        bencher.with_inputs(request).bench_local_values(|request| {
            let handler = async |payload| {
                info!(total = 12, currency = "EUR", "charging");
                Outcome::Done(Ok(payload))
            };
            ready(request.call(stack.clone(), handler))
        });
    });
}

/// Who writes a line.
#[derive(Clone, Copy, Debug)]
enum Writer {
    Ours,
    OursForPeople,
    /// `fmt::layer().json()`.
    Fmt,
    /// The same, flattened, without the list of spans.
    FmtFlat,
    /// `fmt::layer()`.
    FmtText,
}

const WRITERS: [Writer; 5] =
    [Writer::Ours, Writer::OursForPeople, Writer::Fmt, Writer::FmtFlat, Writer::FmtText];

fn writer(writer: Writer) -> Dispatch {
    match writer {
        Writer::Ours => Dispatch::new(registry().with(LogLayer::json().writer(|| Nowhere))),
        Writer::OursForPeople => {
            Dispatch::new(registry().with(LogLayer::terminal().writer(|| Nowhere)))
        }
        Writer::Fmt => Dispatch::new(registry().with(fmt::layer().json().with_writer(|| Nowhere))),
        Writer::FmtFlat => {
            let layer = fmt::layer().json().flatten_event(true).with_span_list(false);
            Dispatch::new(registry().with(layer.with_writer(|| Nowhere)))
        }
        Writer::FmtText => {
            let layer = fmt::layer().with_ansi(false).with_writer(|| Nowhere);
            Dispatch::new(registry().with(layer))
        }
    }
}

/// Runs `log` in the span of a step, once for each iteration.
fn bench_line(bencher: Bencher<'_, '_>, by: Writer, log: fn()) {
    tracing::dispatcher::with_default(&writer(by), || {
        let slot = Arc::new(Mutex::new(None));
        let inside = slot.clone();
        let function =
            Function::builder("f").on_event("shop/order.placed").handler(move |step: Step| {
                let inside = inside.clone();
                async move {
                    step.run("charge", async move || {
                        append("order_id", 7);
                        *inside.lock().unwrap() = Some(Span::current());
                        Ok::<u64, Error>(1)
                    })
                    .await
                }
            });
        let logging = Logging::builder().own_lines(OwnLines::Failures).build();
        let app = App::builder("bench").with(logging).function(function).build().unwrap();
        assert_eq!(ready(app.call(CallRequest::new("bench-f", request()))).status, 206);
        // The span keeps what a line has to know of the step, although that has ended.
        let span = slot.lock().unwrap().take().unwrap();
        let _entered = span.enter();
        bencher.bench_local(log);
    });
}

#[divan::bench(args = WRITERS)]
fn line(bencher: Bencher<'_, '_>, by: Writer) {
    bench_line(bencher, by, || info!(total = 12, currency = "EUR", "charging"));
}

#[divan::bench(args = WRITERS)]
fn line_with_ten_fields(bencher: Bencher<'_, '_>, by: Writer) {
    bench_line(bencher, by, || {
        info!(
            a = 1, b = 2.5, c = true, d = "text", e = ?[1, 2, 3], f = %7, g = -1, h = "quoted \"text\"",
            i = u64::MAX, j = "a longer text, as people write them into their logs now and then",
            "charging {} with {}", "the card", "a message"
        );
    });
}

/// Two spans of the user's around it, with a field each.
#[divan::bench(args = WRITERS)]
fn line_in_spans(bencher: Bencher<'_, '_>, by: Writer) {
    bench_line(bencher, by, || {
        let _outer = tracing::info_span!("outer", customer = "c-1").entered();
        let _inner = tracing::info_span!("inner", provider = "acme").entered();
        info!(total = 12, "charging");
    });
}

/// Below the level.
#[divan::bench]
fn line_that_is_off(bencher: Bencher<'_, '_>) {
    let layer = LogLayer::json().level(Level::INFO).writer(|| Nowhere);
    tracing::dispatcher::with_default(&Dispatch::new(registry().with(layer)), || {
        bencher.bench_local(|| debug!(total = 12, currency = "EUR", "charging"));
    });
}
