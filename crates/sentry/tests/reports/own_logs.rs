//! hookstack's own log lines where `sentry-tracing` makes issues of error lines.

use hookstack_core::{Error, Result};
use sentry::{Hub, Scope};
use sentry_tracing::{BreadcrumbLayer, ErrorLayer};
use std::sync::Arc;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::prelude::*;

use crate::support::{app, client, exceptions, only, options, run, sentry};

async fn fails() -> Result<()> {
    // As a host or another middleware of hookstack would.
    tracing::error!(target: "hookstack::logging", "the function failed");
    Err(Error::message("the disk is full"))
}

/// A subscriber for this thread, on which the whole test runs.
fn subscribe() -> tracing::subscriber::DefaultGuard {
    let errors = filter_fn(|line| *line.level() == tracing::Level::ERROR);
    let subscriber = tracing_subscriber::registry()
        .with(BreadcrumbLayer::new())
        .with(ErrorLayer::new().with_filter(errors));
    tracing::subscriber::set_default(subscriber)
}

#[tokio::test]
async fn inside_of_a_call_they_open_no_second_issue() {
    let _guard = subscribe();
    let (sentry, sink) = sentry();
    run(app(sentry.build(), |f| f.retries(0).handler(fails))).await;
    let issue = only(sink.issues());
    assert_eq!(exceptions(&issue), [("Error", "the disk is full")]);
    let trail: Vec<_> = issue.breadcrumbs.iter().filter_map(|b| b.message.as_deref()).collect();
    assert!(trail.contains(&"the function failed"), "{trail:?}");
}

#[tokio::test]
async fn error_lines_of_the_user_are_issues_as_before() {
    async fn logs() -> Result<()> {
        tracing::error!("the stock is low");
        Ok(())
    }
    let _guard = subscribe();
    let (sentry, sink) = sentry();
    run(app(sentry.build(), |f| f.handler(logs))).await;
    assert_eq!(only(sink.issues()).message.as_deref(), Some("the stock is low"));
}

#[test]
fn outside_of_calls_the_filter_leaves_them_out() {
    let (client, sink) = client(options());
    let hub = Arc::new(Hub::new(Some(client), Arc::new(Scope::default())));
    let log = || {
        tracing::error!(target: "hookstack::inngest", "own");
        tracing::error!(target: "hookstack_shop", "the user's");
    };
    let errors = filter_fn(|line| {
        *line.level() == tracing::Level::ERROR && !hookstack_sentry::is_own_log(line.target())
    });
    let filtered = tracing_subscriber::registry().with(ErrorLayer::new().with_filter(errors));
    Hub::run(hub.clone(), || tracing::subscriber::with_default(filtered, log));
    let messages =
        || sink.issues().into_iter().filter_map(|issue| issue.message).collect::<Vec<_>>();
    assert_eq!(messages(), ["the user's"]);
    // And without the filter it would have been two.
    let unfiltered = tracing_subscriber::registry().with(ErrorLayer::new());
    Hub::run(hub, || tracing::subscriber::with_default(unfiltered, log));
    assert_eq!(messages(), ["the user's", "own", "the user's"]);
}
