//! `rotate`: every sealed value re-encrypted under the primary key.

use std::collections::{HashMap, HashSet};

use clap::Args;
use hookstack_encryption::{Class, Commitment, EnvelopeError, Header, Keyset, ObjectId, Opened};

use super::{Work, change_documents};
use crate::args::{InputArgs, KeyArgs, PlaceArgs};
use crate::candidates::Address;
use crate::document::{Document, NodeId};
use crate::edit::Edits;
use crate::envelope::{Form, Found, Sealed};
use crate::failure::Failed;
use crate::open::Reason;

#[derive(Debug, Args)]
pub(crate) struct Rotate {
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    keys: KeyArgs,
    #[command(flatten)]
    places: PlaceArgs,
}

pub(crate) fn run(args: &Rotate) -> Result<u8, Failed> {
    change_documents(&args.keys, &args.places, &args.input, rotate)
}

/// Values by their place in `found` that were sealed as one.
type Group = Vec<usize>;

fn rotate(work: &mut Work<'_>) -> String {
    let (groups, unknown) = groups(work.document, work.found);
    work.left.extend(unknown);
    // A response is bound to the commitment of its request, which changes with the key: so requests go
    // first, and their responses are bound to what has become of them.
    let (responses, others): (Vec<_>, Vec<_>) =
        groups.into_iter().partition(|group| is_response(&work.found[group[0]]));
    let mut requests = HashMap::new();
    let mut edits = Edits::default();
    for group in others.into_iter().chain(responses) {
        rotate_group(work, &group, &mut requests, &mut edits);
    }
    edits.apply(work.document.text)
}

fn rotate_group(
    work: &mut Work<'_>,
    group: &Group,
    requests: &mut HashMap<Commitment, Commitment>,
    edits: &mut Edits,
) {
    let found = work.found;
    let is_current = |index: &usize| {
        header(&found[*index]).is_some_and(|header| header.key() == work.keys.primary())
    };
    if group.iter().all(is_current) {
        return;
    }
    let mut opened = Vec::with_capacity(group.len());
    let mut reasons = Vec::new();
    for &index in group {
        match work.opener.open(&found[index]) {
            Ok(value) => opened.push(value),
            Err(reason) => reasons.push((index, reason)),
        }
    }
    if !reasons.is_empty() {
        // Fields that were sealed as one stay together.
        let failed: HashSet<usize> = reasons.iter().map(|(index, _)| *index).collect();
        for &index in group {
            if let Some(header) = header(&found[index])
                && !failed.contains(&index)
            {
                let (class, key) = (header.class(), header.key());
                reasons.push((index, Reason::Sibling { class, key }));
            }
        }
        work.left.extend(reasons);
        return;
    }
    for (_, address) in &mut opened {
        if let Some(request) = address.request_mut() {
            *request = requests.get(request).copied().unwrap_or(*request);
        }
    }
    match reseal(work.keys, &opened) {
        Ok(sealed) => {
            for (&index, envelope) in group.iter().zip(sealed) {
                let value = &found[index];
                if let (Some(old), Ok(new)) = (header(value), Header::read(&envelope)) {
                    requests.insert(old.commitment(), new.commitment());
                }
                if let Some(text) = value.in_this_form(envelope) {
                    edits.replace(work.document.nodes[value.node].span.clone(), text);
                }
            }
        }
        Err(failure) => {
            work.left.extend(group.iter().map(|&index| (index, Reason::Unsealed(failure))));
        }
    }
}

/// Seals values again that were sealed as one. The only place where plaintext is sealed.
fn reseal(keys: &Keyset, values: &[(Opened, Address<'_>)]) -> Result<Vec<Vec<u8>>, EnvelopeError> {
    // All of one group have the same origin.
    let Some((first, _)) = values.first() else { return Ok(Vec::new()) };
    let fields = values.iter().map(|(opened, address)| (address.context(), opened.plaintext()));
    keys.seal_fields(first.origin(), fields)
}

/// The values of a document: fields of one object that were sealed as one together, all others alone. And
/// what cannot be opened at all.
fn groups(document: &Document<'_>, found: &[Found]) -> (Vec<Group>, Vec<(usize, Reason)>) {
    let mut groups: Vec<Group> = Vec::new();
    let mut of_object: HashMap<(NodeId, ObjectId<'_>), usize> = HashMap::new();
    let mut unknown = Vec::new();
    for (index, value) in found.iter().enumerate() {
        let header = match &value.sealed {
            Sealed::Hookstack(header) => header,
            Sealed::Libsodium => {
                unknown.push((index, Reason::Libsodium));
                continue;
            }
            Sealed::Unreadable => {
                unknown.push((index, Reason::Unreadable));
                continue;
            }
            Sealed::Quoted => {
                unknown.push((index, Reason::Quoted));
                continue;
            }
        };
        let is_field = value.form == Form::Object
            && matches!(header.class(), Class::Event | Class::Invoke)
            && document.key(value.node).is_some();
        if !is_field {
            groups.push(vec![index]);
            continue;
        }
        let object = document.nodes[value.node].parent.unwrap_or(value.node);
        let group = *of_object.entry((object, header.object_id())).or_insert(groups.len());
        match groups.get_mut(group) {
            Some(group) => group.push(index),
            None => groups.push(vec![index]),
        }
    }
    (groups, unknown)
}

fn header(found: &Found) -> Option<&Header> {
    match &found.sealed {
        Sealed::Hookstack(header) => Some(header),
        _ => None,
    }
}

fn is_response(found: &Found) -> bool {
    let class = header(found).map(Header::class);
    matches!(class, Some(Class::HttpResponse | Class::LambdaResponse))
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use hookstack_encryption::{Context, Key, Origin};

    use super::*;

    #[test]
    fn fields_are_grouped_by_their_object_and_what_was_sealed_together() {
        let keys = Keyset::builder().primary(Key::from_bytes([1; 32])).build().expect("a keyset");
        let sealed = || {
            let fields = ["a", "b"].map(|field| (Context::event("e", field), &b"1"[..]));
            let sealed = keys.seal_fields(&Origin::default(), fields).expect("sealed");
            [0, 1].map(|at| String::from_utf8_lossy(&sealed[at]).into_owned())
        };
        let ([a, b], [c, d]) = (sealed(), sealed());
        let text = format!(r#"[{{"a":{a},"c":{c},"b":{b},"d":{d}}},{{"a":{a},"b":{b}}},{a}]"#);
        let document = Document::parse(&text).expect("JSON");
        let found = crate::envelope::find(&document);
        let (groups, unknown) = groups(&document, &found);
        assert_eq!(groups, [vec![0, 2], vec![1, 3], vec![4, 5], vec![6]]);
        assert!(unknown.is_empty());
    }

    /// Comparing each with each would take half a minute.
    #[test]
    fn many_forged_fields_of_one_object_are_groups_of_their_own() {
        const FIELDS: usize = 20_000;
        let keys = Keyset::builder().primary(Key::from_bytes([1; 32])).build().expect("a keyset");
        let context = Context::event("e", "a");
        let mut text = String::from("{");
        for index in 0..FIELDS {
            let sealed = keys.seal(&context, &Origin::default(), b"1").expect("sealed");
            let sealed = String::from_utf8_lossy(&sealed);
            let comma = if index == 0 { "" } else { "," };
            write!(text, "{comma}\"{index}\":{sealed}").expect("memory");
        }
        text.push('}');
        let document = Document::parse(&text).expect("JSON");
        let found = crate::envelope::find(&document);
        assert_eq!(groups(&document, &found).0.len(), FIELDS);
    }
}
