//! The environment variables that keysets are read from.

use std::ffi::OsString;

/// The environment variable with the keys that [`Keyset::from_env`](super::Keyset::from_env) reads.
pub const KEYS_VARIABLE: &str = "HOOKSTACK_ENCRYPTION_KEYS";

/// The environment variable with the path of a key file that
/// [`Keyset::from_env`](super::Keyset::from_env) reads instead.
pub const KEYS_FILE_VARIABLE: &str = "HOOKSTACK_ENCRYPTION_KEYS_FILE";

/// The environment variable with the namespace of [`Keyset::from_env`](super::Keyset::from_env).
pub const NAMESPACE_VARIABLE: &str = "HOOKSTACK_ENCRYPTION_NAMESPACE";

/// An environment variable; one that is empty counts as not set.
pub(super) fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}
