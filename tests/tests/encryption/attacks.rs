//! What somebody who controls the server, its database or the way to it can try. Each test takes the
//! real traffic of a run, changes one thing, and sends it to the app again.

use hookstack_core::{Error, StepHash};
use hookstack_encryption::{Context, Encryption, Invoker, Origin, Plain, Slot};
use hookstack_inngest::engine::Engine;
use hookstack_inngest::{App, Data, Function, Step, StepId};
use hookstack_testing::Canary;
use hookstack_tests::request::hash;
use serde_json::{Value, json};

use hookstack_tests::shop::{
    R, app, call, encryption, expected_output, keys, last_request, only, open_output, run_all,
};

/// The app, and the request of the last call of the main function, in which all steps are memoized.
async fn traffic() -> (Engine, App, Value) {
    let engine = run_all(app(encryption())).await;
    let request = last_request(&only(engine.runs_of("shop-main")));
    let app = engine.apps().remove(0);
    (engine, app, request)
}

/// Sends the changed request; it must be refused for good, as not authentic, without telling anything.
async fn refused(change: impl AsyncFnOnce(&Engine, &mut Value)) {
    let (engine, app, mut request) = traffic().await;
    let (status, answer) = call(&app, "shop-main", &request).await;
    assert_eq!(status, 200, "unchanged, it is accepted: {answer}");
    change(&engine, &mut request).await;
    let (status, answer) = call(&app, "shop-main", &request).await;
    assert_eq!((status, &answer["name"]), (400, &json!("Unauthenticated")), "{answer}");
    for canary in hookstack_tests::shop::CANARIES {
        Canary::new(canary).assert_absent("the refusal", answer.to_string());
    }
}

fn memo<'a>(request: &'a mut Value, step: &str) -> &'a mut Value {
    &mut request["steps"][hash(step)]
}

#[tokio::test]
async fn a_step_output_moved_to_another_step() {
    refused(async |_, request| {
        let stolen = memo(request, "a").clone();
        *memo(request, "retried") = stolen;
    })
    .await;
}

#[tokio::test]
async fn two_step_outputs_swapped() {
    refused(async |_, request| {
        let (a, b) = (memo(request, "a").clone(), memo(request, "retried").clone());
        (*memo(request, "a"), *memo(request, "retried")) = (b, a);
    })
    .await;
}

#[tokio::test]
async fn a_changed_character_in_an_envelope() {
    refused(async |_, request| {
        let data = memo(request, "a")["data"]["data"].as_str().expect("base64").to_owned();
        let last = data.trim_end_matches('=').len() - 3;
        let other = if &data[last..=last] == "A" { "B" } else { "A" };
        memo(request, "a")["data"]["data"] =
            format!("{}{other}{}", &data[..last], &data[last + 1..]).into();
    })
    .await;
}

#[tokio::test]
async fn plaintext_in_place_of_an_envelope() {
    refused(async |_, request| *memo(request, "a") = json!({ "data": "forged" })).await;
    refused(async |_, request| *memo(request, "child") = json!({ "data": { "secret": "forged" } }))
        .await;
    refused(async |_, request| {
        request["event"]["data"] = json!({ "secret": "forged" });
        request["events"] = json!([request["event"]]);
    })
    .await;
}

#[tokio::test]
async fn a_bare_null_in_a_run_slot() {
    refused(async |_, request| *memo(request, "a") = Value::Null).await;
}

#[tokio::test]
async fn an_edited_input_in_a_run_slot() {
    refused(async |_, request| *memo(request, "a") = json!({ "input": ["forged"] })).await;
}

#[tokio::test]
async fn a_value_in_a_sleep_slot() {
    refused(async |_, request| {
        let stolen = memo(request, "a").clone();
        *memo(request, "nap") = stolen;
    })
    .await;
}

