//! Requests to hosts that are not this service's.

use hookstack_core::{Call, Completed, HttpError, Middleware, NextRequest, Result};
use http::StatusCode;
use http::header::HOST;
use http::request::Parts;
use http::uri::Authority;

use crate::authority;
use crate::error::ConfigError;

/// Refuses requests that name another host than those given, with 400: what builds links from the host, or
/// chooses by it, cannot be led elsewhere. Nothing of the request is read before.
///
/// ```
/// use hookstack_core::Stack;
/// use hookstack_http::TrustedHost;
///
/// # fn main() -> hookstack_core::Result {
/// let hosts = TrustedHost::new(["example.com", "*.example.com"])?;
/// let stack = Stack::builder().with(hosts);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct TrustedHost {
    patterns: Vec<Pattern>,
}

#[derive(Clone, Debug)]
enum Pattern {
    Exactly(Box<str>),
    /// The part after the asterisk, with its dot.
    Below(Box<str>),
}

impl TrustedHost {
    /// The hosts, without ports; `*.example.com` is any host below `example.com`, at any depth, but not
    /// itself.
    ///
    /// # Errors
    /// When a pattern is no host, or has an asterisk elsewhere.
    pub fn new<H: AsRef<str>>(hosts: impl IntoIterator<Item = H>) -> Result<Self, ConfigError> {
        let patterns = hosts.into_iter().map(|host| Pattern::parse(host.as_ref()));
        let patterns = patterns.collect::<Result<Vec<_>, _>>().map_err(refused)?;
        if patterns.is_empty() {
            let problem = "no host is trusted: name those that the service is reached by";
            return Err(refused(problem.to_owned()));
        }
        Ok(TrustedHost { patterns })
    }

    fn trusts(&self, parts: &Parts) -> bool {
        let is_known = |authority: Option<Authority>| {
            authority.is_some_and(|authority| {
                let host = authority.host().to_ascii_lowercase();
                let host = host.strip_suffix('.').unwrap_or(&host);
                self.patterns.iter().any(|pattern| pattern.matches(host))
            })
        };
        // The URI's host wins, but who builds links may look at the header alone.
        is_known(authority::of(parts))
            && (!parts.headers.contains_key(HOST) || is_known(authority::of_header(&parts.headers)))
    }
}

fn refused(problem: String) -> ConfigError {
    ConfigError::Setting { name: "TrustedHost", problem }
}

impl Pattern {
    fn parse(text: &str) -> Result<Self, String> {
        let lower = text.to_ascii_lowercase();
        let (host, is_below) = match lower.strip_prefix("*.") {
            Some(host) => (host, true),
            None => (&*lower, false),
        };
        let is_v6 = host.starts_with('[') && host.ends_with(']') && !is_below;
        let is_name = host.split('.').all(|label| {
            !label.is_empty()
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
        });
        if !is_v6 && !is_name {
            return Err(format!(
                "\"{text}\" is no host: write `example.com` or `*.example.com`, without scheme and port"
            ));
        }
        Ok(match is_below {
            true => Pattern::Below(format!(".{host}").into()),
            false => Pattern::Exactly(host.into()),
        })
    }

    fn matches(&self, host: &str) -> bool {
        match self {
            Pattern::Exactly(known) => host == &**known,
            Pattern::Below(suffix) => host.len() > suffix.len() && host.ends_with(&**suffix),
        }
    }
}

impl Middleware for TrustedHost {
    async fn around_request(&self, cx: &mut Call, next: NextRequest<'_>) -> Result<Completed> {
        match cx.info().platform::<Parts>() {
            Some(parts) if !self.trusts(parts) => {
                Err(HttpError::new(StatusCode::BAD_REQUEST, "the host is none of this service's"))?
            }
            _ => next.run(cx).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(host: &str) -> Parts {
        let request = http::Request::builder().uri("/").header("host", host).body(());
        request.expect("a request").into_parts().0
    }

    #[test]
    fn a_table_of_hosts() {
        let hosts = TrustedHost::new(["Example.com", "*.shop.example", "[::1]"]).expect("hosts");
        for (host, trusted) in [
            ("example.com", true),
            ("EXAMPLE.com:8080", true),
            ("example.com.", true),
            ("example.com..", false),
            ("www.example.com", false),
            ("a.shop.example", true),
            ("a.b.shop.example:1", true),
            ("shop.example", false),
            ("evilshop.example", false),
            (".shop.example", false),
            ("example.com.evil", false),
            ("example.com@evil", false),
            ("evil@example.com", false),
            ("[::1]:80", true),
            ("", false),
            ("exa mple.com", false),
        ] {
            assert_eq!(hosts.trusts(&parts(host)), trusted, "{host}");
        }
        let mut twice = parts("example.com");
        twice.headers.append("host", http::HeaderValue::from_static("evil"));
        assert!(!hosts.trusts(&twice));
        twice.headers.clear();
        assert!(!hosts.trusts(&twice));
    }

    #[test]
    fn the_uri_and_the_header_are_both_looked_at() {
        let hosts = TrustedHost::new(["example.com"]).expect("hosts");
        for (uri, host, trusted) in [
            ("http://example.com/", "example.com", true),
            ("http://example.com/", "evil", false),
            ("http://evil/", "example.com", false),
            ("http://evil@example.com/", "example.com", true),
        ] {
            let request = http::Request::builder().uri(uri).header("host", host).body(());
            let (parts, ()) = request.expect("a request").into_parts();
            assert_eq!(hosts.trusts(&parts), trusted, "{uri} {host}");
        }
        let request = http::Request::builder().uri("https://example.com/").body(());
        assert!(hosts.trusts(&request.expect("a request").into_parts().0), "HTTP/2");
    }

    #[test]
    fn what_is_no_host_is_refused_when_it_is_given() {
        for pattern in ["", "*", "*.", "a*.example", "https://example.com", "example.com:80", "a b"]
        {
            assert!(TrustedHost::new([pattern]).is_err(), "{pattern}");
        }
        assert!(TrustedHost::new([""; 0]).is_err());
    }
}
