//! Functions with a schedule check in.

use hookstack_core::{Error, Result};
use hookstack_inngest::engine::Engine;
use hookstack_inngest::{App, Function, Step};
use hookstack_sentry::Crons;
use sentry::protocol::{MonitorCheckInStatus as Status, MonitorSchedule};

use crate::support::{finish, run, sentry};

async fn works(step: Step) -> Result<()> {
    step.run("one", async || Ok::<_, Error>(1)).await?;
    step.run("two", async || Ok::<_, Error>(1)).await?;
    Ok(())
}

async fn fails(step: Step) -> Result<()> {
    step.run("one", async || Ok::<_, Error>(1)).await?;
    Err(Error::message("the disk is full"))
}

fn nightly(sentry: hookstack_sentry::SentryBuilder) -> Scheduled {
    Scheduled(App::builder("shop").with(sentry.build()))
}

struct Scheduled(hookstack_inngest::AppBuilder);

impl Scheduled {
    async fn fire(self, function: Function) {
        let engine = Engine::start(self.0.function(function)).expect("an app");
        engine.fire_cron("shop-Nightly").expect("a schedule");
        engine.settle().await.expect("rest");
        // Retries; the schedule's own next time is not waited for.
        engine.advance(std::time::Duration::from_secs(120)).await.expect("rest");
    }
}

fn function() -> hookstack_inngest::FunctionBuilder {
    Function::builder("Nightly").on_cron("TZ=Europe/Paris 0 3 1 1 *").retries(1)
}

#[tokio::test]
async fn a_run_checks_in_once_at_its_first_call_and_once_at_its_last() {
    let (sentry, sink) = sentry();
    nightly(sentry).fire(function().handler(works)).await;
    let check_ins = sink.check_ins();
    let statuses: Vec<_> = check_ins.iter().map(|check_in| check_in.status).collect();
    assert_eq!(statuses, [Status::InProgress, Status::Ok]);
    assert_eq!(check_ins[0].check_in_id, check_ins[1].check_in_id);
    let first = &check_ins[0];
    assert_eq!(first.monitor_slug, "shop-nightly");
    assert_eq!(first.environment.as_deref(), Some("test"));
    let config = first.monitor_config.as_ref().expect("a configuration");
    assert_eq!(config.schedule, MonitorSchedule::Crontab { value: "0 3 1 1 *".to_owned() });
    assert_eq!(config.timezone.as_deref(), Some("Europe/Paris"));
}

#[tokio::test]
async fn a_run_that_fails_for_good_is_an_error_once() {
    let (sentry, sink) = sentry();
    nightly(sentry).fire(function().handler(fails)).await;
    let statuses: Vec<_> = sink.check_ins().iter().map(|check_in| check_in.status).collect();
    assert_eq!(statuses, [Status::InProgress, Status::Error]);
    assert_eq!(sink.issues().len(), 1);
}

#[tokio::test]
async fn slug_and_configuration_can_be_changed_and_all_of_it_switched_off() {
    let (builder, sink) = sentry();
    let crons =
        Crons::default().slug(|info| format!("my {}", info.function.id)).configure(|_, config| {
            config.map(|mut config| {
                config.max_runtime = Some(30);
                config
            })
        });
    nightly(builder.crons(crons)).fire(function().handler(works)).await;
    let check_in = sink.check_ins().remove(0);
    assert_eq!(check_in.monitor_slug, "my-nightly");
    assert_eq!(check_in.monitor_config.and_then(|config| config.max_runtime), Some(30));

    let (builder, sink) = sentry();
    nightly(builder.crons(None)).fire(function().handler(works)).await;
    assert!(sink.bytes().is_empty());
}

#[tokio::test]
async fn events_do_not_check_in() {
    let (sentry, sink) = sentry();
    let engine = run(crate::support::app(sentry.build(), |f| f.handler(works))).await;
    finish(&engine).await;
    assert!(sink.bytes().is_empty());
}
