//! Requests that came without TLS.

use hookstack_core::{Call, HttpError, Middleware, Next, Outcome, Result};
use http::header::{FORWARDED, LOCATION};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::exchange::exchange_of;
use crate::{Response, authority};

/// Sends requests that came over plain HTTP to the same address with `https`, with 307, so that method and
/// body stay.
///
/// Without a proxy it is for the service on the port without TLS: all that comes there is redirected. Behind a
/// proxy that ends TLS, tell it so with [`behind_proxy`](HttpsRedirect::behind_proxy), otherwise it would
/// redirect for ever. The address is built from the host that the client names, so put
/// [`TrustedHost`](crate::TrustedHost) into the same stack.
///
/// ```
/// use hookstack_core::Stack;
/// use hookstack_http::{HttpsRedirect, TrustedHost};
///
/// # fn main() -> hookstack_core::Result {
/// let stack = Stack::builder()
///     .with(TrustedHost::new(["shop.example"])?)
///     .with(HttpsRedirect::new().behind_proxy());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct HttpsRedirect {
    trusts_proxy: bool,
    port: Option<u16>,
}

impl HttpsRedirect {
    /// For a service that is reached directly, redirecting to the usual port.
    pub fn new() -> Self {
        HttpsRedirect::default()
    }

    /// Believes the headers `forwarded` and `x-forwarded-proto`, the entry that the nearest proxy added; if both
    /// are there, both must say `https`. Do this only where a proxy sets or removes them: anybody can send them.
    pub fn behind_proxy(mut self) -> Self {
        self.trusts_proxy = true;
        self
    }

    /// Redirects to this port instead of 443.
    pub fn with_port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    fn is_secure(&self, parts: &Parts) -> bool {
        if self.trusts_proxy {
            return came_by_https(&parts.headers);
        }
        parts.uri.scheme() == Some(&http::uri::Scheme::HTTPS)
    }

    fn redirect(&self, parts: &Parts) -> Result<Response> {
        let authority = authority::of(parts).ok_or_else(|| {
            HttpError::new(StatusCode::BAD_REQUEST, "the request does not name its host")
        })?;
        let port = self.port.map(|port| format!(":{port}")).unwrap_or_default();
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        // `OPTIONS *` is about the server, not about a path.
        let path = if path.starts_with('/') { path } else { "/" };
        let address = format!("https://{}{port}{path}", authority.host());
        let mut response = Response::default();
        *response.status_mut() = StatusCode::TEMPORARY_REDIRECT;
        response.headers_mut().insert(LOCATION, HeaderValue::try_from(address)?);
        Ok(response)
    }
}

/// Whether the nearest proxy was reached by HTTPS. The last entry of a header is its own; those before it are
/// hearsay. Many proxies set one header and let the other through as the client sent it, so none may deny it.
fn came_by_https(headers: &HeaderMap) -> bool {
    let last = |name| {
        let value = headers.get_all(name).iter().next_back()?;
        Some(value.to_str().unwrap_or_default().rsplit(',').next().unwrap_or_default())
    };
    let forwarded = last(FORWARDED).map(|entry| {
        let protocol = entry.split(';').find_map(|pair| {
            let (name, value) = pair.trim().split_once('=')?;
            name.eq_ignore_ascii_case("proto").then(|| value.trim().trim_matches('"'))
        });
        protocol.is_some_and(is_https)
    });
    let other = last(HeaderName::from_static("x-forwarded-proto")).map(is_https);
    let told = [forwarded, other];
    told.contains(&Some(true)) && !told.contains(&Some(false))
}

fn is_https(protocol: &str) -> bool {
    protocol.trim().eq_ignore_ascii_case("https")
}

impl Middleware for HttpsRedirect {
    async fn around_function(&self, cx: &mut Call, next: Next<'_>) -> Outcome {
        let redirected = match cx.info().platform::<Parts>() {
            Some(parts) if !self.is_secure(parts) => self.redirect(parts),
            _ => return next.run(cx).await,
        };
        match (redirected, exchange_of(cx)) {
            (Ok(response), Some(exchange)) => exchange.accept(response).await,
            (Err(error), Some(_)) => Outcome::Done(Err(error)),
            // Another host's request, which has its own rules.
            (_, None) => next.run(cx).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(uri: &str, headers: &[(&str, &str)]) -> Parts {
        let mut request = http::Request::builder().uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).expect("a request").into_parts().0
    }

    #[test]
    fn a_table_of_redirects() {
        for (redirect, uri, host, location) in [
            (HttpsRedirect::new(), "/a?b=c", "shop.example", "https://shop.example/a?b=c"),
            (HttpsRedirect::new(), "/", "shop.example:8080", "https://shop.example/"),
            (HttpsRedirect::new().with_port(8443), "/a", "x:80", "https://x:8443/a"),
            (HttpsRedirect::new(), "/", "[::1]:80", "https://[::1]/"),
            (HttpsRedirect::new(), "http://shop.example/a", "evil", "https://shop.example/a"),
            (HttpsRedirect::new(), "*", "shop.example", "https://shop.example/"),
        ] {
            let parts = parts(uri, &[("host", host)]);
            assert!(!redirect.is_secure(&parts), "{uri}");
            let response = redirect.redirect(&parts).expect("a redirect");
            assert_eq!(response.headers()[LOCATION], location);
        }
        let error = HttpsRedirect::new().redirect(&parts("/", &[])).expect_err("no host");
        assert_eq!(error.status(), Some(StatusCode::BAD_REQUEST));
    }

    #[test]
    fn a_proxy_is_believed_only_when_it_is_trusted_and_only_for_its_own_entry() {
        let (direct, proxied) = (HttpsRedirect::new(), HttpsRedirect::new().behind_proxy());
        for (headers, secure) in [
            (&[("x-forwarded-proto", "https")][..], true),
            (&[("x-forwarded-proto", "HTTPS ")][..], true),
            (&[("x-forwarded-proto", "https, http")][..], false),
            (&[("x-forwarded-proto", "http,https")][..], true),
            (&[("x-forwarded-proto", "https"), ("x-forwarded-proto", "http")][..], false),
            (&[("forwarded", "for=1.2.3.4;proto=https")][..], true),
            (&[("forwarded", "proto=https, for=1.2.3.4;Proto=\"http\"")][..], false),
            (&[("forwarded", "for=1.2.3.4"), ("x-forwarded-proto", "https")][..], false),
            // The proxy sets one of them, and lets the other through.
            (&[("forwarded", "proto=https"), ("x-forwarded-proto", "http")][..], false),
            (&[("forwarded", "proto=http"), ("x-forwarded-proto", "https")][..], false),
            (&[("forwarded", "proto=https"), ("x-forwarded-proto", "https")][..], true),
            (&[][..], false),
        ] {
            let parts = parts("/", headers);
            assert_eq!(proxied.is_secure(&parts), secure, "{headers:?}");
            assert!(!direct.is_secure(&parts), "{headers:?}");
        }
    }
}
