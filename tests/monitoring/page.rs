//! The status page in a real browser: of the real binary against the simulator, and of made statuses.

mod browser;
mod made;
mod stub;
mod truth;

use std::fs;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::rig::{Place, Settings, Simulator, wait_for};
use browser::Browser;

/// No wider than the window, readable for axe-core at every width and in both schemes. 720 is a window of 1440 at
/// 200 %.
#[track_caller]
fn inspect(browser: &Browser, name: &str) {
    for (width, scheme) in [(1440, "light"), (1440, "dark"), (720, "light"), (360, "light"), (360, "dark")] {
        browser.view(width, scheme);
        let shown = format!("{name}-{scheme}-{width}");
        browser.picture(&shown);
        let over = browser.run("return document.documentElement.scrollWidth - innerWidth");
        assert!(over.as_i64().unwrap() <= 0, "{shown}: {over} pixels too wide");
        let found = browser.axe();
        assert!(found.is_empty(), "{shown}: {found:#?}");
    }
    browser.view(1440, "light");
}

/// The figure under this term in the element that the selector finds.
#[track_caller]
fn figure(browser: &Browser, selector: &str, term: &str) -> String {
    let terms = format!("[...document.querySelectorAll('{selector} dt')]");
    browser.text(&format!("{terms}.find((term) => term.textContent === '{term}').nextSibling.textContent"))
}

const HEADLINE: &str = "document.querySelector('#headline').textContent";
/// Whether the page was not loaded anew since the mark was set.
const MARK: &str = "window.mark = 'still here'";
const MARKED: &str = "String(window.mark)";
const WELL: &str = "document.querySelector('#verdict.good') && document.querySelector('#problems[hidden]')";
/// All that was collected.
const COLLECTED: &str = "[...document.querySelectorAll('.source dt')].filter((term) => term.textContent === \
     'Collected').reduce((sum, term) => sum + Number(term.nextSibling.textContent.replaceAll(',', '')), 0)";

#[test]
fn a_healthy_daemon_shows_four_lanes_that_grow_without_reloading() {
    let Some(browser) = Browser::start() else { return };
    let simulator = Simulator::start(&["--events", "600", "--rate", "0"]);
    let place = Place::new(&simulator, &Settings::default());
    let daemon = place.daemon();
    simulator.wait_complete();
    browser.open(&format!("http://{}/", daemon.server()));
    browser.wait("the verdict", WELL);
    let headline = browser.text(HEADLINE);
    assert!(headline.starts_with("Your SIEM has everything up to "), "{headline}");
    assert_eq!(browser.text("document.title"), "all delivered · auditferry");
    let names = browser.text(
        "[...document.querySelectorAll('.source h3, .source h4')].map((one) => one.textContent).join()",
    );
    assert_eq!(names, "brevo,activities,hubspot,audit_logs,login,security");
    assert_eq!(browser.run(&format!("return {COLLECTED}")), 600);
    assert_eq!(figure(&browser, "#sinks", "Waiting"), "0");
    assert_eq!(browser.run("return document.querySelectorAll('.chart, .strip').length"), 8);

    browser.run(MARK);
    simulator.plant_everywhere(3);
    browser.wait("the new events", &format!("{COLLECTED} === 612"));
    browser.wait("the verdict of them", WELL);
    assert_eq!(browser.text(MARKED), "still here");
    assert_eq!(figure(&browser, "#verdict", "Collected"), "612 in the last 24 hours");
    let widths = "[...document.querySelectorAll('.strip .complete')].map((part) => part.getBoundingClientRect().width)";
    assert_eq!(browser.run(&format!("return {widths}.filter((width) => width > 50).length")), 4);
    inspect(&browser, "daemon");
    assert_eq!(browser.console(), Vec::<String>::new());
}

