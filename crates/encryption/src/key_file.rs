//! Keys from a file: one key on a line, readable by its owner alone.
//!
//! Who the owner is, is not checked: telling that from a file that the process may read takes its user id, for
//! which the standard library has no call. It matters to root alone, who can read the private file of any user.

use std::fmt;
use std::fs::{self, File, Metadata};
use std::io::{self, Read as _};
use std::path::Path;

use zeroize::Zeroizing;

use crate::error::KeyError;
use crate::key::Key;
use crate::keyset::KeysetBuilder;

/// The largest key file in bytes: room for a thousand keys, and no way to fill the memory.
const MAX_FILE: u64 = 64 * 1024;

/// Why a key file is refused. Nothing here quotes its contents.
#[derive(Debug)]
#[non_exhaustive]
pub enum KeyFileError {
    /// It cannot be opened or read.
    Read(io::Error),
    /// It is a directory, a pipe or a device.
    NotAFile,
    /// Others than the owner can read, write or run it.
    Open {
        /// Its permission bits.
        mode: u32,
    },
    /// It is larger than 64 KiB.
    TooLarge,
    /// It is not UTF-8.
    NotText,
    /// It holds comments and blank lines only.
    Empty,
    /// A line is refused.
    Line {
        /// Its number, from 1.
        line: usize,
        /// Why.
        error: Box<KeyError>,
    },
}

impl KeyFileError {
    /// With the path of the file, where it is known.
    pub(crate) fn describe(&self, path: Option<&Path>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = path.map(|path| path.display().to_string()).unwrap_or_default();
        let file = format!("the key file{}{shown}", if path.is_some() { " " } else { "" });
        let path = if path.is_some() { &*shown } else { "FILE" };
        match self {
            KeyFileError::Read(error) => write!(f, "{file} cannot be read: {error}"),
            KeyFileError::NotAFile => write!(f, "{file} is not a regular file"),
            KeyFileError::Open { mode } => write!(
                f,
                "{file} is open to others than its owner (mode {mode:04o}): run `chmod 600 {path}`; \
                 for a secret that Kubernetes mounts, set `defaultMode: 0400` on its volume"
            ),
            KeyFileError::TooLarge => {
                write!(f, "{file} is larger than {MAX_FILE} bytes")
            }
            KeyFileError::NotText => write!(f, "{file} is not UTF-8 text"),
            KeyFileError::Empty => write!(f, "{file} has no key: write one on a line"),
            KeyFileError::Line { line, error } => {
                write!(f, "{file}, line {line}: {error}")
            }
        }
    }
}

/// Without the path, which [`KeyError::File`] tells.
impl fmt::Display for KeyFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.describe(None, f)
    }
}

impl std::error::Error for KeyFileError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            KeyFileError::Read(error) => Some(error),
            KeyFileError::Line { error, .. } => Some(error),
            _ => None,
        }
    }
}

/// Adds the keys of a file to a keyset.
pub(crate) fn read_into(builder: KeysetBuilder, path: &Path) -> Result<KeysetBuilder, KeyError> {
    let of_file = |error| KeyError::File { path: path.to_owned(), error };
    let text = read(path).map_err(of_file)?;
    let text = std::str::from_utf8(&text).map_err(|_| of_file(KeyFileError::NotText))?;
    parse_into(builder, text).map_err(of_file)
}

fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
    // Before it is opened, because opening a pipe waits for a writer; and after, because then it is
    // certain that what was checked is what is read.
    check(&fs::metadata(path).map_err(KeyFileError::Read)?)?;
    let file = File::open(path).map_err(KeyFileError::Read)?;
    check(&file.metadata().map_err(KeyFileError::Read)?)?;
    // Large enough from the start: a buffer that grows leaves copies behind.
    let mut text = Zeroizing::new(Vec::with_capacity(MAX_FILE as usize + 64));
    file.take(MAX_FILE + 1).read_to_end(&mut text).map_err(KeyFileError::Read)?;
    if text.len() as u64 > MAX_FILE {
        return Err(KeyFileError::TooLarge);
    }
    Ok(text)
}

