//! Every setting by variable and by builder (Inngest SDK specification, sections 3, 4.2.1 and 7).

use hookstack_inngest::{Config, ConfigBuilder, Mode};

const SECRET: &str = "canary7f3a";

/// A configuration of these variables alone.
fn with(variables: &[(&str, &str)]) -> ConfigBuilder {
    let variables: Vec<(String, String)> =
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Config::builder().variables(move |name| {
        variables.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
    })
}

fn built(builder: ConfigBuilder) -> Config {
    builder.build().expect("a valid configuration")
}

/// One setting: the variable, its value, the same by builder, and how to see it.
struct Setting {
    variable: &'static str,
    value: &'static str,
    builder: fn(ConfigBuilder) -> ConfigBuilder,
    /// By builder, another value than the variable's.
    other: fn(ConfigBuilder) -> ConfigBuilder,
    shown: fn(&Config) -> String,
}

fn settings() -> Vec<Setting> {
    vec![
        Setting {
            variable: "INNGEST_EVENT_KEY",
            value: SECRET,
            builder: |config| config.event_key(SECRET),
            other: |config| config.event_key("other"),
            // Keys are not shown, so whether there is one must do; the rest is in `introspection.rs`.
            shown: |config| format!("{}", config.event_key().is_some()),
        },
        Setting {
            variable: "INNGEST_SIGNING_KEY",
            value: "signkey-prod-12345678",
            builder: |config| config.signing_key("signkey-prod-12345678"),
            other: |config| config.signing_key("signkey-prod-00"),
            shown: |config| format!("{}", config.signing_key().is_some()),
        },
        Setting {
            variable: "INNGEST_SIGNING_KEY_FALLBACK",
            value: "signkey-prod-12345678",
            builder: |config| config.signing_key_fallback("signkey-prod-12345678"),
            other: |config| config.signing_key_fallback("signkey-prod-00"),
            shown: |config| format!("{}", config.signing_key_fallback().is_some()),
        },
        Setting {
            variable: "INNGEST_ENV",
            value: "blue",
            builder: |config| config.environment("blue"),
            other: |config| config.environment("green"),
            shown: |config| format!("{:?}", config.environment()),
        },
        Setting {
            variable: "INNGEST_LOG_LEVEL",
            value: "debug",
            builder: |config| config.log_level("debug".parse().expect("a level")),
            other: |config| config.log_level("trace".parse().expect("a level")),
            shown: |config| format!("{:?}", config.log_level()),
        },
        Setting {
            variable: "INNGEST_DEV",
            value: "1",
            builder: ConfigBuilder::dev,
            other: |config| config.mode(Mode::Cloud),
            shown: |config| format!("{:?} {}", config.mode(), config.api_origin()),
        },
        Setting {
            variable: "INNGEST_DEV",
            value: "http://127.0.0.1:9999",
            builder: |config| config.dev_server("http://127.0.0.1:9999"),
            other: |config| config.dev_server("http://127.0.0.1:1111"),
            shown: |config| {
                format!("{:?} {} {}", config.mode(), config.api_origin(), config.event_api_origin())
            },
        },
        Setting {
            variable: "INNGEST_API_BASE_URL",
            value: "https://api.example",
            builder: |config| config.api_origin("https://api.example"),
            other: |config| config.api_origin("https://other.example"),
            shown: |config| format!("{} {}", config.api_origin(), config.event_api_origin()),
        },
        Setting {
            variable: "INNGEST_API_ORIGIN",
            value: "https://api.example",
            builder: |config| config.api_origin("https://api.example"),
            other: |config| config.api_origin("https://other.example"),
            shown: |config| format!("{} {}", config.api_origin(), config.event_api_origin()),
        },
        Setting {
            variable: "INNGEST_EVENT_API_BASE_URL",
            value: "https://events.example",
            builder: |config| config.event_api_origin("https://events.example"),
            other: |config| config.event_api_origin("https://other.example"),
            shown: |config| format!("{} {}", config.api_origin(), config.event_api_origin()),
        },
        Setting {
            variable: "INNGEST_EVENT_API_ORIGIN",
            value: "https://events.example",
            builder: |config| config.event_api_origin("https://events.example"),
            other: |config| config.event_api_origin("https://other.example"),
            shown: |config| format!("{} {}", config.api_origin(), config.event_api_origin()),
        },
        Setting {
            variable: "INNGEST_BASE_URL",
            value: "https://inngest.example/",
            builder: |config| config.base_url("https://inngest.example"),
            other: |config| config.base_url("https://other.example"),
            shown: |config| format!("{} {}", config.api_origin(), config.event_api_origin()),
        },
        Setting {
            variable: "INNGEST_SERVE_ORIGIN",
            value: "https://shop.example",
            builder: |config| config.serve_origin("https://shop.example"),
            other: |config| config.serve_origin("https://other.example"),
            shown: |config| format!("{:?}", config.serve_origin()),
        },
        Setting {
            variable: "INNGEST_SERVE_PATH",
            value: "/api/inngest",
            builder: |config| config.serve_path("/api/inngest"),
            other: |config| config.serve_path("/other"),
            shown: |config| format!("{:?}", config.serve_path()),
        },
        Setting {
            variable: "INNGEST_STREAMING",
            value: "force",
            builder: |config| config.streaming(true),
            other: |config| config.streaming(false),
            shown: |config| format!("{}", config.streaming()),
        },
        Setting {
            variable: "INNGEST_ALLOW_IN_BAND_SYNC",
            value: "0",
            builder: |config| config.in_band_sync(false),
            other: |config| config.in_band_sync(true),
            shown: |config| format!("{}", config.in_band_sync()),
        },
        Setting {
            variable: "INNGEST_ENABLE_UNAUTHED_SYNC",
            value: "1",
            builder: |config| config.unsigned_sync(true),
            other: |config| config.unsigned_sync(false),
            shown: |config| format!("{}", config.unsigned_sync()),
        },
    ]
}

