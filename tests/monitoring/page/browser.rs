//! A real Chromium without a window, driven over WebDriver by Debian's `chromium-driver`, and axe-core in it.
//!
//! A test that needs it says so and passes where it is missing; with `AUDITFERRY_BROWSER=required`, as in
//! `.ci/run`, that is a failure. axe-core is taken from the Python package that `requirements.txt` beside this
//! file names: `target/python/bin/pip install --no-deps -r tests/monitoring/requirements.txt`.
//! With `AUDITFERRY_SCREENSHOTS` the tests leave pictures of the page in that directory.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::{env, fs};

use base64::Engine;
use serde_json::{Value, json};

use crate::rig::{exchange, wait_for};
use crate::tools;

/// Without a sandbox, because tests may run as root; nothing is asked of the network but what a test asks.
const ARGUMENTS: [&str; 9] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];
const TAB: &str = "\u{e004}";

/// One at a time: each takes as much memory as all other tests together.
static ONE: Mutex<()> = Mutex::new(());

/// A browser with one tab; ended when it is dropped.
pub(crate) struct Browser {
    driver: Child,
    /// Held, so that the driver's writes do not fail.
    _stdout: BufReader<ChildStdout>,
    address: String,
    session: String,
    _one: MutexGuard<'static, ()>,
}

impl Browser {
    /// Starts one, or says why the test is skipped.
    pub(crate) fn start() -> Option<Self> {
        let one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
        let chromium = program("chromium", "chromium")?;
        let mut driver = Command::new(program("chromedriver", "chromium-driver")?)
            .arg("--port=0")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(driver.stdout.take().unwrap());
        let port = (&mut stdout).lines().map(Result::unwrap).find_map(|line| {
            Some(line.split_once("started successfully on port ")?.1.trim_end_matches('.').to_owned())
        });
        let address = format!("127.0.0.1:{}", port.unwrap());
        let options = json!({ "binary": chromium, "args": ARGUMENTS });
        let wanted = json!({"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}});
        let mut browser = Self { driver, _stdout: stdout, address, session: String::new(), _one: one };
        let made = browser.command("POST", "", &json!({"capabilities": {"alwaysMatch": wanted}}));
        browser.session = format!("/{}", made["sessionId"].as_str().unwrap());
        Some(browser)
    }

    #[track_caller]
    fn command(&self, method: &str, path: &str, body: &Value) -> Value {
        let path = format!("/session{}{path}", self.session);
        let body = if method == "POST" { body.to_string() } else { String::new() };
        let (status, answer) = exchange(&self.address, method, &path, &body).unwrap();
        assert_eq!(status, 200, "{path}: {answer}");
        serde_json::from_str::<Value>(&answer).unwrap()["value"].take()
    }

    #[track_caller]
    fn devtools(&self, command: &str, parameters: &Value) -> Value {
        self.command("POST", "/goog/cdp/execute", &json!({"cmd": command, "params": parameters}))
    }

    /// Opens a page.
    #[track_caller]
    pub(crate) fn open(&self, url: &str) {
        self.command("POST", "/url", &json!({ "url": url }));
    }

    /// What the body of a function returns in the page.
    #[track_caller]
    pub(crate) fn run(&self, script: &str) -> Value {
        self.command("POST", "/execute/sync", &json!({"script": script, "args": []}))
    }

    /// The value of an expression, which must be text.
    #[track_caller]
    pub(crate) fn text(&self, expression: &str) -> String {
        let value = self.run(&format!("return {expression}"));
        value.as_str().unwrap_or_else(|| panic!("{expression} is {value}")).to_owned()
    }

    /// Waits for an expression to be true.
    #[track_caller]
    pub(crate) fn wait(&self, what: &str, expression: &str) {
        let script = format!("return Boolean({expression})");
        wait_for(what, || (self.run(&script) == true).then_some(()));
    }

    /// Sees the page through a window of this width and in this scheme, `light` or `dark`.
    #[track_caller]
    pub(crate) fn view(&self, width: u32, scheme: &str) {
        let size = json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false});
        self.devtools("Emulation.setDeviceMetricsOverride", &size);
        let feature = json!({"name": "prefers-color-scheme", "value": scheme});
        self.devtools("Emulation.setEmulatedMedia", &json!({"features": [feature]}));
    }

