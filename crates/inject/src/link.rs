//! Linking providers to what they need, and the checks that refuse a graph.

use std::sync::Arc;

use crate::container::Container;
use crate::definition::{Definition, Kind};
use crate::error::Problem;
use crate::factory::{Requirement, Source};
use crate::graph::{BuiltIn, Graph, Node, Target};
use crate::hint;
use crate::key::{Key, TypeMap};
use crate::phase::Phase;
use crate::scope::Scope;

/// Links the definitions. What is wrong is added to `problems`; without a graph in return it cannot
/// even be ordered.
pub(crate) fn link(
    definitions: Vec<Arc<Definition>>,
    parent: Option<&Container>,
    problems: &mut Vec<Problem>,
) -> Option<Graph> {
    let by_type = index(&definitions, problems);
    let mut linker =
        Linker { definitions: &definitions, by_type: &by_type, parent, needs: Vec::new() };
    let missing = linker.link();
    problems.extend(missing);
    let order = linker.order(problems)?;
    let scopes = linker.scopes(&order);
    linker.refuse_captives(&scopes, problems);
    let phases = linker.phases(&order, &scopes, problems);
    let needs = linker.needs;
    let mut slots = [0; 3];
    let nodes = definitions
        .into_iter()
        .zip(needs)
        .zip(scopes.into_iter().zip(phases))
        .map(|((definition, needs), (scope, (phase, ends_early)))| {
            let next = &mut slots[scope as usize];
            *next += 1;
            let needs = needs.into_iter().flatten().collect();
            Node { definition, scope, slot: *next - 1, needs, phase, ends_early }
        })
        .collect();
    Some(Graph { nodes, by_type, order })
}

/// The definitions by type; the first of duplicates counts.
fn index(definitions: &[Arc<Definition>], problems: &mut Vec<Problem>) -> TypeMap<usize> {
    let mut by_type = TypeMap::default();
    for (index, definition) in definitions.iter().enumerate() {
        let first = *by_type.entry(definition.key.id).or_insert(index);
        if first != index {
            problems.push(Problem::Duplicate {
                key: definition.key,
                locations: [definitions[first].location, definition.location],
            });
        }
    }
    by_type
}

struct Linker<'a> {
    definitions: &'a [Arc<Definition>],
    by_type: &'a TypeMap<usize>,
    parent: Option<&'a Container>,
    /// By definition and argument; `None` is missing.
    needs: Vec<Vec<Option<Target>>>,
}