#[test]
fn every_setting_by_variable_and_by_builder() {
    let nothing = built(with(&[]));
    for Setting { variable, value, builder, shown, .. } in settings() {
        let by_variable = shown(&built(with(&[(variable, value)])));
        let by_builder = shown(&built(builder(with(&[]))));
        assert_eq!(by_variable, by_builder, "{variable}");
        assert_ne!(by_variable, shown(&nothing), "{variable} changes something");
        // Blanks around a value are no part of it, and what is empty is not set.
        assert_eq!(shown(&built(with(&[(variable, &format!(" {value} "))]))), by_builder);
        for empty in ["", " "] {
            assert_eq!(shown(&built(with(&[(variable, empty)]))), shown(&nothing), "{variable}");
        }
    }
}

#[test]
fn the_builder_wins_over_the_variable() {
    for Setting { variable, value, other, shown, .. } in settings() {
        let expected = shown(&built(other(with(&[]))));
        assert_eq!(shown(&built(other(with(&[(variable, value)])))), expected, "{variable}");
    }
}

#[test]
fn an_address_of_its_own_allows_unsigned_syncs() {
    assert!(built(with(&[("INNGEST_SERVE_ORIGIN", "https://shop.example")])).unsigned_sync());
    let refused =
        with(&[("INNGEST_SERVE_ORIGIN", "shop.example"), ("INNGEST_ENABLE_UNAUTHED_SYNC", "0")]);
    assert!(!built(refused).unsigned_sync());
}

#[test]
fn words_that_say_no_mean_no_development_server() {
    for word in ["0", "false", "off", "NO", "cloud"] {
        assert_eq!(built(with(&[("INNGEST_DEV", word)])).mode(), Mode::Cloud, "{word}");
    }
    for word in ["1", "true", "yes", "on"] {
        assert_eq!(built(with(&[("INNGEST_DEV", word)])).mode(), Mode::Dev, "{word}");
    }
}

