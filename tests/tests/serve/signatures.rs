//! Who may call (Inngest SDK specification, section 4.1.3).

use hookstack_inngest::{Config, ConfigBuilder};
use hookstack_tests::endpoint::{Endpoint, KEY, OTHER_KEY, cloud, dev};
use hookstack_tests::http_client::{HttpClient, HttpRequest, HttpResponse};
use hookstack_tests::signing;
use serde_json::json;

use crate::support::{app, assert_common_headers, call};

/// Some seconds for the way to the endpoint: a signature of this age is still good, or no more good.
const MARGIN: u64 = 30;
const TOLERANCE: u64 = 300;

struct Scene {
    endpoint: Endpoint,
    client: HttpClient,
}

impl Scene {
    async fn of(config: ConfigBuilder) -> Self {
        let endpoint = Endpoint::start(app(), config).await;
        Scene { endpoint, client: HttpClient::new() }
    }

    fn call(&self) -> HttpRequest {
        self.endpoint.call(&call(json!({ "n": 1 })))
    }

    #[track_caller]
    fn accepted(&self, request: HttpRequest) -> impl Future<Output = HttpResponse> {
        let client = self.client.clone();
        async move {
            let response = client.send(request).await;
            let expected = (200, json!({ "n": 1 }));
            assert_eq!((response.status.as_u16(), response.json()), expected);
            response
        }
    }

    async fn refused(&self, request: HttpRequest, code: &str) {
        let response = self.client.send(request).await;
        assert_eq!((response.status.as_u16(), &response.json()["code"]), (500, &json!(code)));
        assert!(response.json()["name"].is_string() && response.json()["message"].is_string());
        assert_eq!(response.header("x-inngest-signature"), "", "refused calls are not signed");
        assert_eq!(response.header("x-inngest-no-retry"), "false");
    }
}

#[tokio::test]
async fn in_the_cloud_a_signed_call_is_accepted_and_answered_signed() {
    let scene = Scene::of(cloud()).await;
    let response = scene.accepted(scene.call().signed(KEY)).await;
    assert_common_headers(&response, "cloud", "axum");
    assert!(response.is_signed_with(KEY));
    let signature = response.header("x-inngest-signature");
    let time = signature.strip_prefix("t=").and_then(|rest| rest.split('&').next());
    let time: u64 = time.and_then(|time| time.parse().ok()).expect("a time");
    assert!(time.abs_diff(signing::now()) <= TOLERANCE, "signed now");
}

#[tokio::test]
async fn in_the_cloud_everything_else_is_refused() {
    let scene = Scene::of(cloud()).await;
    scene.refused(scene.call(), "sig_missing").await;
    scene.refused(scene.call().signed(OTHER_KEY), "sig_verification_failed").await;
    let expired = signing::now() - TOLERANCE - 1;
    scene.refused(scene.call().signed_at(KEY, expired), "sig_expired").await;
    let future = signing::now() + TOLERANCE + MARGIN;
    scene.refused(scene.call().signed_at(KEY, future), "sig_expired").await;
    let changed = scene.call().signed(KEY).body(call(json!({ "n": 2 })).body());
    scene.refused(changed, "sig_verification_failed").await;
    // The time is part of what is signed.
    let signature = signing::sign_at(KEY, &call(json!({ "n": 1 })).body(), signing::now() - 9);
    let (_, mac) = signature.split_once("&s=").expect("two parts");
    let other_time = format!("t={}&s={mac}", signing::now());
    let request = scene.call().header("x-inngest-signature", other_time);
    scene.refused(request, "sig_verification_failed").await;
    // The key as it stands, with its prefix, signs nothing.
    let prefixed = scene.call().signed("signkey-test-signkey-test-12345678");
    scene.refused(prefixed, "sig_verification_failed").await;
    for malformed in ["", "t=1", "s=00", "t=1&s=xyz", "true", "t=1&s=00&t=1"] {
        let request = scene.call().header("x-inngest-signature", malformed);
        scene.refused(request, "sig_malformed").await;
    }
}

#[tokio::test]
async fn a_signature_is_good_for_five_minutes() {
    let scene = Scene::of(cloud()).await;
    let early = signing::now() - TOLERANCE + MARGIN;
    let request = scene.call().signed_at(KEY, early);
    scene.accepted(request.clone()).await;
    // Within that time the server may repeat itself; ids of runs and steps make that harmless.
    scene.accepted(request).await;
    scene.accepted(scene.call().signed_at(KEY, signing::now() + TOLERANCE - MARGIN)).await;
}

#[tokio::test]
async fn a_replay_after_five_minutes_is_refused() {
    let scene = Scene::of(cloud()).await;
    let recorded = scene.call().signed_at(KEY, signing::now() - TOLERANCE - MARGIN);
    scene.refused(recorded, "sig_expired").await;
}