#[tokio::test]
async fn a_functions_output_in_a_run_slot() {
    refused(async |_, request| {
        let stolen = memo(request, "child").clone();
        *memo(request, "a") = stolen;
    })
    .await;
}

#[tokio::test]
async fn a_step_output_in_an_invoke_slot() {
    refused(async |_, request| {
        // Sealed for the very hash of the invoking step, but as the output of a step.
        let own = json!({ "data": sealed_step("shop-main", "child", &trigger_of(request), "\"forged\"") });
        *memo(request, "child") = own;
    })
    .await;
}

/// What the traffic's own values are bound to.
fn trigger_of(request: &mut Value) -> String {
    let step = StepHash::from_hex(&hash("a")).expect("a hash");
    let envelope = memo(request, "a")["data"].to_string();
    let opened =
        keys().open(&Context::step("shop-main", step), envelope.as_bytes()).expect("authentic");
    opened.origin().trigger_id.clone()
}

#[tokio::test]
async fn what_a_key_holder_sealed_for_this_step_is_accepted() {
    // The counterpart of the attacks below that differ from it in one thing.
    let (_, app, mut request) = traffic().await;
    let sealed = sealed_step("shop-main", "a", &trigger_of(&mut request), "\"canary-step-output\"");
    *memo(&mut request, "a") = json!({ "data": sealed });
    assert_eq!(call(&app, "shop-main", &request).await.0, 200);
}

/// An envelope that a key holder made for this step; a stolen one, so to speak.
fn sealed_step(function: &str, step: &str, trigger: &str, plaintext: &str) -> Value {
    let origin = Origin {
        function: function.to_owned(),
        trigger_id: trigger.to_owned(),
        ..Origin::default()
    };
    let step = StepHash::from_hex(&hash(step)).expect("a hash");
    let sealed =
        keys().seal(&Context::step(function, step), &origin, plaintext.as_bytes()).expect("sealed");
    serde_json::from_slice(&sealed).expect("JSON")
}

#[tokio::test]
async fn the_output_of_another_invocation_of_the_same_function() {
    refused(async |_, request| {
        // `child` and `empty` invoke the same function, in the same call.
        let stolen = memo(request, "child").clone();
        *memo(request, "empty") = stolen;
    })
    .await;
}

#[tokio::test]
async fn the_output_of_another_function_in_an_invoke_slot() {
    refused(async |_, request| {
        let origin = Origin {
            function: "shop-other".to_owned(),
            invoker: Invoker {
                function: "shop-main".to_owned(),
                run_id: request["ctx"]["run_id"].as_str().expect("a run").to_owned(),
                trigger_id: trigger_of(request),
                step: hash("child"),
            },
            ..Origin::default()
        };
        let context = Context::function_output("shop-other");
        let sealed = keys().seal(&context, &origin, b"\"forged\"").expect("sealed");
        *memo(request, "child") =
            json!({ "data": serde_json::from_slice::<Value>(&sealed).expect("JSON") });
    })
    .await;
}

#[tokio::test]
async fn a_listeners_output_in_an_invoke_slot() {
    async fn listens(Data(_): Data<Value>) -> R<&'static str> {
        Ok("from the listener")
    }
    // The invoked function fails at first, so the listener is the first to answer, as on a real server.
    async fn invoked(step: Step) -> R<&'static str> {
        step.sleep("nap", std::time::Duration::from_secs(10)).await?;
        Ok("from the invoked function")
    }
    async fn invokes(step: Step) -> R<String> {
        Ok(step.invoke("call", "invoked", &json!({ "n": 1 })).await?)
    }
    let app = App::builder("shop")
        .with(encryption())
        .function(Function::builder("invokes").on_event("start").retries(0).handler(invokes))
        .function(Function::builder("invoked").handler(invoked))
        .function(
            Function::builder("listens").on_event("inngest/function.invoked").handler(listens),
        );
    let engine = Engine::start(app).expect("the app");
    hookstack_tests::shop::send(&engine, "start", "start-1", json!({})).await;
    engine.run_until_idle().await.expect("rest");
    let listener = only(engine.runs_of("shop-listens"));
    let output =
        open_output(&keys(), "shop-listens", listener.output.as_deref().expect("an output"));
    assert_eq!(output, json!("from the listener"), "it may listen");
    let invoker = only(engine.runs_of("shop-invokes"));
    let error: Value =
        serde_json::from_str(invoker.error.as_deref().expect("it is refused")).expect("JSON");
    assert_eq!(error["name"], "Unauthenticated");
}