fn check(metadata: &Metadata) -> Result<(), KeyFileError> {
    if !metadata.is_file() {
        return Err(KeyFileError::NotAFile);
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = metadata.permissions().mode() & 0o7777;
        if mode & 0o077 != 0 {
            return Err(KeyFileError::Open { mode });
        }
    }
    if metadata.len() > MAX_FILE { Err(KeyFileError::TooLarge) } else { Ok(()) }
}

fn parse_into(mut builder: KeysetBuilder, text: &str) -> Result<KeysetBuilder, KeyFileError> {
    let mut ids = Vec::new();
    for (index, entry) in text.lines().enumerate() {
        let entry = entry.trim();
        if entry.is_empty() || entry.starts_with('#') {
            continue;
        }
        let of_line = |error| KeyFileError::Line { line: index + 1, error: Box::new(error) };
        let (reads_only, entry) = match entry.strip_prefix("ro:") {
            Some(rest) => (true, rest),
            None => (false, entry),
        };
        let key: Key = entry.parse().map_err(of_line)?;
        if ids.contains(&key.id()) {
            return Err(of_line(KeyError::Duplicate(key.id())));
        }
        let is_first = ids.is_empty();
        ids.push(key.id());
        builder = match (is_first, reads_only) {
            (true, true) => return Err(of_line(KeyError::PrimaryReadsOnly)),
            (true, false) => builder.primary(key),
            _ => builder.reads(key),
        };
    }
    if ids.is_empty() { Err(KeyFileError::Empty) } else { Ok(builder) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyset::Keyset;

    fn text(byte: u8) -> String {
        Key::from_bytes([byte; 32]).to_text().to_string()
    }

    fn parsed(text: &str) -> Result<Keyset, String> {
        let builder = parse_into(Keyset::builder(), text)
            .map_err(|error| KeyError::File { path: "keys".into(), error }.to_string())?;
        Ok(builder.build().expect("a keyset"))
    }

    #[test]
    fn the_first_key_of_the_file_writes() {
        let file = format!("# of May\n\n  {} \r\nro:{}\n{}", text(1), text(2), text(3));
        let ids: Vec<_> = parsed(&file).expect("valid").ids();
        assert_eq!(ids, [1, 2, 3].map(|byte| Key::from_bytes([byte; 32]).id()));
    }

    #[cfg(unix)]
    #[test]
    fn a_file_of_64_kib_is_read_and_no_larger_one() {
        use std::io::Write as _;
        use std::os::unix::fs::OpenOptionsExt as _;

        let path = std::env::temp_dir().join(format!("hookstack-keys-{}", std::process::id()));
        for (size, is_read) in [(65_536, true), (65_537, false), (200_000, false)] {
            let _ = fs::remove_file(&path);
            let mut file = File::options()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&path)
                .expect("a file");
            let mut text = format!("{}\n#", text(1)).into_bytes();
            text.resize(size, b'#');
            file.write_all(&text).expect("written");
            let ids = Keyset::from_file(&path).map(|keys| keys.ids().len());
            match is_read {
                true => assert_eq!(ids.expect("read"), 1),
                false => assert!(
                    matches!(ids, Err(KeyError::File { error: KeyFileError::TooLarge, .. })),
                    "{size}"
                ),
            }
        }
        let _ = fs::remove_file(&path);
    }

    #[test]
    fn what_cannot_work_is_told_by_its_line_without_quoting_it() {
        let refused = |text: &str| parsed(text).expect_err("must be refused");
        assert!(refused("").contains("has no key"));
        assert!(refused("# only\n\n").contains("has no key"));
        let message = refused(&format!("#\nro:{}", text(1)));
        assert!(message.contains("line 2") && message.contains("must be able to write"));
        let message = refused(&format!("{}\n#\n{}", text(1), text(1)));
        assert!(message.contains("line 3") && message.contains("twice"), "{message}");
        let message = refused(&format!("{}\ncorrect horse", text(1)));
        assert!(message.contains("line 2") && !message.contains("horse"), "{message}");
        let two_on_a_line = refused(&format!("{},{}", text(1), text(2)));
        assert!(two_on_a_line.contains("line 1") && !two_on_a_line.contains("hs1_A"));
    }
}
