//! Putting a configuration together.

use tracing::level_filters::LevelFilter;

use super::variables::Variables;
use super::{Config, EventKey, Mode, SigningKey, origin, platform};
use crate::error::ConfigError;

const CLOUD_API: &str = "https://api.inngest.com";
const CLOUD_EVENT_API: &str = "https://inn.gs";
const DEV_SERVER: &str = "http://localhost:8288";

/// Puts a [`Config`] together. What is wrong is reported by [`build`](ConfigBuilder::build).
#[derive(Clone, Debug, Default)]
#[must_use = "a configuration is made with `build()`"]
pub struct ConfigBuilder {
    variables: Variables,
    mode: Option<Mode>,
    environment: Option<String>,
    dev_server: Option<String>,
    base_url: Option<String>,
    api_origin: Option<String>,
    event_api_origin: Option<String>,
    event_key: Option<Secret>,
    signing_key: Option<Secret>,
    signing_key_fallback: Option<Secret>,
    serve_origin: Option<String>,
    serve_path: Option<String>,
    in_band_sync: Option<bool>,
    unsigned_sync: Option<bool>,
    streaming: Option<bool>,
    log_level: Option<LevelFilter>,
}

/// A key that was not checked yet.
#[derive(Clone)]
struct Secret(zeroize::Zeroizing<String>);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[redacted]")
    }
}

impl ConfigBuilder {
    /// Reads variables from `lookup` instead of the process environment: for tests, and for platforms
    /// that hand them over in another way. `|_| None` reads none.
    pub fn variables(
        mut self,
        lookup: impl Fn(&str) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        self.variables = Variables::new(lookup);
        self
    }

