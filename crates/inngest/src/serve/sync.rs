//! `PUT`: tells the server what is served here (Inngest SDK specification, section 4.3).

use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::caller::{Caller, unsigned};
use super::endpoint::{Request, Shared};
use super::reply::{Refusal, Reply};
use super::{address, introspection};
use crate::config::Mode;
use crate::headers;

const IN_BAND: &str = "in_band";
const OUT_OF_BAND: &str = "out_of_band";

/// Answers a sync request: with the app's functions, if that is asked for and allowed, or with how
/// registering them went.
pub(super) async fn sync(shared: &Shared, request: &Request) -> Reply {
    let config = shared.api.config();
    let kind = request.parts.headers.get(headers::SYNC_KIND).map(HeaderValue::as_bytes);
    // The specification writes it with a hyphen, servers with an underscore.
    let in_band = matches!(kind, Some(b"in_band" | b"in-band")) && config.in_band_sync();
    let result =
        if in_band { in_band_sync(shared, request) } else { out_of_band(shared, request).await };
    match result {
        Ok(reply) => reply,
        Err(refusal) => {
            // Both what a sync request and what any other request is answered with in this case.
            let body = json!({
                "code": refusal.code,
                "name": "Refused",
                "message": refusal.message,
                "modified": false,
            });
            Reply::json(refusal.status, &body)
        }
    }
}

/// Registration in the answer itself (section 4.3.5).
fn in_band_sync(shared: &Shared, request: &Request) -> Result<Reply, Refusal> {
    #[derive(Deserialize)]
    #[serde(expecting = "an object")]
    struct Body {
        url: String,
    }
    let config = shared.api.config();
    match &request.caller {
        Caller::Signed(_) => {}
        Caller::Unsigned if config.signing_keys().next().is_none() => {
            return Err(Refusal::new(
                "signing_key_unspecified",
                "an in-band sync must be signed, and this app has no signing key to check it with: set INNGEST_SIGNING_KEY, or sync without the header `x-inngest-sync-kind`",
            ));
        }
        Caller::Unsigned => return Err(unsigned()),
        Caller::Refused(refusal) => {
            return Err(Refusal::new(refusal.code, refusal.message.clone()));
        }
    }
    let body: Body = serde_json::from_slice(&request.body).map_err(|error| {
        let reason = hookstack_core::redact::serde_reason(&error);
        Refusal::bad_request("body_invalid", format!("sync request: field `url`: {reason}"))
    })?;
    let url = address::of_body(config, &body.url)?;
    let answer = json!({
        "app_id": shared.app.id(),
        "env": config.environment(),
        "framework": shared.framework(),
        "functions": functions(shared, &url),
        "inspection": introspection::authenticated(shared),
        "platform": config.platform(),
        "sdk_author": "hookstack",
        "sdk_language": "rust",
        "sdk_version": env!("CARGO_PKG_VERSION"),
        "url": url.as_str(),
    });
    Ok(Reply::json(StatusCode::OK, &answer).header(headers::SYNC_KIND, IN_BAND))
}

/// Registration by a request of our own (sections 4.3.2 to 4.3.4).
async fn out_of_band(shared: &Shared, request: &Request) -> Result<Reply, Refusal> {
    let config = shared.api.config();
    match &request.caller {
        Caller::Refused(refusal) => {
            return Err(Refusal::new(refusal.code, refusal.message.clone()));
        }
        Caller::Unsigned if config.mode() == Mode::Cloud && !config.unsigned_sync() => {
            return Err(Refusal::new(
                "sig_missing",
                "header `x-inngest-signature`: missing; to sync without it, set INNGEST_SERVE_ORIGIN to this app's public address",
            ));
        }
        _ => {}
    }
    let trusted = match request.caller {
        Caller::Signed(_) => true,
        _ => config.mode() == Mode::Dev,
    };
    let url = address::of_request(config, &request.parts, trusted)?;
    let payload = json!({
        "appName": shared.app.id(),
        "capabilities": { "in_band_sync": "v1", "trust_probe": "v1" },
        "deployType": "ping",
        "framework": shared.framework(),
        "functions": functions(shared, &url),
        "sdk": headers::SDK_VALUE,
        "url": url.as_str(),
        "v": "0.1",
    });
    let payload = payload.to_string();
    let register = register_url(config.api_origin(), &request.parts)?;
    let server_kind = request.parts.headers.get(headers::SERVER_KIND);
    let framework = HeaderValue::from_static(shared.framework());
    let answer = shared.api.authorized(|http| {
        let mut post = http
            .post(register.clone())
            .header(CONTENT_TYPE, "application/json")
            .header(headers::FRAMEWORK, framework.clone())
            .body(payload.clone());
        if let Some(kind) = server_kind {
            post = post.header(headers::EXPECTED_SERVER_KIND, kind.clone());
        }
        post
    });
    let answer =
        answer.await.map_err(|error| Refusal::new("registration_failed", error.message()))?;

    #[derive(Default, Deserialize)]
    struct Answered {
        #[serde(default)]
        modified: Option<bool>,
        #[serde(default)]
        error: Option<String>,
    }
    let read: Option<Answered> = serde_json::from_slice(&answer.body).ok();
    if answer.status == StatusCode::OK {
        let modified = read.unwrap_or_default().modified.unwrap_or(false);
        let body = json!({ "message": "Successfully synced.", "modified": modified });
        return Ok(Reply::json(StatusCode::OK, &body).header(headers::SYNC_KIND, OUT_OF_BAND));
    }
    let status = answer.status.as_u16();
    let message = match read.and_then(|read| read.error) {
        Some(error) => error.trim().chars().take(1000).collect(),
        None => format!("the server answered the registration with status {status}"),
    };
    Err(Refusal::new("registration_failed", message))
}

fn register_url(api: &str, parts: &http::request::Parts) -> Result<Url, Refusal> {
    let mut url = Url::parse(&format!("{api}/fn/register")).map_err(|_| {
        Refusal::new("url_invalid", "INNGEST_API_BASE_URL: no address follows from it")
    })?;
    let query = parts.uri.query().unwrap_or_default();
    let mut parameters = url::form_urlencoded::parse(query.as_bytes());
    if let Some((name, id)) = parameters.find(|(name, _)| name == "deployId") {
        url.query_pairs_mut().append_pair(&name, &id);
    }
    Ok(url)
}

/// The configuration of all functions, with the address of each.
fn functions(shared: &Shared, app: &Url) -> Vec<Value> {
    let configs = shared.app.functions().map(|function| {
        let info = function.info();
        let mut config = info.config.clone();
        config["steps"]["step"]["runtime"]["url"] = address::of_function(app, &info.slug).into();
        config
    });
    configs.collect()
}
