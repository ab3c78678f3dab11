//! The address at which the server reaches the app.

use std::net::IpAddr;

use http::request::Parts;
use http::uri::Authority;
use http::{HeaderMap, header};
use url::Url;

use super::reply::Refusal;
use crate::config::{Config, Mode};

/// From a sync request: where it went, unless the configuration knows better. `deployId` is never part of
/// it (Inngest SDK specification, section 4.3.2).
///
/// What proxies say of the request, and its query, count only if `trusted`: anybody can write those, and
/// unlike `Host` and the path no router on the way looks at them.
pub(super) fn of_request(config: &Config, parts: &Parts, trusted: bool) -> Result<Url, Refusal> {
    let uri = original_uri(parts);
    let forwarded = |name| first(&parts.headers, name).filter(|_| trusted);
    let origin = match config.serve_origin() {
        Some(origin) => origin.to_owned(),
        None => {
            let host = host(parts, forwarded("x-forwarded-host")).ok_or_else(|| {
                let message = "header `host`: missing or not a host; set INNGEST_SERVE_ORIGIN";
                Refusal::bad_request("host_missing", message)
            })?;
            format!("{}://{host}", scheme(config, parts, forwarded("x-forwarded-proto"), &host))
        }
    };
    let path = config.serve_path().unwrap_or(uri.path());
    let query = uri.query().filter(|_| trusted).map(|query| format!("?{query}"));
    let query = query.unwrap_or_default();
    let url = Url::parse(&format!("{origin}{path}{query}")).map_err(|_| {
        let message =
            "header `host`: no address of this app follows from it; set INNGEST_SERVE_ORIGIN";
        Refusal::bad_request("url_invalid", message)
    })?;
    Ok(without_parameters(url))
}

/// From the body of an in-band sync request, unless the configuration knows better.
pub(super) fn of_body(config: &Config, text: &str) -> Result<Url, Refusal> {
    let refused = || {
        let message =
            "field `url`: must be an absolute address that begins with http:// or https://";
        Refusal::bad_request("url_invalid", message)
    };
    let sent = Url::parse(text).map_err(|_| refused())?;
    if !matches!(sent.scheme(), "http" | "https") || !sent.has_host() {
        return Err(refused());
    }
    let url = match (config.serve_origin(), config.serve_path()) {
        (None, None) => sent,
        (origin, path) => {
            let own = sent.origin().ascii_serialization();
            let origin = origin.unwrap_or(&own);
            let query = sent.query().map(|query| format!("?{query}")).unwrap_or_default();
            let path = path.unwrap_or(sent.path());
            Url::parse(&format!("{origin}{path}{query}")).map_err(|_| refused())?
        }
    };
    Ok(without_parameters(url))
}

/// The address for calls of one function.
pub(super) fn of_function(app: &Url, slug: &str) -> String {
    let mut url = app.clone();
    url.query_pairs_mut().append_pair("fnId", slug).append_pair("stepId", "step");
    url.into()
}

/// Parameters of single requests are not part of the address; those of the user, for instance for an
/// authorisation of its own, are.
fn without_parameters(mut url: Url) -> Url {
    let is_own = |part: &&str| {
        let name = url::form_urlencoded::parse(part.as_bytes()).next();
        name.is_some_and(|(name, _)| ["deployId", "fnId", "stepId", "probe"].contains(&&*name))
    };
    // As they were written, because a proxy may compare them.
    let kept: Vec<&str> =
        url.query().unwrap_or_default().split('&').filter(|part| !is_own(part)).collect();
    let kept = Some(kept.join("&")).filter(|kept| !kept.is_empty());
    url.set_fragment(None);
    url.set_query(kept.as_deref());
    url
}

/// The address before a nesting router took its prefix away.
fn original_uri(parts: &Parts) -> &http::Uri {
    #[cfg(feature = "axum")]
    if let Some(original) = parts.extensions.get::<axum::extract::OriginalUri>() {
        return &original.0;
    }
    &parts.uri
}

fn host(parts: &Parts, forwarded: Option<&str>) -> Option<String> {
    let host = forwarded
        .or_else(|| text(&parts.headers, header::HOST.as_str()))
        .or_else(|| original_uri(parts).authority().map(Authority::as_str))?;
    // One host and a port; nothing that would add a user, a path or a query to the address.
    let authority: Authority = host.parse().ok()?;
    (!host.contains(['@', ',']) && !authority.host().is_empty()).then(|| host.to_owned())
}

/// As the proxy in front says, else what the mode makes likely: a public address has TLS.
fn scheme(config: &Config, parts: &Parts, forwarded: Option<&str>, host: &str) -> &'static str {
    match forwarded.or_else(|| original_uri(parts).scheme_str()) {
        Some("https") => "https",
        Some("http") => "http",
        _ if config.mode() == Mode::Dev || is_local(host) => "http",
        _ => "https",
    }
}

fn is_local(host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else { return false };
    let name = authority.host();
    match name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
        Ok(address) => address.is_loopback(),
        Err(_) => {
            let name = name.to_ascii_lowercase();
            name == "localhost" || name.ends_with(".localhost")
        }
    }
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

/// The first of the values that proxies put into one header.
fn first<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    text(headers, name)?.split(',').next().map(str::trim).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_and_no_name_that_looks_like_it() {
        for host in [
            "localhost",
            "LOCALHOST:3000",
            "app.localhost:80",
            "127.0.0.1",
            "127.1.2.3:3000",
            "[::1]",
            "[::1]:3000",
        ] {
            assert!(is_local(host), "{host}");
        }
        for host in [
            "127.evil.example",
            "127.0.0.1.evil.example",
            "localhost.evil.example",
            "notlocalhost",
            "[::2]",
            "128.0.0.1",
        ] {
            assert!(!is_local(host), "{host}");
        }
    }
}
