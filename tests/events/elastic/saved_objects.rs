//! The dashboards as saved objects: lines of JSON that Kibana and OpenSearch Dashboards import. Both read the same
//! objects; what differs is the version that they are said to be of.
//!
//! `AUDITFERRY_GOLDEN=write cargo test --test events elastic` writes the files anew.

use serde_json::{Value, json};

use super::dashboards::{DASHBOARDS, Dashboard, Field, Number, Panel, Shows};

/// Who imports the objects.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Product {
    Kibana,
    OpenSearchDashboards,
}

/// The data view: Kibana's name of an index pattern.
const VIEW: &str = "auditferry";
/// Where an object names its data view among its references.
const VIEW_REFERENCE: &str = "kibanaSavedObjectMeta.searchSourceJSON.index";
const COLUMNS: u32 = 48;
/// Rows of a table.
const ROWS: u32 = 50;

/// The whole file.
pub(super) fn file(product: Product) -> String {
    let mut objects = vec![view()];
    for dashboard in &DASHBOARDS {
        let shown: Vec<Value> = dashboard.panels.iter().map(panel).collect();
        objects.push(page(dashboard, &shown, product));
        objects.extend(shown);
    }
    objects.into_iter().map(|object| format!("{}\n", stamped(object, product))).collect()
}

/// An object with the version of its format. These are the oldest that each product reads without migrating the
/// references; newer products migrate what they find.
fn stamped(mut object: Value, product: Product) -> Value {
    let kind = object["type"].as_str().unwrap().to_owned();
    let version = match (product, kind.as_str()) {
        (Product::Kibana, _) => "8.0.0",
        (Product::OpenSearchDashboards, "index-pattern") => "7.6.0",
        (Product::OpenSearchDashboards, "visualization") => "7.10.0",
        (Product::OpenSearchDashboards, _) => "7.9.3",
    };
    object["migrationVersion"] = json!({ kind: version });
    if product == Product::Kibana {
        object["coreMigrationVersion"] = json!(version);
    }
    object
}

fn view() -> Value {
    json!({
        "type": "index-pattern",
        "id": VIEW,
        "attributes": {
            "title": "logs-hubspot.*-*,logs-brevo.*-*,logs-auditferry.*-*",
            "name": "auditferry",
            "timeFieldName": "@timestamp",
            "allowNoIndex": true,
        },
        "references": [],
    })
}

/// `auditferry: sign-ins` → `auditferry-sign-ins`.
fn id(title: &str) -> String {
    let words: Vec<_> = title.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    words.join("-").to_lowercase()
}

fn reference(name: &str, kind: &str, id: &str) -> Value {
    json!({"name": name, "type": kind, "id": id})
}

fn page(dashboard: &Dashboard, shown: &[Value], product: Product) -> Value {
    let version = if product == Product::Kibana { "8.0.0" } else { "7.9.3" };
    let (mut x, mut y, mut row) = (0, 0, 0);
    let (mut panels, mut references) = (Vec::new(), Vec::new());
    for (index, (panel, object)) in dashboard.panels.iter().zip(shown).enumerate() {
        let (width, height) = panel.size;
        if x + width > COLUMNS {
            (x, y, row) = (0, y + row, 0);
        }
        let (number, name) = (format!("{}", index + 1), format!("panel_{}", index + 1));
        panels.push(json!({
            "version": version,
            "panelIndex": number,
            "gridData": {"x": x, "y": y, "w": width, "h": height, "i": number},
            "embeddableConfig": {},
            "panelRefName": name,
        }));
        references.push(reference(&name, object["type"].as_str().unwrap(), object["id"].as_str().unwrap()));
        (x, row) = (x + width, row.max(height));
    }
    json!({
        "type": "dashboard",
        "id": id(dashboard.title),
        "attributes": {
            "title": dashboard.title,
            "description": dashboard.description,
            "hits": 0,
            "version": 1,
            "timeRestore": true,
            "timeFrom": "now-7d",
            "timeTo": "now",
            "refreshInterval": {"pause": true, "value": 0},
            "optionsJSON": json!({"useMargins": true, "hidePanelTitles": false}).to_string(),
            "panelsJSON": Value::from(panels).to_string(),
            "kibanaSavedObjectMeta": {"searchSourceJSON": source("", false).to_string()},
        },
        "references": references,
    })
}

/// Which events; `has_view` where the object names its data view.
fn source(query: &str, has_view: bool) -> Value {
    let mut source = json!({"query": {"query": query, "language": "kuery"}, "filter": []});
    if has_view {
        source["indexRefName"] = json!(VIEW_REFERENCE);
    }
    source
}

fn panel(panel: &Panel) -> Value {
    let title = format!("auditferry: {}", panel.title.to_lowercase());
    let has_view = !matches!(panel.shows, Shows::Text(_));
    let source = source(panel.query, has_view).to_string();
    let references =
        if has_view { vec![reference(VIEW_REFERENCE, "index-pattern", VIEW)] } else { Vec::new() };
    let mut attributes = json!({
        "title": title,
        "description": "",
        "version": 1,
        "kibanaSavedObjectMeta": {"searchSourceJSON": source},
    });
    if let Shows::Events(columns) = panel.shows {
        attributes["columns"] = json!(columns);
        attributes["sort"] = json!([["@timestamp", "desc"]]);
        attributes["hits"] = json!(0);
    } else {
        let (kind, params, aggs) = visualization(&panel.shows);
        let state = json!({"title": title, "type": kind, "params": params, "aggs": aggs});
        attributes["visState"] = json!(state.to_string());
        attributes["uiStateJSON"] = json!("{}");
    }
    let kind = if attributes.get("columns").is_some() { "search" } else { "visualization" };
    json!({"type": kind, "id": id(&title), "attributes": attributes, "references": references})
}