impl Linker<'_> {
    fn link(&mut self) -> Vec<Problem> {
        let needs: Vec<Vec<_>> = self
            .definitions
            .iter()
            .map(|d| d.requirements.iter().map(|need| self.find(need)).collect())
            .collect();
        self.needs = needs;
        let mut missing = Vec::new();
        for (index, definition) in self.definitions.iter().enumerate() {
            for (need, found) in definition.requirements.iter().zip(&self.needs[index]) {
                if found.is_none() {
                    let mut path = self.path_to(index);
                    path.push(need.key);
                    let location = definition.location;
                    let hint = hint::missing(need.key, self.definitions, self.parent);
                    missing.push(Problem::Missing { path, location, hint });
                }
            }
        }
        missing
    }

    fn find(&self, need: &Requirement) -> Option<Target> {
        if let Source::Platform(find) = need.source {
            return Some(Target::BuiltIn(BuiltIn::Platform(need.key, find)));
        }
        if let Some(index) = self.by_type.get(&need.key.id) {
            return Some(Target::Node { level: 0, index: *index });
        }
        let mut ancestor = self.parent;
        let mut level = 1;
        while let Some(container) = ancestor {
            if let Some(index) = container.graph().by_type.get(&need.key.id) {
                return Some(Target::Node { level, index: *index });
            }
            ancestor = container.parent();
            level += 1;
        }
        BuiltIn::of(need.key.id).map(Target::BuiltIn)
    }

    /// From whoever needs a definition in the end to the definition.
    fn path_to(&self, index: usize) -> Vec<Key> {
        let mut path = vec![index];
        loop {
            let first = path[0];
            let needs_it = |needs: &Vec<Option<Target>>| {
                needs.iter().flatten().any(|t| own(*t) == Some(first))
            };
            match self.needs.iter().position(needs_it) {
                Some(above) if !path.contains(&above) => path.insert(0, above),
                _ => break,
            }
        }
        path.into_iter().map(|index| self.definitions[index].key).collect()
    }

    fn own_needs(&self, index: usize) -> impl Iterator<Item = usize> + '_ {
        self.needs[index].iter().flatten().filter_map(|target| own(*target))
    }

    /// Each after those that it needs; `None` when they go in circles.
    fn order(&self, problems: &mut Vec<Problem>) -> Option<Vec<usize>> {
        #[derive(Clone, Copy, PartialEq)]
        enum Mark {
            New,
            Open,
            Done,
        }
        let before = problems.len();
        let mut marks = vec![Mark::New; self.definitions.len()];
        let mut order = Vec::with_capacity(marks.len());
        for start in 0..marks.len() {
            if marks[start] != Mark::New {
                continue;
            }
            // A stack of its own, because a chain of providers can be longer than the thread's stack.
            let mut walk = vec![(start, self.own_needs(start).collect::<Vec<_>>(), 0)];
            marks[start] = Mark::Open;
            while let Some((index, needs, next)) = walk.last_mut() {
                let Some(need) = needs.get(*next).copied() else {
                    marks[*index] = Mark::Done;
                    order.push(*index);
                    walk.pop();
                    continue;
                };
                *next += 1;
                match marks[need] {
                    Mark::Done => {}
                    Mark::New => {
                        marks[need] = Mark::Open;
                        let needs = self.own_needs(need).collect();
                        walk.push((need, needs, 0));
                    }
                    Mark::Open => {
                        let around =
                            walk.iter().map(|(index, ..)| *index).skip_while(|i| *i != need);
                        let path = around.chain([need]).map(|i| self.definitions[i].key).collect();
                        let location = self.definitions[need].location;
                        problems.push(Problem::Cycle { path, location });
                    }
                }
            }
        }
        (problems.len() == before).then_some(order)
    }

    fn scopes(&self, order: &[usize]) -> Vec<Scope> {
        let mut scopes = vec![Scope::Singleton; self.definitions.len()];
        for &index in order {
            scopes[index] = match &self.definitions[index].kind {
                Kind::Value(_) => Scope::Singleton,
                Kind::Factory(scope, _) => *scope,
                // It lives as long as what it stands for.
                Kind::Binding(_) => {
                    let source = self.needs[index].first().copied().flatten();
                    source.map_or(Scope::Singleton, |target| self.scope_of(target, &scopes))
                }
            };
        }
        scopes
    }

    fn scope_of(&self, target: Target, scopes: &[Scope]) -> Scope {
        match target {
            Target::Node { level: 0, index } => scopes[index],
            Target::Node { level, index } => {
                self.inherited(level, index).map_or(Scope::Singleton, |n| n.scope)
            }
            Target::BuiltIn(built_in) => built_in.scope(),
        }
    }

    fn inherited(&self, level: usize, index: usize) -> Option<&Node> {
        let ancestors = std::iter::successors(self.parent, |container| container.parent());
        let mut ancestors = ancestors.skip(level.checked_sub(1)?);
        ancestors.next().map(|container| &container.graph().nodes[index])
    }

    fn key_of(&self, target: Target) -> Key {
        match target {
            Target::Node { level: 0, index } => self.definitions[index].key,
            Target::Node { level, index } => {
                self.inherited(level, index).map_or(Key::of::<()>(), |node| node.definition.key)
            }
            Target::BuiltIn(built_in) => built_in.key(),
        }
    }

    fn refuse_captives(&self, scopes: &[Scope], problems: &mut Vec<Problem>) {
        for (index, definition) in self.definitions.iter().enumerate() {
            for need in self.needs[index].iter().flatten() {
                if self.scope_of(*need, scopes) > scopes[index] {
                    let mut path = vec![(definition.key, scopes[index])];
                    let mut next = Some(*need);
                    // Through the bindings, to what really lives too short.
                    while let Some(target) = next {
                        path.push((self.key_of(target), self.scope_of(target, scopes)));
                        next = own(target)
                            .filter(|i| matches!(self.definitions[*i].kind, Kind::Binding(_)))
                            .and_then(|i| self.needs[i].first().copied().flatten());
                    }
                    problems.push(Problem::Captive { path, location: definition.location });
                }
            }
        }
    }

    /// What depends on something that ends before the response must end before it.
    fn phases(
        &self,
        order: &[usize],
        scopes: &[Scope],
        problems: &mut Vec<Problem>,
    ) -> Vec<(Phase, bool)> {
        // Why a definition must end before the response: itself, or the need through which it must.
        let mut reasons: Vec<Option<Option<Target>>> = vec![None; self.definitions.len()];
        let mut phases = vec![Phase::After; self.definitions.len()];
        for &index in order {
            let own_phase = self.definitions[index].teardown.as_ref().map(|(phase, _)| *phase);
            let through = self.needs[index].iter().flatten().copied().find(|need| match *need {
                Target::Node { level: 0, index } => {
                    scopes[index] != Scope::Singleton && reasons[index].is_some()
                }
                Target::Node { level, index } => self
                    .inherited(level, index)
                    .is_some_and(|node| node.scope != Scope::Singleton && node.ends_early),
                Target::BuiltIn(_) => false,
            });
            phases[index] = match (own_phase, through) {
                (Some(Phase::After), Some(through)) => {
                    let path = self.path_to_early(index, through, &reasons);
                    let location = self.definitions[index].location;
                    problems.push(Problem::Outlived { path, location });
                    Phase::After
                }
                (Some(Phase::Before), _) => {
                    reasons[index] = Some(None);
                    Phase::Before
                }
                (None, Some(through)) => {
                    reasons[index] = Some(Some(through));
                    Phase::Before
                }
                (Some(Phase::After), None) => Phase::After,
                // A step is over when its body is; what has no teardown is dropped then.
                (None, None) if scopes[index] == Scope::Step => Phase::Before,
                (None, None) => Phase::After,
            };
        }
        // Unless something that ends later needs it.
        for &index in order.iter().rev() {
            if phases[index] == Phase::Before {
                continue;
            }
            for need in self.own_needs(index).filter(|need| scopes[*need] == Scope::Step) {
                if reasons[need].is_none() {
                    phases[need] = Phase::After;
                }
            }
        }
        phases.into_iter().zip(reasons.iter().map(Option::is_some)).collect()
    }

    fn path_to_early(
        &self,
        index: usize,
        through: Target,
        reasons: &[Option<Option<Target>>],
    ) -> Vec<Key> {
        let mut path = vec![self.definitions[index].key];
        let mut next = Some(through);
        while let Some(target) = next {
            path.push(self.key_of(target));
            next = own(target).and_then(|index| reasons[index].flatten());
        }
        path
    }
}

fn own(target: Target) -> Option<usize> {
    match target {
        Target::Node { level: 0, index } => Some(index),
        _ => None,
    }
}
