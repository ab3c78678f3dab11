//! `keygen`: new keys.

use std::io::Write as _;

use clap::Args;
use hookstack_encryption::{KEYS_FILE_VARIABLE, KEYS_VARIABLE, Key, KeyError, Keyset};
use zeroize::Zeroizing;

use crate::failure::Failed;
use crate::say;

#[derive(Debug, Args)]
pub(crate) struct Keygen {
    /// How many keys to make.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=100))]
    count: u16,
    /// Print only the keys, one on each line, as in a key file; with `--add` each as `ro:`.
    #[arg(long)]
    bare: bool,
    /// Print the list of keys that the environment has now, with the new key as one that only reads: the
    /// first step of a rotation.
    #[arg(long)]
    add: bool,
}

pub(crate) fn run(args: &Keygen) -> Result<u8, Failed> {
    let mark = if args.add { "ro:" } else { "" };
    let mut list = match (args.add, args.bare) {
        (true, false) => Some(present()?),
        _ => None,
    };
    let mut stdout = std::io::stdout().lock();
    for _ in 0..args.count {
        let key = Key::generate()?;
        let text = key.to_text();
        match &mut list {
            Some(list) => {
                let grown = Zeroizing::new([list.as_str(), ",", mark, &text].concat());
                *list = grown;
            }
            None if args.bare => writeln!(stdout, "{mark}{}", &*text)?,
            None => writeln!(stdout, "{KEYS_VARIABLE}={}", &*text)?,
        }
        say(&format!("key {}", key.id()));
    }
    if let Some(list) = list {
        // Refuses what would not work, for instance two keys with one id.
        Keyset::from_text(&list)?;
        writeln!(stdout, "{KEYS_VARIABLE}={}", &*list)?;
    }
    stdout.flush()?;
    Ok(0)
}

/// The list of keys in the environment, checked.
fn present() -> Result<Zeroizing<String>, Failed> {
    if std::env::var_os(KEYS_FILE_VARIABLE).is_some_and(|path| !path.is_empty()) {
        return Err(Failed::usage(format!(
            "the keys are in the file that {KEYS_FILE_VARIABLE} names: append the line that `hookstack keygen --add --bare` prints"
        )));
    }
    let text = std::env::var(KEYS_VARIABLE).unwrap_or_default();
    let text = Zeroizing::new(text);
    if text.is_empty() {
        return Err(KeyError::NotSet(KEYS_VARIABLE).into());
    }
    Keyset::from_text(&text)?;
    let entries: Vec<&str> = text.split(',').map(str::trim).collect();
    Ok(Zeroizing::new(entries.join(",")))
}
