//! To which host a request was sent.

use http::HeaderMap;
use http::header::HOST;
use http::request::Parts;
use http::uri::Authority;

/// The host and port that the request names; `None` if it names none or several, or something that is none.
pub(crate) fn of(parts: &Parts) -> Option<Authority> {
    // HTTP/2 and requests to proxies have it in the URI, which wins (RFC 9112, section 3.2.2).
    if let Some(authority) = parts.uri.authority() {
        return Some(without_user(authority));
    }
    of_header(&parts.headers)
}

/// What the header `host` names, if there is one of it.
pub(crate) fn of_header(headers: &HeaderMap) -> Option<Authority> {
    let mut hosts = headers.get_all(HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else { return None };
    let authority = Authority::try_from(host.as_bytes()).ok()?;
    // A user's name is no part of the header.
    (!authority.as_str().contains('@')).then_some(authority)
}

fn without_user(authority: &Authority) -> Authority {
    let text = authority.as_str();
    let host = text.rsplit('@').next().unwrap_or(text);
    Authority::try_from(host).unwrap_or_else(|_| authority.clone())
}