#[tokio::test]
async fn the_fallback_key_is_accepted_and_signs_the_response() {
    let scene = Scene::of(cloud().signing_key_fallback(OTHER_KEY)).await;
    let response = scene.accepted(scene.call().signed(OTHER_KEY)).await;
    assert!(response.is_signed_with(OTHER_KEY) && !response.is_signed_with(KEY));
    let response = scene.accepted(scene.call().signed(KEY)).await;
    assert!(response.is_signed_with(KEY) && !response.is_signed_with(OTHER_KEY));
    scene.refused(scene.call().signed("signkey-test-7777"), "sig_verification_failed").await;
    // Alone it is a key too.
    let only = Config::builder().variables(|_| None).base_url("http://127.0.0.1:9");
    let scene = Scene::of(only.signing_key_fallback(OTHER_KEY)).await;
    assert!(scene.accepted(scene.call().signed(OTHER_KEY)).await.is_signed_with(OTHER_KEY));
}

#[tokio::test]
async fn in_the_cloud_without_a_key_nothing_is_accepted() {
    let config = Config::builder().variables(|_| None).base_url("http://127.0.0.1:9");
    let scene = Scene::of(config).await;
    scene.refused(scene.call(), "signing_key_unspecified").await;
    scene.refused(scene.call().signed(KEY), "signing_key_unspecified").await;
    // No secret at all is no key that would sign anything.
    scene.refused(scene.call().signed(""), "signing_key_unspecified").await;
}

#[tokio::test]
async fn in_development_a_signature_is_checked_where_there_is_one_and_a_key() {
    let scene = Scene::of(dev()).await;
    for request in [scene.call(), scene.call().signed(KEY), scene.call().signed(OTHER_KEY)] {
        let response = scene.accepted(request).await;
        assert_common_headers(&response, "dev", "axum");
        assert_eq!(response.header("x-inngest-signature"), "", "there is no key to sign with");
    }
    let scene = Scene::of(dev().signing_key(KEY)).await;
    let response = scene.accepted(scene.call()).await;
    assert_eq!(response.header("x-inngest-signature"), "", "it was not asked by a holder of a key");
    assert!(scene.accepted(scene.call().signed(KEY)).await.is_signed_with(KEY));
    scene.refused(scene.call().signed(OTHER_KEY), "sig_verification_failed").await;
    scene.refused(scene.call().header("x-inngest-signature", "t=1"), "sig_malformed").await;
}

/// A page in the web may send simple requests to a developer's machine; the browser says that it does.
#[tokio::test]
async fn in_development_pages_of_other_sites_are_refused() {
    let from = |request: HttpRequest, site: &str| request.header("sec-fetch-site", site);
    let other_site = (403, "cross_site".into());
    let scene = Scene::of(dev()).await;
    let url = scene.endpoint.url();
    // Without a key nothing can be checked, whatever is signed.
    let requests =
        [scene.call(), scene.call().signed(KEY), HttpRequest::put(&url), HttpRequest::get(&url)];
    for request in requests {
        let response = scene.client.send(from(request, "cross-site")).await;
        let code = response.json()["code"].as_str().unwrap_or_default().to_owned();
        assert_eq!((response.status.as_u16(), code), other_site);
        assert_common_headers(&response, "dev", "axum");
    }
    for site in ["same-origin", "same-site", "none"] {
        scene.accepted(from(scene.call(), site)).await;
    }
    let scene = Scene::of(dev().signing_key(KEY)).await;
    assert_eq!(scene.client.send(from(scene.call(), "cross-site")).await.status, 403);
    scene.accepted(from(scene.call().signed(KEY), "cross-site")).await;
    let wrong = from(scene.call().signed(OTHER_KEY), "cross-site");
    scene.refused(wrong, "sig_verification_failed").await;
    // In cloud mode the signature is all that counts.
    let scene = Scene::of(cloud()).await;
    scene.accepted(from(scene.call().signed(KEY), "cross-site")).await;
}

#[tokio::test]
async fn the_kind_of_server_decides_nothing() {
    let scene = Scene::of(cloud()).await;
    let request = scene.call().header("x-inngest-server-kind", "dev");
    scene.refused(request, "sig_missing").await;
    let request = scene.call().header("x-inngest-server-kind", "dev");
    scene.accepted(request.signed(KEY)).await;
}

#[tokio::test]
async fn a_probe_of_trust_needs_a_signature() {
    let scene = Scene::of(cloud()).await;
    let probe = || HttpRequest::post(format!("{}?probe=trust", scene.endpoint.url()));
    scene.refused(probe(), "sig_missing").await;
    scene.refused(probe().signed(OTHER_KEY), "sig_verification_failed").await;
    let response = scene.client.send(probe().signed(KEY)).await;
    assert_eq!((response.status.as_u16(), response.json()), (200, json!({})));
    assert!(response.is_signed_with(KEY));
}

#[tokio::test]
async fn errors_of_functions_are_signed_too() {
    let scene = Scene::of(cloud()).await;
    let url = format!("{}?fnId=t-nobody&stepId=step", scene.endpoint.url());
    let response = scene.client.send(HttpRequest::post(url).body("{}").signed(KEY)).await;
    assert_eq!(response.status, 500);
    assert!(response.is_signed_with(KEY));
}
