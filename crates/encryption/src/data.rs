//! Data objects of events and invocations: sealed and opened by policy.

use std::collections::BTreeSet;

use hookstack_core::Payload;

use crate::canonical;
use crate::config::Config;
use crate::counters::Counted;
use crate::envelope::{OBJECT_SALT, Opened, Origin, is_envelope};
use crate::error::EnvelopeError;
use crate::object::Object;
use crate::owner::{Owner, RESERVED};
use crate::policy::{EventPolicy, Shape};
use crate::provenance::Provenance;

pub(crate) fn seal(
    config: &Config,
    policy: &EventPolicy,
    owner: Owner<'_>,
    origin: &Origin,
    data: &Payload,
) -> Result<Payload, EnvelopeError> {
    if let Some(interop) = &config.interop
        && let Some(sealed) = interop.seal(owner, data)?
    {
        config.counters.add(owner.slot(), Counted::Sealed);
        return Ok(sealed);
    }
    let text = data.text();
    let sealed = match shape(config, policy, owner) {
        Shape::Plaintext => return Ok(data.clone()),
        Shape::Whole { copies } => {
            let envelope = config.keys.seal(&owner.context(&config.field), origin, &text)?;
            let mut sealed = Object::new();
            if !copies.is_empty() {
                let object = Object::parse(&text).ok_or(EnvelopeError::NotAuthentic)?;
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
            let mut object = Object::parse(&text).ok_or(EnvelopeError::NotAuthentic)?;
            // An absent field is sealed too, as nothing: a reader then knows that none was stripped.
            let places = fields
                .iter()
                .map(|field| (owner.context(field), object.get(field).unwrap_or_default()));
            let sealed = config.keys.seal_fields(origin, places)?;
            for (field, envelope) in fields.iter().zip(sealed) {
                object.set(field, envelope);
            }
            object.to_json()
        }
    };
    config.counters.add(owner.slot(), Counted::Sealed);
    Ok(Payload::from_well_formed(sealed))
}

/// Opens a data object. `event_id` is the id of the event that it stands in.
pub(crate) fn open(
    config: &Config,
    policy: &EventPolicy,
    owner: Owner<'_>,
    event_id: Option<&str>,
    data: &Payload,
) -> Result<(Payload, Provenance), EnvelopeError> {
    if let Some(interop) = &config.interop
        && let Some(opened) = interop.open(owner, data)?
    {
        config.counters.add(owner.slot(), Counted::Opened);
        return Ok(opened);
    }
    let text = data.text();
    match shape(config, policy, owner) {
        Shape::Plaintext => Ok((data.clone(), Provenance::Plain)),
        Shape::Whole { .. } => {
            let object = Object::parse(&text).ok_or(EnvelopeError::NotAuthentic)?;
            let Some(envelope) = object.get(&config.field).filter(|value| is_envelope(value))
            else {
                if !config.takes_plaintext(owner.slot()) {
                    return Err(EnvelopeError::Plaintext);
                }
                // What the server wrote beside the data stays for whoever wants it.
                return Ok((data.clone(), Provenance::Plain));
            };
            let mut opened = open_one(config, owner, &config.field, event_id, envelope)?;
            // It is nothing at all where a field was sealed that its object lacked.
            if opened.plaintext().is_empty() {
                return Err(EnvelopeError::NotAuthentic);
            }
            config.counters.add(owner.slot(), Counted::Opened);
            let provenance = Provenance::taken_from(&mut opened);
            Ok((Payload::from_well_formed(opened.into_plaintext()), provenance))
        }
        Shape::Fields(fields) => {
            let mut object = Object::parse(&text).ok_or(EnvelopeError::NotAuthentic)?;
            let mut siblings = object.clone();
            let (mut sealed, mut all_sealed) = (None, true);
            for field in fields {
                siblings.remove(field);
                let Some(envelope) = object.get(field).filter(|value| is_envelope(value)) else {
                    if config.accepts_plaintext(owner.slot()) {
                        all_sealed = false;
                        continue;
                    }
                    return Err(EnvelopeError::Plaintext);
                };
                let opened = open_one(config, owner, field, event_id, envelope)?;
                if opened.plaintext().is_empty() {
                    object.remove(field);
                } else {
                    // It becomes part of a larger text, so it must not break out of its place.
                    object.set(field, well_formed(opened.plaintext())?);
                }
                add(&mut sealed, &opened)?;
            }
            RESERVED.iter().for_each(|taken| object.remove(taken));
            let provenance = match sealed {
                Some((mut provenance, _)) if all_sealed => {
                    config.counters.add(owner.slot(), Counted::Opened);
                    if let Provenance::Sealed { seals, .. } = &mut provenance {
                        let siblings = Payload::from_well_formed(siblings.to_json());
                        seals.siblings = Some(canonical::digest(&siblings));
                    }
                    provenance
                }
                _ => {
                    config.counters.add(owner.slot(), Counted::Plaintext);
                    Provenance::Plain
                }
            };
            Ok((Payload::from_well_formed(object.to_json()), provenance))
        }
    }
}

/// What of a data object is sealed. What peers seal must not come in plaintext, so what is shared with them
/// is sealed by our functions too, whatever is agreed on for all else.
fn shape<'a>(config: &Config, policy: &'a EventPolicy, owner: Owner<'_>) -> &'a Shape {
    static WHOLE: Shape = Shape::Whole { copies: BTreeSet::new() };
    let is_shared = config.interop.as_ref().is_some_and(|interop| interop.reads(owner).is_some());
    match &policy.0 {
        Shape::Plaintext if is_shared => &WHOLE,
        agreed => agreed,
    }
}

/// Adds a field to what was opened of an object. Fields of two senders or of two sealings, put together by
/// somebody on the way, do not belong together.
fn add(
    sealed: &mut Option<(Provenance, [u8; OBJECT_SALT])>,
    opened: &Opened,
) -> Result<(), EnvelopeError> {
    let salt_of_object = opened.salt_of_object();
    match sealed {
        None => *sealed = Some((Provenance::of_opened(opened), salt_of_object)),
        Some((Provenance::Sealed { class, origin, key, seals }, salt))
            if *salt == salt_of_object
                && (*class, &**origin, *key) == (opened.class(), opened.origin(), opened.key()) =>
        {
            seals.commitments.push(opened.commitment());
        }
        Some(_) => return Err(EnvelopeError::NotAuthentic),
    }
    Ok(())
}

fn open_one(
    config: &Config,
    owner: Owner<'_>,
    field: &str,
    event_id: Option<&str>,
    envelope: &[u8],
) -> Result<Opened, EnvelopeError> {
    let opened = config.keys.open(&owner.context(field), envelope)?;
    // The server names the events of invocations; all others are sealed for one id, under which alone
    // they open: otherwise an event could be sent again as another.
    if let Owner::Event(_) = owner {
        let bound = &opened.origin().event_id;
        if bound.is_empty() || event_id != Some(bound) {
            return Err(EnvelopeError::NotAuthentic);
        }
    }
    Ok(opened)
}

/// Text that becomes part of a larger one must not break out of its place.
pub(crate) fn well_formed(json: &[u8]) -> Result<Vec<u8>, EnvelopeError> {
    Payload::from_text(json.to_vec()).map_err(|_| EnvelopeError::NotAuthentic)?;
    Ok(json.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::EncryptionBuilder;
    use crate::key::Key;
    use crate::keyset::Keyset;
    use crate::policy::{Plain, Slot};

    /// During a roll-out a sender may not know yet of all fields that are to be sealed.
    #[test]
    fn what_is_sealed_in_part_is_no_more_authentic_than_plaintext() {
        let keys = Keyset::builder().primary(Key::from_bytes([1; 32])).build().expect("a key");
        let config = EncryptionBuilder::new(keys).plain(Slot::Events, Plain::Allow).config;
        let owner = Owner::Event("order");
        let origin = Origin { event_id: "1".to_owned(), ..Origin::default() };
        let data = Payload::from_well_formed(r#"{"card":"4111","mail":"a@b","n":1}"#);
        let one = EventPolicy::fields(["card"]);
        let both = EventPolicy::fields(["card", "mail"]);
        for (sealed_by, is_sealed) in [(&one, false), (&both, true)] {
            let sealed = seal(&config, sealed_by, owner, &origin, &data).expect("sealed");
            let before = config.counters.read().plaintext_accepted(Slot::Events);
            let (opened, provenance) =
                open(&config, &both, owner, Some("1"), &sealed).expect("opened");
            assert_eq!(opened.text(), data.text());
            assert_eq!(matches!(provenance, Provenance::Sealed { .. }), is_sealed);
            let counted = config.counters.read().plaintext_accepted(Slot::Events) - before;
            assert_eq!(counted, u64::from(!is_sealed));
        }
    }
}
