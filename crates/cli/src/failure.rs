//! How the program ends: its exit codes, and what it says on standard error.

use std::fmt;

use hookstack_encryption::KeyError;

/// What went wrong, and the exit code that tells.
#[derive(Debug)]
pub(crate) enum Failed {
    /// Exit code 1: the arguments, the input or the output.
    Usage(String),
    /// Exit code 1 without a word: whoever reads the output has enough.
    Closed,
    /// Exit code 2: the keys.
    Keys(String),
}

/// The exit code when something could not be opened.
pub(crate) const PARTIAL: u8 = 3;

impl Failed {
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Failed::Usage(message.into())
    }

    pub(crate) fn code(&self) -> u8 {
        match self {
            Failed::Usage(_) | Failed::Closed => 1,
            Failed::Keys(_) => 2,
        }
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failed::Usage(message) | Failed::Keys(message) => f.write_str(message),
            Failed::Closed => Ok(()),
        }
    }
}

impl From<KeyError> for Failed {
    fn from(error: KeyError) -> Self {
        Failed::Keys(error.to_string())
    }
}

impl From<std::io::Error> for Failed {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::BrokenPipe => Failed::Closed,
            _ => Failed::Usage(format!("the output cannot be written: {error}")),
        }
    }
}
