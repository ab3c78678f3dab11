//! The picture of the lifecycle is what its source makes, and its source is what happens.

use std::fs;

use hookstack_core::{Error, Event, Hook};
use hookstack_inngest::engine::Engine;
use hookstack_inngest::{App, Function, Step};
use hookstack_testing::{Entry, Log, Phase, Record, Recorder};

use crate::repository::root;
use crate::source::{Kind, Part, Row, read};
use crate::svg::draw;

fn parts() -> Vec<Part> {
    read(&fs::read_to_string(root().join("docs/lifecycle.txt")).expect("the source"))
}

#[test]
fn the_picture_is_what_its_source_makes() {
    let path = root().join("docs/lifecycle.svg");
    let drawn = draw(&parts());
    if std::env::var_os("HOOKSTACK_WRITE").is_some() {
        fs::write(&path, &drawn).expect("the picture can be written");
    }
    let there = fs::read_to_string(&path).expect("the picture");
    assert!(
        there == drawn,
        "HOOKSTACK_WRITE=1 cargo test -p hookstack-tests --test front_door draws it anew"
    );
}

/// All rows, from the top down.
fn flat<'a>(rows: &'a [Row], all: &mut Vec<&'a Row>) {
    for row in rows {
        all.push(row);
        flat(&row.inside, all);
    }
}

fn hooks(part: &Part) -> Vec<&Row> {
    let mut all = Vec::new();
    flat(&part.rows, &mut all);
    all.retain(|row| row.kind != Kind::Code);
    all
}

#[test]
fn every_hook_is_in_the_picture_once_and_in_its_direction() {
    let parts = parts();
    let rows: Vec<&Row> = parts.iter().flat_map(hooks).collect();
    let all = Hook::ASYNC.into_iter().chain([Hook::OnRegister, Hook::OnAbandoned]);
    let mut names: Vec<&str> = all.clone().map(Hook::as_str).collect();
    let mut drawn: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
    names.sort_unstable();
    drawn.sort_unstable();
    assert_eq!(drawn, names);
    for hook in all {
        let row = rows.iter().find(|row| row.name == hook.as_str()).expect("compared above");
        let around = row.name.starts_with("around_");
        assert_eq!(row.kind == Kind::Around, around, "{hook}");
        assert_eq!(row.kind == Kind::Reverse, hook.is_reverse(), "{hook}");
    }
}

async fn three_steps(step: Step) -> Result<u8, Error> {
    let a = step.run("a", async || Ok::<_, Error>(1)).await?;
    let b = step.run("b", async || Ok::<_, Error>(2)).await?;
    let c = step.run("c", async || Ok::<_, Error>(3)).await?;
    Ok(a + b + c)
}

/// The third call of a function with three steps: two are stored, one is executed.
async fn third_call() -> Vec<Record> {
    let log = Log::new();
    let app = App::builder("app")
        .with(Recorder::new("first", &log))
        .with(Recorder::new("last", &log))
        .function(Function::builder("f").on_event("e").handler(three_steps));
    let engine = Engine::start(app).expect("an app");
    engine.inject(Event::new("e", &()).expect("an event")).expect("it is taken");
    engine.run_until_idle().await.expect("the run ends");
    log.records().into_iter().filter(|record| record.call == 3).collect()
}

/// Where a hook of a middleware was entered, or left if it is an onion.
fn place(records: &[Record], of: &str, name: &str, left: bool) -> usize {
    let found = records.iter().position(|record| match &record.entry {
        Entry::Hook { middleware, hook, phase, .. } => {
            middleware == of && hook.as_str() == name && (*phase == Phase::Exit) == left
        }
        _ => false,
    });
    found.unwrap_or_else(|| panic!("{of}.{name} is not in {records:?}"))
}

#[tokio::test]
async fn a_call_goes_through_the_picture_from_the_top_down() {
    let records = third_call().await;
    let parts = parts();
    let call = hooks(&parts[0]);
    let entered: Vec<usize> =
        call.iter().map(|row| place(&records, "first", &row.name, false)).collect();
    assert!(entered.is_sorted(), "{entered:?} of {:?}", call);
    for row in call {
        let first = place(&records, "first", &row.name, false);
        let last = place(&records, "last", &row.name, false);
        assert_eq!(first < last, row.kind != Kind::Reverse, "{}", row.name);
        if row.kind == Kind::Around {
            let end = place(&records, "first", &row.name, true);
            assert!(place(&records, "last", &row.name, true) < end, "{}", row.name);
            for inside in &row.inside {
                if inside.kind != Kind::Code {
                    let at = place(&records, "first", &inside.name, false);
                    assert!(first < at && at < end, "{} in {}", inside.name, row.name);
                }
            }
        }
    }
}
