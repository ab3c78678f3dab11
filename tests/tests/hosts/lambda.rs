//! The scenario as an AWS Lambda function.

use std::future::Future;
use std::task::{Context as Poll, Waker};

use hookstack_encryption::{Context, Header};
use hookstack_inject::Dep;
use hookstack_lambda::{Data, Lambda, local_context};
use hookstack_tests::shop::keys;

use crate::scenario::{Answer, Ending, Order, Stage, Till, open, pay};

pub(crate) async fn call(stage: &Stage, ending: Ending) -> Option<Answer> {
    let handler =
        |Data(order): Data<Order>, till: Dep<Till>| async move { pay(order, &till).await };
    let lambda =
        Lambda::builder(handler).name("pay").stack(&stage.stack).build().expect("the handler");
    let event = Order::sealed(ending, &Context::lambda_event("pay"));
    let commitment = Header::read(&event).expect("an envelope").commitment();
    let event = String::from_utf8(event).expect("JSON");
    stage.clear();

    let mut call = Box::pin(lambda.call_text(&event, local_context(None)));
    if ending == Ending::IsDropped {
        assert!(call.as_mut().poll(&mut Poll::from_waker(Waker::noop())).is_pending());
        return None;
    }
    Some(match call.await {
        Ok(response) => {
            let body = response.text().to_vec();
            let output = open(&keys(), &Context::lambda_response("pay", commitment), &body);
            Answer { worked: true, body, output: Some(output) }
        }
        Err(error) => Answer { worked: false, body: error.to_string().into_bytes(), output: None },
    })
}
