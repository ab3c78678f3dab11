//! One sending of events.

use futures::executor::block_on;
use hookstack_core::host::{self, BoxFuture, Endpoint};
use hookstack_core::{
    AfterSendEvents, BeforeSendEvents, Call, Error, ErrorKind, Event, Hook, Input, Middleware,
    Next, Outcome, Result, Sending, Sent, Stack, StackBuilder, TraceContext,
};

use crate::support::{Body, Fault, Log, Recorder, Told, When, call, origins, run};

#[derive(Clone, Copy)]
enum Ends {
    Accepts,
    Refuses,
    Half,
    Panics,
}

struct Transport {
    log: Log,
    ends: Ends,
}

impl Endpoint<Sending, Sent> for Transport {
    fn run<'b>(&'b mut self, cx: &'b mut Sending) -> BoxFuture<'b, Sent> {
        Box::pin(async {
            self.log.push("send");
            let names: Vec<_> = cx.events().iter().map(|event| event.name.clone()).collect();
            let error = Error::of_kind(ErrorKind::Send, "refused");
            match self.ends {
                Ends::Accepts => Sent::accepted(names),
                Ends::Refuses => Sent::failed(error),
                Ends::Half => {
                    let mut sent = Sent::failed(error);
                    sent.ids = names[..1].to_vec();
                    sent
                }
                Ends::Panics => panic!("transport"),
            }
        })
    }
}

fn events() -> Vec<Event> {
    ["one", "two"].map(|name| Event::new(name, &()).expect("serialises")).into()
}

