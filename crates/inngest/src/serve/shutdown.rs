//! When to stop.

/// Ends when the process is told to stop: SIGTERM, as container platforms send it, or SIGINT, which is
/// Ctrl-C. For `axum::serve(..).with_graceful_shutdown(..)`.
///
/// From the first poll on these signals no longer end the process by themselves.
pub async fn shutdown_signal() {
    Signals::new().next().await;
}

/// The signals that tell the process to stop. They no longer end it by themselves once this exists.
pub(super) struct Signals {
    /// Without a handler the process keeps its default reaction, which is to stop at once.
    #[cfg(unix)]
    handlers: Option<[tokio::signal::unix::Signal; 2]>,
}

impl Signals {
    #[cfg(unix)]
    pub(super) fn new() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        let handler = |kind| signal(kind).ok();
        let handlers = handler(SignalKind::terminate()).zip(handler(SignalKind::interrupt()));
        Signals { handlers: handlers.map(|(terminate, interrupt)| [terminate, interrupt]) }
    }

    #[cfg(not(unix))]
    pub(super) fn new() -> Self {
        Signals {}
    }

    /// Waits for the next one.
    #[cfg(unix)]
    pub(super) async fn next(&mut self) {
        let Some([terminate, interrupt]) = &mut self.handlers else {
            return std::future::pending().await;
        };
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    }

    #[cfg(not(unix))]
    pub(super) async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
