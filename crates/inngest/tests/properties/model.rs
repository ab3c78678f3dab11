//! Which results a program may have, whatever the order in which its parallel steps end.

use serde_json::{Value, json};

use crate::program::{Body, Expr};

/// A run's end: its output, or the message of its error.
pub(crate) type End = Result<Value, String>;

fn is_panic(end: &End) -> bool {
    matches!(end, Err(message) if message.starts_with('F'))
}

pub(crate) struct Model {
    /// A function that panics now and then, which takes a race, uses up attempts that its steps miss.
    attempts_may_be_missing: bool,
}

impl Model {
    pub(crate) fn of(program: &Expr) -> Self {
        let panics = program.any(&|expr| matches!(expr, Expr::Panic(_)));
        Model { attempts_may_be_missing: panics && order_matters(program) }
    }

    fn may_fail(&self, body: Body) -> bool {
        !body.succeeds() || self.attempts_may_be_missing && body != Body::Succeed
    }

    fn can_succeed(&self, expr: &Expr) -> bool {
        match expr {
            Expr::Run { body, .. } => body.succeeds(),
            Expr::Panic(_) => false,
            Expr::Select(any) => any.iter().any(|child| self.can_succeed(child)),
            Expr::Catch(inner) => self.can_end(inner),
            other => other.children().iter().all(|child| self.can_succeed(child)),
        }
    }

    /// With a value or an error, but no panic.
    fn can_end(&self, expr: &Expr) -> bool {
        match expr {
            Expr::Panic(_) => false,
            Expr::Sequence(all) => {
                all.iter()
                    .find(|child| !self.can_succeed(child))
                    .is_none_or(|stops| self.can_end(stops))
                    || all.iter().enumerate().any(|(index, child)| {
                        self.can_fail(child)
                            && all[..index].iter().all(|before| self.can_succeed(before))
                    })
            }
            Expr::Join(all) => all.iter().all(|child| self.can_end(child)),
            Expr::TryJoin(all) => {
                all.iter().all(|child| self.can_end(child))
                    || all.iter().any(|child| self.can_fail(child))
            }
            Expr::Select(any) => any.iter().any(|child| self.can_end(child)),
            Expr::Catch(inner) => self.can_end(inner),
            _ => true,
        }
    }

    /// With an error, but no panic.
    fn can_fail(&self, expr: &Expr) -> bool {
        match expr {
            Expr::Run { body, .. } => self.may_fail(*body),
            Expr::Sequence(all) => all.iter().enumerate().any(|(index, child)| {
                self.can_fail(child) && all[..index].iter().all(|before| self.can_succeed(before))
            }),
            Expr::Join(all) => {
                all.iter().any(|child| self.can_fail(child))
                    && all.iter().all(|child| self.can_end(child))
            }
            Expr::TryJoin(any) | Expr::Select(any) => any.iter().any(|child| self.can_fail(child)),
            _ => false,
        }
    }

    /// Whether a program may end like this.
    pub(crate) fn valid(&self, expr: &Expr, end: &End) -> bool {
        match (expr, end) {
            (Expr::Value(value), end) => *end == Ok(json!(value)),
            (Expr::Run { node, body, .. }, Ok(value)) => body.succeeds() && *value == json!(node),
            (Expr::Run { node, body, .. }, Err(message)) => {
                let letter = if *body == Body::Panic { "P" } else { "E" };
                self.may_fail(*body) && *message == format!("{letter}{node}")
            }
            (Expr::Sleep(_) | Expr::Yield | Expr::Outside, end) => *end == Ok(Value::Null),
            (Expr::Loop(times), end) => *end == Ok(json!(times)),
            (Expr::Panic(node), end) => *end == Err(format!("F{node}")),
            (Expr::Sequence(all) | Expr::Join(all) | Expr::TryJoin(all), Ok(value)) => {
                let values = value.as_array().map_or(&[][..], Vec::as_slice);
                let each = all.iter().zip(values);
                values.len() == all.len()
                    && each.into_iter().all(|(child, v)| self.valid(child, &Ok(v.clone())))
            }
            (Expr::Sequence(all), end) => all.iter().enumerate().any(|(index, child)| {
                self.valid(child, end) && all[..index].iter().all(|before| self.can_succeed(before))
            }),
            (Expr::Join(all), end) => all.iter().enumerate().any(|(index, child)| {
                let others = || {
                    all[..index].iter().all(|before| self.can_succeed(before))
                        && all[index + 1..].iter().all(|after| self.can_end(after))
                };
                // A panic ends everything at once.
                self.valid(child, end) && (is_panic(end) || others())
            }),
            (Expr::TryJoin(any) | Expr::Select(any), end) => {
                any.iter().any(|child| self.valid(child, end))
            }
            (Expr::Catch(inner), Ok(value)) => {
                let caught = value["caught"].as_str().map(|message| Err(message.to_owned()));
                self.valid(inner, end)
                    || caught.is_some_and(|e| !is_panic(&e) && self.valid(inner, &e))
            }
            (Expr::Catch(inner), end) => is_panic(end) && self.valid(inner, end),
        }
    }
}

/// Whether the order in which parallel steps end can be seen in the result.
pub(crate) fn order_matters(program: &Expr) -> bool {
    program.any(&|expr| match expr {
        Expr::Select(_) | Expr::TryJoin(_) => true,
        // Of several panics the first is the one that counts.
        Expr::Join(all) => {
            let panics = |child: &&Expr| child.any(&|expr| matches!(expr, Expr::Panic(_)));
            all.iter().filter(panics).count() > 1
        }
        _ => false,
    })
}
