//! Events that the server writes around the user's data.

use hookstack_core::Payload;
use serde::Deserialize;

use crate::config::Config;
use crate::data::{self, Owner};
use crate::envelope::{Context, Origin, is_envelope};
use crate::error::Failure;
use crate::object::{Object, elements};
use crate::policy::Slot;
use crate::provenance::Provenance;
use crate::sealed_error::{self, UNAUTHENTICATED};

pub(crate) const INVOKED: &str = "inngest/function.invoked";
pub(crate) const FAILED: &str = "inngest/function.failed";
pub(crate) const FINISHED: &str = "inngest/function.finished";
pub(crate) const CANCELLED: &str = "inngest/function.cancelled";

/// The slug of the function that an invocation is for, as the server wrote it beside the data.
pub(crate) fn invoked_function(data: &Payload) -> Option<String> {
    #[derive(Deserialize)]
    struct Data {
        #[serde(rename = "_inngest")]
        server: Server,
    }
    #[derive(Deserialize)]
    struct Server {
        fn_id: String,
    }
    data.to::<Data>().ok().map(|data| data.server.fn_id)
}

/// An event that a step waited for, as it stands in the memo: name, id, data and more.
pub(crate) fn open_awaited(config: &Config, payload: &mut Payload) -> Result<Provenance, Failure> {
    let text = payload.text();
    let Some(mut event) = Object::parse(&text) else { return Ok(Provenance::Plain) };
    let provenance = open_event(config, &mut event)?;
    let opened = event.to_json();
    *payload = Payload::from_well_formed(opened);
    Ok(provenance)
}

/// The data of a failed or finished event: the original events, the error and the result.
pub(crate) fn open_ended(config: &Config, data: &Payload) -> Result<Payload, Failure> {
    let text = data.text();
    let mut data = Object::parse(&text).ok_or(Failure::NotAuthentic)?;
    let function = data.text("function_id").ok_or(Failure::NotAuthentic)?;
    let run_id = data.text("run_id").ok_or(Failure::NotAuthentic)?;
    let of_this_run = |origin: &Origin| origin.function == function && origin.run_id == run_id;

    if let Some(event) = data.get("event").filter(|json| *json != b"null") {
        let opened = open_nested_event(config, event)?;
        data.set("event", opened);
    }
    if let Some(events) = data.get("events").filter(|json| *json != b"null") {
        let mut opened = vec![b'['];
        for (index, event) in elements(events).ok_or(Failure::NotAuthentic)?.into_iter().enumerate()
        {
            if index > 0 {
                opened.push(b',');
            }
            opened.extend(open_nested_event(config, event.get().as_bytes())?);
        }
        opened.push(b']');
        data.set("events", opened);
    }
    if let Some(error) = data.get("error").filter(|json| *json != b"null") {
        let opened = open_nested_error(config, &function, error, &of_this_run)?;
        data.set("error", opened);
    }
    let failed = data.get("error").is_some_and(|json| json != b"null");
    if let Some(result) = data.get("result").filter(|json| *json != b"null") {
        let opened = if is_envelope(result) {
            let opened = config.keys.open(&Context::function_output(&function), result)?;
            if !of_this_run(opened.origin()) {
                return Err(Failure::NotAuthentic);
            }
            well_formed(opened.plaintext())?
        } else if failed {
            open_nested_error(config, &function, result, &of_this_run)?
        } else if config.accepts_plaintext(Slot::Functions) {
            result.to_vec()
        } else {
            return Err(Failure::Plaintext);
        };
        data.set("result", opened);
    }
    Ok(Payload::from_well_formed(data.to_json()))
}

fn open_nested_event(config: &Config, json: &[u8]) -> Result<Vec<u8>, Failure> {
    let mut event = Object::parse(json).ok_or(Failure::NotAuthentic)?;
    open_event(config, &mut event)?;
    Ok(event.to_json())
}

fn open_event(config: &Config, event: &mut Object<'_>) -> Result<Provenance, Failure> {
    let name = event.text("name").ok_or(Failure::NotAuthentic)?;
    let id = event.text("id");
    let data = Payload::from_well_formed(event.get("data").unwrap_or(b"{}").to_vec());
    let (owner, policy) = match name.as_str() {
        INVOKED => (invoked_function(&data).ok_or(Failure::NotAuthentic)?, &config.invokes),
        // Events of the server itself, a schedule for instance.
        server if server.starts_with("inngest/") && !config.events.contains_key(server) => {
            return Ok(Provenance::Plain);
        }
        _ => (String::new(), config.policy(&name)),
    };
    let owner = if name == INVOKED { Owner::Invoke(&owner) } else { Owner::Event(&name) };
    let (data, provenance) = data::open(config, policy, owner, id.as_deref(), &data)?;
    event.set("data", well_formed(&data.text())?);
    Ok(provenance)
}

fn open_nested_error(
    config: &Config,
    function: &str,
    json: &[u8],
    of_this_run: &dyn Fn(&Origin) -> bool,
) -> Result<Vec<u8>, Failure> {
    let mut error = Object::parse(json).ok_or(Failure::NotAuthentic)?;
    let text = error.text("message").unwrap_or_default();
    match sealed_error::message(&text)? {
        Some(message) => {
            let opened = config.keys.open_message(&Context::function_error(function), &message)?;
            if !of_this_run(opened.origin()) {
                return Err(Failure::NotAuthentic);
            }
            let contents = sealed_error::contents(&opened)?;
            error.set_text("name", &contents.name);
            error.set_text("message", &contents.message);
            if let Some(stack) = &contents.stack {
                error.set_text("stack", stack);
            }
        }
        // The server's own, a time limit for instance.
        None => error.set_text("name", UNAUTHENTICATED),
    }
    Ok(error.to_json())
}

/// Text that becomes part of a larger one must not break out of its place.
fn well_formed(json: &[u8]) -> Result<Vec<u8>, Failure> {
    Payload::from_text(json.to_vec()).map_err(|_| Failure::NotAuthentic)?;
    Ok(json.to_vec())
}
