use super::*;

#[test]
fn the_collectors_address_is_found_however_it_was_copied() {
    for (endpoint, base_path) in [
        ("https://splunk:8088", "https://splunk:8088/services/collector"),
        ("https://splunk:8088/", "https://splunk:8088/services/collector"),
        ("https://splunk:8088/services/collector", "https://splunk:8088/services/collector"),
        ("https://splunk:8088/services/collector/", "https://splunk:8088/services/collector"),
        ("https://splunk:8088/services/collector/event", "https://splunk:8088/services/collector"),
        ("https://splunk:8088/services/collector/event/1.0", "https://splunk:8088/services/collector"),
        ("https://splunk:8088/services/collector/raw", "https://splunk:8088/services/collector"),
        ("https://lb/splunk/", "https://lb/splunk/services/collector"),
        ("https://lb/splunk/services/collector/event?x=1", "https://lb/splunk/services/collector"),
        ("https://lb/event", "https://lb/event/services/collector"),
    ] {
        assert_eq!(base(&endpoint.parse().unwrap()).as_str(), base_path, "{endpoint}");
    }
}
