//! Attributes of requests to HTTP services and AWS Lambda functions, after the semantic conventions 1.42.

use hookstack_core::{CallInfo, CallTrigger, LambdaInfo};
use http::request::Parts;
use http::{Method, StatusCode, Version, header};
use opentelemetry::{Array, KeyValue, Value};

use crate::attributes::{FAAS_COLDSTART, FAAS_NAME, FAAS_TRIGGER, text, title, trigger};

const AWS_LAMBDA_INVOKED_ARN: &str = "aws.lambda.invoked_arn";
const AWS_LOG_GROUP_NAMES: &str = "aws.log.group.names";
const AWS_LOG_STREAM_NAMES: &str = "aws.log.stream.names";
const CLOUD_ACCOUNT_ID: &str = "cloud.account.id";
const CLOUD_PROVIDER: &str = "cloud.provider";
const CLOUD_REGION: &str = "cloud.region";
const CLOUD_RESOURCE_ID: &str = "cloud.resource_id";
const FAAS_INSTANCE: &str = "faas.instance";
const FAAS_INVOCATION_ID: &str = "faas.invocation_id";
const FAAS_MAX_MEMORY: &str = "faas.max_memory";
const FAAS_VERSION: &str = "faas.version";
pub(crate) const HTTP_RESPONSE_STATUS_CODE: &str = "http.response.status_code";
const HTTP_REQUEST_METHOD: &str = "http.request.method";
const HTTP_REQUEST_METHOD_ORIGINAL: &str = "http.request.method_original";
const HTTP_ROUTE: &str = "http.route";
const NETWORK_PROTOCOL_VERSION: &str = "network.protocol.version";
/// Has no convention.
const REQUEST_ID: &str = "request.id";
const SERVER_ADDRESS: &str = "server.address";
const SERVER_PORT: &str = "server.port";
const URL_PATH: &str = "url.path";
const URL_SCHEME: &str = "url.scheme";
const USER_AGENT_ORIGINAL: &str = "user_agent.original";

/// The value for methods that nobody knows, and which anybody can make up.
const OTHER: &str = "_OTHER";

/// What a request of HTTP is told by.
pub(crate) struct HttpRequest<'a> {
    /// As it was sent.
    method: &'a str,
    /// The template; `None` if the service knows no such path.
    route: Option<&'a str>,
    parts: Option<&'a Parts>,
}

impl<'a> HttpRequest<'a> {
    pub(crate) fn of(info: &'a CallInfo) -> Option<Self> {
        let CallTrigger::Http { method, route } = &info.trigger else { return None };
        let route = Some(route.as_str()).filter(|route| !route.is_empty());
        Some(HttpRequest { method, route, parts: info.platform() })
    }

    fn known_method(&self) -> &'static str {
        match Method::from_bytes(self.method.as_bytes()) {
            Ok(Method::GET) => "GET",
            Ok(Method::POST) => "POST",
            Ok(Method::PUT) => "PUT",
            Ok(Method::PATCH) => "PATCH",
            Ok(Method::DELETE) => "DELETE",
            Ok(Method::HEAD) => "HEAD",
            Ok(Method::OPTIONS) => "OPTIONS",
            Ok(Method::CONNECT) => "CONNECT",
            Ok(Method::TRACE) => "TRACE",
            _ => OTHER,
        }
    }

    /// Anybody can write anything here, and it is in metrics.
    fn scheme(&self) -> &'static str {
        match self.parts.and_then(|parts| parts.uri.scheme_str()) {
            Some("https") => "https",
            _ => "http",
        }
    }

    fn version(&self) -> Option<&'static str> {
        match self.parts?.version {
            Version::HTTP_10 => Some("1.0"),
            Version::HTTP_11 => Some("1.1"),
            Version::HTTP_2 => Some("2"),
            Version::HTTP_3 => Some("3"),
            _ => None,
        }
    }

    /// The name of its span.
    pub(crate) fn title(&self) -> String {
        let method = match self.known_method() {
            OTHER => "HTTP",
            method => method,
        };
        match self.route {
            Some(route) => title(format!("{method} {route}")),
            None => method.to_owned(),
        }
    }

    /// Those of its metrics: each of few values.
    pub(crate) fn of_metrics(&self, status: Option<StatusCode>) -> Vec<KeyValue> {
        let mut attributes = Vec::with_capacity(6);
        attributes.push(KeyValue::new(HTTP_REQUEST_METHOD, self.known_method()));
        attributes.push(KeyValue::new(URL_SCHEME, self.scheme()));
        attributes.extend(self.route.map(|route| KeyValue::new(HTTP_ROUTE, text(route))));
        attributes.extend(status.map(of_status));
        attributes
            .extend(self.version().map(|known| KeyValue::new(NETWORK_PROTOCOL_VERSION, known)));
        attributes
    }

    /// Those of its span when it begins. No query and no headers but one: secrets travel in them.
    pub(crate) fn of_span(&self, info: &CallInfo) -> Vec<KeyValue> {
        let mut attributes = Vec::with_capacity(16);
        attributes.extend(self.of_metrics(None));
        if self.known_method() == OTHER {
            attributes.push(KeyValue::new(HTTP_REQUEST_METHOD_ORIGINAL, text(self.method)));
        }
        attributes.push(KeyValue::new(REQUEST_ID, text(&info.run_id)));
        let Some(parts) = self.parts else { return attributes };
        // A path holds what the caller asks for.
        if !info.is_sensitive() {
            attributes.push(KeyValue::new(URL_PATH, text(parts.uri.path())));
        }
        let header = |name| parts.headers.get(name).and_then(|value| value.to_str().ok());
        let host = || header(header::HOST)?.parse().ok();
        if let Some(authority) = parts.uri.authority().cloned().or_else(host) {
            attributes.push(KeyValue::new(SERVER_ADDRESS, text(authority.host())));
            let port = authority.port_u16();
            attributes.extend(port.map(|port| KeyValue::new(SERVER_PORT, i64::from(port))));
        }
        if let Some(agent) = header(header::USER_AGENT) {
            attributes.push(KeyValue::new(USER_AGENT_ORIGINAL, text(agent)));
        }
        attributes
    }
}

