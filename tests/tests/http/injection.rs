//! Injected dependencies in the handlers of a router.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::Router;
use axum::extract::FromRequestParts;
use axum::routing::get;
use hookstack_core::Stack;
use hookstack_http::{Arg, HandlerError, layer};
use hookstack_inject::{Container, Dep, PlatformRequest, Provider};
use http::StatusCode;
use http::request::Parts;

use crate::support::{serve, until};

/// One for each request, ended behind it.
struct Session {
    path: String,
}

#[derive(Clone, Default)]
struct Ended(Arc<AtomicU32>);

fn container(ended: &Ended) -> Container {
    let ended = ended.clone();
    let session = Provider::call(async |parts: PlatformRequest<Parts>| {
        Ok::<_, hookstack_core::Error>(Session { path: parts.uri.path().to_owned() })
    })
    .after_response(move |_: Dep<Session>, _| {
        ended.0.fetch_add(1, Ordering::SeqCst);
        std::future::ready(Ok::<_, hookstack_core::Error>(()))
    });
    Container::builder().value(7_u16).provide(session).build().expect("the graph is complete")
}

async fn shown(Arg(session): Arg<Dep<Session>>, Arg(again): Arg<Dep<Session>>) -> String {
    format!("{} {}", session.path, Dep::ptr_eq(&session, &again))
}

#[tokio::test]
async fn a_handler_gets_what_is_made_for_its_request() {
    let ended = Ended::default();
    let stack = Stack::builder().with(container(&ended));
    let router = Router::new().route("/a/{b}", get(shown)).layer(layer(stack).expect("a layer"));
    let server = serve(router).await;
    assert_eq!(server.get("/a/one").await.text(), "/a/one true");
    assert_eq!(server.get("/a/two").await.text(), "/a/two true");
    until("both sessions ended", || ended.0.load(Ordering::SeqCst) == 2).await;
}

/// The container stands in the router's layer, and the route has one of its own.
#[tokio::test]
async fn a_route_with_a_layer_of_its_own_gets_what_the_routers_provides() {
    let ended = Ended::default();
    let outer = layer(Stack::builder().with(container(&ended))).expect("a layer");
    let inner = layer(Stack::builder()).expect("a layer");
    let router = Router::new().route("/a/{b}", get(shown).layer(inner)).layer(outer);
    let server = serve(router).await;
    assert_eq!(server.get("/a/one").await.text(), "/a/one true");
    until("the session ended", || ended.0.load(Ordering::SeqCst) == 1).await;
}

#[tokio::test]
async fn what_nobody_provides_is_a_clear_error_and_no_secret_of_the_service() {
    async fn needs(dep: Arg<Dep<String>>) -> String {
        dep.0.to_string()
    }
    let bare = serve(Router::new().route("/", get(needs))).await.get("/").await;
    assert_eq!(bare.status, StatusCode::INTERNAL_SERVER_ERROR);
    let stack = Stack::builder().with(container(&Ended::default()));
    let router = Router::new().route("/", get(needs)).layer(layer(stack).expect("a layer"));
    let reply = serve(router).await.get("/").await;
    assert_eq!(reply.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(reply.json().get("detail"), None);
    // What the observers are told.
    let Err::<Arg<Dep<String>>, HandlerError>(failure) = from_nothing().await else {
        panic!("there is no layer")
    };
    let expected = "no hookstack layer is around the handler, which takes \
                    `hookstack_http::extract::Arg<hookstack_inject::dep::Dep<alloc::string::String>>`: ";
    assert!(failure.error().text().starts_with(expected), "{failure:?}");
}

async fn from_nothing() -> Result<Arg<Dep<String>>, HandlerError> {
    let mut parts = http::Request::new(()).into_parts().0;
    Arg::from_request_parts(&mut parts, &()).await
}
