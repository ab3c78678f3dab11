//! Bodies that nobody could hold in memory.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::body::Body;
use axum::routing::post;
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream;
use hookstack_core::{Middleware, Stack};
use hookstack_http::{Arg, layer};
use hookstack_inject::{Container, Dep};
use hookstack_logging::{LogLayer, Logging};
use hookstack_opentelemetry::OpenTelemetry;
use hookstack_sentry::Sentry;
use http::Method;
use http_body_util::BodyExt;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing_subscriber::prelude::*;

use crate::support::{request, serve};

const PIECE: usize = 1 << 20;
const GIBIBYTE: u64 = 1 << 30;
/// Its frames are small, and cost a lot without optimisation.
const OVER_HTTP2: u64 = 1 << 28;
/// What buffers may grow by.
const MOST_KIB: u64 = 64 * 1024;

fn pieces(bytes: u64) -> Body {
    let piece = Bytes::from(vec![7; PIECE]);
    let count = bytes / PIECE as u64;
    let pieces = stream::iter(0..count).map(move |_| Ok::<_, Infallible>(piece.clone()));
    Body::from_stream(pieces)
}

/// How much memory the process had at most, in KiB; `None` where there is no `/proc`.
fn peak_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse().ok()
}

/// A gibibyte up and one down, both through every middleware that does not look into payloads.
#[tokio::test]
async fn a_gibibyte_each_way_in_constant_memory() {
    let subscriber =
        tracing_subscriber::registry().with(LogLayer::json().service("shop").writer(std::io::sink));
    // Nobody else in this process logs.
    drop(subscriber.try_init());
    let tracer = SdkTracerProvider::builder().build();
    let meter = SdkMeterProvider::builder().build();
    let telemetry =
        OpenTelemetry::builder().tracer_provider(&tracer).meter_provider(&meter).build();
    let container = Container::builder().value(7_u16).build().expect("a container");
    let stack = Stack::builder()
        .with(Logging::builder().build())
        .with(telemetry)
        .with(Sentry::builder().build())
        .with(container);
    assert!(!Sentry::builder().build().reads_payload());
    let received = Arc::new(AtomicU64::new(0));
    let handler = {
        let received = received.clone();
        async move |Arg(number): Arg<Dep<u16>>, body: Body| {
            assert_eq!(*number, 7);
            let mut body = body;
            while let Some(frame) = body.frame().await {
                let data = frame.expect("a frame").into_data().expect("data");
                received.fetch_add(data.len() as u64, Ordering::Relaxed);
            }
            pieces(received.load(Ordering::Relaxed))
        }
    };
    let router = Router::new().route("/", post(handler)).layer(layer(stack).expect("a layer"));
    let server = serve(router).await;
    for (http2, bytes) in [(false, GIBIBYTE), (true, OVER_HTTP2)] {
        let before = peak_kib();
        received.store(0, Ordering::Relaxed);
        let mut asked = request(Method::POST, "/", "");
        *asked.body_mut() = pieces(bytes);
        let mut body = server.open_as(http2, asked).await.into_body();
        let mut sent = 0;
        while let Some(frame) = body.frame().await {
            sent += frame.expect("a frame").into_data().map_or(0, |data| data.len() as u64);
        }
        assert_eq!((received.load(Ordering::Relaxed), sent), (bytes, bytes));
        let (Some(before), Some(after)) = (before, peak_kib()) else {
            eprintln!("how much memory there was is not known here");
            return;
        };
        println!("HTTP/2 {http2}: at most {} KiB more than before", after - before);
        assert!(after - before < MOST_KIB, "{} KiB more than before", after - before);
    }
}
