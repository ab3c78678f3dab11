/// Calls a macro with every async hook: the one list from which detection, the object-safe twin and
/// the forwarding implementations are made, so that a new hook cannot be forgotten in one of them.
macro_rules! for_each_hook {
    ($callback:ident) => {
        $callback! {
            paired {
                transform_input TransformInput TransformInput,
                before_memoization BeforeMemoization BeforeMemoization,
                transform_memoized TransformMemoized TransformMemoized,
                after_memoization AfterMemoization AfterMemoization,
                before_execution BeforeExecution BeforeExecution,
                after_execution AfterExecution AfterExecution,
                transform_output TransformOutput TransformOutput,
                before_response BeforeResponse BeforeResponse,
                after_response AfterResponse AfterResponse,
                before_send_events BeforeSendEvents BeforeSendEvents,
                after_send_events AfterSendEvents AfterSendEvents,
            }
            around {
                around_request AroundRequest Call crate::Result<crate::Completed>,
                around_function AroundFunction Call crate::Outcome,
                around_step AroundStep Call crate::Result<crate::Payload>,
                around_send AroundSend Sending crate::Sent,
            }
        }
    };
}