/// The type of a visualization, how it looks, and its aggregations.
fn visualization(shows: &Shows) -> (&'static str, Value, Vec<Value>) {
    match shows {
        Shows::Text(text) => {
            ("markdown", json!({"fontSize": 12, "openLinksInNewTab": false, "markdown": text}), Vec::new())
        }
        Shows::Numbers(numbers) => ("metric", large_numbers(), metrics(numbers)),
        Shows::Bars(number, by) => ("histogram", chart("histogram", number), over_time(number, by)),
        Shows::Lines(number, by) => ("line", chart("line", number), over_time(number, by)),
        Shows::Table(by, numbers) => {
            let mut aggs = metrics(numbers);
            for field in *by {
                aggs.push(terms(aggs.len() + 1, "bucket", field, ROWS));
            }
            let params = json!({
                "perPage": 10, "showPartialRows": false, "showMetricsAtAllLevels": false,
                "showTotal": false, "totalFunc": "sum", "percentageCol": "",
            });
            ("table", params, aggs)
        }
        Shows::Events(_) => unreachable!("a search is no visualization"),
    }
}

fn metrics(numbers: &[Number]) -> Vec<Value> {
    numbers.iter().enumerate().map(|(index, number)| metric(index + 1, number)).collect()
}

/// The name of a number, its aggregation, and the field.
fn said(number: &Number) -> (&'static str, &'static str, Option<&'static str>) {
    match number {
        Number::Count(label) => (label, "count", None),
        Number::Distinct(field, label) => (label, "cardinality", Some(field)),
        Number::Least(field, label) => (label, "min", Some(field)),
        Number::Most(field, label) => (label, "max", Some(field)),
    }
}

fn metric(id: usize, number: &Number) -> Value {
    let (label, kind, field) = said(number);
    let mut params = json!({"customLabel": label});
    if let Some(field) = field {
        params["field"] = json!(field);
    }
    aggregation(id, kind, "metric", &params)
}

fn terms(id: usize, schema: &str, Field(field, label): &Field, size: u32) -> Value {
    // A row for events without the field; only fields of text can have one.
    let has_missing = *field != "source.ip";
    let params = json!({
        "field": field, "customLabel": label, "size": size, "order": "desc", "orderBy": "1", "otherBucket": false,
        "otherBucketLabel": "Other", "missingBucket": has_missing, "missingBucketLabel": "(none)",
    });
    aggregation(id, "terms", schema, &params)
}

fn over_time(number: &Number, by: &Field) -> Vec<Value> {
    let time = json!({
        "field": "@timestamp", "interval": "auto", "drop_partials": false, "min_doc_count": 1, "extended_bounds": {},
    });
    vec![metric(1, number), aggregation(2, "date_histogram", "segment", &time), terms(3, "group", by, 10)]
}

fn aggregation(id: usize, kind: &str, schema: &str, params: &Value) -> Value {
    json!({"id": id.to_string(), "enabled": true, "type": kind, "schema": schema, "params": params})
}

fn large_numbers() -> Value {
    json!({
        "addTooltip": true, "addLegend": false, "type": "metric",
        "metric": {
            "percentageMode": false, "useRanges": false, "colorSchema": "Green to Red", "metricColorMode": "None",
            "colorsRange": [{"from": 0, "to": 10000}], "labels": {"show": true}, "invertColors": false,
            "style": {"bgFill": "#000", "bgColor": false, "labelColor": false, "subText": "", "fontSize": 36},
        },
    })
}

fn chart(kind: &str, number: &Number) -> Value {
    let (label, ..) = said(number);
    let mode = if kind == "line" { "normal" } else { "stacked" };
    json!({
        "type": kind, "addTooltip": true, "addLegend": true, "legendPosition": "right", "times": [],
        "addTimeMarker": false, "grid": {"categoryLines": false}, "labels": {"show": false},
        "thresholdLine": {"show": false, "value": 10, "width": 1, "style": "full", "color": "#E7664C"},
        "categoryAxes": [{
            "id": "CategoryAxis-1", "type": "category", "position": "bottom", "show": true, "style": {},
            "scale": {"type": "linear"}, "labels": {"show": true, "filter": true, "truncate": 100}, "title": {},
        }],
        "valueAxes": [{
            "id": "ValueAxis-1", "name": "LeftAxis-1", "type": "value", "position": "left", "show": true, "style": {},
            "scale": {"type": "linear", "mode": "normal"},
            "labels": {"show": true, "rotate": 0, "filter": false, "truncate": 100}, "title": {"text": label},
        }],
        "seriesParams": [{
            "show": true, "type": kind, "mode": mode, "data": {"label": label, "id": "1"}, "valueAxis": "ValueAxis-1",
            "drawLinesBetweenPoints": true, "lineWidth": 2, "showCircles": true, "interpolate": "linear",
        }],
    })
}
