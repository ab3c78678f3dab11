//! Data objects of events and invocations: sealed and opened by policy.

use bytes::Bytes;
use hookstack_core::Payload;

use crate::config::Config;
use crate::envelope::{Context, Opened, Origin, is_envelope};
use crate::error::Failure;
use crate::object::Object;
use crate::policy::{EventPolicy, Shape, Slot};
use crate::provenance::Provenance;

/// What a data object belongs to.
#[derive(Clone, Copy)]
pub(crate) enum Owner<'a> {
    /// An event of this name.
    Event(&'a str),
    /// An invocation of this function.
    Invoke(&'a str),
}

impl<'a> Owner<'a> {
    fn context(self, field: &'a str) -> Context<'a> {
        match self {
            Owner::Event(name) => Context::event(name, field),
            Owner::Invoke(function) => Context::invoke(function, field),
        }
    }

    fn slot(self) -> Slot {
        match self {
            Owner::Event(_) => Slot::Events,
            Owner::Invoke(_) => Slot::Invokes,
        }
    }
}

/// What the server writes beside the user's data.
pub(crate) const SERVER_FIELD: &str = "_inngest";

pub(crate) fn seal(
    config: &Config,
    policy: &EventPolicy,
    owner: Owner<'_>,
    origin: &Origin,
    data: &Payload,
) -> Result<Payload, Failure> {
    if let Some(interop) = &config.interop
        && let Some(sealed) = interop.seal(owner, data)?
    {
        return Ok(sealed);
    }
    let text = data.text();
    let sealed = match &policy.0 {
        Shape::Plaintext => return Ok(data.clone()),
        Shape::Whole { copies } => {
            let envelope = config.keys.seal(&owner.context(&config.field), origin, &text)?;
            let mut sealed = Object::new();
            if !copies.is_empty() {
                let object = Object::parse(&text).ok_or(Failure::NotAuthentic)?;
                for copy in copies {
                    if let Some(value) = object.get(copy) {
                        sealed.set(copy, value.to_vec());
                    }
                }
            }
            // Last, so that a copy of the same name cannot stand in its place.
            sealed.set(&config.field, envelope);
            sealed.to_json()
        }
        Shape::Fields(fields) => {
            let mut object = Object::parse(&text).ok_or(Failure::NotAuthentic)?;
            for field in fields {
                // An absent field is sealed too, as nothing: a reader then knows that none was stripped.
                let plaintext = object.get(field).unwrap_or_default().to_vec();
                object.set(field, config.keys.seal(&owner.context(field), origin, &plaintext)?);
            }
            object.to_json()
        }
    };
    Ok(Payload::from_well_formed(sealed))
}

/// Opens a data object. `event_id` is the id of the event that it stands in.
pub(crate) fn open(
    config: &Config,
    policy: &EventPolicy,
    owner: Owner<'_>,
    event_id: Option<&str>,
    data: &Payload,
) -> Result<(Payload, Provenance), Failure> {
    if let Some(interop) = &config.interop
        && let Some(opened) = interop.open(owner, data)?
    {
        return Ok(opened);
    }
    let text = data.text();
    let plaintext = |config: &Config| {
        // What the server wrote beside the data stays for whoever wants it.
        if config.accepts_plaintext(owner.slot()) {
            Ok((data.clone(), Provenance::Plain))
        } else {
            Err(Failure::Plaintext)
        }
    };
    match &policy.0 {
        Shape::Plaintext => Ok((data.clone(), Provenance::Plain)),
        Shape::Whole { .. } => {
            let object = Object::parse(&text).ok_or(Failure::NotAuthentic)?;
            let Some(envelope) = object.get(&config.field).filter(|value| is_envelope(value))
            else {
                return plaintext(config);
            };
            let opened = open_one(config, owner, &config.field, event_id, envelope)?;
            let (plaintext, provenance) = take(opened);
            Ok((Payload::from_well_formed(plaintext), provenance))
        }
        Shape::Fields(fields) => {
            let mut object = Object::parse(&text).ok_or(Failure::NotAuthentic)?;
            let (mut provenance, mut all_sealed) = (None, true);
            for field in fields {
                let Some(envelope) = object.get(field).filter(|value| is_envelope(value)) else {
                    if config.accepts_plaintext(owner.slot()) {
                        all_sealed = false;
                        continue;
                    }
                    return Err(Failure::Plaintext);
                };
                let opened = open_one(config, owner, field, event_id, envelope)?;
                let (plaintext, of_field) = take(opened);
                // Fields of two senders, put together by somebody on the way.
                if *provenance.get_or_insert_with(|| of_field.clone()) != of_field {
                    return Err(Failure::NotAuthentic);
                }
                if plaintext.is_empty() {
                    object.remove(field);
                } else {
                    // It becomes part of a larger text, so it must not break out of its place.
                    object.set(field, well_formed(&plaintext)?);
                }
            }
            let provenance = provenance.filter(|_| all_sealed).unwrap_or(Provenance::Plain);
            object.remove(SERVER_FIELD);
            Ok((Payload::from_well_formed(object.to_json()), provenance))
        }
    }
}

fn open_one(
    config: &Config,
    owner: Owner<'_>,
    field: &str,
    event_id: Option<&str>,
    envelope: &[u8],
) -> Result<Opened, Failure> {
    let opened = config.keys.open(&owner.context(field), envelope)?;
    // The server names the events of invocations; all others are sealed for one id, under which alone
    // they open: otherwise an event could be sent again as another.
    if let Owner::Event(_) = owner {
        let bound = &opened.origin().event_id;
        if bound.is_empty() || event_id != Some(bound) {
            return Err(Failure::NotAuthentic);
        }
    }
    Ok(opened)
}

fn take(opened: Opened) -> (Bytes, Provenance) {
    let (plaintext, class, origin, key) = opened.into_parts();
    (plaintext, Provenance::Sealed { class, origin, key })
}

/// Text that becomes part of a larger one must not break out of its place.
pub(crate) fn well_formed(json: &[u8]) -> Result<Vec<u8>, Failure> {
    Payload::from_text(json.to_vec()).map_err(|_| Failure::NotAuthentic)?;
    Ok(json.to_vec())
}