fn send(ends: Ends, faults: &[(&'static str, Hook, When, Fault)]) -> (String, Sent) {
    let log = Log::default();
    let recorder = |who: &'static str| {
        let own = faults.iter().filter(|fault| fault.0 == who);
        own.fold(Recorder::new(who, &log), |r, (_, hook, when, fault)| {
            r.failing(*hook, *when, *fault)
        })
    };
    let stack = Stack::builder().with(recorder("A")).with(recorder("F")).build();
    let mut transport = Transport { log: log.clone(), ends };
    let sent = block_on(host::send(&stack, Sending::from_client(events()), &mut transport));
    (log.text(), sent)
}

const FULL: &str = "A.bs F.bs A(sd F(sd send F)sd A)sd F.as A.as";

#[test]
fn after_send_events_runs_however_the_transport_ends() {
    for (ends, ids, kind) in [
        (Ends::Accepts, vec!["one", "two"], None),
        (Ends::Refuses, vec![], Some(ErrorKind::Send)),
        (Ends::Half, vec!["one"], Some(ErrorKind::Send)),
        (Ends::Panics, vec![], Some(ErrorKind::Panic)),
    ] {
        let (log, sent) = send(ends, &[]);
        assert_eq!(log, FULL);
        assert_eq!(
            (&sent.ids, sent.error.as_ref().map(Error::kind)),
            (&ids.into_iter().map(String::from).collect(), kind)
        );
        if let Some(error) = &sent.error {
            assert_eq!(Told::of(error).origin, "code");
        }
        assert!(sent.reported.is_empty());
    }
}

#[test]
fn an_error_or_panic_in_every_hook_of_a_sending() {
    use When::{After, Before};
    let rows = [
        ("A", Hook::BeforeSendEvents, Before, "A.bs", 0),
        ("F", Hook::BeforeSendEvents, Before, "A.bs F.bs A.as", 0),
        ("A", Hook::AroundSend, Before, "A.bs F.bs A(sd F.as A.as", 0),
        ("F", Hook::AroundSend, Before, "A.bs F.bs A(sd F(sd A)sd F.as A.as", 0),
    ];
    for fault in [Fault::Error, Fault::Panic] {
        for (name, hook, when, expected, ids) in rows {
            let (log, sent) = send(Ends::Accepts, &[(name, hook, when, fault)]);
            assert_eq!(log, expected, "{fault:?} in {name}.{hook}");
            assert_eq!(sent.ids.len(), ids, "nothing was sent");
            let told = Told::of(sent.error.as_ref().expect("the hook's error"));
            assert_eq!(told.origin, format!("{name}.{}", crate::support::short(hook)));
            assert!(sent.reported.is_empty());
        }
        for name in ["A", "F"] {
            let (log, sent) = send(Ends::Accepts, &[(name, Hook::AroundSend, After, fault)]);
            assert_eq!(log, FULL);
            let told = Told::of(sent.error.as_ref().expect("the hook's error"));
            assert_eq!(told.origin, format!("{name}.sd"));

            let (log, sent) = send(Ends::Accepts, &[(name, Hook::AfterSendEvents, Before, fault)]);
            assert_eq!(log, FULL);
            assert_eq!(sent.ids, ["one", "two"], "the result of the transport stands");
            assert!(sent.error.is_none());
            let reported: Vec<_> = sent.reported.iter().map(Told::of).collect();
            assert_eq!(origins(&reported), [format!("{name}.as")]);
        }
    }
}

#[test]
fn errors_after_the_transport_are_all_reported() {
    let faults = ["A", "F"].map(|who| (who, Hook::AfterSendEvents, When::Before, Fault::Error));
    let (_, sent) = send(Ends::Half, &faults);
    assert_eq!(sent.ids, ["one"]);
    assert_eq!(sent.error.as_ref().map(Error::kind), Some(ErrorKind::Send));
    let reported: Vec<_> = sent.reported.iter().map(Told::of).collect();
    assert_eq!(origins(&reported), ["F.as", "A.as"]);
}

#[test]
fn the_list_can_change_and_what_was_sent_is_seen_after() {
    struct Filter(Log);
    impl Middleware for Filter {
        async fn before_send_events(&self, cx: &mut BeforeSendEvents<'_>) -> Result {
            cx.events_mut().retain(|event| event.name != "one");
            cx.events_mut().push(Event::new("three", &())?);
            cx.extensions_mut().insert("left by before");
            Ok(())
        }
        async fn after_send_events(&self, cx: &mut AfterSendEvents<'_>) -> Result {
            self.0.push(cx.ids().join(","));
            self.0.push(*cx.extensions().get::<&str>().expect("left by before"));
            Ok(())
        }
    }
    let log = Log::default();
    let stack = Stack::builder().with(Filter(log.clone())).build();
    let mine = events();
    let mut transport = Transport { log: log.clone(), ends: Ends::Accepts };
    let sent = block_on(host::send(&stack, Sending::from_client(mine.clone()), &mut transport));
    assert_eq!(sent.into_result().expect("accepted"), ["two", "three"]);
    assert_eq!(log.text(), "send two,three left by before");
    assert_eq!(mine.len(), 2, "the caller's own list");
}

#[test]
fn a_sending_inside_a_call_knows_call_step_and_extensions() {
    let mut call = call();
    call.extensions_mut().insert("of the call");
    let trace = TraceContext::new([1; 16], [2; 8], true);
    assert_eq!(call.trace(), None);
    call.set_trace(trace);
    let mut step = call.child(std::sync::Arc::new(crate::support::step(1)));
    let sending = Sending::from_call(&mut step, events());
    assert_eq!(sending.info().map(|info| info.run_id.as_str()), Some("run"));
    assert_eq!(sending.step().map(|step| step.id()), Some("a"));
    assert_eq!(sending.extensions().get::<&str>(), Some(&"of the call"));
    assert_eq!(
        (call.trace(), step.trace(), sending.trace()),
        (Some(trace), Some(trace), Some(trace))
    );
    let outside = Sending::from_client(events());
    assert!(outside.info().is_none() && outside.step().is_none() && outside.trace().is_none());
}

/// Signals about the sending must redact then.
#[test]
fn a_sending_is_as_secret_as_its_stack_or_its_call() {
    struct Secret;
    impl Middleware for Secret {
        fn sensitive(&self) -> bool {
            true
        }
    }
    struct Observer(Log);
    impl Middleware for Observer {
        async fn after_send_events(&self, cx: &mut AfterSendEvents<'_>) -> Result {
            self.0.push(cx.is_sensitive().to_string());
            Ok(())
        }
    }
    let is_told_secret = |sending: Sending, builder: StackBuilder| {
        let log = Log::default();
        let stack = builder.with(Observer(log.clone())).build();
        let mut transport = Transport { log: Log::default(), ends: Ends::Accepts };
        let sent = block_on(host::send(&stack, sending, &mut transport));
        assert!(sent.error.is_none());
        log.text()
    };
    let client = || Sending::from_client(events());
    assert_eq!(is_told_secret(client(), Stack::builder()), "false");
    assert_eq!(is_told_secret(client(), Stack::builder().with(Secret)), "true");

    struct Sends(Log);
    impl Middleware for Sends {
        async fn around_function(&self, cx: &mut Call, next: Next<'_>) -> Outcome {
            let sending = Sending::from_call(cx, events());
            self.0.push(sending.is_sensitive().to_string());
            next.run(cx).await
        }
    }
    for (builder, expected) in
        [(Stack::builder(), "false body"), (Stack::builder().with(Secret), "true body")]
    {
        let log = Log::default();
        let stack = builder.with(Sends(log.clone())).build();
        assert_eq!(run(stack, &log, Body::Returns, Input::default()).log, expected);
    }
}
