//! What comes into the process: every envelope is authenticated and opened, once. Whether a value may
//! stand where it stands is decided at its delivery.

use hookstack_core::{
    Event, Memo, MemoValue, Payload, Result, StepError, StepHash, TransformInput,
};

use crate::config::Config;
use crate::data::{self, Owner};
use crate::envelope::{Class, Context, Opened, class_of, is_envelope, read};
use crate::error::Failure;
use crate::keyset::Keyset;
use crate::outgoing::InvokedBy;
use crate::provenance::Provenance;
use crate::{sealed_error, server_events};

pub(crate) fn transform_input(config: &Config, cx: &mut TransformInput<'_>) -> Result {
    let slug = cx.info().function.slug.clone();
    let mut invoked_by = None;
    for event in cx.events_mut() {
        let place = format!("event \"{}\"", event.name);
        open_event(config, &slug, event, &mut invoked_by).map_err(|f| f.at(&place))?;
    }
    if let Some(invoked_by) = invoked_by {
        cx.extensions_mut().insert(invoked_by);
    }
    for (hash, memo) in cx.memoized_mut().iter_mut() {
        open_memo(config, &slug, hash, memo)
            .map_err(|f| f.at(&format!("the stored value of step {hash}")))?;
    }
    Ok(())
}

fn open_event(
    config: &Config,
    slug: &str,
    event: &mut Event,
    invoked_by: &mut Option<InvokedBy>,
) -> Result<(), Failure> {
    match event.name.as_str() {
        server_events::INVOKED => {
            let claimed = server_events::invoked_function(&event.data);
            // A function that listens on all invocations opens those of others, but answers only its own.
            let callee = claimed.as_deref().unwrap_or(slug);
            let (data, provenance) = data::open(
                config,
                &config.invokes,
                Owner::Invoke(callee),
                event.id.as_deref(),
                &event.data,
            )?;
            if let Provenance::Sealed { origin, .. } = &provenance
                && callee == slug
            {
                *invoked_by = Some(InvokedBy(origin.invoker.clone()));
            }
            event.data = data;
            event.extensions.insert(provenance);
        }
        server_events::FAILED | server_events::FINISHED | server_events::CANCELLED => {
            event.data = server_events::open_ended(config, &event.data)?;
        }
        // Written by the server, about nothing of the user's.
        name if name.starts_with("inngest/") && !config.events.contains_key(name) => {}
        name => {
            let policy = config.policy(name);
            let (data, provenance) =
                data::open(config, policy, Owner::Event(name), event.id.as_deref(), &event.data)?;
            event.data = data;
            event.extensions.insert(provenance);
        }
    }
    Ok(())
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
        Class::Step => keys.open_message(&Context::step(slug, hash), &message)?,
        Class::FunctionOutput => {
            let claimed = Keyset::claimed_origin(&message)?;
            keys.open_message(&Context::function_output(&claimed.function), &message)?
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
        Class::StepError => keys.open_message(&Context::step_error(slug, hash), &message)?,
        Class::FunctionError => {
            let claimed = Keyset::claimed_origin(&message)?;
            keys.open_message(&Context::function_error(&claimed.function), &message)?
        }
        _ => return Err(Failure::NotAuthentic),
    };
    *error = sealed_error::contents(&opened)?.into_step_error();
    let (_, class, origin, key) = opened.into_parts();
    Ok(Provenance::Sealed { class, origin, key })
}
