//! Running a run again.

use super::builder::EngineError;
use super::queue::RunIndex;
use super::store::{Step, Store};

impl Store {
    /// Starts a run with the events of another and, if `from` is given, with its memos up to that step.
    pub(super) fn rerun(
        &mut self,
        run_id: &str,
        from: Option<&str>,
    ) -> Result<String, EngineError> {
        let unknown = || EngineError::UnknownRun(run_id.to_owned());
        let old: RunIndex =
            self.runs.iter().position(|run| run.id == run_id).ok_or_else(unknown)?;
        let run = &self.runs[old];
        let function = self
            .functions
            .iter()
            .position(|function| function.slug == run.function)
            .ok_or_else(unknown)?;
        let kept = match from {
            None => 0,
            Some(id) => run
                .order
                .iter()
                .position(|hash| run.steps.get(hash).is_some_and(|step| step.id == id))
                .ok_or_else(|| EngineError::UnknownStep(id.to_owned()))?,
        };
        let order = run.order[..kept].to_vec();
        let steps = order.iter().filter_map(|hash| {
            let step = run.steps.get(hash)?;
            Some((*hash, Step { id: step.id.clone(), memo: step.memo.clone() }))
        });
        let steps = steps.collect();
        let new = self.start_run(function, run.events.clone(), None);
        let run = &mut self.runs[new];
        run.steps = steps;
        run.order = order;
        Ok(run.id.clone())
    }
}
