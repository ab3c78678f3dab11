//! Where a value came from, as established when the call came in.

use hookstack_core::Extensions;

use crate::envelope::{Class, Commitment, Opened, Origin};
use crate::key::KeyId;

/// What is known about the origin of a memo or event. Attached to its extensions by
/// `transform_input`; whether it may stand where it stands is decided when it is delivered.
///
/// Other middleware can read it: `event.extensions.get::<Provenance>()`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Provenance {
    /// It was sealed, and is authentic.
    #[non_exhaustive]
    Sealed {
        /// What it was sealed as.
        class: Class,
        /// Where.
        origin: Box<Origin>,
        /// With which key.
        key: KeyId,
        /// Which envelopes it came in.
        seals: Seals,
    },
    /// It came from a peer, see [`Interop`](crate::Interop): authentic as made by a holder of the key, but
    /// not bound to any place, so whoever runs the server can have replayed or moved it. Under
    /// [`PeerPolicy::field`](crate::PeerPolicy::field) that is said of the one field, and the others are plain.
    #[non_exhaustive]
    Interop {
        /// Which key of the ring opened it: 0 is the primary.
        key: usize,
        /// The nonce and tag of the envelope, which no other one has: the same again is a replay.
        message_id: [u8; 40],
    },
    /// It stood in plaintext: anybody on the way can have written it.
    Plain,
}

/// The envelopes that a value came in, and what stood beside them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seals {
    pub(crate) commitments: Vec<Commitment>,
    /// The hash of the members that were not sealed, where a policy leaves some.
    pub(crate) siblings: Option<[u8; 32]>,
}

impl Seals {
    /// The commitment of each envelope: one, or one for each field that was sealed by itself, in the
    /// order of the fields' names.
    pub fn commitments(&self) -> &[Commitment] {
        &self.commitments
    }
}

impl Provenance {
    /// The provenance of a value; plain unless something else was attached.
    pub fn of(extensions: &Extensions) -> &Provenance {
        extensions.get().unwrap_or(&Provenance::Plain)
    }

    /// Of what came in this one envelope.
    pub(crate) fn of_opened(opened: &Opened) -> Provenance {
        Provenance::sealed(opened, opened.origin().clone())
    }

    /// The same for one of which only the plaintext is still needed.
    pub(crate) fn taken_from(opened: &mut Opened) -> Provenance {
        let origin = opened.take_origin();
        Provenance::sealed(opened, origin)
    }

    fn sealed(opened: &Opened, origin: Origin) -> Provenance {
        Provenance::Sealed {
            class: opened.class(),
            origin: Box::new(origin),
            key: opened.key(),
            seals: Seals { commitments: vec![opened.commitment()], siblings: None },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::envelope::Context;
    use crate::key::Key;
    use crate::keyset::Keyset;

    #[test]
    fn what_was_opened_names_its_envelope() {
        let keys = Keyset::builder().primary(Key::from_bytes([1; 32])).build().expect("a key");
        let context = Context::event("shop/order", "encrypted");
        let envelope = keys.seal(&context, &Origin::default(), b"{}").expect("sealed");
        let opened = keys.open(&context, &envelope).expect("opened");
        let Provenance::Sealed { key, seals, .. } = Provenance::of_opened(&opened) else {
            panic!("it was sealed")
        };
        assert_eq!(key, keys.primary());
        assert_eq!(seals.commitments(), [opened.commitment()]);
    }
}