#[test]
fn the_branch_that_is_deployed_is_the_environment() {
    for (variables, expected) in [
        (vec![("VERCEL_GIT_COMMIT_REF", "fix/size")], Some("fix/size")),
        (vec![("RENDER_GIT_BRANCH", "a"), ("INNGEST_ENV", "b")], Some("b")),
        (vec![("NETLIFY", "true"), ("BRANCH", "main")], Some("main")),
        (vec![("BRANCH", "main")], None),
        // No header can carry it; the app starts all the same.
        (vec![("RAILWAY_GIT_BRANCH", "größe")], None),
    ] {
        assert_eq!(built(with(&variables)).environment(), expected, "{variables:?}");
    }
}

#[test]
fn the_key_never_goes_to_a_development_server_in_cloud_mode() {
    let config = built(with(&[]).dev_server("http://dev.example").mode(Mode::Cloud));
    assert_eq!(config.api_origin(), "https://api.inngest.com");
}

#[test]
fn the_cloud_is_the_default() {
    let config = built(with(&[]));
    assert_eq!(config.mode(), Mode::Cloud);
    assert_eq!(config.api_origin(), "https://api.inngest.com");
    assert_eq!(config.event_api_origin(), "https://inn.gs");
    assert!(config.in_band_sync() && !config.unsigned_sync() && !config.streaming());
    assert!(config.event_key().is_none() && config.signing_keys().next().is_none());
    assert_eq!(
        (config.environment(), config.serve_origin(), config.serve_path()),
        (None, None, None)
    );
    assert_eq!((config.log_level(), config.platform()), (None, None));
    assert_eq!(
        format!("{config:?}"),
        format!("{:?}", built(Config::builder().variables(|_| None)))
    );
}

#[test]
fn forms_of_inngest_dev() {
    let default = "http://localhost:8288";
    for (value, mode, api) in [
        ("", Mode::Cloud, "https://api.inngest.com"),
        ("0", Mode::Cloud, "https://api.inngest.com"),
        ("false", Mode::Cloud, "https://api.inngest.com"),
        ("False", Mode::Cloud, "https://api.inngest.com"),
        ("1", Mode::Dev, default),
        ("true", Mode::Dev, default),
        ("yes", Mode::Dev, default),
        ("http://example.com", Mode::Dev, "http://example.com"),
        ("https://example.com/", Mode::Dev, "https://example.com"),
        ("localhost:9999", Mode::Dev, "http://localhost:9999"),
        ("http://[::1]:8288", Mode::Dev, "http://[::1]:8288"),
    ] {
        let config = built(with(&[("INNGEST_DEV", value)]));
        assert_eq!((config.mode(), config.api_origin()), (mode, api), "{value}");
        let events = if mode == Mode::Dev { api } else { "https://inn.gs" };
        assert_eq!(config.event_api_origin(), events, "{value}");
    }
}

#[test]
fn the_more_specific_address_wins() {
    let all = [
        ("INNGEST_DEV", "http://dev.example"),
        ("INNGEST_BASE_URL", "http://base.example"),
        ("INNGEST_API_ORIGIN", "http://api-origin.example"),
        ("INNGEST_API_BASE_URL", "http://api.example"),
        ("INNGEST_EVENT_API_ORIGIN", "http://events-origin.example"),
        ("INNGEST_EVENT_API_BASE_URL", "http://events.example"),
    ];
    let addresses = |builder: ConfigBuilder| {
        let config = built(builder);
        assert_eq!(config.mode(), Mode::Dev, "an address changes no mode");
        (config.api_origin().to_owned(), config.event_api_origin().to_owned())
    };
    let pair = |api: &str, events: &str| (api.to_owned(), events.to_owned());
    let dev = "http://dev.example";
    let base = "http://base.example";
    let (api, events) = ("http://api-origin.example", "http://events-origin.example");
    assert_eq!(addresses(with(&all[..1])), pair(dev, dev));
    assert_eq!(addresses(with(&all[..2])), pair(base, base));
    assert_eq!(addresses(with(&all[..3])), pair(api, base));
    assert_eq!(addresses(with(&all[..4])), pair("http://api.example", base));
    assert_eq!(addresses(with(&all[..5])), pair("http://api.example", events));
    assert_eq!(addresses(with(&all)), pair("http://api.example", "http://events.example"));
    // What is set in code wins over all of them, and there too the more specific wins.
    let (own, specific) = ("http://own.example", "http://specific.example");
    assert_eq!(addresses(with(&all).dev_server(own)), pair(own, own));
    assert_eq!(addresses(with(&all).dev_server(dev).base_url(own)), pair(own, own));
    assert_eq!(addresses(with(&all).base_url(own).api_origin(specific)), pair(specific, own));
    assert_eq!(addresses(with(&all).base_url(own).event_api_origin(specific)), pair(own, specific));
}

