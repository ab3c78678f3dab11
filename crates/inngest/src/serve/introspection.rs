//! `GET`: what is served here (Inngest SDK specification, section 4.5).

use http::StatusCode;
use serde_json::{Value, json};

use super::caller::Caller;
use super::endpoint::Shared;
use super::reply::Reply;

const SCHEMA_VERSION: &str = "2024-05-24";

/// Answers anybody with what is no secret, and the holder of a signing key with the settings.
pub(super) fn introspect(shared: &Shared, caller: &Caller) -> Reply {
    let inspection = match caller {
        Caller::Signed(_) => authenticated(shared),
        Caller::Refused(_) => unauthenticated(shared, json!(false)),
        Caller::Unsigned => unauthenticated(shared, Value::Null),
    };
    Reply::json(StatusCode::OK, &inspection)
}

fn unauthenticated(shared: &Shared, authentication_succeeded: Value) -> Value {
    let config = shared.api.config();
    json!({
        "authentication_succeeded": authentication_succeeded,
        "capabilities": { "in_band_sync": "v1", "trust_probe": "v1" },
        "function_count": shared.app.functions().count(),
        "has_event_key": config.event_key().is_some(),
        "has_signing_key": config.signing_key().is_some(),
        "has_signing_key_fallback": config.signing_key_fallback().is_some(),
        "mode": config.mode().as_str(),
        "schema_version": SCHEMA_VERSION,
    })
}

/// The form for holders of a key: settings, and keys as hashes.
pub(super) fn authenticated(shared: &Shared) -> Value {
    let config = shared.api.config();
    let mut inspection = unauthenticated(shared, json!(true));
    let settings = json!({
        "api_origin": config.api_origin(),
        "app_id": shared.app.id(),
        "env": config.environment(),
        "event_api_origin": config.event_api_origin(),
        "event_key_hash": config.event_key().map(|key| key.hashed()),
        "framework": shared.framework(),
        "sdk_language": "rust",
        "sdk_version": env!("CARGO_PKG_VERSION"),
        "serve_origin": config.serve_origin(),
        "serve_path": config.serve_path(),
        "signing_key_fallback_hash": config.signing_key_fallback().map(|key| key.hashed()),
        "signing_key_hash": config.signing_key().map(|key| key.hashed()),
    });
    if let (Value::Object(all), Value::Object(settings)) = (&mut inspection, settings) {
        all.extend(settings);
    }
    inspection
}
