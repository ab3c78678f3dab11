//! When to stop.

/// Ends when the process is told to stop: SIGTERM, as container platforms send it, or SIGINT, which is
/// Ctrl-C. For `axum::serve(..).with_graceful_shutdown(..)`.
///
/// From the first poll on these signals no longer end the process by themselves.
pub async fn shutdown_signal() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        // Without a handler the process keeps its default reaction, which is to stop at once.
        let (Ok(mut terminate), Ok(mut interrupt)) =
            (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
        else {
            return std::future::pending().await;
        };
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    }
    #[cfg(not(unix))]
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