#[tokio::test]
async fn a_memo_of_another_function() {
    refused(async |_, request| {
        *memo(request, "a") =
            json!({ "data": sealed_step("shop-other", "a", &trigger_of(request), "\"forged\"") });
    })
    .await;
}

#[tokio::test]
async fn a_memo_of_another_trigger() {
    refused(async |_, request| {
        *memo(request, "a") =
            json!({ "data": sealed_step("shop-main", "a", "order-2", "\"forged\"") });
    })
    .await;
}

#[tokio::test]
async fn a_rerun_with_the_same_trigger_is_accepted() {
    let (engine, ..) = traffic().await;
    let first = only(engine.runs_of("shop-main"));
    let again = engine.rerun(&first.id).expect("a rerun");
    let from_step = engine.rerun_from_step(&first.id, "send").expect("a rerun");
    engine.advance(std::time::Duration::from_secs(30)).await.expect("rest");
    hookstack_tests::shop::send(
        &engine,
        "shop/later",
        "later-2",
        json!({ "secret": "canary-awaited-event" }),
    )
    .await;
    engine.run_until_idle().await.expect("rest");
    for id in [again, from_step] {
        let run = engine.run(&id).expect("the run");
        let output = open_output(
            &keys(),
            "shop-main",
            run.output.as_deref().unwrap_or_else(|| panic!("{run:?}")),
        );
        assert_eq!(output, expected_output());
    }
}

#[tokio::test]
async fn an_event_under_another_id() {
    refused(async |_, request| {
        request["event"]["id"] = "order-2".into();
        request["events"] = json!([request["event"]]);
    })
    .await;
}

#[tokio::test]
async fn the_data_of_an_event_under_another_name() {
    let (_, app, mut request) = traffic().await;
    request["event"]["name"] = "shop/child".into();
    request["events"] = json!([request["event"]]);
    let (status, answer) = call(&app, "shop-child", &request).await;
    assert_eq!((status, &answer["name"]), (400, &json!("Unauthenticated")));
}

#[tokio::test]
async fn an_event_in_place_of_another_awaited_one() {
    refused(async |_, request| {
        let trigger = request["event"].clone();
        *memo(request, "later") = trigger;
    })
    .await;
    refused(async |_, request| memo(request, "later")["data"] = json!({ "secret": "forged" }))
        .await;
}

#[tokio::test]
async fn a_sealed_field_moved_to_another_field_or_stripped() {
    use hookstack_encryption::EventPolicy;
    async fn echo(Data(data): Data<Value>) -> R<Value> {
        Ok(data)
    }
    let policy = EventPolicy::fields(["card", "name"]);
    let encryption = Encryption::builder(keys()).event("pay", policy).build();
    let app = App::builder("shop")
        .with(encryption)
        .function(Function::builder("echo").on_event("pay").handler(echo));
    let engine = Engine::start(app).expect("the app");
    hookstack_tests::shop::send(&engine, "pay", "pay-1", json!({ "card": "4111", "name": "Ada" }))
        .await;
    engine.run_until_idle().await.expect("rest");
    let request = last_request(&only(engine.runs_of("shop-echo")));
    let app = engine.apps().remove(0);
    let changed = async |change: fn(&mut Value)| {
        let mut request = request.clone();
        change(&mut request["event"]["data"]);
        request["events"] = json!([request["event"]]);
        call(&app, "shop-echo", &request).await.0
    };
    assert_eq!(changed(|_| {}).await, 200);
    assert_eq!(changed(|data| data["card"] = data["name"].clone()).await, 400, "moved");
    assert_eq!(
        changed(|data| drop(data.as_object_mut().expect("an object").remove("card"))).await,
        400,
        "stripped"
    );
    assert_eq!(changed(|data| data["card"] = "4222".into()).await, 400, "plaintext");
}

