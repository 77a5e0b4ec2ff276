//! Several sinks at once: each at its own pace.

use serde_json::json;

use super::rig::{Place, STREAMS, Settings, Simulator, wait_for};

#[test]
fn a_sink_that_hangs_keeps_nothing_from_the_others() {
    let simulator = Simulator::start(&["--events", "3000", "--rate", "0"]);
    simulator.ask("PUT", "/receiver/dead/faults", &json!({"hang": {"share": 1}}));
    let sink = |name: &str| {
        let address = &simulator.address;
        format!("[sinks.{name}]\ntype = \"http\"\nendpoint = \"http://{address}/receiver/{name}\"\n")
    };
    let more = format!("{}{}", sink("second"), sink("dead"));
    let place = Place::new(&simulator, &Settings { sink_more: &more, ..Settings::default() });
    let daemon = place.daemon();
    let wait_complete = |receiver: &str| {
        wait_for(&format!("{receiver} to have everything"), || {
            let compared = simulator.compare_at(receiver, &STREAMS);
            assert_eq!((compared.doubled, compared.unexpected), (0, 0), "{receiver}: {compared:#?}");
            (compared.missing == 0).then_some(())
        });
    };
    // New events pass the one that hangs as well.
    for _ in 0..3 {
        wait_complete("main");
        wait_complete("second");
        simulator.plant_everywhere(100);
    }
    assert_eq!(simulator.compare_at("dead", &STREAMS).received, 0);

    simulator.ask("PUT", "/receiver/dead/faults", &json!({"hang": null}));
    daemon.stop();
    // The request that hung is given up with the process; the next one takes all of it.
    let daemon = place.daemon();
    for receiver in ["main", "second", "dead"] {
        wait_complete(receiver);
    }
    daemon.stop();
}
