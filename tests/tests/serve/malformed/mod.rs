//! Requests that are wrong: each is refused with what is wrong, quotes nothing, and harms no other.

mod bodies;
mod requests;
mod table;

use std::collections::BTreeMap;

use bodies::*;
use hookstack_core::{Error, Result};
use hookstack_inngest::{App, Data, Function, Step, serve};
use hookstack_testing::Canary;
use hookstack_tests::endpoint::{Endpoint, KEY, cloud};
use hookstack_tests::http_client::{HttpClient, HttpRequest};
use http::StatusCode;
use requests::*;
use serde::Deserialize;
use serde_json::{Value, json};
use table::{Case, Send, Table, raw};

use crate::support::{assert_common_headers, call};

/// Stands in every request, as text or as a number, and in no response.
const CANARY: &str = "canary-41114111";
const NUMBER: &str = "41114111";

const MAX_BODY: usize = 6_000_000;

#[derive(Deserialize)]
struct Order {
    #[allow(dead_code, reason = "only read")]
    id: u32,
}

async fn order(Data(_): Data<Order>) -> Result<()> {
    Ok(())
}

async fn echo(Data(data): Data<Value>) -> Result<Value> {
    Ok(data)
}

/// One step of each kind whose memoized value is read.
async fn steps(step: Step) -> Result<Value> {
    let paid: u32 = step.run("pay", async || Ok::<_, Error>(1)).await?;
    step.sleep("nap", std::time::Duration::from_secs(1)).await?;
    let child: Value = step.invoke("child", "receipt", &json!({ "paid": paid })).await?;
    Ok(json!([paid, child]))
}

fn app() -> App {
    let function = |id: &str| Function::builder(id).on_event("t/event");
    async fn handler(failure: hookstack_inngest::Failure<Value>) -> Result<()> {
        let _ = failure;
        Ok(())
    }
    App::builder("t")
        .function(function("order").on_failure(handler).handler(order))
        .function(function("echo").handler(echo))
        .function(function("steps").handler(steps))
        .build()
        .expect("a valid app")
}

#[tokio::test]
async fn every_wrong_request_is_refused_and_nothing_is_quoted() {
    let endpoint = Endpoint::of(serve(app()).max_body(MAX_BODY), cloud()).await;
    let mut table = Table { url: endpoint.url(), cases: Vec::new() };
    for fill in [
        truncated,
        not_well_formed,
        not_utf8,
        wrong_types,
        missing_fields,
        huge_step_maps,
        forms_of_memos,
        signatures,
        replayed,
        wrong_ids,
        deep_nesting,
        oversized,
        wrong_methods,
        syncs,
    ] {
        fill(&mut table);
    }
    let canaries = [Canary::new(CANARY), Canary::new(NUMBER), Canary::new("4111411141114111")];
    let client = HttpClient::new();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    for Case { class, name, send, status, says } in table.cases {
        let is_post = !matches!(class, "wrong methods" | "wrong syncs");
        let response = match send {
            Send::Http(request) => client.send(request).await,
            Send::Raw(request) => raw(&endpoint, &request).await,
        };
        let case = format!("{class}: {name}");
        assert_common_headers(&response, "cloud", "axum");
        let json = response.json();
        let message = json["message"].as_str().unwrap_or_default();
        if response.status != status || !message.contains(says) || !json["message"].is_string() {
            wrong.push(format!(
                "{case}: expected {status} {says:?}, got {} {json}",
                response.status
            ));
        }
        for canary in &canaries {
            if let Some(leak) = canary.find(response.raw()) {
                wrong.push(format!("{case}: the response quotes the request {leak}: {json}"));
            }
        }
        if is_post && !name.starts_with("announced") && !name.starts_with("in-band") {
            let expected = if status == 400 { "true" } else { "false" };
            if response.header("x-inngest-no-retry") != expected {
                wrong.push(format!("{case}: no-retry is not {expected}"));
            }
        }
        let valid = endpoint.call(&call(json!({ "after": counts.len() }))).signed(KEY);
        let response = client.send(valid).await;
        let expected = (StatusCode::OK, json!({ "after": counts.len() }));
        assert_eq!((response.status, response.json()), expected, "after {case}");
        *counts.entry(class).or_default() += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let total: usize = counts.values().sum();
    println!("{total} wrong requests: {counts:?}");
    assert_eq!(counts.len(), 14);
    assert!(total >= 40 && counts.values().all(|count| *count >= 3), "{total}: {counts:?}");
}

#[tokio::test]
async fn many_steps_are_no_mistake() {
    let endpoint = Endpoint::of(serve(app()).max_body(MAX_BODY), cloud()).await;
    let body = format!(r#"{{"ctx":{{"run_id":"r"}},{FINE},"steps":{{{}}}}}"#, many_steps());
    let url = format!("{}?fnId=t-echo&stepId=step", endpoint.url());
    let response = HttpClient::new().send(HttpRequest::post(url).body(body).signed(KEY)).await;
    assert_eq!((response.status.as_u16(), response.json()), (200, json!({ "id": 1 })));
}