#[test]
fn a_mode_in_code_keeps_the_address_of_its_variable_only() {
    let config = built(with(&[("INNGEST_DEV", "http://dev.example")]).dev());
    assert_eq!(config.api_origin(), "http://dev.example");
    let config = built(with(&[("INNGEST_DEV", "http://dev.example")]).mode(Mode::Cloud));
    assert_eq!(config.api_origin(), "https://api.inngest.com");
}

#[test]
fn words_that_switches_and_levels_take() {
    for (value, expected) in
        [("1", true), ("true", true), ("TRUE", true), ("0", false), ("false", false)]
    {
        let config = built(with(&[("INNGEST_ALLOW_IN_BAND_SYNC", value)]));
        assert_eq!(config.in_band_sync(), expected, "{value}");
        let config = built(with(&[("INNGEST_STREAMING", value)]));
        assert_eq!(config.streaming(), expected, "{value}");
    }
    for (value, expected) in [("allow", true), ("force", true), ("disable", false)] {
        assert_eq!(built(with(&[("INNGEST_STREAMING", value)])).streaming(), expected, "{value}");
    }
    for (value, expected) in [
        ("off", "off"),
        ("silent", "off"),
        ("fatal", "error"),
        ("critical", "error"),
        ("error", "error"),
        ("warn", "warn"),
        ("warning", "warn"),
        ("INFO", "info"),
        ("debug", "debug"),
        ("trace", "trace"),
    ] {
        let level = built(with(&[("INNGEST_LOG_LEVEL", value)])).log_level().expect("a level");
        assert_eq!(level.to_string(), expected, "{value}");
    }
}

#[test]
fn addresses_and_paths_are_brought_into_one_form() {
    for (value, expected) in
        [("api/inngest", "/api/inngest"), ("/x", "/x"), ("/x/", "/x/"), ("/", "/")]
    {
        let config = built(with(&[("INNGEST_SERVE_PATH", value)]));
        assert_eq!(config.serve_path(), Some(expected), "{value}");
    }
    for (value, expected) in [
        ("shop.example", "https://shop.example"),
        ("http://shop.example/", "http://shop.example"),
        ("https://shop.example:8443", "https://shop.example:8443"),
        ("https://shop.example/prefix/", "https://shop.example/prefix"),
    ] {
        let config = built(with(&[("INNGEST_SERVE_ORIGIN", value)]));
        assert_eq!(config.serve_origin(), Some(expected), "{value}");
    }
}

#[test]
fn hosting_platforms_are_recognised() {
    for (variable, platform) in [
        ("VERCEL", "vercel"),
        ("NETLIFY", "netlify"),
        ("CF_PAGES", "cloudflare-pages"),
        ("RENDER", "render"),
        ("RAILWAY_ENVIRONMENT", "railway"),
        ("AWS_LAMBDA_FUNCTION_NAME", "aws-lambda"),
    ] {
        assert_eq!(built(with(&[(variable, "1")])).platform(), Some(platform));
    }
    for variable in
        ["VERCEL_GIT_COMMIT_REF", "CF_PAGES_BRANCH", "RENDER_GIT_BRANCH", "RAILWAY_GIT_BRANCH"]
    {
        assert_eq!(built(with(&[(variable, "blue")])).environment(), Some("blue"), "{variable}");
        let both = [(variable, "blue"), ("INNGEST_ENV", "green")];
        assert_eq!(built(with(&both)).environment(), Some("green"), "{variable}");
    }
}

