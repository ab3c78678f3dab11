//! Random programs: the shapes that durable functions have.

use proptest::collection::vec;
use proptest::prelude::*;

/// One attempt more than a step that fails now and then needs.
pub(crate) const MAX_ATTEMPTS: u32 = 3;

/// What a step body does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Body {
    Succeed,
    /// Fails so often, fewer times than there are attempts.
    FailTimes(u32),
    FailAlways,
    FailForGood,
    Panic,
}

impl Body {
    pub(crate) fn succeeds(self) -> bool {
        matches!(self, Body::Succeed | Body::FailTimes(_))
    }
}

/// A program. The numbers tell nodes apart.
#[derive(Clone, Debug)]
pub(crate) enum Expr {
    Value(u32),
    Run {
        node: u32,
        body: Body,
        /// The body lets others go first.
        suspends: bool,
    },
    Sleep(u32),
    /// Steps that share one id with those of all other loops.
    Loop(u32),
    Yield,
    /// Something outside of the function wakes it.
    Outside,
    Panic(u32),
    Sequence(Vec<Expr>),
    Join(Vec<Expr>),
    TryJoin(Vec<Expr>),
    Select(Vec<Expr>),
    Catch(Box<Expr>),
}

use Expr::{
    Catch, Join, Loop, Outside, Panic, Run, Select, Sequence, Sleep, TryJoin, Value, Yield,
};

impl Expr {
    pub(crate) fn children(&self) -> &[Expr] {
        match self {
            Sequence(all) | Join(all) | TryJoin(all) | Select(all) => all,
            Catch(inner) => std::slice::from_ref(inner),
            _ => &[],
        }
    }

    /// The name of the construct, for the census.
    pub(crate) fn construct(&self) -> &'static str {
        match self {
            Value(_) => "value",
            Run { body: Body::Succeed, suspends: false, .. } => "run",
            Run { body: Body::Succeed, suspends: true, .. } => "run that suspends",
            Run { body: Body::FailTimes(_), .. } => "run that fails k times",
            Run { body: Body::FailAlways, .. } => "run that fails for ever",
            Run { body: Body::FailForGood, .. } => "run that is not retried",
            Run { body: Body::Panic, .. } => "run that panics",
            Sleep(_) => "sleep",
            Loop(_) => "loop",
            Yield => "yield",
            Outside => "outside",
            Panic(_) => "panic",
            Sequence(_) => "sequence",
            Join(_) => "join",
            TryJoin(_) => "try_join",
            Select(_) => "select",
            Catch(_) => "catch",
        }
    }

    pub(crate) fn any(&self, is: &dyn Fn(&Expr) -> bool) -> bool {
        is(self) || self.children().iter().any(|child| child.any(is))
    }

    /// Without what other things than steps decide: raced against a step, its result may differ from
    /// call to call, and no server can make a durable function of that.
    fn steps_alone(self) -> Self {
        let each = |all: Vec<Expr>| all.into_iter().map(Expr::steps_alone).collect();
        match self {
            Yield | Outside => Value(0),
            Sequence(all) => Sequence(each(all)),
            Join(all) => Join(each(all)),
            TryJoin(all) => TryJoin(each(all)),
            Catch(inner) => Catch(Box::new(inner.steps_alone())),
            other => other,
        }
    }

    /// Gives every step and panic a number of its own.
    fn number(mut self, next: &mut u32) -> Self {
        match &mut self {
            Run { node, .. } | Sleep(node) | Panic(node) => {
                *node = *next;
                *next += 1;
            }
            Sequence(all) | Join(all) | TryJoin(all) | Select(all) => {
                *all = std::mem::take(all).into_iter().map(|child| child.number(next)).collect();
            }
            Catch(inner) => {
                let child = std::mem::replace(&mut **inner, Yield);
                **inner = child.number(next);
            }
            _ => {}
        }
        self
    }
}

fn select(branches: Vec<Expr>) -> Expr {
    Select(branches.into_iter().map(Expr::steps_alone).collect())
}

fn leaf() -> impl Strategy<Value = Expr> {
    let body = prop_oneof![
        14 => Just(Body::Succeed),
        3 => (1..MAX_ATTEMPTS).prop_map(Body::FailTimes),
        1 => Just(Body::FailAlways),
        1 => Just(Body::FailForGood),
        1 => Just(Body::Panic),
    ];
    prop_oneof![
        3 => (0..9_u32).prop_map(Value),
        20 => (body, any::<bool>()).prop_map(|(body, suspends)| Run { node: 0, body, suspends }),
        2 => Just(Sleep(0)),
        2 => (1..4_u32).prop_map(Loop),
        2 => Just(Yield),
        2 => Just(Outside),
        1 => Just(Panic(0)),
    ]
}

/// A program and the seed of the order in which its parallel steps end.
pub(crate) type Case = (Expr, u64);

fn lists(
    inner: impl Strategy<Value = Expr> + Clone + 'static,
    racing: bool,
) -> BoxedStrategy<Expr> {
    let list = vec(inner, 1..=5);
    let common =
        prop_oneof![2 => list.clone().prop_map(Sequence), 3 => list.clone().prop_map(Join)];
    let races = prop_oneof![list.clone().prop_map(TryJoin), list.prop_map(select)];
    if racing { prop_oneof![common, races].boxed() } else { common.boxed() }
}

/// With `racing`, there are also the constructs whose result depends on that order.
pub(crate) fn cases(racing: bool) -> impl Strategy<Value = Case> {
    let inner = leaf().prop_recursive(3, 16, 5, move |inner| {
        let catch = inner.clone().prop_map(|inner| Catch(Box::new(inner)));
        prop_oneof![3 => lists(inner, racing), 1 => catch]
    });
    let program = lists(inner, racing);
    (program.prop_map(|program| program.number(&mut 0)), any::<u64>())
}
