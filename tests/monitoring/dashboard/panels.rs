//! What the dashboard shows, as a table. How it is written for Grafana stands in `grafana`.
//!
//! In the selectors of expressions INSTANCE, SOURCE, STREAM and SINK stand for what is chosen on top of the page.

/// Panels below one heading, from left to right, from top to bottom.
pub(super) struct Row {
    pub(super) title: &'static str,
    pub(super) panels: &'static [Panel],
}

/// A picture of some queries.
pub(super) struct Panel {
    pub(super) title: &'static str,
    /// What it means, and when to worry.
    pub(super) description: &'static str,
    /// In columns, of which a dashboard has 24.
    pub(super) width: u32,
    /// Grafana's name of it.
    pub(super) unit: &'static str,
    pub(super) shows: Shows,
    pub(super) queries: &'static [Query],
}

/// How a panel shows its queries.
#[derive(Clone, Copy)]
pub(super) enum Shows {
    /// The value now, coloured.
    Number(&'static [Step]),
    /// The value now as a word.
    Word(&'static [Word]),
    /// A line each over time.
    Lines,
    /// Areas over time, one on top of the other.
    Areas,
    /// A band each over time, that changes its colour.
    Bands(&'static [Word]),
}

/// From this value on, this colour; the first one's also below.
pub(super) type Step = (f64, &'static str);
/// For this value, this word in this colour.
pub(super) type Word = (u8, &'static str, &'static str);
/// An expression and the legend of its series.
pub(super) type Query = (&'static str, &'static str);

const PLAIN: Shows = Shows::Number(&[(0.0, "blue")]);
const NONE_IS_GOOD: Shows = Shows::Number(&[(0.0, "green"), (1.0, "red")]);
const STREAM_STATES: Shows = Shows::Bands(&[
    (0, "never polled", "blue"),
    (1, "working", "green"),
    (2, "failing", "orange"),
    (3, "held", "red"),
]);
const SINK_STATES: Shows =
    Shows::Bands(&[(1, "working", "green"), (2, "retrying", "orange"), (3, "held", "red")]);

const fn panel(
    title: &'static str,
    description: &'static str,
    (width, unit): (u32, &'static str),
    shows: Shows,
    queries: &'static [Query],
) -> Panel {
    Panel { title, description, width, unit, shows, queries }
}

pub(super) const ROWS: [Row; 5] = [
    Row {
        title: "Does the SIEM have everything?",
        panels: &[
            panel(
                "Ready",
                "What /readyz says; no as well where an instance can't be scraped. The status page says why.",
                (3, "none"),
                Shows::Word(&[(0, "no", "red"), (1, "yes", "green")]),
                &[("min(auditferry_ready{INSTANCE} or 0 * up{INSTANCE, job=\"auditferry\"})", "ready")],
            ),
            panel(
                "Problems",
                "What the status page asks a person to look at.",
                (3, "none"),
                NONE_IS_GOOD,
                &[("sum(auditferry_problems{INSTANCE})", "problems")],
            ),
            panel(
                "Worst lag",
                "Of all streams: how long ago the provider was read completely. About a poll interval is normal.",
                (3, "s"),
                Shows::Number(&[(0.0, "green"), (900.0, "orange"), (3600.0, "red")]),
                &[("max(auditferry_lag_seconds{STREAM})", "lag")],
            ),
            panel(
                "Waiting events",
                "Collected, and still to be taken by a sink; counted once for each sink.",
                (3, "short"),
                PLAIN,
                &[("sum(auditferry_sink_waiting_events{SINK})", "waiting")],
            ),
            panel(
                "Oldest waiting",
                "Of all sinks: how long ago the oldest event was collected that is still to be taken.",
                (3, "s"),
                Shows::Number(&[(0.0, "green"), (300.0, "orange"), (900.0, "red")]),
                &[("max(auditferry_sink_oldest_waiting_seconds{SINK})", "oldest")],
            ),
            panel(
                "Gaps",
                "Parts of the past that can't be collected any more: the provider forgot them first.",
                (3, "none"),
                NONE_IS_GOOD,
                &[("sum(auditferry_gaps_total{STREAM})", "gaps")],
            ),
            panel(
                "Dead letters",
                "Events that a receiver refused for good. They are kept; `auditferry dead-letters list` shows them.",
                (3, "short"),
                Shows::Number(&[(0.0, "green"), (1.0, "orange")]),
                &[("sum(auditferry_dead_letters{SINK})", "dead letters")],
            ),
            panel(
                "Until events are lost",
                "Of all streams: if nothing were collected from now on, the provider would begin to forget after this.",
                (3, "s"),
                Shows::Number(&[(0.0, "red"), (604_800.0, "orange"), (1_209_600.0, "green")]),
                &[("min(auditferry_horizon_remaining_seconds{STREAM})", "left")],
            ),
            panel(
                "Collected and delivered",
                "Events a minute. With several sinks each event is delivered once for each of them.",
                (12, "cpm"),
                Shows::Lines,
                &[
                    (
                        "60 * sum(rate(auditferry_events_collected_total{STREAM}[$__rate_interval]))",
                        "collected",
                    ),
                    (
                        "60 * sum by (sink) (rate(auditferry_events_delivered_total{SINK}[$__rate_interval]))",
                        "delivered to {{sink}}",
                    ),
                ],
            ),
            panel(
                "Problems by kind",
                "Each kind is a section of the runbook, which auditferry serves at /runbook.",
                (12, "none"),
                Shows::Areas,
                &[("sum by (code) (auditferry_problems{INSTANCE})", "{{code}}")],
            ),
        ],
    },
    Row {
        title: "Streams: from the provider",
        panels: &[
            panel(
                "State of the streams",
                "Held: the provider refuses, and somebody has to mend it. Failing: it is tried again by itself.",
                (24, "none"),
                STREAM_STATES,
                &[(
                    "max by (source, stream) (sum without (state) (auditferry_stream_state{STREAM, state=\"working\"} \
                     or 2 * auditferry_stream_state{STREAM, state=\"failing\"} \
                     or 3 * auditferry_stream_state{STREAM, state=\"held\"}))",
                    "{{source}}/{{stream}}",
                )],
            ),
            panel(
                "Lag",
                "How long ago the provider was read completely. A saw of the height of the poll interval is normal.",
                (12, "s"),
                Shows::Lines,
                &[("max by (source, stream) (auditferry_lag_seconds{STREAM})", "{{source}}/{{stream}}")],
            ),
            panel(
                "Events collected",
                "Events a minute. A stream that falls silent may be a quiet account: compare with its state and lag.",
                (12, "cpm"),
                Shows::Areas,
                &[(
                    "60 * sum by (source, stream) (rate(auditferry_events_collected_total{STREAM}[$__rate_interval]))",
                    "{{source}}/{{stream}}",
                )],
            ),
            panel(
                "Polls by outcome",
                "Polls a minute. Failed ones are tried again after a rest; refused ones hold the stream.",
                (12, "cpm"),
                Shows::Areas,
                &[(
                    "60 * sum by (source, stream, outcome) (rate(auditferry_polls_total{STREAM}[$__rate_interval]))",
                    "{{source}}/{{stream}} {{outcome}}",
                )],
            ),
            panel(
                "Requests by status",
                "Requests a minute to the provider, by the HTTP status of the answer; error is no answer at all.",
                (12, "cpm"),
                Shows::Areas,
                &[(
                    "60 * sum by (source, status) (rate(auditferry_requests_total{STREAM}[$__rate_interval]))",
                    "{{source}} {{status}}",
                )],
            ),
            panel(
                "Latency of requests",
                "From sending to the whole answer.",
                (12, "s"),
                Shows::Lines,
                &[
                    (
                        "histogram_quantile(0.5, sum by (le, source) \
                         (rate(auditferry_request_duration_seconds_bucket{STREAM}[$__rate_interval])))",
                        "{{source}} median",
                    ),
                    (
                        "histogram_quantile(0.95, sum by (le, source) \
                         (rate(auditferry_request_duration_seconds_bucket{STREAM}[$__rate_interval])))",
                        "{{source}} 95 %",
                    ),
                    (
                        "histogram_quantile(0.99, sum by (le, source) \
                         (rate(auditferry_request_duration_seconds_bucket{STREAM}[$__rate_interval])))",
                        "{{source}} 99 %",
                    ),
                ],
            ),
            panel(
                "Duration of polls",
                "Of complete polls, 95 of 100 take less. Near the poll interval, the interval is too short.",
                (12, "s"),
                Shows::Lines,
                &[(
                    "histogram_quantile(0.95, sum by (le, source, stream) \
                     (rate(auditferry_poll_duration_seconds_bucket{STREAM}[$__rate_interval])))",
                    "{{source}}/{{stream}}",
                )],
            ),
            panel(
                "Until the provider forgets",
                "What is not collected by then is lost. It shrinks only while a stream is not collected.",
                (12, "s"),
                Shows::Lines,
                &[(
                    "min by (source, stream) (auditferry_horizon_remaining_seconds{STREAM})",
                    "{{source}}/{{stream}}",
                )],
            ),
            panel(
                "Quota",
                "Requests that the provider still allows, by its last answer, and answers that said to wait. At HubSpot \
                 the smaller of what is left of ten seconds and of the day counts.",
                (12, "short"),
                Shows::Lines,
                &[
                    ("min by (source) (auditferry_quota_remaining{SOURCE})", "{{source}} left"),
                    (
                        "60 * sum by (source) (rate(auditferry_rate_limited_total{SOURCE}[$__rate_interval]))",
                        "{{source}} told to wait, a minute",
                    ),
                ],
            ),
            panel(
                "Records read",
                "Records a minute. Known ones come from reading behind the cursor again, which finds late events.",
                (12, "cpm"),
                Shows::Areas,
                &[
                    (
                        "60 * sum by (source, stream) (rate(auditferry_records_new_total{STREAM}[$__rate_interval]))",
                        "{{source}}/{{stream}} new",
                    ),
                    (
                        "60 * sum by (source, stream) (rate(auditferry_records_known_total{STREAM}[$__rate_interval]))",
                        "{{source}}/{{stream}} known",
                    ),
                ],
            ),
            panel(
                "Out of the ordinary",
                "Events within an hour. Late: they came at the provider after that time had been read. Unmapped: of a \
                 kind that this version does not know. Unreadable: records that could not be read. All were delivered.",
                (12, "short"),
                Shows::Lines,
                &[
                    (
                        "sum by (source, stream) (increase(auditferry_events_late_total{STREAM}[1h]))",
                        "{{source}}/{{stream}} late",
                    ),
                    (
                        "sum by (source, stream) (increase(auditferry_events_unmapped_total{STREAM}[1h]))",
                        "{{source}}/{{stream}} unmapped",
                    ),
                    (
                        "sum by (source, stream) (increase(auditferry_records_unreadable_total{STREAM}[1h]))",
                        "{{source}}/{{stream}} unreadable",
                    ),
                ],
            ),
            panel(
                "Since the last reconcile",
                "The deeper walk for what came late, once per reconcile_interval.",
                (12, "s"),
                Shows::Lines,
                &[(
                    "time() - max by (source, stream) (auditferry_last_reconcile_timestamp_seconds{STREAM})",
                    "{{source}}/{{stream}}",
                )],
            ),
            panel(
                "Clock skew",
                "The provider's clock minus this host's. Beyond a minute, set the host's clock right.",
                (12, "s"),
                Shows::Lines,
                &[(
                    "max by (source, instance) (auditferry_clock_skew_seconds{SOURCE})",
                    "{{source}} {{instance}}",
                )],
            ),
        ],
    },
    Row {
        title: "Sinks: to the SIEM",
        panels: &[
            panel(
                "State of the sinks",
                "Held: the receiver refuses, and somebody has to mend it. Retrying: it is tried again by itself.",
                (24, "none"),
                SINK_STATES,
                &[(
                    "max by (sink) (sum without (state) (auditferry_sink_state{SINK, state=\"working\"} \
                     or 2 * auditferry_sink_state{SINK, state=\"retrying\"} \
                     or 3 * auditferry_sink_state{SINK, state=\"held\"}))",
                    "{{sink}}",
                )],
            ),
            panel(
                "Events delivered",
                "Events a minute that the receiver has accepted.",
                (12, "cpm"),
                Shows::Lines,
                &[(
                    "60 * sum by (sink) (rate(auditferry_events_delivered_total{SINK}[$__rate_interval]))",
                    "{{sink}}",
                )],
            ),
            panel(
                "Waiting events",
                "Collected, and still to be taken. It should fall back to nearly nothing again and again.",
                (12, "short"),
                Shows::Lines,
                &[("sum by (sink) (auditferry_sink_waiting_events{SINK})", "{{sink}}")],
            ),
            panel(
                "Oldest waiting",
                "Since the oldest waiting event was collected; 0 when nothing waits. Beyond 5 minutes /readyz is red.",
                (12, "s"),
                Shows::Lines,
                &[("max by (sink) (auditferry_sink_oldest_waiting_seconds{SINK})", "{{sink}}")],
            ),
            panel(
                "Waiting bytes",
                "From the oldest waiting event to the newest in the spool.",
                (12, "bytes"),
                Shows::Lines,
                &[("sum by (sink) (auditferry_sink_waiting_bytes{SINK})", "{{sink}}")],
            ),
            panel(
                "Deliveries by outcome",
                "Batches a minute. Partly: some events were refused for good and the others taken.",
                (12, "cpm"),
                Shows::Areas,
                &[(
                    "60 * sum by (sink, outcome) (rate(auditferry_deliveries_total{SINK}[$__rate_interval]))",
                    "{{sink}} {{outcome}}",
                )],
            ),
            panel(
                "Latency of deliveries",
                "From sending a batch to the receiver's verdict on it.",
                (12, "s"),
                Shows::Lines,
                &[
                    (
                        "histogram_quantile(0.5, sum by (le, sink) \
                         (rate(auditferry_delivery_duration_seconds_bucket{SINK}[$__rate_interval])))",
                        "{{sink}} median",
                    ),
                    (
                        "histogram_quantile(0.95, sum by (le, sink) \
                         (rate(auditferry_delivery_duration_seconds_bucket{SINK}[$__rate_interval])))",
                        "{{sink}} 95 %",
                    ),
                    (
                        "histogram_quantile(0.99, sum by (le, sink) \
                         (rate(auditferry_delivery_duration_seconds_bucket{SINK}[$__rate_interval])))",
                        "{{sink}} 99 %",
                    ),
                ],
            ),
            panel(
                "Sent again, and refused for good",
                "Events within an hour. An event that is sent several times counts each time.",
                (12, "short"),
                Shows::Lines,
                &[
                    (
                        "sum by (sink) (increase(auditferry_events_retried_total{SINK}[1h]))",
                        "{{sink}} sent again",
                    ),
                    (
                        "sum by (sink) (increase(auditferry_events_dead_lettered_total{SINK}[1h]))",
                        "{{sink}} refused",
                    ),
                ],
            ),
            panel(
                "Since the last success",
                "How long ago the receiver accepted something. A quiet sink still gets heartbeats every 15 minutes.",
                (12, "s"),
                Shows::Lines,
                &[(
                    "time() - max by (sink) (auditferry_sink_last_success_timestamp_seconds{SINK})",
                    "{{sink}}",
                )],
            ),
        ],
    },
    Row {
        title: "Store: in between",
        panels: &[
            panel(
                "Spool",
                "Bytes of events that a sink has still to take. At its limit polling pauses, and nothing is dropped.",
                (12, "bytes"),
                Shows::Lines,
                &[
                    ("max by (instance) (auditferry_spool_used_bytes{INSTANCE})", "{{instance}} used"),
                    ("max by (instance) (auditferry_spool_max_bytes{INSTANCE})", "{{instance}} limit"),
                ],
            ),
            panel(
                "Use of the spool",
                "Beyond 90 % /readyz is red.",
                (12, "percentunit"),
                Shows::Lines,
                &[(
                    "max by (instance) (auditferry_spool_used_bytes{INSTANCE} / auditferry_spool_max_bytes{INSTANCE})",
                    "{{instance}}",
                )],
            ),
            panel(
                "Latency of commits",
                "One transaction of the store, to disk. A slow disk shows here first.",
                (12, "s"),
                Shows::Lines,
                &[
                    (
                        "histogram_quantile(0.5, sum by (le, instance) \
                         (rate(auditferry_commit_duration_seconds_bucket{INSTANCE}[$__rate_interval])))",
                        "{{instance}} median",
                    ),
                    (
                        "histogram_quantile(0.99, sum by (le, instance) \
                         (rate(auditferry_commit_duration_seconds_bucket{INSTANCE}[$__rate_interval])))",
                        "{{instance}} 99 %",
                    ),
                ],
            ),
            panel(
                "Commits",
                "Transactions a minute, and those that failed: no room on the disk, or no right to write there.",
                (12, "cpm"),
                Shows::Lines,
                &[
                    (
                        "60 * sum by (instance) \
                         (rate(auditferry_commit_duration_seconds_count{INSTANCE}[$__rate_interval]))",
                        "{{instance}} commits",
                    ),
                    (
                        "60 * sum by (instance) (rate(auditferry_commits_failed_total{INSTANCE}[$__rate_interval]))",
                        "{{instance}} failed",
                    ),
                ],
            ),
            panel(
                "Size of the store",
                "The database and its log in the state directory. Delivered events stay for spool.retention.",
                (12, "bytes"),
                Shows::Lines,
                &[("max by (instance) (auditferry_store_size_bytes{INSTANCE})", "{{instance}}")],
            ),
        ],
    },
    Row {
        title: "Process",
        panels: &[
            panel(
                "Memory",
                "Resident, bytes.",
                (12, "bytes"),
                Shows::Lines,
                &[("max by (instance) (process_resident_memory_bytes{INSTANCE})", "{{instance}}")],
            ),
            panel(
                "Processor",
                "Share of one processor.",
                (12, "percentunit"),
                Shows::Lines,
                &[(
                    "sum by (instance) (rate(process_cpu_seconds_total{INSTANCE}[$__rate_interval]))",
                    "{{instance}}",
                )],
            ),
            panel(
                "Open files",
                "Connections and files, and how many the system allows.",
                (12, "short"),
                Shows::Lines,
                &[
                    ("max by (instance) (process_open_fds{INSTANCE})", "{{instance}} open"),
                    ("max by (instance) (process_max_fds{INSTANCE})", "{{instance}} allowed"),
                ],
            ),
            panel(
                "Running for",
                "Since the process started, with its version. A saw means that something keeps ending it.",
                (12, "s"),
                Shows::Lines,
                &[(
                    "(time() - process_start_time_seconds{INSTANCE}) \
                     * on (job, instance) group_left (version) auditferry_build_info{INSTANCE}",
                    "{{instance}} {{version}}",
                )],
            ),
        ],
    },
];
