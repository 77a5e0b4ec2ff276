//! What the page makes of made statuses.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::browser::Browser;
use super::stub::Stub;
use super::{HEADLINE, figure, inspect, made};
use crate::rig::wait_for;

/// Opens the page and waits for it to show something.
#[track_caller]
fn opened(browser: &Browser, stub: &Stub) {
    browser.view(1440, "light");
    browser.open(&stub.url());
    browser.wait("the status", "!document.querySelector('#status').hidden");
}

/// Waits until the page has asked and shown at least one answer that was given after this call.
#[track_caller]
fn wait_for_answers(stub: &Stub) {
    let asked = stub.asked();
    wait_for("two answers", || (stub.asked() >= asked + 2).then_some(()));
}

#[test]
fn every_state_can_be_read_at_every_width_in_both_schemes_and_by_a_screen_reader() {
    let Some(browser) = Browser::start() else { return };
    let stub = Stub::new(&made::well());
    let empty = json!({"streams": [], "sinks": []});
    let mut nothing = made::unknown();
    nothing.as_object_mut().unwrap().extend(empty.as_object().unwrap().clone());
    for (name, status) in [
        ("well", made::well()),
        ("troubled", made::troubled()),
        ("dreadful", made::dreadful()),
        ("unknown", made::unknown()),
        ("nothing", nothing),
    ] {
        stub.say(200, &status.to_string());
        opened(&browser, &stub);
        let text = browser.text("document.querySelector('main').innerText");
        for word in ["NaN", "undefined", "null", "[object", "Infinity"] {
            assert!(!text.contains(word), "{name}: {word} in {text}");
        }
        assert_eq!(browser.run("return document.images.length"), 0, "{name}: text is not markup");
        inspect(&browser, name);
        assert_eq!(browser.console(), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn the_figures_are_those_of_the_status() {
    let Some(browser) = Browser::start() else { return };
    let stub = Stub::new(&made::troubled());
    opened(&browser, &stub);
    assert_eq!(browser.text(HEADLINE), "3 problems: brevo/activities is held, splunk is held and more");
    let lane = ".lane[data-key=login]";
    for (selector, term, value) in [
        (lane, "Lag", "20 s"),
        (lane, "New in last poll", "12 of 240"),
        (lane, "Collected", "10,250"),
        (lane, "Forgotten in", "89 days"),
        (".lane[data-key=splunk]", "Waiting", "4,321 (5 MiB)"),
        (".lane[data-key=splunk]", "Oldest waits", "1 h 25 min"),
        (".lane[data-key=splunk]", "Dead letters", "2 events"),
        ("#verdict", "Collected", "464 in the last 24 hours"),
        ("#verdict", "Waiting", "4,321 for sinks, 5 MiB"),
        ("#verdict", "Time to mend", "89 days until a provider forgets what is not collected"),
    ] {
        assert_eq!(figure(&browser, selector, term), value, "{selector} {term}");
    }
    let captions = browser.text(&format!(
        "[...document.querySelectorAll('{lane} figcaption')].map((one) => one.textContent).join(' | ')"
    ));
    assert!(captions.starts_with("116 events in 24 h, at most 20 in 15 min at "), "{captions}");
    assert!(captions.contains(" | All 90 days but 1 gap of 10 days from "), "{captions}");
    // 20 of 90 days lie before the gap; it is 10 of them long.
    let gap = format!("document.querySelector('{lane} .strip .gap')");
    assert_eq!(
        browser.text(&format!("{gap}.getAttribute('x') + ' ' + {gap}.getAttribute('width')")),
        "22.22% 11.11%"
    );
    // 40 of 365 days are not collected yet, and 275 lie before the first poll.
    let strip = ".lane[data-key=activities] .strip";
    let widths = format!(
        "['before', 'complete', 'not-yet'].map((kind) => document.querySelector('{strip} .' + kind).getAttribute('width')).join()"
    );
    assert_eq!(browser.text(&widths), "75.34%,13.70%,10.96%");
    let sources =
        browser.text("[...document.querySelectorAll('#sinks .soft')].map((one) => one.textContent).join()");
    assert_eq!(sources, "Gets the events of every source,Gets the events of hubspot");
    let links = browser
        .text("[...document.querySelectorAll('.problem a')].map((link) => link.getAttribute('href')).join()");
    assert_eq!(links, "runbook#stream-held,runbook#sink-held,runbook#dead-letters");
}

#[test]
fn every_control_is_reached_by_tab_with_a_focus_that_is_seen() {
    let Some(browser) = Browser::start() else { return };
    let stub = Stub::new(&made::troubled());
    opened(&browser, &stub);
    let controls = "[...document.querySelectorAll('a, button, input, [tabindex]')].filter((one) => one.checkVisibility())";
    let count =
        browser.run(&format!("window.controls = {controls}; return controls.length")).as_u64().unwrap();
    let mut reached = BTreeSet::new();
    for _ in 0..count {
        browser.press_tab();
        let style = "getComputedStyle(document.activeElement)";
        let outline = browser.text(&format!("{style}.outlineStyle + ' ' + {style}.outlineWidth"));
        assert_eq!(outline, "solid 3px", "{}", browser.text("document.activeElement.outerHTML"));
        reached.insert(browser.run("return controls.indexOf(document.activeElement)").as_u64());
    }
    assert_eq!(reached, (0..count).map(Some).collect(), "all of them");
    assert!(count >= 12, "{count}");
}

#[test]
fn a_screen_reader_hears_of_changes_and_not_of_figures() {
    let Some(browser) = Browser::start() else { return };
    let mut status = made::well();
    let stub = Stub::new(&status);
    opened(&browser, &stub);
    browser.run(
        "window.heard = []; new MutationObserver(() => heard.push(announcement.textContent))
             .observe(announcement, { childList: true, characterData: true, subtree: true })",
    );
    status["streams"][0]["events"] = 10_251.into();
    status["streams"][0]["complete_to"] = json!(made::ago(1));
    status["at"] = json!(made::ago(0));
    stub.say(200, &status.to_string());
    browser.wait("the new figure", "document.querySelector('#streams').textContent.includes('10,251')");
    assert_eq!(browser.run("return heard"), json!([]));
    stub.say(200, &made::troubled().to_string());
    browser.wait("the news", "heard.length > 0");
    wait_for_answers(&stub);
    assert_eq!(
        browser.run("return heard"),
        json!(["3 problems: brevo/activities is held, splunk is held and more"])
    );
}

#[test]
fn what_is_on_its_way_is_not_called_delivered() {
    let Some(browser) = Browser::start() else { return };
    let mut status = made::well();
    status["sinks"][0]["waiting"] = 5.into();
    status["sinks"][0]["oldest_waiting_seconds"] = 2.into();
    let stub = Stub::new(&status);
    opened(&browser, &stub);
    let headline = browser.text(HEADLINE);
    assert!(headline.ends_with("is collected; it is on its way to your SIEM"), "{headline}");
    // Once nothing waits, it stays true of that instant while later events are on their way.
    let (was, now) = (made::ago(30), made::ago(0));
    status["streams"][0]["complete_to"] = json!(was);
    status["sinks"][0]["waiting"] = 0.into();
    stub.say(200, &status.to_string());
    browser.wait("the delivery", "document.querySelector('#verdict.good')");
    let then = browser.text(HEADLINE);
    status["streams"]
        .as_array_mut()
        .unwrap()
        .iter_mut()
        .for_each(|stream| stream["complete_to"] = json!(now));
    status["sinks"][0]["waiting"] = 7.into();
    stub.say(200, &status.to_string());
    browser.wait("what waits", "document.querySelector('#verdict').textContent.includes('Waiting7 ')");
    assert_eq!(browser.text(HEADLINE), then);
}

#[test]
fn a_token_is_asked_for_kept_in_the_tab_and_forgotten_on_demand() {
    let Some(browser) = Browser::start() else { return };
    let stub = Stub::new(&made::well());
    stub.demand("right");
    browser.open(&stub.url());
    browser.wait("the question", "!document.querySelector('#token-form').hidden");
    assert_eq!(browser.text("document.activeElement.id"), "token");
    assert_eq!(browser.run("return document.querySelector('#status').checkVisibility()"), false);
    inspect(&browser, "token");
    browser.type_keys("wrong\u{e007}");
    browser.wait("the refusal", "document.querySelector('#token-fault').textContent");
    assert_eq!(browser.text("document.activeElement.id"), "token");
    let asked = stub.asked();
    browser.type_keys("right\u{e007}");
    browser.wait("the status", "document.querySelector('#verdict.good')?.checkVisibility()");
    assert_eq!(browser.run("return document.querySelector('#token-form').checkVisibility()"), false);
    assert!(stub.asked() > asked);
    browser.open(&stub.url());
    browser.wait("the status without a question", "document.querySelector('#verdict.good')");
    browser.run("document.querySelector('#forget').click()");
    browser.wait("the question again", "!document.querySelector('#token-form').hidden");
    assert_eq!(browser.run("return sessionStorage.length"), 0);
}

#[test]
fn an_answer_that_is_no_status_is_told_and_the_page_goes_on() {
    let Some(browser) = Browser::start() else { return };
    let stub = Stub::new(&made::well());
    opened(&browser, &stub);
    let without_sinks = {
        let mut status = made::well();
        status["sinks"] = Value::Null;
        status.to_string()
    };
    for (code, body, headline) in [
        (
            503,
            r#"{"error":"the store can't be read: disk I/O error"}"#,
            "the store can't be read: disk I/O error",
        ),
        (502, "<html>Bad gateway</html>", "The daemon does not answer"),
        (200, without_sinks.as_str(), "This page can’t show what the daemon says"),
    ] {
        stub.say(code, body);
        browser.wait(headline, "document.querySelector('#status.stale')");
        browser.wait(headline, &format!("{HEADLINE} === {}", json!(headline)));
        stub.say(200, &made::well().to_string());
        browser.wait("it to go on", "document.querySelector('#verdict.good')");
    }
}
