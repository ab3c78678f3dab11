//! When calls flush.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hookstack_core::{Error, Info};
use hookstack_inngest::{App, Function};
use hookstack_opentelemetry::{Flush, OpenTelemetry};

use crate::gather::run;

/// Only ends a test that would wait for ever.
const LIMIT: Duration = Duration::from_secs(120);

#[tokio::test]
async fn calls_flush_by_policy() {
    for (flush, flushes) in
        [(Flush::never(), 0), (Flush::on_failure(LIMIT), 1), (Flush::always(LIMIT), 2)]
    {
        let count = Arc::new(AtomicUsize::new(0));
        let counted = count.clone();
        let provider = move || {
            counted.fetch_add(1, Ordering::SeqCst);
        };
        let middleware = OpenTelemetry::builder().flush(flush).flushes(provider).build();
        let function = Function::builder("f").on_event("t/event").handler(async |info: Info| {
            match info.attempt {
                0 => Err(Error::message("again")),
                _ => Ok(()),
            }
        });
        run(App::builder("t").with(middleware).function(function)).await;
        assert_eq!(count.load(Ordering::SeqCst), flushes, "{flush:?}");
    }
}
