//! Neither the event key nor data is in anything that people read.

use std::io::Write;
use std::sync::{Arc, Mutex};

use hookstack_inngest::{Client, Config, Mode};
use serde_json::json;
use tokio::net::TcpListener;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::util::SubscriberInitExt;

use crate::server::{Answer, Server};
use crate::{KEY, builder, config, event, quick};

const CANARY: &str = "canary-b29f";

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Written {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn errors_logs_and_debug_hold_no_secret() {
    let written = Written::default();
    // For the whole process, and for everything that uses `log` too: the crates below log what they do.
    tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_writer(written.clone())
        .finish()
        .init();

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let quoting = json!({ "error": format!("bad: {CANARY}, {KEY}") }).to_string();
    let answers = [
        Answer::Accept,
        Answer::Close,
        Answer::Says(500, quoting.clone()),
        Answer::Says(401, quoting.clone()),
        Answer::Says(200, quoting),
        Answer::Says(302, String::new()),
    ];
    let server = Server::start(answers).await;
    let builder = builder(&server);
    let mut shown = format!("{builder:?}");
    let lost = config(&server).base_url(nobody).build().unwrap();
    let lost = Client::builder("lost").config(lost).retries(quick()).build().unwrap();
    let mut clients = vec![builder.build().unwrap(); 4];
    clients.push(lost);
    for client in clients {
        let sent = client.send(event("a", json!({ "card": CANARY }))).await;
        shown.push_str(&format!("{client:?} {sent:?}"));
        if let Some(error) = sent.error {
            shown.push_str(&format!("{error} {error:?} {error:#?} {:?}", error.stack()));
            let boxed = error.into_boxed();
            let causes = std::iter::successors(boxed.source(), |error| error.source());
            causes.for_each(|cause| shown.push_str(&format!("{cause} {cause:?}")));
        }
    }
    assert!(server.seen().len() >= 6);

    let refused = Config::builder().variables(|_| None).mode(Mode::Cloud);
    let error = refused.event_key(format!("{KEY}/{CANARY}")).build().unwrap_err();
    shown.push_str(&format!("{error} {error:?}"));

    let logged = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
    for source in ["events are sent again", "reqwest", "hyper"] {
        assert!(logged.contains(source), "the logs were watched: {source}");
    }
    for secret in [KEY, CANARY] {
        for text in [&shown, &logged] {
            let at = text.find(secret);
            let around = at.map(|at| &text[at.saturating_sub(300)..at]);
            assert!(at.is_none(), "{secret} after: {around:?}");
        }
    }
}
