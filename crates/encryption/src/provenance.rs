//! Where a value came from, as established when the call came in.

use hookstack_core::Extensions;

use crate::envelope::{Class, Origin};
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
        origin: Origin,
        /// With which key.
        key: KeyId,
    },
    /// It stood in plaintext: anybody on the way can have written it.
    Plain,
}

impl Provenance {
    /// The provenance of a value; plain unless something else was attached.
    pub fn of(extensions: &Extensions) -> &Provenance {
        extensions.get().unwrap_or(&Provenance::Plain)
    }
}