#[test]
fn a_refused_sink_is_red_with_its_reason_its_backlog_and_what_to_do() {
    let Some(browser) = Browser::start() else { return };
    let simulator = Simulator::start(&["--events", "400", "--rate", "0"]);
    let more = "token = { file = \"sink-token\" }";
    let place = Place::new(&simulator, &Settings { sink_more: more, ..Settings::default() });
    fs::write(place.path("sink-token"), "old\n").unwrap();
    simulator.receiver_faults(&json!({"token": "new"}));
    let daemon = place.daemon();
    browser.view(1440, "light");
    browser.open(&format!("http://{}/", daemon.server()));
    browser
        .wait("the held sink", &format!("document.querySelector('#sinks .lane.bad') && {COLLECTED} === 400"));

    let badge = "document.querySelector('#sinks .badge')";
    assert!(browser.text(&format!("{badge}.textContent")).starts_with("held"));
    assert_eq!(browser.text(&format!("getComputedStyle({badge}).color")), "rgb(179, 35, 26)", "red");
    let line = "getComputedStyle(document.querySelector('#sinks .lane')).borderLeftColor";
    assert_eq!(browser.text(line), "rgb(179, 35, 26)");
    let reason = browser.text("document.querySelector('#sinks .reason').textContent");
    assert!(reason.contains("401"), "{reason}");
    let waiting = figure(&browser, "#sinks", "Waiting");
    let waiting: u64 = waiting.split(' ').next().unwrap().replace(',', "").parse().unwrap();
    assert!(waiting >= 400, "{waiting}");
    assert_eq!(browser.text(HEADLINE), "1 problem: receiver is held");
    assert_eq!(browser.text("document.title"), "(1) receiver is held · auditferry");
    assert_eq!(
        browser.text("document.querySelector('#announcement').textContent"),
        "1 problem: receiver is held"
    );
    let link = "document.querySelector('.problem a')";
    assert!(browser.text(&format!("{link}.href")).ends_with("/runbook#sink-held"));

    // What has the focus keeps it while figures change around it.
    browser.run(&format!("{link}.focus(); window.seen = document.querySelector('#seen').textContent"));
    browser.wait("the next answer", "document.querySelector('#seen').textContent !== window.seen");
    assert_eq!(browser.run(&format!("return document.activeElement === {link}")), true);
    inspect(&browser, "held");

    fs::write(place.path("sink-token"), "new\n").unwrap();
    browser.wait("the sink to recover", WELL);
    assert_eq!(browser.console(), Vec::<String>::new());
}

#[test]
fn a_gap_shows_in_the_strip_and_the_page_goes_on_when_the_daemon_comes_back() {
    let Some(browser) = Browser::start() else { return };
    let simulator = Simulator::start(&["--events", "100", "--rate", "0"]);
    let usual = Settings { brevo: false, ..Settings::default() };
    let place = Place::new(&simulator, &usual);
    place.run_once();
    // A provider that remembers two seconds has forgotten what came since.
    let started = Instant::now();
    wait_for("time to pass", || (started.elapsed() > Duration::from_secs(4)).then_some(()));
    let forgetful = Settings { start: "2s", lookback: "1s", hubspot_more: "horizon = \"2s\"", ..usual };
    place.configure(&simulator, &forgetful);
    place.run_once();
    place.configure(&simulator, &usual);
    let daemon = place.daemon();
    let server = daemon.server();
    browser.open(&format!("http://{server}/"));
    browser.wait("the verdict", WELL);
    let gap =
        "document.querySelector('.lane[data-key=audit_logs] .strip .gap').getBoundingClientRect().width";
    assert!(browser.run(&format!("return {gap}")).as_f64().unwrap() > 2.0, "however short, it is to be seen");
    let words = browser.text("document.querySelector('.lane[data-key=audit_logs] .pictures').textContent");
    assert!(words.contains("but 1 gap of "), "{words}");
    let headline = browser.text(HEADLINE);
    assert!(headline.contains(", except 2 gaps"), "{headline}");
    assert_eq!(browser.run("return document.querySelectorAll('#gaps tbody tr').length"), 2);
    assert_eq!(browser.console(), Vec::<String>::new());

    browser.run(MARK);
    daemon.kill();
    browser.wait("the silence", "document.querySelector('#status.stale')");
    assert_eq!(browser.text(HEADLINE), "The daemon does not answer");
    assert_eq!(browser.text("document.title"), "no answer · auditferry");
    let icon = browser.text("document.querySelector('link[rel=icon]').getAttribute('href')");
    assert!(icon.starts_with("blob:"), "kept for when nobody serves it: {icon}");
    inspect(&browser, "silent");
    let text = fs::read_to_string(place.path("auditferry.toml")).unwrap();
    fs::write(place.path("auditferry.toml"), text.replace("127.0.0.1:0", &server)).unwrap();
    let _again = place.daemon();
    browser.wait("the page to go on", &format!("!document.querySelector('#status.stale') && {WELL}"));
    assert_eq!(browser.text(MARKED), "still here");
}
