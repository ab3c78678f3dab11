//! The commands, and what those that open values have in common.

pub(crate) mod decrypt;
pub(crate) mod inspect;
pub(crate) mod keygen;
pub(crate) mod rotate;

use std::io::Write as _;

use hookstack_encryption::Keyset;

use crate::args::{InputArgs, KeyArgs, PlaceArgs};
use crate::candidates::{Candidates, Given};
use crate::document::Document;
use crate::envelope::{self, Found};
use crate::failure::{Failed, PARTIAL};
use crate::open::{Opener, Reason};
use crate::{input, say};

/// A document with its sealed values, ready to be opened.
pub(crate) struct Work<'a> {
    pub(crate) keys: &'a Keyset,
    pub(crate) document: &'a Document<'a>,
    pub(crate) found: &'a [Found],
    pub(crate) opener: Opener<'a>,
    /// What stays as it is, by its place in `found`.
    pub(crate) left: Vec<(usize, Reason)>,
    /// What to tell although it worked, likewise.
    pub(crate) notes: Vec<(usize, &'static str)>,
}

/// Reads every document, writes what `change` makes of it, and tells what stayed as it was.
fn change_documents(
    keys: &KeyArgs,
    places: &PlaceArgs,
    input: &InputArgs,
    change: fn(&mut Work<'_>) -> String,
) -> Result<u8, Failed> {
    let keys = keys.keyset()?;
    let given: Given = places.given()?;
    let (mut documents, mut sealed, mut left) = (0, 0, 0);
    let mut each = |number: usize, text: &str| {
        documents = number;
        let document = parse(number, text)?;
        let found = envelope::find(&document);
        if found.is_empty() {
            return Ok(text.to_owned());
        }
        let candidates = Candidates::new(&given, &document, &found);
        let opener = Opener::new(&keys, &document, &candidates, places.max_tries);
        let mut work = Work {
            keys: &keys,
            document: &document,
            found: &found,
            opener,
            left: Vec::new(),
            notes: Vec::new(),
        };
        let changed = change(&mut work);
        sealed += found.len();
        left += work.left.len();
        work.left.sort_by_key(|(index, _)| *index);
        let told = work.left.iter().map(|(index, reason)| (index, reason.to_string()));
        let noted = work.notes.iter().map(|(index, note)| (index, (*note).to_owned()));
        for (index, message) in told.chain(noted) {
            say(&format!("{}: {message}", place(number, &document, &found[*index])));
        }
        Ok(changed)
    };
    let mut stdout = std::io::stdout().lock();
    let mut write = |text: &str| Ok(stdout.write_all(text.as_bytes())?);
    input::documents(&mut *input::open(input.file.as_deref())?, &mut each, &mut write)?;
    stdout.flush()?;
    input::must_have_some(documents)?;
    if sealed == 0 {
        say("nothing sealed was found");
    }
    if left > 0 {
        say(&format!("{left} of {sealed} sealed values stay as they were"));
    }
    Ok(if left > 0 { PARTIAL } else { 0 })
}

fn parse(number: usize, text: &str) -> Result<Document<'_>, Failed> {
    Document::parse(text)
        .map_err(|error| Failed::usage(format!("document {number} of the input: {error}")))
}

/// Where a value stands: its path, with the number of its document from the second on.
fn place(number: usize, document: &Document<'_>, found: &Found) -> String {
    let path = document.path(found.node);
    if number == 1 { path } else { format!("document {number}, {path}") }
}
