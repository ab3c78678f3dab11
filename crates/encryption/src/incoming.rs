//! What comes into the process: every envelope is authenticated and opened, once. Whether a value may
//! stand where it stands is decided at its delivery.

use hookstack_core::{
    CallInfo, Event, Memo, MemoValue, Payload, Result, StepError, StepHash, TransformInput,
};

use crate::config::Config;
use crate::counters::Counted;
use crate::data;
use crate::envelope::{Class, Context, Header, Invoker, Opened, class_of, is_envelope, read};
use crate::error::EnvelopeError;
use crate::keyset::Keyset;
use crate::owner::Owner;
use crate::policy::Slot;
use crate::provenance::Provenance;
use crate::requests::Address;
use crate::trigger::{self, Declared, TriggeredBy};
use crate::{endings, requests, sealed_error, server_events};

pub(crate) fn transform_input(config: &Config, cx: &mut TransformInput<'_>) -> Result {
    let info = cx.info().clone();
    let slug = &info.function.slug;
    if let Some(address) = Address::of(&info.trigger)? {
        return requests::open(config, address, cx)
            .map_err(|failure| config.refuses(Slot::Requests, failure).at("the request"));
    }
    let mut triggered_by = TriggeredBy::default();
    let events = cx.events_mut();
    let is_batch = events.len() > 1;
    for event in events.iter_mut() {
        let slot = match event.name.as_str() {
            server_events::INVOKED => Slot::Invokes,
            _ => Slot::Events,
        };
        let invoker = open_event(config, &info, event)
            .map_err(|failure| config.refuses(slot, failure).at(&place_of(event)))?;
        if let Some(invoker) = invoker {
            // Its answer belongs to one step, so it is no part of a batch.
            if is_batch {
                return Err(config.refuses(slot, EnvelopeError::NotAuthentic).at(&place_of(event)));
            }
            triggered_by.invoker = invoker;
        }
    }
    triggered_by.id = trigger::id_of(cx.events(), &info.run_id);
    cx.extensions_mut().insert(triggered_by);
    for (hash, memo) in cx.memoized_mut().iter_mut() {
        let place = || format!("the stored value of step {hash}");
        if let Err(failure) = open_memo(config, slug, hash, memo) {
            return Err(config.refuses(claimed_slot(&memo.value), failure).at(&place()));
        }
    }
    Ok(())
}

fn place_of(event: &Event) -> String {
    format!("event \"{}\"", event.name)
}

/// Opens an event, if the function listens on it. Of an invocation that was meant for this function,
/// tells who made it.
fn open_event(
    config: &Config,
    info: &CallInfo,
    event: &mut Event,
) -> Result<Option<Invoker>, EnvelopeError> {
    let slug = &info.function.slug;
    let declared = Declared::by(&info.function);
    let id = event.id.as_deref();
    let mut invoker = None;
    let (data, provenance) = match event.name.as_str() {
        server_events::INVOKED => {
            let claimed = server_events::invoked_function(&event.data);
            let callee = claimed.as_deref().unwrap_or(slug);
            // A function that listens on all invocations opens those of others, but answers only its own.
            if callee != slug && !declared.listens_on(server_events::INVOKED) {
                return Err(EnvelopeError::NotAuthentic);
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
        name if !declared.listens_on(name) && !config.was_trigger(&info.function, name) => {
            return Err(EnvelopeError::NotAuthentic);
        }
        name if server_events::is_about_a_run(name) => {
            endings::open(config, info, event)?;
            event.extensions.insert(Provenance::Plain);
            return Ok(None);
        }
        server_events::CRON => (server_events::schedule(&event.data), Provenance::Plain),
        // Other events of the server: plaintext, in which it can write what it wants.
        name if name.starts_with("inngest/") && !config.events.contains_key(name) => {
            if !config.accepts_plaintext(Slot::Events) {
                return Err(EnvelopeError::Plaintext);
            }
            (event.data.clone(), Provenance::Plain)
        }
        name => data::open(config, config.policy(name), Owner::Event(name), id, &event.data)?,
    };
    event.data = data;
    event.extensions.insert(provenance);
    Ok(invoker)
}

fn open_memo(
    config: &Config,
    slug: &str,
    hash: StepHash,
    memo: &mut Memo,
) -> Result<(), EnvelopeError> {
    let provenance = match &mut memo.value {
        MemoValue::Data(payload) => open_output(&config.keys, slug, hash, payload)?,
        MemoValue::Error(error) => open_error(&config.keys, slug, hash, error)?,
        MemoValue::Bare(payload) if !payload.is_null() => {
            server_events::open_awaited(config, payload)?
        }
        _ => Provenance::Plain,
    };
    if let (Provenance::Sealed { class, .. }, false) =
        (&provenance, matches!(memo.value, MemoValue::Bare(_)))
    {
        config.counters.add(Slot::of(*class), Counted::Opened);
    }
    memo.extensions.insert(provenance);
    Ok(())
}

/// Where a stored value belongs by its own account, for the counters.
fn claimed_slot(value: &MemoValue) -> Slot {
    let message = match value {
        MemoValue::Bare(_) => return Slot::Events,
        MemoValue::Error(error) => sealed_error::message(error.text()).ok().flatten(),
        MemoValue::Data(payload) => read(&payload.text()).ok(),
        _ => None,
    };
    message.and_then(|message| class_of(&message)).map_or(Slot::Steps, Slot::of)
}

/// The output of a step or of an invoked function. Of the latter, which function's is not known yet:
/// it names itself, that is authenticated here, and compared at delivery.
fn open_output(
    keys: &Keyset,
    slug: &str,
    hash: StepHash,
    payload: &mut Payload,
) -> Result<Provenance, EnvelopeError> {
    let text = payload.text();
    if !is_envelope(&text) {
        return Ok(Provenance::Plain);
    }
    let message = read(&text)?;
    let mut opened = match class_of(&message).ok_or(EnvelopeError::NotAuthentic)? {
        Class::Step => keys.open_message(&Context::step(slug, hash), message)?,
        Class::FunctionOutput => {
            let claimed = Header::of_message(&message)?.into_origin();
            keys.open_message(&Context::function_output(&claimed.function), message)?
        }
        _ => return Err(EnvelopeError::NotAuthentic),
    };
    let provenance = Provenance::taken_from(&mut opened);
    *payload = Payload::from_well_formed(opened.into_plaintext());
    Ok(provenance)
}

fn open_error(
    keys: &Keyset,
    slug: &str,
    hash: StepHash,
    error: &mut StepError,
) -> Result<Provenance, EnvelopeError> {
    let Some(message) = sealed_error::message(error.text())? else {
        return Ok(Provenance::Plain);
    };
    let mut opened: Opened = match class_of(&message).ok_or(EnvelopeError::NotAuthentic)? {
        Class::StepError => keys.open_message(&Context::step_error(slug, hash), message)?,
        Class::FunctionError => {
            let claimed = Header::of_message(&message)?.into_origin();
            keys.open_message(&Context::function_error(&claimed.function), message)?
        }
        _ => return Err(EnvelopeError::NotAuthentic),
    };
    *error = sealed_error::contents(&opened)?.into_step_error();
    Ok(Provenance::taken_from(&mut opened))
}