#[tokio::test]
async fn a_plain_copy_that_was_changed_is_ignored_and_the_sealed_field_cannot_be_stripped() {
    let (_, app, mut request) = traffic().await;
    request["event"]["data"]["secret"] = "forged copy".into();
    request["events"] = json!([request["event"]]);
    let (status, answer) = call(&app, "shop-main", &request).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(open_output(&keys(), "shop-main", &answer.to_string()), expected_output());
    refused(async |_, request| {
        request["event"]["data"] = json!({ "secret": "forged copy" });
        request["events"] = json!([request["event"]]);
    })
    .await;
}

#[tokio::test]
async fn what_the_server_writes_beside_the_envelope_is_accepted() {
    let (_, app, mut request) = traffic().await;
    request["event"]["data"]["_inngest"] = json!({ "source_app_id": "x" });
    request["events"] = json!([request["event"]]);
    assert_eq!(call(&app, "shop-main", &request).await.0, 200);
}

#[tokio::test]
async fn duplicate_and_extra_keys_in_an_envelope() {
    refused(async |_, request| memo(request, "a")["data"]["extra"] = true.into()).await;
    // A duplicate needs text; `serde_json` would drop it.
    let (_, app, request) = traffic().await;
    let text = request
        .to_string()
        .replace(r#""__ENCRYPTED__":true"#, r#""__ENCRYPTED__":true,"__ENCRYPTED__":true"#);
    let response = app.call(hookstack_inngest::CallRequest::new("shop-main", text)).await;
    assert_eq!(response.status.as_u16(), 400);
    response.after_response().await;
}

#[tokio::test]
async fn a_forged_plaintext_error_never_looks_like_the_users_own() {
    let (_, app, mut request) = traffic().await;
    *memo(&mut request, "caught") = json!({ "error": { "name": "Declined", "message": "forged" } });
    *memo(&mut request, "empty") =
        json!({ "error": { "name": "EmptyOrder", "message": "forged too" } });
    let (status, answer) = call(&app, "shop-main", &request).await;
    assert_eq!(status, 200, "an error of the host's own, a time limit, must arrive: {answer}");
    let output = open_output(&keys(), "shop-main", &answer.to_string());
    assert_eq!(output["caught"], json!(["UnauthenticatedError", "forged"]));
    assert_eq!(output["empty"], json!(["UnauthenticatedError", "forged too"]));
}

#[tokio::test]
async fn the_name_of_a_sealed_error_cannot_be_forged() {
    let (_, app, mut request) = traffic().await;
    memo(&mut request, "caught")["error"]["name"] = "Approved".into();
    let (_, answer) = call(&app, "shop-main", &request).await;
    let output = open_output(&keys(), "shop-main", &answer.to_string());
    assert_eq!(output["caught"], json!(["Declined", "canary-caught-error"]));
}

#[tokio::test]
async fn a_sealed_error_moved_or_damaged() {
    refused(async |_, request| {
        let stolen = memo(request, "caught").clone();
        *memo(request, "a") = stolen;
    })
    .await;
    refused(async |_, request| {
        memo(request, "caught")["error"]["message"] = "hookstack/v1:not base64".into()
    })
    .await;
    refused(async |_, request| {
        // The error of an invoked function in the slot of a step.
        let stolen = memo(request, "empty").clone();
        *memo(request, "caught") = stolen;
    })
    .await;
}

#[tokio::test]
async fn the_error_of_another_run_in_a_failure_event() {
    let engine = run_all(app(encryption())).await;
    hookstack_tests::shop::send(
        &engine,
        "shop/order",
        "order-2",
        json!({ "secret": "canary-event" }),
    )
    .await;
    engine.run_until_idle().await.expect("rest");
    let handlers = engine.runs_of("shop-fails-failure");
    let app = engine.apps().remove(0);
    let mut request = last_request(&handlers[0]);
    assert_eq!(call(&app, "shop-fails-failure", &request).await.0, 200);
    request["event"]["data"]["error"] =
        last_request(&handlers[1])["event"]["data"]["error"].clone();
    request["events"] = json!([request["event"]]);
    let (status, answer) = call(&app, "shop-fails-failure", &request).await;
    assert_eq!((status, &answer["name"]), (400, &json!("Unauthenticated")));
}

#[tokio::test]
async fn user_data_that_looks_like_an_envelope_is_data() {
    async fn looks(Data(data): Data<Value>, step: Step) -> R<Value> {
        let fake = json!({ "__ENCRYPTED__": true, "__STRATEGY__": "hookstack/v1", "data": "AAAA" });
        let returned = fake.clone();
        let stored: Value =
            step.run(StepId::new("fake"), async || Ok::<_, Error>(returned)).await?;
        assert_eq!((&data["fake"], &stored), (&fake, &fake));
        Ok(stored)
    }
    let app = App::builder("shop")
        .with(encryption())
        .function(Function::builder("looks").on_event("e").handler(looks));
    let engine = Engine::start(app).expect("the app");
    let fake = json!({ "__ENCRYPTED__": true, "__STRATEGY__": "hookstack/v1", "data": "AAAA" });
    hookstack_tests::shop::send(&engine, "e", "e-1", json!({ "fake": fake })).await;
    engine.run_until_idle().await.expect("rest");
    let run = only(engine.runs_of("shop-looks"));
    assert_eq!(open_output(&keys(), "shop-looks", run.output.as_deref().expect("an output")), fake);
}

#[tokio::test]
async fn where_plaintext_is_accepted_an_envelope_is_still_checked() {
    let engine = run_all(app(encryption())).await;
    let request = last_request(&only(engine.runs_of("shop-main")));
    let lenient = Encryption::builder(keys()).plain(Slot::Steps, Plain::Allow).build();
    let engine = Engine::start(app(lenient)).expect("the app");
    let app = engine.apps().remove(0);
    let mut plain = request.clone();
    *memo(&mut plain, "a") = json!({ "data": "plain" });
    assert_eq!(call(&app, "shop-main", &plain).await.0, 200);
    let mut moved = request.clone();
    *memo(&mut moved, "a") = memo(&mut moved, "retried").clone();
    assert_eq!(call(&app, "shop-main", &moved).await.0, 400);
}

#[tokio::test]
async fn an_output_that_grows_beyond_the_limit_is_refused_with_both_sizes() {
    async fn large(step: Step) -> R<String> {
        let plain = 4 * 1024 * 1024 - 10;
        let result = step.run("large", async || Ok::<_, Error>("x".repeat(plain))).await;
        Ok(result.expect_err("too large").text().to_owned())
    }
    let app = App::builder("shop")
        .with(encryption())
        .function(Function::builder("large").on_event("e").handler(large));
    let engine = Engine::start(app).expect("the app");
    hookstack_tests::shop::send(&engine, "e", "e-1", json!({})).await;
    engine.run_until_idle().await.expect("rest");
    let run = only(engine.runs_of("shop-large"));
    let message = open_output(&keys(), "shop-large", run.output.as_deref().expect("an output"));
    let message = message.as_str().expect("text");
    assert!(
        message.contains("step \"large\": 4194296 bytes") && message.contains("4194304"),
        "{message}"
    );
}
