//! Splunk's own inspection of apps, the one that its app store and Splunk Cloud run.

use std::process::Command;

use serde_json::Value;

use super::conf::folder;
use crate::tools;

/// As `splunk-appinspect`, the package's script, does.
const SCRIPT: &str = "import sys; from splunk_appinspect.main import execute; sys.exit(execute())";

#[test]
fn splunks_inspection_finds_no_fault() {
    let Some(mut python) = tools::python(&["splunk_appinspect"]) else { return };
    let directory = tempfile::tempdir().unwrap();
    let (package, report) = (directory.path().join("package.tar.gz"), directory.path().join("report.json"));
    // As docs/sinks/splunk.md says.
    let packed = Command::new("tar")
        .args(["--owner=0", "--group=0", "--mode=u=rwX,go=rX", "-czf"])
        .arg(&package)
        .arg("-C")
        .arg(folder().parent().unwrap())
        .arg("TA-auditferry")
        .status();
    assert!(packed.unwrap().success());
    let output = python
        .args(["-c", SCRIPT, "inspect"])
        .arg(&package)
        .args(["--mode", "precert", "--data-format", "json", "--output-file"])
        .arg(&report)
        .output()
        .unwrap();
    let text = std::fs::read_to_string(&report)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    let report: Value = serde_json::from_str(&text).unwrap();

    let mut faults = Vec::new();
    for group in report["reports"][0]["groups"].as_array().unwrap() {
        for check in group["checks"].as_array().unwrap() {
            if !matches!(check["result"].as_str(), Some("success" | "not_applicable")) {
                faults.push(format!("{} {}: {}", check["result"], check["name"], check["messages"]));
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
    assert!(report["summary"]["success"].as_u64().unwrap() > 100, "{}", report["summary"]);
}
