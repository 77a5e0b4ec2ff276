//! Reads the alerts of a rules file: as much of YAML as ours is written in. That it is valid, promtool says.

use std::collections::BTreeMap;

/// An alert.
#[derive(Debug, Default)]
pub(super) struct Alert {
    pub(super) name: String,
    pub(super) expression: String,
    pub(super) severity: String,
    pub(super) annotations: BTreeMap<String, String>,
}

/// Every alert of the file.
pub(super) fn read(file: &str) -> Vec<Alert> {
    let mut alerts: Vec<Alert> = Vec::new();
    let mut lines = file.lines().peekable();
    while let Some(line) = lines.next() {
        let line = line.trim();
        let Some((key, value)) = line.trim_start_matches("- ").split_once(':') else { continue };
        if key.starts_with('#') {
            continue;
        }
        let mut value = value.trim().trim_matches('\'').to_owned();
        if ["|", ">-"].contains(&value.as_str()) {
            // What belongs to it stands deeper than any key: by 10 below a rule, by 12 below its annotations.
            let deeper = if key == "expr" { 10 } else { 12 };
            value.clear();
            while let Some(text) = lines.next_if(|next| next.starts_with(&" ".repeat(deeper))) {
                value.push_str(text.trim());
                value.push(' ');
            }
        }
        if key == "alert" {
            alerts.push(Alert { name: value, ..Alert::default() });
        } else if let Some(alert) = alerts.last_mut() {
            match key {
                "expr" => alert.expression = value,
                "severity" => alert.severity = value,
                "summary" | "description" | "runbook_url" => {
                    alert.annotations.insert(key.to_owned(), value);
                }
                "for" | "labels" | "annotations" => {}
                _ => panic!("what is {key} of {}?", alert.name),
            }
        }
    }
    alerts
}
