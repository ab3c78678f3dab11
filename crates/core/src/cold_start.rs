//! The first call of a process.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::info::CallInfo;
use crate::platform::LambdaInfo;

/// Tells a middleware which call meets a cold process: the one that the platform
/// [says](LambdaInfo::is_cold_start), and where it says nothing the first that is asked about. One for each
/// middleware that tells it.
///
/// ```
/// use std::sync::Arc;
/// use hookstack_core::{CallInfo, ColdStart, FunctionInfo};
///
/// let info = CallInfo::new("shop", Arc::new(FunctionInfo::new("fulfil")), "run-1");
/// let cold = ColdStart::default();
/// assert!(cold.is_met_by(&info));
/// assert!(!cold.is_met_by(&info));
/// ```
#[derive(Debug, Default)]
pub struct ColdStart {
    is_over: AtomicBool,
}

impl ColdStart {
    /// Whether this call meets a cold process. To be asked once for each call.
    pub fn is_met_by(&self, info: &CallInfo) -> bool {
        match info.platform::<LambdaInfo>() {
            Some(lambda) => lambda.is_cold_start,
            // Written once, so that calls do not contend for it.
            None => {
                !self.is_over.load(Ordering::Relaxed) && !self.is_over.swap(true, Ordering::Relaxed)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::info::FunctionInfo;
    use crate::platform::Platform;

    fn info(platform: Option<bool>) -> CallInfo {
        let platform = platform.map(|is_cold_start| {
            Platform::new(LambdaInfo { is_cold_start, ..LambdaInfo::new("request") })
        });
        CallInfo::new("app", Arc::new(FunctionInfo::new("function")), "run").with_platform(platform)
    }

    #[test]
    fn the_platform_knows_best_and_else_it_is_the_first_call() {
        let cold = ColdStart::default();
        let met =
            [Some(false), None, None, Some(true), None].map(|told| cold.is_met_by(&info(told)));
        assert_eq!(met, [false, true, false, true, false]);
    }
}