pub(crate) fn of_status(status: StatusCode) -> KeyValue {
    KeyValue::new(HTTP_RESPONSE_STATUS_CODE, i64::from(status.as_u16()))
}

/// Those of the span of an invocation of a Lambda function.
pub(crate) fn of_invocation(info: &CallInfo, function: &str, is_cold: bool) -> Vec<KeyValue> {
    let mut attributes = Vec::with_capacity(16);
    let mut set = |name: &'static str, value: Value| attributes.push(KeyValue::new(name, value));
    set(FAAS_NAME, text(function).into());
    set(FAAS_TRIGGER, trigger(info).into());
    set(FAAS_INVOCATION_ID, text(&info.run_id).into());
    set(FAAS_COLDSTART, is_cold.into());
    set(CLOUD_PROVIDER, "aws".into());
    let Some(lambda) = info.platform::<LambdaInfo>() else { return attributes };
    if let Some(arn) = &lambda.function_arn {
        let version = lambda.function_version.as_deref();
        set(AWS_LAMBDA_INVOKED_ARN, text(arn).into());
        set(CLOUD_RESOURCE_ID, text(&resolved_arn(arn, version)).into());
        if let Some(account) = arn.split(':').nth(4).filter(|account| !account.is_empty()) {
            set(CLOUD_ACCOUNT_ID, text(account).into());
        }
    }
    if let Some(version) = &lambda.function_version {
        set(FAAS_VERSION, text(version).into());
    }
    if let Some(region) = &lambda.region {
        set(CLOUD_REGION, text(region).into());
    }
    if let Some(memory) = lambda.memory_mib {
        // In bytes.
        set(FAAS_MAX_MEMORY, (i64::from(memory) << 20).into());
    }
    if let Some(group) = &lambda.log_group {
        set(AWS_LOG_GROUP_NAMES, list(group));
    }
    if let Some(stream) = &lambda.log_stream {
        set(FAAS_INSTANCE, text(stream).into());
        set(AWS_LOG_STREAM_NAMES, list(stream));
    }
    attributes
}

fn list(only: &str) -> Value {
    Value::Array(Array::String(vec![text(only)]))
}

/// The function's ARN, with its version where the invoked one may have an alias.
fn resolved_arn(invoked: &str, version: Option<&str>) -> String {
    /// What comes before a version or an alias.
    const PARTS: usize = 7;
    let parts: Vec<_> = invoked.splitn(PARTS + 1, ':').collect();
    match (parts.get(PARTS), version) {
        (Some(_), Some(version)) if version != "$LATEST" => {
            format!("{}:{version}", parts[..PARTS].join(":"))
        }
        (Some(_), Some(_)) => parts[..PARTS].join(":"),
        _ => invoked.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alias_becomes_the_version() {
        let arn = "arn:aws:lambda:eu-central-1:123456789012:function:charge";
        let of = |suffix: &str, version| resolved_arn(&format!("{arn}{suffix}"), version);
        assert_eq!(of(":live", Some("7")), format!("{arn}:7"));
        assert_eq!(of(":live", Some("$LATEST")), arn);
        assert_eq!(of("", Some("7")), arn);
        assert_eq!(of(":7", None), format!("{arn}:7"));
        assert_eq!(resolved_arn("local", Some("1")), "local");
    }
}
