//! A real server that speaks Sentry's protocol: Bugsink, from PyPI.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::http_client::{HttpClient, HttpRequest};

/// Where its virtual environment is.
const VARIABLE: &str = "HOOKSTACK_BUGSINK";

/// A Bugsink with an empty database and one project, in a temporary folder, until it is dropped.
#[derive(Debug)]
pub struct Bugsink {
    folder: PathBuf,
    server: Option<Child>,
    origin: String,
    dsn: String,
    token: String,
}

impl Bugsink {
    /// Starts one, if the variable `HOOKSTACK_BUGSINK` names a virtual environment with Bugsink in it.
    /// Otherwise the test is to be skipped, which is said; with `CI` set that is a failure.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start() -> Option<Self> {
        let Some(environment) = std::env::var_os(VARIABLE) else {
            assert!(std::env::var_os("CI").is_none(), "{VARIABLE} is not set");
            // Standard error of the process itself, which the test harness does not capture.
            let message =
                format!("skipped: {VARIABLE} names no virtual environment with Bugsink\n");
            let _ = std::io::Write::write_all(&mut std::io::stderr(), message.as_bytes());
            return None;
        };
        let programs = Path::new(&environment).join("bin");
        let starts = tokio::task::spawn_blocking(move || Bugsink::spawn(&programs));
        let bugsink = starts.await.expect("it is set up");
        bugsink.is_ready().await;
        Some(bugsink)
    }

    /// Where to send.
    pub fn dsn(&self) -> &str {
        &self.dsn
    }

    /// The issues of the project, in the order in which they were opened.
    ///
    /// # Panics
    /// When an answer makes no sense.
    pub async fn issues(&self) -> Vec<Value> {
        self.list("issues/?project=1").await
    }

    /// The events of an issue as they were sent.
    ///
    /// # Panics
    /// When an answer makes no sense.
    pub async fn events(&self, issue: &Value) -> Vec<Value> {
        let mut events = Vec::new();
        let id = issue["id"].as_str().expect("an id");
        for event in self.list(&format!("events/?issue={id}")).await {
            let id = event["id"].as_str().expect("an id");
            events.push(self.get(&format!("events/{id}/")).await["data"].clone());
        }
        events
    }

    async fn list(&self, path: &str) -> Vec<Value> {
        let answer = self.get(path).await;
        answer["results"].as_array().unwrap_or_else(|| panic!("a list: {answer}")).clone()
    }

    async fn get(&self, path: &str) -> Value {
        let url = format!("{}/api/canonical/0/{path}", self.origin);
        let token = format!("Bearer {}", self.token);
        let request = HttpRequest::get(url).header("authorization", &token);
        let response = HttpClient::new().send(request).await;
        serde_json::from_slice(&response.body)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&response.body)))
    }

    async fn is_ready(&self) {
        let ready = async {
            while HttpClient::new()
                .try_send(HttpRequest::get(format!("{}/health/ready", self.origin)))
                .await
                .is_err()
            {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(120), ready).await.expect("the server answers");
    }

    fn spawn(programs: &Path) -> Self {
        let folder = std::env::temp_dir().join(format!("hookstack-bugsink-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a temporary folder");
        // Free now; nobody else takes it in the meantime, as far as one can tell.
        let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
        let port = port.expect("a free port").port().to_string();
        let mut bugsink = Bugsink {
            folder,
            server: None,
            origin: format!("http://127.0.0.1:{port}"),
            dsn: String::new(),
            token: String::new(),
        };
        let create = ["--template=local", "--host", "127.0.0.1", "--port", &port];
        bugsink.run(programs, "bugsink-create-conf", &create);
        let settings = bugsink.folder.join("bugsink_conf.py");
        let mut text = std::fs::read_to_string(&settings).expect("settings");
        text.push_str("\nBUGSINK[\"PHONEHOME\"] = False\n");
        std::fs::write(&settings, text).expect("settings");
        bugsink.run(programs, "bugsink-manage", &["migrate"]);
        let made = bugsink.run(programs, "bugsink-manage", &["shell", "-c", MAKE_PROJECT]);
        let last = made.lines().last().unwrap_or_default().to_owned();
        let (token, key) = last.split_once(' ').unwrap_or_else(|| panic!("{made}"));
        bugsink.token = token.to_owned();
        bugsink.dsn = format!("http://{key}@127.0.0.1:{port}/1");
        let server = bugsink
            .command(programs, "gunicorn")
            .args(["--bind", &format!("127.0.0.1:{port}"), "--workers=1", "bugsink.wsgi"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        bugsink.server = Some(server.expect("gunicorn starts"));
        bugsink
    }

    fn command(&self, programs: &Path, program: &str) -> Command {
        let mut command = Command::new(programs.join(program));
        command
            .current_dir(&self.folder)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("DJANGO_SETTINGS_MODULE", "bugsink_conf")
            .env("PYTHONPATH", &self.folder)
            .stdin(Stdio::null());
        command
    }

    fn run(&self, programs: &Path, program: &str, arguments: &[&str]) -> String {
        let output = self.command(programs, program).args(arguments).output();
        let output = output.unwrap_or_else(|error| panic!("{program} starts: {error}"));
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{program}: {printed}\n{errors}");
        printed
    }
}

/// A project, and a token that may read it; printed in one line.
const MAKE_PROJECT: &str = "
from bsmain.models import AuthToken
from projects.models import Project
project = Project.objects.create(name='shop', slug='shop')
assert project.id == 1
print(AuthToken.create_full_access().token, project.sentry_key.hex)
";

impl Drop for Bugsink {
    fn drop(&mut self) {
        if let Some(server) = &mut self.server {
            // The master takes its worker with it. An error means that it has ended.
            let _ = Command::new("kill").arg(server.id().to_string()).status();
            let _ = server.wait();
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