#[test]
fn bad_values_are_named_and_not_quoted() {
    let addresses = [
        "INNGEST_BASE_URL",
        "INNGEST_API_BASE_URL",
        "INNGEST_API_ORIGIN",
        "INNGEST_EVENT_API_BASE_URL",
        "INNGEST_EVENT_API_ORIGIN",
        "INNGEST_SERVE_ORIGIN",
        "INNGEST_DEV",
    ];
    let bad_addresses = [
        "ftp://canary7f3a.example",
        "https://me:canary7f3a@example.com",
        "https://example.com?canary7f3a",
        "https://example.com/#canary7f3a",
        "https://canary7f3a .example",
        "https://canary7f3a.example:99999",
        "https:///canary7f3a",
    ];
    let mut bad: Vec<(&str, &str)> =
        addresses.into_iter().flat_map(|name| bad_addresses.map(|value| (name, value))).collect();
    bad.extend([
        ("INNGEST_EVENT_KEY", "canary7f3a/x"),
        ("INNGEST_EVENT_KEY", "canary7f3a?x"),
        ("INNGEST_SIGNING_KEY", "canary7f3a x"),
        ("INNGEST_SIGNING_KEY", "canary7f3aü"),
        ("INNGEST_SIGNING_KEY", "signkey-canary7f3a-"),
        ("INNGEST_SIGNING_KEY_FALLBACK", "canary7f3a\nx"),
        ("INNGEST_ENV", "canary7f3a\nx"),
        ("INNGEST_ENV", "canary7f3aü"),
        ("INNGEST_SERVE_PATH", "/canary7f3a?x"),
        ("INNGEST_SERVE_PATH", "/canary7f3a#x"),
        ("INNGEST_SERVE_PATH", "//canary7f3a"),
        ("INNGEST_SERVE_PATH", "https://canary7f3a.example/x"),
        ("INNGEST_SERVE_PATH", "/canary7f3a x"),
        ("INNGEST_STREAMING", "canary7f3a"),
        ("INNGEST_LOG_LEVEL", "canary7f3a"),
        ("INNGEST_ALLOW_IN_BAND_SYNC", "canary7f3a"),
        ("INNGEST_ENABLE_UNAUTHED_SYNC", "canary7f3a"),
    ]);
    for (variable, value) in bad {
        let Err(error) = with(&[(variable, value)]).build() else {
            panic!("{variable}={value} is accepted");
        };
        let text = format!("{error} {error:?}");
        assert!(text.contains(variable), "{variable}={value}: {text}");
        assert!(!text.contains(SECRET), "{text}");
    }
}

#[test]
fn bad_values_in_code_are_named_and_not_quoted() {
    type Wrong = fn(ConfigBuilder) -> ConfigBuilder;
    let wrong: [(&str, Wrong); 9] = [
        ("base_url", |config| config.base_url("ftp://canary7f3a.example")),
        ("api_origin", |config| config.api_origin("https://canary7f3a@example.com")),
        ("event_api_origin", |config| config.event_api_origin("https://example.com?canary7f3a")),
        ("dev_server", |config| config.dev_server("canary7f3a x")),
        ("serve_origin", |config| config.serve_origin("canary7f3a x")),
        ("serve_path", |config| config.serve_path("/canary7f3a?")),
        ("signing key", |config| config.signing_key("canary7f3a x")),
        ("signing key", |config| config.signing_key_fallback("canary7f3a x")),
        ("event key", |config| config.event_key("canary7f3a x")),
    ];
    for (name, set) in wrong {
        let error = set(with(&[])).build().expect_err("it cannot be meant");
        let text = format!("{error} {error:?}");
        assert!(text.contains(name) && !text.contains(SECRET), "{name}: {text}");
    }
}

#[test]
fn keys_are_not_in_debug() {
    let config = with(&[("INNGEST_SIGNING_KEY", "signkey-prod-canary7f3a")])
        .event_key(SECRET)
        .signing_key_fallback("signkey-canary7f3a-canary7f3a");
    let text = format!("{config:?} {:?}", built(config.clone()));
    assert!(!text.contains(SECRET), "{text}");
}
