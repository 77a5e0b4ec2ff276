//! The dashboard as Grafana reads it: its classic JSON model, of which every version since 10.3 understands 39.

use serde_json::{Map, Value, json};

use super::panels::{Panel, ROWS, Row, Shows, Word};

const SCHEMA: u32 = 39;
/// Columns of a dashboard.
const COLUMNS: u32 = 24;
/// Which server the queries go to is chosen on the page: an import's `__inputs` would be filled in by hand only,
/// not where Grafana reads the file from a directory.
const VARIABLE: &str = "${datasource}";

/// What an expression is narrowed down by, and the variables that are chosen from on the page.
const SELECTORS: [(&str, &str); 4] = [
    ("INSTANCE", r#"instance=~"$instance""#),
    ("SOURCE", r#"instance=~"$instance", source=~"$source""#),
    ("STREAM", r#"instance=~"$instance", source=~"$source", stream=~"$stream""#),
    ("SINK", r#"instance=~"$instance", sink=~"$sink""#),
];
/// Name, label, where the values come from, and what all of them is. A request that belongs to no stream has no
/// label `stream`, which only `.*` matches; but of instances `.*` would be every process that Prometheus knows.
const CHOICES: [(&str, &str, &str, Option<&str>); 4] = [
    ("instance", "Instance", "label_values(auditferry_build_info, instance)", None),
    ("source", "Source", "label_values(auditferry_poll_interval_seconds{INSTANCE}, source)", Some(".*")),
    ("stream", "Stream", "label_values(auditferry_poll_interval_seconds{SOURCE}, stream)", Some(".*")),
    ("sink", "Sink", "label_values(auditferry_dead_letters{INSTANCE}, sink)", Some(".*")),
];

/// The whole file.
pub(super) fn dashboard() -> Value {
    let choices = CHOICES.iter().map(|(name, label, values, all)| {
        json!({
            "type": "query", "name": name, "label": label, "datasource": datasource(),
            "query": {"query": selected(values), "refId": "StandardVariableQuery"}, "definition": selected(values),
            "refresh": 2, "sort": 1, "multi": true, "includeAll": true, "allValue": all,
            "current": {"selected": true, "text": ["All"], "value": ["$__all"]}, "options": [], "hide": 0,
        })
    });
    let server = json!({
        "type": "datasource", "name": "datasource", "label": "Prometheus", "query": "prometheus",
        "refresh": 1, "regex": "", "multi": false, "includeAll": false, "current": {}, "options": [], "hide": 0,
    });
    json!({
        "title": "auditferry", "uid": "auditferry", "tags": ["auditferry"], "editable": true, "id": null,
        "description": "Whether the SIEM has every audit event of HubSpot and Brevo, and if not, where it stops.",
        "schemaVersion": SCHEMA, "version": 1, "graphTooltip": 1, "refresh": "1m", "timezone": "",
        "time": {"from": "now-6h", "to": "now"}, "fiscalYearStartMonth": 0, "weekStart": "", "links": [],
        "annotations": {"list": []},
        "templating": {"list": std::iter::once(server).chain(choices).collect::<Vec<_>>()},
        "panels": panels(),
    })
}

fn datasource() -> Value {
    json!({"type": "prometheus", "uid": VARIABLE})
}

/// With the selectors written out.
fn selected(expression: &str) -> String {
    let write = |expression: String, (word, selector): &(&str, &str)| {
        expression.replace(&format!("{{{word}"), &format!("{{{selector}"))
    };
    SELECTORS.iter().fold(expression.to_owned(), write)
}

/// Headings and panels, with ids and places.
fn panels() -> Vec<Value> {
    let mut placed: Vec<Value> = Vec::new();
    let mut y = 0;
    for Row { title, panels } in &ROWS {
        let id = placed.len() + 1;
        placed.push(json!({
            "type": "row", "id": id, "title": title, "collapsed": false, "panels": [],
            "gridPos": {"x": 0, "y": y, "w": COLUMNS, "h": 1},
        }));
        y += 1;
        let (mut x, mut tallest) = (0, 0);
        for panel in *panels {
            if x + panel.width > COLUMNS {
                y += tallest;
                (x, tallest) = (0, 0);
            }
            let height = height(panel);
            let mut value = picture(panel);
            value["id"] = json!(placed.len() + 1);
            value["gridPos"] = json!({"x": x, "y": y, "w": panel.width, "h": height});
            placed.push(value);
            x += panel.width;
            tallest = tallest.max(height);
        }
        y += tallest;
    }
    placed
}

/// In rows of about 30 pixels.
fn height(panel: &Panel) -> u32 {
    match panel.shows {
        Shows::Number(_) | Shows::Word(_) => 4,
        Shows::Bands(_) => 6,
        Shows::Lines | Shows::Areas => 8,
    }
}

fn picture(panel: &Panel) -> Value {
    let is_now = matches!(panel.shows, Shows::Number(_) | Shows::Word(_));
    let targets = panel.queries.iter().zip('A'..).map(|((expression, legend), letter)| {
        json!({
            "refId": letter.to_string(), "datasource": datasource(), "expr": selected(expression),
            "legendFormat": legend, "instant": is_now, "range": !is_now, "editorMode": "code",
        })
    });
    let (kind, options) = options(panel.shows);
    json!({
        "type": kind, "title": panel.title, "description": panel.description, "datasource": datasource(),
        "targets": targets.collect::<Vec<_>>(), "options": options,
        "fieldConfig": {"defaults": defaults(panel), "overrides": []},
    })
}

/// Grafana's name of the sort of panel, and its settings.
fn options(shows: Shows) -> (&'static str, Value) {
    match shows {
        Shows::Number(_) | Shows::Word(_) => (
            "stat",
            json!({
                "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": false},
                "colorMode": "background", "graphMode": "none", "textMode": "value", "justifyMode": "center",
                "orientation": "auto", "wideLayout": true,
            }),
        ),
        Shows::Lines | Shows::Areas => (
            "timeseries",
            json!({
                "legend": {"displayMode": "table", "placement": "right", "showLegend": true, "calcs": ["lastNotNull", "max"]},
                "tooltip": {"mode": "multi", "sort": "desc"},
            }),
        ),
        Shows::Bands(_) => (
            "state-timeline",
            json!({
                "mergeValues": true, "showValue": "never", "alignValue": "left", "rowHeight": 0.8,
                "legend": {"displayMode": "list", "placement": "bottom", "showLegend": true},
                "tooltip": {"mode": "single", "sort": "none"},
            }),
        ),
    }
}

/// How its values look.
fn defaults(panel: &Panel) -> Value {
    let mut defaults = json!({"unit": panel.unit, "mappings": [], "noValue": "not known"});
    let steps = |steps: &[(f64, &str)]| {
        let step = |(at, (from, colour)): (usize, &(f64, &str))| json!({"color": colour, "value": (at > 0).then_some(from)});
        json!({"mode": "absolute", "steps": steps.iter().enumerate().map(step).collect::<Vec<_>>()})
    };
    match panel.shows {
        Shows::Number(limits) => {
            defaults["thresholds"] = steps(limits);
            defaults["color"] = json!({"mode": "thresholds"});
        }
        Shows::Word(words) | Shows::Bands(words) => {
            defaults["mappings"] = json!([{"type": "value", "options": mapping(words)}]);
            defaults["thresholds"] = steps(&[(0.0, "blue")]);
            defaults["color"] = json!({"mode": "thresholds"});
            if let Shows::Bands(_) = panel.shows {
                defaults["custom"] = json!({"fillOpacity": 80, "lineWidth": 0});
            }
        }
        Shows::Lines | Shows::Areas => {
            let is_stacked = matches!(panel.shows, Shows::Areas);
            defaults["color"] = json!({"mode": "palette-classic"});
            defaults["custom"] = json!({
                "drawStyle": "line", "lineWidth": 1, "fillOpacity": if is_stacked { 30 } else { 5 },
                "showPoints": "never", "spanNulls": false, "axisSoftMin": 0,
                "stacking": {"group": "A", "mode": if is_stacked { "normal" } else { "none" }},
            });
        }
    }
    defaults
}

fn mapping(words: &[Word]) -> Map<String, Value> {
    let option = |(at, (value, text, colour)): (usize, &Word)| {
        (value.to_string(), json!({"text": text, "color": colour, "index": at}))
    };
    words.iter().enumerate().map(option).collect()
}