    /// The kind of server.
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = Some(mode);
        self
    }

    /// A development server at its default address, `http://localhost:8288`.
    pub fn dev(self) -> Self {
        self.mode(Mode::Dev)
    }

    /// A development server at this address.
    pub fn dev_server(mut self, origin: impl Into<String>) -> Self {
        self.dev_server = Some(origin.into());
        self.dev()
    }

    /// The branch environment.
    pub fn environment(mut self, name: impl Into<String>) -> Self {
        self.environment = Some(name.into());
        self
    }

    /// The address of a server whose API and event API are the same, as a self-hosted one's.
    pub fn base_url(mut self, origin: impl Into<String>) -> Self {
        self.base_url = Some(origin.into());
        self
    }

    /// The address of the server's API; wins over [`base_url`](ConfigBuilder::base_url).
    pub fn api_origin(mut self, origin: impl Into<String>) -> Self {
        self.api_origin = Some(origin.into());
        self
    }

    /// The address of the server's event API; wins over [`base_url`](ConfigBuilder::base_url).
    pub fn event_api_origin(mut self, origin: impl Into<String>) -> Self {
        self.event_api_origin = Some(origin.into());
        self
    }

    /// The key that events are sent with. Prefer the variable: a key in code ends up in a repository.
    pub fn event_key(mut self, key: impl Into<String>) -> Self {
        self.event_key = Some(Secret(key.into().into()));
        self
    }

    /// The key that requests are signed with. Prefer the variable: a key in code ends up in a repository.
    pub fn signing_key(mut self, key: impl Into<String>) -> Self {
        self.signing_key = Some(Secret(key.into().into()));
        self
    }

    /// The key that is tried where the signing key fails.
    pub fn signing_key_fallback(mut self, key: impl Into<String>) -> Self {
        self.signing_key_fallback = Some(Secret(key.into().into()));
        self
    }

    /// Where the server reaches this app, for instance `https://shop.example`. Without it the address is
    /// taken from the sync request, whose `Host` header anybody can write.
    pub fn serve_origin(mut self, origin: impl Into<String>) -> Self {
        self.serve_origin = Some(origin.into());
        self
    }

    /// The path at which the server reaches this app, for instance `/api/inngest`: for proxies that
    /// rewrite it.
    pub fn serve_path(mut self, path: impl Into<String>) -> Self {
        self.serve_path = Some(path.into());
        self
    }

    /// Whether a signed sync request that asks for it is answered in band; on by default.
    pub fn in_band_sync(mut self, allowed: bool) -> Self {
        self.in_band_sync = Some(allowed);
        self
    }

    /// Whether an unsigned sync request, as `curl -X PUT` sends it, is accepted in cloud mode. By default
    /// only with a [`serve_origin`](ConfigBuilder::serve_origin): without one whoever sends the request
    /// decides where the server will send events to.
    pub fn unsigned_sync(mut self, allowed: bool) -> Self {
        self.unsigned_sync = Some(allowed);
        self
    }

    /// Whether blanks are sent during a call, so that no proxy takes the connection for dead; off by
    /// default. The response is then a status 201 that wraps the real one.
    pub fn streaming(mut self, streaming: bool) -> Self {
        self.streaming = Some(streaming);
        self
    }

    /// How much the program should log: kept for the program to set up its subscriber with.
    pub fn log_level(mut self, level: LevelFilter) -> Self {
        self.log_level = Some(level);
        self
    }

    /// Completes the settings from the environment and checks them.
    ///
    /// Development mode with a signing key logs a warning: somebody may have meant to be in production.
    ///
    /// # Errors
    /// [`ConfigError::Setting`], naming the setting or variable; its value is not quoted.
    pub fn build(self) -> Result<Config, ConfigError> {
        let variables = &self.variables;
        let dev = variables.get("INNGEST_DEV");
        // Any other word means a development server (section 4.2.1); these surely do not.
        let is_off = |value: &str| matches!(value, "0" | "false" | "off" | "no" | "cloud");
        let dev = dev.filter(|value| !is_off(&value.to_ascii_lowercase()));
        let mode = self.mode.unwrap_or(if dev.is_some() { Mode::Dev } else { Mode::Cloud });
        let dev_address = dev.filter(|value| origin::names_a_host(value));
        let (api, event_api) = match mode {
            Mode::Cloud => (CLOUD_API, CLOUD_EVENT_API),
            Mode::Dev => (DEV_SERVER, DEV_SERVER),
        };
        // From the most to the least specific; a setting in code wins over every variable.
        let pick = |own: Option<String>, setting, names: [&'static str; 2], default: &str| {
            let coded = own
                .map(|value| (setting, value))
                .or_else(|| self.base_url.clone().map(|value| ("base_url", value)))
                .or_else(|| match mode {
                    Mode::Dev => self.dev_server.clone().map(|value| ("dev_server", value)),
                    Mode::Cloud => None,
                });
            let variable = || {
                let specific = names.into_iter().chain(["INNGEST_BASE_URL"]);
                let mut set = specific.filter_map(|name| Some((name, variables.get(name)?)));
                set.next().or_else(|| match mode {
                    Mode::Dev => Some(("INNGEST_DEV", dev_address.clone()?)),
                    Mode::Cloud => None,
                })
            };
            match coded.or_else(variable) {
                None => Ok(default.to_owned()),
                Some((name, value)) => address(name, &value, mode),
            }
        };
        let serve_origin = match &self.serve_origin {
            Some(value) => Some(("serve_origin", value.clone())),
            None => variables.get("INNGEST_SERVE_ORIGIN").map(|v| ("INNGEST_SERVE_ORIGIN", v)),
        };
        let has_address = serve_origin.is_some();
        let serve_path = match &self.serve_path {
            Some(value) => Some(("serve_path", value.clone())),
            None => variables.get("INNGEST_SERVE_PATH").map(|v| ("INNGEST_SERVE_PATH", v)),
        };
        let signing_key = key::<SigningKey>(self.signing_key, "INNGEST_SIGNING_KEY", variables)?;
        if mode == Mode::Dev && signing_key.is_some() {
            tracing::warn!(
                target: "hookstack::inngest",
                "development mode with a signing key: unsigned requests are accepted all the same; in production remove INNGEST_DEV"
            );
        }
        Ok(Config {
            mode,
            environment: environment(self.environment, variables)?,
            api_origin: pick(
                self.api_origin.clone(),
                "api_origin",
                ["INNGEST_API_BASE_URL", "INNGEST_API_ORIGIN"],
                api,
            )?,
            event_api_origin: pick(
                self.event_api_origin.clone(),
                "event_api_origin",
                ["INNGEST_EVENT_API_BASE_URL", "INNGEST_EVENT_API_ORIGIN"],
                event_api,
            )?,
            event_key: key::<EventKey>(self.event_key, "INNGEST_EVENT_KEY", variables)?,
            signing_key,
            signing_key_fallback: key::<SigningKey>(
                self.signing_key_fallback,
                "INNGEST_SIGNING_KEY_FALLBACK",
                variables,
            )?,
            // Without a scheme of its own it is what a public address has.
            serve_origin: serve_origin
                .map(|(name, value)| address(name, &value, Mode::Cloud))
                .transpose()?,
            serve_path: serve_path.map(|(name, value)| path(name, &value)).transpose()?,
            in_band_sync: switch(self.in_band_sync, "INNGEST_ALLOW_IN_BAND_SYNC", variables)?
                .unwrap_or(true),
            unsigned_sync: switch(self.unsigned_sync, "INNGEST_ENABLE_UNAUTHED_SYNC", variables)?
                .unwrap_or(has_address),
            streaming: match self.streaming {
                Some(streaming) => streaming,
                None => streaming(variables)?,
            },
            log_level: match self.log_level {
                Some(level) => Some(level),
                None => log_level(variables)?,
            },
            platform: platform::detect(&|name| variables.get(name)),
        })
    }
}

