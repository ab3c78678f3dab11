//! Addresses of servers.

use super::Mode;

/// Reads an address: a scheme of its own or the mode's, a host, maybe a path prefix. The slash at the end
/// goes. `None` for anything else.
pub(super) fn parse(text: &str, mode: Mode) -> Option<String> {
    let text = text.trim();
    let with_scheme = if text.contains("://") {
        text.to_owned()
    } else {
        let scheme = match mode {
            Mode::Cloud => "https",
            Mode::Dev => "http",
        };
        format!("{scheme}://{text}")
    };
    let uri: http::Uri = with_scheme.parse().ok()?;
    // The former drops a fragment, behind which every path would be lost, and takes every port.
    let is_complete = url::Url::parse(&with_scheme).is_ok_and(|url| url.fragment().is_none());
    let is_http = matches!(uri.scheme_str(), Some("http" | "https"));
    let has_host = uri.host().is_some_and(|host| !host.is_empty());
    // A password in an address would end up in introspections and logs.
    let has_user = uri.authority().is_some_and(|authority| authority.as_str().contains('@'));
    (is_http && has_host && !has_user && is_complete && uri.query().is_none())
        .then(|| with_scheme.trim_end_matches('/').to_owned())
}

/// Whether the text names a host: what tells `INNGEST_DEV=localhost:8288` from `INNGEST_DEV=yes`.
pub(super) fn names_a_host(text: &str) -> bool {
    text.contains("://") || text.contains('.') || text.contains(':')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (text, mode, expected) in [
            ("http://localhost:8288/", Mode::Cloud, Some("http://localhost:8288")),
            ("localhost:8288", Mode::Dev, Some("http://localhost:8288")),
            ("inngest.example", Mode::Cloud, Some("https://inngest.example")),
            ("https://example.com/inngest/", Mode::Cloud, Some("https://example.com/inngest")),
            ("https://example.com?x=1", Mode::Cloud, None),
            ("https://me:secret@example.com", Mode::Cloud, None),
            ("https://example.com/#x", Mode::Cloud, None),
            ("https://example.com:99999", Mode::Cloud, None),
            ("ftp://example.com", Mode::Cloud, None),
            ("http://", Mode::Cloud, None),
            ("", Mode::Dev, None),
            ("a b", Mode::Dev, None),
        ] {
            assert_eq!(parse(text, mode).as_deref(), expected, "{text}");
        }
    }
}
