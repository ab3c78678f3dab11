//! Data objects that are shared with peers.

use hookstack_core::Payload;

use super::envelope::{Kind, kind};
use super::policy::{Interop, Shape};
use crate::envelope::is_envelope;
use crate::error::EnvelopeError;
use crate::object::Object;
use crate::owner::{Owner, RESERVED};
use crate::provenance::Provenance;

impl Interop {
    /// Seals a data object for peers. `None` when it is not for them.
    pub(crate) fn seal(
        &self,
        owner: Owner<'_>,
        data: &Payload,
    ) -> Result<Option<Payload>, EnvelopeError> {
        let Some(policy) = self.writes(owner) else { return Ok(None) };
        let text = data.text();
        let object = Object::parse(&text).ok_or(EnvelopeError::NotAuthentic)?;
        let sealed = match &policy.shape {
            Shape::Field => {
                let mut sealed = object;
                // Of an absent field, a reader must be able to tell that nobody took it away.
                let value = sealed.get(&policy.field).unwrap_or(b"null");
                let envelope = self.ring.seal(value)?;
                sealed.set(&policy.field, envelope);
                sealed
            }
            Shape::Whole { copies } => {
                let mut sealed = Object::new();
                for copy in copies {
                    if let Some(value) = object.get(copy) {
                        sealed.set(copy, value.to_vec());
                    }
                }
                // Last, so that a copy of the same name cannot stand in its place.
                sealed.set(&policy.field, self.ring.seal(&text)?);
                sealed
            }
        };
        Ok(Some(Payload::from_well_formed(sealed.to_json())))
    }

    /// Opens a data object of a peer. `None` when it is none of theirs.
    pub(crate) fn open(
        &self,
        owner: Owner<'_>,
        data: &Payload,
    ) -> Result<Option<(Payload, Provenance)>, EnvelopeError> {
        let Some(policy) = self.reads(owner) else { return Ok(None) };
        let text = data.text();
        let mut object = Object::parse(&text).ok_or(EnvelopeError::NotAuthentic)?;
        let Some(envelope) = object.get(&policy.field).filter(|value| is_envelope(value)) else {
            return Ok(None);
        };
        let opened = match kind(envelope)? {
            Kind::Libsodium => self.ring.open(envelope)?,
            Kind::Other => return Ok(None),
            Kind::Legacy => return Err(EnvelopeError::LegacyEnvelope),
        };
        let provenance = Provenance::Interop { key: opened.key(), message_id: opened.message_id() };
        let plaintext = opened.into_plaintext();
        let data = match policy.shape {
            Shape::Whole { .. } => Payload::from_well_formed(plaintext),
            Shape::Field => {
                object.set(&policy.field, plaintext.to_vec());
                RESERVED.iter().for_each(|taken| object.remove(taken));
                Payload::from_well_formed(object.to_json())
            }
        };
        Ok(Some((data, provenance)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interop::{LibsodiumKey, LibsodiumRing, PeerPolicy};

    #[test]
    fn what_the_server_and_the_host_wrote_beside_a_peers_field_is_not_the_users() {
        let key = LibsodiumKey::python("a shared passphrase").expect("a key");
        let ring = LibsodiumRing::builder().primary(key).build().expect("a ring");
        let interop = Interop::new(ring).event("e", PeerPolicy::field());
        let data = Payload::from_well_formed(r#"{"id":1,"encrypted":"secret"}"#);
        let owner = Owner::Event("e");
        let sealed = interop.seal(owner, &data).expect("sealed").expect("it is shared");
        let sealed = String::from_utf8(sealed.text().to_vec()).expect("JSON");
        let beside = r#"{"__hookstack_trace":{"traceparent":"x"},"_inngest":{"v":1},"#;
        let received = Payload::from_well_formed(sealed.replacen('{', beside, 1));
        let (opened, _) = interop.open(owner, &received).expect("it opens").expect("it is shared");
        assert_eq!(opened.text(), data.text());
    }
}
