//! The HTTP server of [`Serve::run`](super::Serve::run).

use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::serve::Listener;
use http::Request;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower_service::Service;

/// Serves until told to stop, and then until all requests in flight are answered. Unlike `axum::serve` it
/// does not wait for ever for the headers of a request.
pub(super) async fn serve(
    mut listener: TcpListener,
    router: Router,
    header_timeout: Duration,
    stopping: &CancellationToken,
) {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(header_timeout);
    let connections = GracefulShutdown::new();
    loop {
        // It waits by itself when the system has no connections to give.
        let (stream, _) = tokio::select! {
            accepted = Listener::accept(&mut listener) => accepted,
            () = stopping.cancelled() => break,
        };
        let begun = CancellationToken::new();
        let service = Noticed { router: router.clone(), begun: begun.clone() };
        let service = TowerToHyperService::new(service);
        let connection = builder.serve_connection(TokioIo::new(stream), service).into_owned();
        let connection = connections.watch(connection);
        tokio::spawn(async move {
            // The builder's own limit begins when it is known which version of HTTP this is.
            let silent = async {
                if tokio::time::timeout(header_timeout, begun.cancelled()).await.is_ok() {
                    std::future::pending::<()>().await;
                }
            };
            tokio::select! {
                // An error is the client's: it is gone, or too slow, or speaks no HTTP.
                _ = connection => {}
                () = silent => {}
            }
        });
    }
    drop(listener);
    connections.shutdown().await;
}

/// A router that says when its first request came.
#[derive(Clone)]
struct Noticed {
    router: Router,
    begun: CancellationToken,
}

impl<B> Service<Request<B>> for Noticed
where
    Router: Service<Request<B>>,
{
    type Response = <Router as Service<Request<B>>>::Response;
    type Error = <Router as Service<Request<B>>>::Error;
    type Future = <Router as Service<Request<B>>>::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Service::<Request<B>>::poll_ready(&mut self.router, cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        self.begun.cancel();
        self.router.call(request)
    }
}