    /// Types into what has the focus.
    #[track_caller]
    pub(crate) fn type_keys(&self, keys: &str) {
        let presses = keys
            .chars()
            .flat_map(|key| ["keyDown", "keyUp"].map(|r#type| json!({"type": r#type, "value": key})));
        let presses: Vec<Value> = presses.collect();
        let keyboard = json!({"type": "key", "id": "keyboard", "actions": presses});
        self.command("POST", "/actions", &json!({"actions": [keyboard]}));
    }

    /// Goes on to the next control.
    #[track_caller]
    pub(crate) fn press_tab(&self) {
        self.type_keys(TAB);
    }

    /// What the console has said since the last look, breaches of the content security policy included.
    #[track_caller]
    pub(crate) fn console(&self) -> Vec<String> {
        let log = self.command("POST", "/se/log", &json!({"type": "browser"}));
        log.as_array().unwrap().iter().map(ToString::to_string).collect()
    }

    /// Leaves a picture of the whole page, where one is wanted.
    #[track_caller]
    pub(crate) fn picture(&self, name: &str) {
        let Some(directory) = env::var_os("AUDITFERRY_SCREENSHOTS") else { return };
        let size = &self.devtools("Page.getLayoutMetrics", &json!({}))["cssContentSize"];
        let clip = json!({"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1});
        let wanted = json!({"format": "png", "captureBeyondViewport": true, "clip": clip});
        let picture = self.devtools("Page.captureScreenshot", &wanted);
        let png =
            base64::engine::general_purpose::STANDARD.decode(picture["data"].as_str().unwrap()).unwrap();
        fs::create_dir_all(&directory).unwrap();
        fs::write(Path::new(&directory).join(format!("{name}.png")), png).unwrap();
    }

    /// What axe-core finds wrong in the page as it is; nothing where axe-core is missing. It must have been able to
    /// judge the contrast of texts.
    #[track_caller]
    pub(crate) fn axe(&self) -> Vec<Value> {
        let Some(axe) = axe_core() else { return Vec::new() };
        self.run(&fs::read_to_string(axe).unwrap());
        let script = "const done = arguments[0]; axe.run(document, { preload: false }).then(done);";
        let found = self.command("POST", "/execute/async", &json!({"script": script, "args": []}));
        let passes = found["passes"].as_array().unwrap();
        assert!(passes.iter().any(|rule| rule["id"] == "color-contrast"), "{found:#}");
        let undecided = found["incomplete"].as_array().unwrap().clone();
        let breaches = found["violations"].as_array().unwrap().iter().cloned();
        breaches.chain(undecided.into_iter().filter(|rule| rule["id"] == "color-contrast")).collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The driver ends the browser with the session; one that is stuck may stay.
        let _ = exchange(&self.address, "DELETE", &format!("/session{}", self.session), "");
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

fn program(name: &str, package: &str) -> Option<PathBuf> {
    tools::on_path(name).or_else(|| missing(&format!("{name} (Debian's package {package})")))
}

fn axe_core() -> Option<PathBuf> {
    // Found without importing it: it would import a browser's driver that is not wanted here.
    let find = "import importlib.util as u; print(u.find_spec('axe_playwright_python').submodule_search_locations[0])";
    let python = tools::interpreter();
    let output =
        Command::new(&python).args(["-c", find]).output().ok().filter(|output| output.status.success());
    let package = output.map(|output| String::from_utf8(output.stdout).unwrap());
    let file = package.map(|package| Path::new(package.trim()).join("axe.min.js"));
    file.or_else(|| missing(&format!("axe_playwright_python for {}", python.display())))
}

fn missing<T>(what: &str) -> Option<T> {
    tools::missing("AUDITFERRY_BROWSER", what)
}
