//! Step hashes: the SHA-1 of a step's id (Inngest SDK specification, section 5.1.2).

use hookstack_core::StepHash;
use sha1::{Digest, Sha1};

/// The hash of the first step with an id.
pub(crate) fn hash_of(id: &str) -> StepHash {
    StepHash::new(Sha1::digest(id.as_bytes()).into())
}

/// The hash of the `n`-th repeat: that of `id:n`.
pub(crate) fn hash_of_repeat(id: &str, n: u32) -> StepHash {
    let mut hasher = Sha1::new();
    hasher.update(id.as_bytes());
    hasher.update(b":");
    hasher.update(n.to_string().as_bytes());
    StepHash::new(hasher.finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_hashes() {
        for (id, hash) in [
            ("first step", "98bf98df193bcce7c33e6bc50927cf2ac21206cb"),
            ("second step", "764e20ec975d4ef820d0f42e6a5833384bd7ee36"),
            ("sleep", "c3ca5f787365eae0dea86250e27d476406956478"),
            ("wait", "daaad336276d15594d0e765f96c17cd746bf4971"),
            ("my-step-id", "e7d8a2f140845095749d60246ff1110c9d01d76a"),
        ] {
            assert_eq!(hash_of(id).to_string(), hash, "{id}");
        }
        assert_eq!(hash_of_repeat("same", 1), hash_of("same:1"));
    }
}
