//! `rotate`: every sealed value re-encrypted under the primary key.

use std::collections::HashMap;

use clap::Args;
use hookstack_encryption::{Class, Commitment, Failure, Header, Keyset, Opened};

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
        for &index in group {
            if let Some(header) = header(&found[index])
                && !reasons.iter().any(|(failed, _)| *failed == index)
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
fn reseal(keys: &Keyset, values: &[(Opened, Address<'_>)]) -> Result<Vec<Vec<u8>>, Failure> {
    // All of one group have the same origin.
    let Some((first, _)) = values.first() else { return Ok(Vec::new()) };
    let fields = values.iter().map(|(opened, address)| (address.context(), opened.plaintext()));
    keys.seal_fields(first.origin(), fields)
}

/// The values of a document: fields of one object that were sealed as one together, all others alone. And
/// what cannot be opened at all.
fn groups(document: &Document<'_>, found: &[Found]) -> (Vec<Group>, Vec<(usize, Reason)>) {
    let mut groups: Vec<Group> = Vec::new();
    let mut of_object: HashMap<NodeId, Vec<usize>> = HashMap::new();
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
        };
        let is_field = value.form == Form::Object
            && matches!(header.class(), Class::Event | Class::Invoke)
            && document.key(value.node).is_some();
        if !is_field {
            groups.push(vec![index]);
            continue;
        }
        let object = document.nodes[value.node].parent.unwrap_or(value.node);
        let of_object = of_object.entry(object).or_default();
        let group = of_object.iter().copied().find(|&group| {
            let first = self::header(&found[groups[group][0]]);
            first.is_some_and(|first| first.is_sealed_with(header))
        });
        match group {
            Some(group) => groups[group].push(index),
            None => {
                of_object.push(groups.len());
                groups.push(vec![index]);
            }
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
