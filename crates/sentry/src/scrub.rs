//! HTTP requests in events, without what must not leave the process.

use hookstack_core::CallInfo;
use http::request::Parts;
use sentry_core::protocol::{Event, Request};

/// What names of headers that authenticate somebody have in them. Rather one too many is left out.
const SECRET: [&str; 10] = [
    "auth",
    "cookie",
    "credential",
    "csrf",
    "key",
    "password",
    "secret",
    "session",
    "signature",
    "token",
];

/// Headers that tell the address of whoever called.
const ADDRESSES: [&str; 6] = [
    "cf-connecting-ip",
    "forwarded",
    "true-client-ip",
    "x-client-ip",
    "x-forwarded-for",
    "x-real-ip",
];

/// Removes secrets from the request of an event, whoever attached it.
pub(crate) fn scrub(event: &mut Event<'static>) {
    if let Some(request) = &mut event.request {
        request.headers.retain(|name, _| !is_secret(name));
        for (_, referer) in
            request.headers.iter_mut().filter(|(name, _)| name.eq_ignore_ascii_case("referer"))
        {
            referer.truncate(referer.find(['?', '#']).unwrap_or(referer.len()));
        }
        request.cookies = None;
    }
}

/// The request that the host received, if it is one of HTTP.
pub(crate) fn request(info: &CallInfo) -> Option<Request> {
    let parts: &Parts = info.platform()?;
    let host = parts.headers.get(http::header::HOST).and_then(|host| host.to_str().ok());
    let scheme = if parts.uri.scheme_str() == Some("https") { "https" } else { "http" };
    let authority = parts.uri.authority().map(|authority| {
        // Without who calls.
        let text = authority.as_str();
        text.rsplit_once('@').map_or(text, |(_, host)| host)
    });
    let host = authority.or(host).unwrap_or("localhost");
    let url = format!("{scheme}://{host}{}", parts.uri.path());
    let headers = parts.headers.iter().filter(|(name, _)| !is_secret(name.as_str()));
    Some(Request {
        url: url.parse().ok(),
        method: Some(parts.method.as_str().to_owned()),
        headers: headers
            .filter_map(|(name, value)| {
                Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
            })
            .collect(),
        ..Request::default()
    })
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRET.iter().any(|secret| name.contains(secret)) || ADDRESSES.contains(&name.as_str())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use hookstack_core::{FunctionInfo, Platform};

    use super::*;

    #[test]
    fn what_authenticates_is_left_out_of_a_request() {
        let mut builder = http::Request::post("/api/inngest?fnId=shop-pay&secret=1");
        for name in [
            "AUTHORIZATION",
            "Cookie",
            "Set-Cookie",
            "Proxy-Authorization",
            "X-Amz-Security-Token",
            "X-Api-Key",
            "X-Auth-Token",
            "X-CSRF-Token",
            "X-Forwarded-Authorization",
            "X-Inngest-Event-Key",
            "X-Inngest-Signature",
            "X-Client-Secret",
            "X-Password",
            "X-Session-Id",
            "X-Goog-Credentials",
        ] {
            builder = builder.header(name, "secret");
        }
        for name in ADDRESSES {
            builder = builder.header(name, "secret");
        }
        let request = builder.header("host", "example.com").header("user-agent", "inngest");
        let (parts, ()) = request.body(()).expect("a valid request").into_parts();
        let info = CallInfo::new("shop", Arc::new(FunctionInfo::new("pay")), "run")
            .with_platform(Some(Platform::new(parts)));
        let told = super::request(&info).expect("a request of HTTP");
        assert!(!format!("{told:?}").contains("secret"), "{told:?}");
        assert_eq!(told.url.map(String::from).as_deref(), Some("http://example.com/api/inngest"));
        assert_eq!(told.headers.len(), 2);
    }

    #[test]
    fn a_request_that_somebody_else_attached_is_scrubbed() {
        let mut request = Request { cookies: Some("secret".to_owned()), ..Request::default() };
        request.headers.insert("X-Inngest-Signature".to_owned(), "secret".to_owned());
        let referer = "https://shop.example/reset?token=secret#secret".to_owned();
        request.headers.insert("Referer".to_owned(), referer);
        let mut event = Event { request: Some(request), ..Event::default() };
        scrub(&mut event);
        let request = event.request.as_ref().expect("a request");
        assert_eq!(request.headers["Referer"], "https://shop.example/reset");
        assert!(!format!("{event:?}").contains("secret"));
    }
}