fn environment(own: Option<String>, variables: &Variables) -> Result<Option<String>, ConfigError> {
    let own = own.filter(|name| !name.trim().is_empty());
    let name = own
        .or_else(|| variables.get("INNGEST_ENV"))
        .or_else(|| platform::branch(&|name| variables.get(name)));
    match name {
        // It stands in a header.
        Some(name) if !platform::is_header_text(&name) => {
            Err(ConfigError::setting("INNGEST_ENV", "takes printable ASCII only"))
        }
        name => Ok(name),
    }
}

fn address(name: &'static str, value: &str, mode: Mode) -> Result<String, ConfigError> {
    origin::parse(value, mode).ok_or_else(|| {
        ConfigError::setting(
            name,
            "takes an address such as `https://inngest.example`, without user, password and query",
        )
    })
}

fn path(name: &'static str, value: &str) -> Result<String, ConfigError> {
    let value = value.trim();
    let value = if value.starts_with('/') { value.to_owned() } else { format!("/{value}") };
    let is_path = value.parse::<http::uri::PathAndQuery>().is_ok_and(|p| p.query().is_none());
    if !is_path || value.contains("//") || value.contains('#') {
        return Err(ConfigError::setting(name, "takes a path such as `/api/inngest`"));
    }
    Ok(value)
}

fn key<K: std::str::FromStr<Err = ConfigError>>(
    own: Option<Secret>,
    name: &'static str,
    variables: &Variables,
) -> Result<Option<K>, ConfigError> {
    match own {
        Some(own) => own.0.parse().map(Some),
        None => variables.parse(name),
    }
}

fn switch(
    own: Option<bool>,
    name: &'static str,
    variables: &Variables,
) -> Result<Option<bool>, ConfigError> {
    match own {
        Some(own) => Ok(Some(own)),
        None => variables.switch(name),
    }
}

/// The words of the TypeScript and Python SDKs are understood too.
fn streaming(variables: &Variables) -> Result<bool, ConfigError> {
    let name = "INNGEST_STREAMING";
    match variables.get(name).map(|value| value.to_ascii_lowercase()).as_deref() {
        None | Some("0" | "false" | "disable") => Ok(false),
        Some("1" | "true" | "allow" | "force") => Ok(true),
        Some(_) => Err(ConfigError::setting(name, "takes `force`, `allow`, `1`, `disable` or `0`")),
    }
}

fn log_level(variables: &Variables) -> Result<Option<LevelFilter>, ConfigError> {
    let name = "INNGEST_LOG_LEVEL";
    // The words of other SDKs.
    let value = variables.get(name).map(|value| match &*value.to_ascii_lowercase() {
        "silent" | "none" => "off".to_owned(),
        "fatal" | "critical" => "error".to_owned(),
        "warning" => "warn".to_owned(),
        other => other.to_owned(),
    });
    let refused =
        |_| ConfigError::setting(name, "takes `off`, `error`, `warn`, `info`, `debug` or `trace`");
    value.map(|value| value.parse().map_err(refused)).transpose()
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Log {
        fn write(&mut self, text: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("no test panicked").write(text)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(config: ConfigBuilder) -> String {
        let log = Log::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone()).finish();
        tracing::subscriber::with_default(subscriber, || {
            config.variables(|_| None).build().expect("a valid configuration")
        });
        let text = log.0.lock().expect("no test panicked").clone();
        String::from_utf8(text).expect("text")
    }

    #[test]
    fn development_mode_with_a_signing_key_is_warned_of() {
        let key = "signkey-prod-12345678";
        let warned = logged(Config::builder().dev().signing_key(key));
        assert!(warned.contains("WARN") && warned.contains("remove INNGEST_DEV"), "{warned}");
        assert!(!warned.contains("12345678"), "{warned}");
        assert_eq!(logged(Config::builder().dev()), "");
        assert_eq!(logged(Config::builder().signing_key(key)), "");
    }
}
