//! What comes into the process: every envelope is authenticated and opened, once. Whether a value may
//! stand where it stands is decided at its delivery.

use hookstack_core::{
    CallInfo, Event, Memo, MemoValue, Payload, Result, StepError, StepHash, TransformInput,
};

use crate::config::Config;
use crate::data::{self, Owner};
use crate::envelope::{Class, Context, Header, Invoker, Opened, class_of, is_envelope, read};
use crate::error::Failure;
use crate::keyset::Keyset;
use crate::policy::Slot;
use crate::provenance::Provenance;
use crate::trigger::{self, Declared, TriggeredBy};
use crate::{sealed_error, server_events};

pub(crate) fn transform_input(config: &Config, cx: &mut TransformInput<'_>) -> Result {
    let info = cx.info().clone();
    let slug = &info.function.slug;
    let mut triggered_by = TriggeredBy::default();
    let events = cx.events_mut();
    let is_batch = events.len() > 1;
    for event in events.iter_mut() {
        let place = format!("event \"{}\"", event.name);
        let invoker = open_event(config, &info, event).map_err(|failure| failure.at(&place))?;
        if let Some(invoker) = invoker {
            // Its answer belongs to one step, so it is no part of a batch.
            if is_batch {
                return Err(Failure::NotAuthentic.at(&place));
            }
            triggered_by.invoker = invoker;
        }
    }
    triggered_by.id = trigger::id_of(cx.events(), &info.run_id);
    cx.extensions_mut().insert(triggered_by);
    for (hash, memo) in cx.memoized_mut().iter_mut() {
        let place = || format!("the stored value of step {hash}");
        open_memo(config, slug, hash, memo).map_err(|failure| failure.at(&place()))?;
    }
    Ok(())
}

/// Opens an event, if the function listens on it. Of an invocation that was meant for this function,
/// tells who made it.
fn open_event(
    config: &Config,
    info: &CallInfo,
    event: &mut Event,
) -> Result<Option<Invoker>, Failure> {
    let slug = &info.function.slug;
    let declared = Declared::by(info);
    let id = event.id.as_deref();
    let mut invoker = None;
    let (data, provenance) = match event.name.as_str() {
        server_events::INVOKED => {
            let claimed = server_events::invoked_function(&event.data);
            let callee = claimed.as_deref().unwrap_or(slug);
            // A function that listens on all invocations opens those of others, but answers only its own.
            if callee != slug && !declared.listens_on(server_events::INVOKED) {
                return Err(Failure::NotAuthentic);
            }
            let opened =
                data::open(config, &config.invokes, Owner::Invoke(callee), id, &event.data)?;
            if callee == slug {
                invoker = match &opened.1 {
                    Provenance::Sealed { origin, .. } => Some(origin.invoker.clone()),
                    // Of a peer too, nothing tells which step waits for the answer.
                    Provenance::Interop { .. } | Provenance::Plain => Some(Invoker::default()),
                };
            }
            opened
        }
        name if !declared.listens_on(name) && !config.former_triggers.contains(name) => {
            return Err(Failure::NotAuthentic);
        }
        name if server_events::is_about_a_run(name) => {
            server_events::open_about(config, event)?;
            event.extensions.insert(Provenance::Plain);
            return Ok(None);
        }
        server_events::CRON => (server_events::schedule(&event.data), Provenance::Plain),
        // Other events of the server: plaintext, in which it can write what it wants.
        name if name.starts_with("inngest/") && !config.events.contains_key(name) => {
            if !config.accepts_plaintext(Slot::Events) {
                return Err(Failure::Plaintext);
            }
            (event.data.clone(), Provenance::Plain)
        }
        name => data::open(config, config.policy(name), Owner::Event(name), id, &event.data)?,
    };
    event.data = data;
    event.extensions.insert(provenance);
    Ok(invoker)
}

fn open_memo(config: &Config, slug: &str, hash: StepHash, memo: &mut Memo) -> Result<(), Failure> {
    let provenance = match &mut memo.value {
        MemoValue::Data(payload) => open_output(&config.keys, slug, hash, payload)?,
        MemoValue::Error(error) => open_error(&config.keys, slug, hash, error)?,
        MemoValue::Bare(payload) if !payload.is_null() => {
            server_events::open_awaited(config, payload)?
        }
        _ => Provenance::Plain,
    };
    memo.extensions.insert(provenance);
    Ok(())
}

/// The output of a step or of an invoked function. Of the latter, which function's is not known yet:
/// it names itself, that is authenticated here, and compared at delivery.
fn open_output(
    keys: &Keyset,
    slug: &str,
    hash: StepHash,
    payload: &mut Payload,
) -> Result<Provenance, Failure> {
    let text = payload.text();
    if !is_envelope(&text) {
        return Ok(Provenance::Plain);
    }
    let message = read(&text)?;
    let opened = match class_of(&message).ok_or(Failure::NotAuthentic)? {
        Class::Step => keys.open_message(&Context::step(slug, hash), message)?,
        Class::FunctionOutput => {
            let claimed = Header::of_message(&message)?.into_origin();
            keys.open_message(&Context::function_output(&claimed.function), message)?
        }
        _ => return Err(Failure::NotAuthentic),
    };
    let (plaintext, class, origin, key) = opened.into_parts();
    *payload = Payload::from_well_formed(plaintext);
    Ok(Provenance::Sealed { class, origin, key })
}

fn open_error(
    keys: &Keyset,
    slug: &str,
    hash: StepHash,
    error: &mut StepError,
) -> Result<Provenance, Failure> {
    let Some(message) = sealed_error::message(error.message())? else {
        return Ok(Provenance::Plain);
    };
    let opened: Opened = match class_of(&message).ok_or(Failure::NotAuthentic)? {
        Class::StepError => keys.open_message(&Context::step_error(slug, hash), message)?,
        Class::FunctionError => {
            let claimed = Header::of_message(&message)?.into_origin();
            keys.open_message(&Context::function_error(&claimed.function), message)?
        }
        _ => return Err(Failure::NotAuthentic),
    };
    *error = sealed_error::contents(&opened)?.into_step_error();
    let (_, class, origin, key) = opened.into_parts();
    Ok(Provenance::Sealed { class, origin, key })
}
