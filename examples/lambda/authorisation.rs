//! Authorisation, the leading use of middleware: who may not, does not reach the handler; who may, is known to it.
//! Here as a type that implements `Middleware`, which other hosts take as well as Lambda's.
//!
//! ```text
//! cargo run --example lambda-authorisation
//! ```

mod local;

use hookstack_core::{Call, Error, Extract, ExtractContext, Middleware, Next, Outcome, Result};
use hookstack_lambda::{Data, Lambda};
use serde_json::{Value, json};

use crate::local::Case;

/// Who asks.
#[derive(Clone)]
struct User {
    name: String,
    roles: Vec<&'static str>,
}

/// An argument of handlers.
impl Extract for User {
    async fn extract(cx: &mut ExtractContext<'_>) -> Result<Self> {
        let user = cx.call.extensions().get::<User>().cloned();
        user.ok_or_else(|| Error::message("nobody is authorised: register `Authorise`"))
    }
}

/// Lets in who has a token, and the role that is needed.
struct Authorise {
    role: &'static str,
}

impl Authorise {
    /// Where a real function checks a signature.
    fn user(token: &str) -> Option<User> {
        let (name, roles) = match token {
            "Bearer token-of-ada" => ("Ada", vec!["reader", "editor"]),
            "Bearer token-of-bob" => ("Bob", vec!["reader"]),
            _ => return None,
        };
        Some(User { name: name.to_owned(), roles })
    }

    fn check(&self, request: &Value) -> Result<User, (u16, &'static str)> {
        let token = request["headers"]["authorization"].as_str().ok_or((401, "who are you?"))?;
        let user = Self::user(token).ok_or((401, "who are you?"))?;
        if !user.roles.contains(&self.role) {
            return Err((403, "you may not"));
        }
        Ok(user)
    }
}

impl Middleware for Authorise {
    fn reads_payload(&self) -> bool {
        true
    }

    async fn around_function(&self, cx: &mut Call, next: Next<'_>) -> Outcome {
        let checked = match cx.payload().map(|payload| payload.value()) {
            Some(Ok(request)) => self.check(request),
            _ => Err((400, "no request")),
        };
        match checked {
            Ok(user) => {
                cx.extensions_mut().insert(user);
                next.run(cx).await
            }
            // An early return: what is further in does not run.
            Err((status, reason)) => Outcome::ok(&json!({ "statusCode": status, "body": reason })),
        }
    }
}

async fn edit(user: User, Data(request): Data<Value>) -> Result<Value> {
    let body = format!("{} edited {}", user.name, request["rawPath"].as_str().unwrap_or("?"));
    Ok(json!({ "statusCode": 200, "body": body }))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let lambda = Lambda::builder(edit).with(Authorise { role: "editor" }).build()?;
    let cases = [
        Case {
            event: include_str!("events/edit-as-ada.json"),
            check: |response| match response["body"] == "Ada edited /articles/1" {
                true => Ok(()),
                false => Err("an editor is let in"),
            },
        },
        Case {
            event: include_str!("events/edit-as-bob.json"),
            check: |response| match response["statusCode"] == 403 {
                true => Ok(()),
                false => Err("a reader may not edit"),
            },
        },
        Case {
            event: include_str!("events/edit-as-nobody.json"),
            check: |response| match response["statusCode"] == 401 {
                true => Ok(()),
                false => Err("who has no token is not let in"),
            },
        },
    ];
    local::run(lambda, &cases).await
}
