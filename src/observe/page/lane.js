// The way of the events: sources with their streams, the disk, the sinks.

import { element, svg } from "./dom.js";
import { ago, bytes, count, counted, duration, orNone, seconds } from "./format.js";
import { chart, strip } from "./picture.js";

const MARKS = {
  good: "M4.5 8.3l2.4 2.4 4.6-5",
  warn: "M8 4.3v4.4M8 11.3v.2",
  bad: "M5.3 5.3l5.4 5.4M10.7 5.3l-5.4 5.4",
  idle: "M5 8h.1M8 8h.1M11 8h.1",
};

/** A sign of its own for each kind of state, so that none is told by colour alone. */
export function mark(kind) {
  const frame = kind === "warn" ? svg("path", { d: "M8 1.2l7 13H1z" }) : svg("circle", { cx: 8, cy: 8, r: 7 });
  return svg("svg", { class: "mark", viewBox: "0 0 16 16", "aria-hidden": "true" }, frame, svg("path", { class: "sign", d: MARKS[kind] }));
}

const badge = (kind, word) => element("p", { class: `badge ${kind}` }, mark(kind), word);

/** Terms with values; without those whose value is null. */
function figures(...pairs) {
  const shown = pairs.filter(([, value]) => value !== null);
  return element("dl", { class: "figures" }, shown.map(([term, value]) => element("div", {}, element("dt", {}, term), element("dd", {}, value))));
}

function reason(of, code) {
  if (!of.reason) return null;
  return element("p", { class: "reason" }, `${of.reason} `, element("a", { href: `runbook#${code}` }, "What to do"));
}

const head = (level, name, ...rest) => element("div", { class: "head" }, element(level, {}, name), rest);

const STREAM_KINDS = { working: "good", failing: "warn", held: "bad", "never-polled": "idle" };

/** Whether a count has grown since the last look: then the line from or to it moves. */
const moving = (now, before) => (before !== undefined && now > before ? " moving" : "");

function streamLane(status, before, stream) {
  const now = status.at;
  const was = before?.streams.find((old) => old.source === stream.source && old.stream === stream.stream);
  const late = status.problems.some((problem) => problem.code === "stream-late" && problem.subject === `${stream.source}/${stream.stream}`);
  const kind = late ? "warn" : STREAM_KINDS[stream.state] ?? "idle";
  const first = stream.events > 0 ? "first poll under way" : "waiting for the first poll";
  const word = stream.state === "never-polled" ? first : late && stream.state === "working" ? "late" : stream.state;
  const gaps = status.gaps.filter((gap) => gap.source === stream.source && gap.stream === stream.stream);
  return element("li", { class: `lane ${kind}${moving(stream.events, was?.events)}`, "data-key": stream.stream },
    head("h4", stream.stream, badge(kind, word)),
    reason(stream, stream.state === "held" ? "stream-held" : "stream-failing"),
    figures(
      ["Lag", orNone(stream.lag_seconds, duration)],
      ["Newest event", orNone(stream.newest_event, (time) => ago(time, now))],
      ["New in last poll", orNone(stream.last_poll, (poll) => `${count(poll.new)} of ${count(poll.read)}`)],
      ["Collected", count(stream.events)],
      ["Forgotten in", orNone(stream.horizon_remaining_seconds, duration)],
      ["Of unknown type", stream.unmapped_events ? count(stream.unmapped_events) : null],
      ["Not readable", stream.unreadable_records ? count(stream.unreadable_records) : null],
    ),
    element("div", { class: "pictures" }, chart(stream.collected, now), strip(stream, gaps, now)));
}

/** The streams of each source, in the configuration's order; `before` is the status of the last look, or null. */
export function sources(status, before) {
  const names = [...new Set(status.streams.map((stream) => stream.source))];
  return names.map((name) => element("section", { class: "source", "data-key": name, "aria-label": `Source ${name}` },
    element("h3", {}, name),
    element("ul", { class: "stack" }, status.streams.filter((stream) => stream.source === name).map((stream) => streamLane(status, before, stream)))));
}

/** The spool as a tank, filled from below. */
export function tank({ spool, store }) {
  const percent = spool.max_bytes > 0 ? Math.min(100, (spool.used_bytes / spool.max_bytes) * 100) : 0;
  const kind = store.failure || spool.full ? "bad" : percent > 90 ? "warn" : "good";
  const shown = spool.used_bytes > 0 ? Math.max(percent, 1) : 0;
  const level = { x: 0, width: "100%", y: `${(100 - shown).toFixed(1)}%`, height: `${shown.toFixed(1)}%` };
  const words = `${bytes(spool.used_bytes)} of ${bytes(spool.max_bytes)} wait`;
  return [
    element("h2", { id: "spool-heading" }, "On disk"),
    element("div", { class: `tank ${kind}` },
      svg("svg", { class: "level", "aria-hidden": "true" }, svg("rect", level)),
      element("div", { class: "label" },
        element("p", {}, element("strong", {}, `${Math.floor(percent)} %`), " full"),
        element("p", {}, words),
        spool.full ? element("p", { class: "reason" }, "Polling pauses until there is room") : null,
        store.failure ? element("p", { class: "reason" }, store.failure, " ", element("a", { href: "runbook#store-failing" }, "What to do")) : null,
        store.size_bytes > 0 ? element("p", { class: "soft" }, `State takes ${bytes(store.size_bytes)}`) : null)),
  ];
}

const SINK_KINDS = { working: "good", retrying: "warn", held: "bad" };

/** A sink; `drain` is in how many seconds nothing will wait any more, or null. */
export function sinkLane(status, before, sink, drain) {
  const now = status.at;
  const was = before?.sinks.find((old) => old.name === sink.name);
  const troubled = status.problems.some((problem) => problem.subject === sink.name && problem.code !== "dead-letters");
  const kind = sink.state === "working" && troubled ? "warn" : SINK_KINDS[sink.state] ?? "idle";
  const waiting = sink.waiting > 0 && sink.waiting_bytes > 0 ? `${count(sink.waiting)} (${bytes(sink.waiting_bytes)})` : count(sink.waiting);
  const word = sink.state !== "working" && sink.since ? `${sink.state} for ${duration(seconds(sink.since, now))}` : sink.state;
  const all = sink.sources.length === 0 || sink.sources.includes("*");
  return element("li", { class: `lane ${kind}${moving(sink.delivered, was?.delivered)}`, "data-key": sink.name },
    head("h3", sink.name, badge(kind, word)),
    element("p", { class: "soft" }, `Gets the events of ${all ? "every source" : sink.sources.join(", ")}`),
    reason(sink, sink.state === "held" ? "sink-held" : "sink-waiting"),
    figures(
      ["Waiting", waiting],
      ["Oldest waits", orNone(sink.oldest_waiting_seconds, duration)],
      ["Empty in about", drain === null ? null : duration(drain)],
      ["Delivered", count(sink.delivered)],
      ["Last accepted", orNone(sink.last_success, (time) => ago(time, now))],
      ["Dead letters", sink.dead_letters > 0 ? element("a", { href: "runbook#dead-letters" }, counted(sink.dead_letters, "event")) : "0"],
    ));
}
