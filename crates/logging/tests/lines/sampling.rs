//! Debug lines of sampled runs.

use hookstack_core::{Error, Event};
use hookstack_inngest::engine::Engine;
use hookstack_inngest::{Function, Step};
use hookstack_logging::{LogLayer, SamplingFilter, is_sampled};
use serde_json::json;
use tracing::{Level, debug, info};
use tracing_subscriber::prelude::*;
use tracing_subscriber::{fmt, registry};

use crate::support::{EVENT, Lines, app, block_on};

fn function() -> Function {
    Function::builder("f").on_event(EVENT).handler(async |step: Step| {
        debug!("fine");
        let one: u32 = step
            .run("one", async || {
                debug!("fine in step");
                Ok::<_, Error>(1)
            })
            .await?;
        debug!("fine after");
        info!("coarse");
        Ok::<_, Error>(one)
    })
}

#[test]
fn all_calls_of_a_run_agree() {
    let rate = 0.4;
    let lines = Lines::default();
    let layer = LogLayer::json().sample_below(rate).writer(lines.clone());
    let text = Lines::default();
    let fmt = fmt::layer()
        .json()
        .with_writer(text.clone())
        .with_filter(SamplingFilter::new(Level::INFO, rate));
    let _default = tracing::subscriber::set_default(registry().with(layer).with(fmt));
    let engine = block_on(async {
        let engine = Engine::start(app(function())).expect("an engine");
        for id in 0..40 {
            engine
                .inject(Event::new(EVENT, &json!({ "id": id })).expect("an object"))
                .expect("an event");
        }
        engine.run_until_idle().await.expect("it comes to rest");
        engine
    });
    let mut sampled = 0;
    for run in engine.runs() {
        let of_run: Vec<_> = lines
            .json()
            .into_iter()
            .filter(|line| line.text("run_id") == run.id && !line.is_own())
            .map(|line| line.text("message"))
            .collect();
        if is_sampled(&run.id, rate) {
            sampled += 1;
            assert_eq!(of_run, ["fine", "fine in step", "fine after", "coarse"]);
        } else {
            assert_eq!(of_run, ["coarse"]);
        }
    }
    assert_eq!(text.count("\"coarse\""), 40);
    assert_eq!(text.count("\"fine in step\""), sampled);
}

#[test]
fn at_the_ends_of_the_scale() {
    for (rate, expected) in [(0.0, 1), (1.0, 4)] {
        let lines = crate::support::lines_of(app(function()), LogLayer::json().sample_below(rate));
        assert_eq!(lines.messages().len(), expected, "{rate}: {}", lines.text());
        let lines = Lines::default();
        let layer = fmt::layer().with_writer(lines.clone());
        // Without a replay filter: two calls of the function's code.
        let subscriber = registry().with(layer.with_filter(SamplingFilter::new(Level::INFO, rate)));
        crate::support::run(subscriber, app(function()));
        assert_eq!(lines.count("coarse"), 1);
        assert_eq!(lines.count("fine in step"), expected / 4, "{}", lines.text());
    }
}

#[test]
fn what_is_not_sampled_is_held_if_there_is_a_buffer() {
    let function = || {
        Function::builder("f").on_event(EVENT).retries(0).handler(async || {
            debug!("fine");
            Err::<u8, _>(Error::message("it failed"))
        })
    };
    let layer = || LogLayer::json().sample_below(0.0);
    let without = crate::support::lines_of(app(function()), layer());
    assert_eq!(without.count("\"fine\""), 0);
    let with = crate::support::lines_of(app(function()), layer().buffer(4096));
    assert_eq!(with.count("\"fine\""), 1);
}
