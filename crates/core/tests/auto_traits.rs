//! Every public type can be sent to another thread, shared between threads, moved while it is used, and shown; a list that the compiler
//! checks. What is not so, and why, stands at the end.

use std::fmt::Debug;

use hookstack_core::*;

const fn anywhere<T: Send + Sync + Unpin + Debug>() {}

/// Futures and what is used up by one task: sent, not shared.
const fn sent<T: Send + Unpin + Debug>() {}

const _: () = {
    anywhere::<host::Answered>();
    anywhere::<host::CallGuard>();
    anywhere::<host::Timings>();
    anywhere::<host::Clock>();
    anywhere::<host::ArcHandler>();
    anywhere::<host::Execution<'static>>();
    anywhere::<redact::ErrorMessages>();
    anywhere::<view::AfterExecution<'static>>();
    anywhere::<view::BeforeExecution<'static>>();
    anywhere::<view::AfterMemoization<'static>>();
    anywhere::<view::BeforeMemoization<'static>>();
    anywhere::<view::TransformInput<'static>>();
    anywhere::<view::TransformMemoized<'static>>();
    anywhere::<view::TransformOutput<'static>>();
    anywhere::<view::OnAbandoned<'static>>();
    anywhere::<view::OnRegister<'static>>();
    anywhere::<view::RegisteredMiddleware>();
    anywhere::<view::AfterResponse<'static>>();
    anywhere::<view::BeforeResponse<'static>>();
    anywhere::<view::AfterSendEvents<'static>>();
    anywhere::<view::BeforeSendEvents<'static>>();
    anywhere::<DeadlineAlarm>();
    anywhere::<PendingAlarm>();
    anywhere::<Call>();
    anywhere::<Sending>();
    anywhere::<BoxMiddleware>();
    anywhere::<Error>();
    anywhere::<ErrorKind>();
    anywhere::<HttpError>();
    anywhere::<NonRetriable>();
    anywhere::<Origin>();
    anywhere::<Retry>();
    anywhere::<RetryAfter>();
    anywhere::<StepError>();
    anywhere::<Event>();
    anywhere::<Extensions>();
    anywhere::<ExtractContext<'static>>();
    anywhere::<Info>();
    anywhere::<FromFn<fn()>>();
    anywhere::<FromFnWith<u8, fn()>>();
    anywhere::<Hook>();
    anywhere::<HookSet>();
    anywhere::<CallInfo>();
    anywhere::<CallTrigger>();
    anywhere::<FunctionInfo>();
    anywhere::<Input>();
    anywhere::<Memo>();
    anywhere::<MemoValue>();
    anywhere::<Memoized>();
    anywhere::<Position>();
    anywhere::<Completed>();
    anywhere::<Operation>();
    anywhere::<OperationKind>();
    anywhere::<Outcome>();
    anywhere::<Sent>();
    anywhere::<Suspended>();
    anywhere::<Payload>();
    anywhere::<LambdaInfo>();
    anywhere::<Platform>();
    anywhere::<Stack>();
    anywhere::<StackBuilder>();
    anywhere::<Invoke>();
    anywhere::<StepHash>();
    anywhere::<StepInfo>();
    anywhere::<StepOp>();
    anywhere::<StepOptions>();
    anywhere::<WaitForEvent>();
    anywhere::<TraceCarrier>();
    anywhere::<TraceContext>();
    anywhere::<TraceWatch>();
    anywhere::<XRayTrace>();
};

// The rest of a chain is used up by the hook that got it.
const _: () = {
    sent::<Next<'static>>();
    sent::<NextRequest<'static>>();
    sent::<NextStep<'static>>();
    sent::<NextSend<'static>>();
    sent::<Run<'static, Outcome>>();
};
// `host::CodeMark` is neither: it marks the thread.
