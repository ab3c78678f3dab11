//! What somebody may have meant whose graph or handler asks for what nobody provides.

use std::sync::Arc;

use crate::container::Container;
use crate::definition::{Definition, Kind};
use crate::key::Key;

/// For a provider that needs a missing type.
pub(crate) fn missing(
    missing: Key,
    own: &[Arc<Definition>],
    parent: Option<&Container>,
) -> Option<String> {
    let of_providers = of_providers(missing, provided(own, parent));
    // A container is built before it is known where it will be registered.
    let outer = (parent.is_none() && !of_providers.as_ref().is_some_and(|hint| hint.is_certain))
        .then(|| {
            "if a container around this one provides it, make this one with `outer.child()`"
                .to_owned()
        });
    let hints: Vec<_> = of_providers.map(|hint| hint.text).into_iter().chain(outer).collect();
    (!hints.is_empty()).then(|| hints.join("; "))
}

/// For a handler's argument that no container provides.
pub(crate) fn missing_argument<'a>(
    missing: Key,
    containers: impl Iterator<Item = &'a crate::graph::Graph>,
) -> Option<String> {
    let definitions = containers.flat_map(|graph| &graph.nodes).map(|node| &*node.definition);
    of_providers(missing, definitions).map(|hint| hint.text)
}

/// For a replacement without anything to replace.
pub(crate) fn nothing_to_replace(
    replacement: &Definition,
    own: &[Arc<Definition>],
    parent: Option<&Container>,
) -> Option<String> {
    if let Some(namesake) = provided(own, parent).find(|d| is_namesake(d.key, replacement.key)) {
        return Some(distinguish(namesake.key, replacement.key));
    }
    if is_trait(replacement.key) {
        return None;
    }
    let traits = || provided(own, parent).map(|d| d.key).filter(|key| is_trait(*key));
    let first = traits().next()?;
    let how = match &replacement.kind {
        Kind::Value(_) => format!("`Provider::<{first}, _>::shared(..)`"),
        _ => format!(
            "`Provider::..(factory).unshared()` with a factory that returns `Result<Arc<{first}>, E>`"
        ),
    };
    let others: Vec<_> = traits().skip(1).map(|key| format!("`{key}`")).collect();
    Some(match others.as_slice() {
        [] => format!("did you mean {how}?"),
        others => format!("did you mean {how}, or one for {}?", others.join(", ")),
    })
}

struct Hint {
    text: String,
    /// Whether it tells what is wrong, and not only what is often forgotten.
    is_certain: bool,
}

fn of_providers<'a>(missing: Key, provided: impl Iterator<Item = &'a Definition>) -> Option<Hint> {
    let certain = provided.into_iter().find_map(|definition| {
        let key = definition.key;
        let is_value = matches!(definition.kind, Kind::Value(_));
        if key.wraps("alloc::sync::Arc", missing) {
            return Some(if is_value {
                format!(
                    "`{key}` is provided: write `.provide(Provider::shared(arc))` to provide what is inside"
                )
            } else {
                format!(
                    "`{key}` is provided: write `Provider::..(factory).unshared()` to provide what is inside"
                )
            });
        }
        if key.wraps("alloc::boxed::Box", missing) {
            return Some(if is_value {
                format!("`{key}` is provided: write `.provide(Provider::<{missing}, _>::shared(Arc::from(boxed)))`")
            } else {
                format!(
                    "`{key}` is provided: return an `Arc` and write `Provider::..(factory).unshared()`"
                )
            });
        }
        is_namesake(key, missing).then(|| distinguish(key, missing))
    });
    match certain {
        Some(text) => Some(Hint { text, is_certain: true }),
        None if is_trait(missing) => {
            let text = format!(
                "a trait is provided by `bind`: `.bind(|it: Arc<..>| -> Arc<{missing}> {{ it }})`"
            );
            Some(Hint { text, is_certain: false })
        }
        None => None,
    }
}

/// What a container and its ancestors provide.
fn provided<'a>(
    own: &'a [Arc<Definition>],
    parent: Option<&'a Container>,
) -> impl Iterator<Item = &'a Definition> {
    let ancestors = std::iter::successors(parent, |container| container.parent());
    let inherited = ancestors.flat_map(|container| &container.graph().nodes);
    own.iter().map(|own| &**own).chain(inherited.map(|node| &*node.definition))
}

/// Two types that are printed alike.
fn is_namesake(one: Key, other: Key) -> bool {
    one.id != other.id && one.to_string() == other.to_string()
}

fn distinguish(provided: Key, asked: Key) -> String {
    let (provided, asked) = (provided.full_name(), asked.full_name());
    if provided == asked {
        // Two versions of a crate, say.
        return format!("another `{provided}` is provided");
    }
    format!("`{provided}` is provided, but not `{asked}`")
}

fn is_trait(key: Key) -> bool {
    key.full_name().starts_with("dyn ")
}
