//! A real Prometheus, with our rules, that scrapes the real daemon. Needs Debian's package prometheus.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Stdio};

use serde_json::json;

use crate::rig::{Place, Settings, Simulator, wait_for};
use crate::{dashboard, promtool};

/// A server; killed when it is dropped.
struct Prometheus {
    child: Child,
    /// `http://127.0.0.1:port`.
    address: String,
    /// Its configuration and its data.
    _directory: tempfile::TempDir,
}

impl Prometheus {
    /// Starts one with these rules, beside the alerts; nothing where there is none to start.
    fn start(target: &str, rules: &str) -> Option<Self> {
        let mut server = promtool::server()?;
        let directory = tempfile::tempdir().unwrap();
        let alerts = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/prometheus/alerts.yml");
        // JSON is YAML.
        let configuration = json!({
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [alerts, "dashboard.yml"],
            "scrape_configs": [{"job_name": "auditferry", "static_configs": [{"targets": [target]}]}],
        });
        let path = |name: &str| directory.path().join(name);
        fs::write(path("prometheus.yml"), configuration.to_string()).unwrap();
        fs::write(path("dashboard.yml"), rules).unwrap();
        // Free a moment later too, unless somebody is very quick.
        let listen = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let child = server
            .arg(format!("--config.file={}", path("prometheus.yml").display()))
            .arg(format!("--storage.tsdb.path={}", path("data").display()))
            .arg(format!("--web.listen-address={listen}"))
            .args(["--log.level=warn"])
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        Some(Self { child, address: format!("http://{listen}"), _directory: directory })
    }

    /// Waits until it has series for an expression, like that.
    #[track_caller]
    fn wait_for(&self, expression: &str, is: impl Fn(&str) -> bool) -> String {
        wait_for(expression, || promtool::series(&self.address, expression).filter(|series| is(series)))
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// As the dashboard's queries, and the alerts when something is wrong.
#[test]
fn prometheus_has_something_for_every_panel_and_alerts_when_the_receiver_and_the_provider_refuse() {
    let simulator = Simulator::start(&["--events", "200", "--rate", "5"]);
    let place = Place::new(&simulator, &Settings::default());
    let daemon = place.daemon();
    let Some(prometheus) = Prometheus::start(&daemon.server(), &dashboard::rules()) else { return };

    // All choices of all variables, as `All` does.
    let count = dashboard::queries(&dashboard::dashboard()).len();
    prometheus.wait_for("count(count by (query) (dashboard:query))", |count_now| {
        count_now.contains(&format!("=> {count} @"))
    });

    simulator.receiver_faults(&json!({"statuses": {"401": {"share": 1}}}));
    simulator.faults(&json!({"only": ["login"], "statuses": {"403": {"share": 1}}}));
    let alerts = prometheus.wait_for("ALERTS{alertname=~'Auditferry(Sink|Stream)Held'}", |alerts| {
        alerts.contains("AuditferrySinkHeld") && alerts.contains("AuditferryStreamHeld")
    });
    assert!(alerts.contains("sink=\"receiver\""), "{alerts}");
    assert!(alerts.contains("source=\"hubspot\"") && alerts.contains("stream=\"login\""), "{alerts}");
}
