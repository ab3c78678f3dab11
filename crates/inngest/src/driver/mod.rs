//! Runs a durable function inside one call: delivers memoized steps, finds new ones, executes at most
//! one of them.
//!
//! The function is an ordinary future. `step.run` and its siblings suspend by *not resolving*; the
//! driver polls the function until nothing moves and then decides. So `join!`, `FuturesUnordered` and
//! `select!` give parallel steps with no API of their own.

mod current;
mod run;
mod seeded;
mod state;
mod waker;

pub(crate) use current::{BodyScope, in_step_body, is_driving};
pub(crate) use run::{Target, drive, timed_out};
pub(crate) use state::{Delivery, Finished, Identity, Shared, SlotId};
