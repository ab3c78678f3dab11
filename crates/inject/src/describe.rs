//! The graph as text.

use std::fmt;

use crate::container::Container;
use crate::definition::Kind;
use crate::graph::Target;
use crate::key::Key;
use crate::phase::Phase;
use crate::scope::Scope;

/// A container's graph; `Display` writes it as text.
///
/// ```
/// use hookstack_inject::{Container, Dep};
/// # struct Settings; struct Pool; struct Orders;
/// let container = Container::builder()
///     .value(Settings)
///     .singleton(async |_: Dep<Settings>| Dep::new(Pool))
///     .call(async |_: Dep<Pool>| Dep::new(Orders))
///     .build()?;
/// assert_eq!(
///     container.describe().to_string(),
///     "\
/// singleton
///   Settings = value
///   Pool <- Settings
/// call
///   Orders <- Pool
/// "
/// );
/// # Ok::<_, hookstack_inject::BuildError>(())
/// ```
#[derive(Clone, Copy)]
pub struct Description<'a> {
    container: &'a Container,
}

impl<'a> Description<'a> {
    pub(crate) fn new(container: &'a Container) -> Self {
        Description { container }
    }

    fn key(self, target: Target) -> (Key, usize) {
        match target {
            Target::BuiltIn(built_in) => (built_in.key(), 0),
            Target::Node { level, index } => {
                let mut ancestors =
                    std::iter::successors(Some(self.container), |container| container.parent());
                let owner = ancestors.nth(level).unwrap_or(self.container);
                (owner.graph().nodes[index].definition.key, level)
            }
        }
    }
}

impl fmt::Display for Description<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nodes = &self.container.graph().nodes;
        for scope in Scope::ALL {
            let mut of_scope = nodes.iter().filter(|node| node.scope == scope).peekable();
            if of_scope.peek().is_some() {
                writeln!(f, "{scope}")?;
            }
            for node in of_scope {
                let definition = &node.definition;
                let needs: Vec<_> = node
                    .needs
                    .iter()
                    .map(|need| match self.key(*need) {
                        (key, 0) => key.to_string(),
                        (key, _) => format!("{key} (outer)"),
                    })
                    .collect();
                write!(f, "  {}", definition.key)?;
                match &definition.kind {
                    Kind::Value(_) => f.write_str(" = value")?,
                    Kind::Binding(_) => write!(f, " = {}", needs.join(", "))?,
                    Kind::Factory(..) if needs.is_empty() => {}
                    Kind::Factory(..) => write!(f, " <- {}", needs.join(", "))?,
                }
                if definition.eager {
                    f.write_str(", eager")?;
                }
                match &definition.teardown {
                    Some(_) if scope == Scope::Singleton => {
                        f.write_str(", torn down at shutdown")?
                    }
                    Some((Phase::Before, _)) if scope == Scope::Step => {
                        f.write_str(", torn down when the body is over")?
                    }
                    Some((Phase::Before, _)) => f.write_str(", torn down before the response")?,
                    Some((Phase::After, _)) => f.write_str(", torn down after the response")?,
                    None => {}
                }
                writeln!(f)?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Description<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
