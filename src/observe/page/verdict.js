// The whole in one sentence: does the SIEM have everything?

import { element } from "./dom.js";
import { ago, bytes, clock, count, counted, duration, instant, prose, seconds } from "./format.js";
import { mark } from "./lane.js";

/** What each kind of problem is called in the headline, the tab's title and by a screen reader. */
const SHORT = {
  "not-running": () => "auditferry is not running",
  "stream-held": (subject) => `${subject} is held`,
  "stream-failing": (subject) => `${subject} can’t be polled`,
  "stream-late": (subject) => `${subject} is late`,
  "sink-held": (subject) => `${subject} is held`,
  "sink-waiting": (subject) => `${subject} takes no events`,
  "spool-nearly-full": () => "the spool is nearly full",
  "store-failing": () => "the store fails",
  "dead-letters": (subject) => `${subject} has refused events`,
  "horizon-low": (subject) => `${subject} is about to lose events`,
};
/** Those that mend themselves, or where nothing is at stake yet. */
const MILD = ["stream-failing", "stream-late", "sink-waiting", "dead-letters", "spool-nearly-full"];

const short = ({ code, subject }) => (SHORT[code] ?? (() => `${subject ? `${subject}: ` : ""}${code.replaceAll("-", " ")}`))(subject);
const kindOf = (problem) => (MILD.includes(problem.code) ? "warn" : "bad");
/** What does not mend itself stands above what does. */
export const worstFirst = (problems) => ["bad", "warn"].flatMap((kind) => problems.filter((problem) => kindOf(problem) === kind));
const least = (values) => values.reduce((one, other) => (other < one ? other : one));
const sum = (values) => values.reduce((total, value) => total + value, 0);

/** Complete up to here, whatever the stream; null while a stream is nowhere complete. */
function completeTo(streams) {
  const ends = streams.map((stream) => stream.complete_to);
  return ends.length === 0 || ends.includes(null) ? null : ends.reduce((one, other) => (Date.parse(other) < Date.parse(one) ? other : one));
}

// The newest instant up to which, at some look, everything was collected and nothing waited. It stays true
// while later events are on their way.
let delivered = { of: "", to: null };

function deliveredTo(status, to) {
  const of = JSON.stringify([status.started, status.streams.map((stream) => [stream.source, stream.stream]), status.sinks.map((sink) => sink.name)]);
  if (delivered.of !== of) delivered = { of, to: null };
  if (to && status.sinks.every((sink) => sink.waiting === 0)) delivered.to = to;
  return delivered.to;
}

/** `{ kind, headline, title }`: how it is, in one sentence for the page and one for its tab. */
function judge(status) {
  const { streams, sinks, problems, at: now } = status;
  const to = completeTo(streams);
  const has = deliveredTo(status, to);
  if (problems.length > 0) {
    const kind = problems.some((problem) => kindOf(problem) === "bad") ? "bad" : "warn";
    const named = [...new Set(problems.map(short))];
    const headline = `${counted(problems.length, "problem")}: ${named.slice(0, 2).join(", ")}${named.length > 2 ? " and more" : ""}`;
    return { kind, headline, title: `(${problems.length}) ${named[0]}` };
  }
  const idle = (headline) => ({ kind: "idle", headline, title: "catching up" });
  if (streams.length === 0 || sinks.length === 0) return idle(`No ${streams.length === 0 ? "source" : "sink"} is configured`);
  const complete = streams.filter((stream) => stream.complete_to !== null).length;
  if (!to) return idle(`Reading what the providers remember: ${complete} of ${counted(streams.length, "stream")} complete`);
  const gaps = sum(streams.map((stream) => stream.gaps));
  const except = gaps > 0 ? `, except ${gaps === 1 ? "one gap" : `${count(gaps)} gaps`}` : "";
  if (!has) return idle(`Everything up to ${clock(to, now)} is collected${except}; it is on its way to your SIEM`);
  const patience = Math.max(60, ...streams.map((stream) => 3 * stream.poll_interval_seconds));
  if (seconds(has, now) > 2 * patience) return idle(`Catching up: your SIEM has everything up to ${clock(has, now)}${except}`);
  return { kind: "good", headline: `Your SIEM has everything up to ${clock(has, now)}${except}`, title: "all delivered" };
}

function figure(term, value, note) {
  return element("div", {}, element("dt", {}, term), element("dd", {}, element("strong", {}, value), " ", element("span", {}, note)));
}

function figures(status) {
  const { streams, sinks, at: now } = status;
  const to = completeTo(streams);
  const waiting = sum(sinks.map((sink) => sink.waiting));
  const size = sum(sinks.map((sink) => sink.waiting_bytes));
  const left = streams.map((stream) => stream.horizon_remaining_seconds).filter((value) => value !== null);
  const lately = streams.flatMap((stream) => stream.collected.counts);
  return element("dl", { class: "key figures" },
    figure("Complete up to", to ? instant(to, clock(to, now)) : "–", to ? ago(to, now) : "not every stream is"),
    figure("Collected", lately.length > 0 ? count(sum(lately)) : "–", "in the last 24 hours"),
    figure("Waiting", count(waiting), size > 0 ? `for sinks, ${bytes(size)}` : `for ${counted(sinks.length, "sink")}`),
    figure("Time to mend", left.length > 0 ? duration(least(left)) : "–", "until a provider forgets what is not collected"));
}

/** Nothing is lost is what one wants to know first, when it is so. */
function stake(status) {
  if (status.problems.length === 0) return null;
  const waits = status.sinks.filter((sink) => sink.waiting > 0).map((sink) => `${count(sink.waiting)} for ${sink.name}`);
  const forgets = status.streams.some((stream) => stream.horizon_remaining_seconds === 0);
  const kept = waits.length > 0 ? `What is collected is safe on disk and waits: ${waits.join(", ")}.` : "Nothing that is collected waits.";
  return element("p", {}, forgets ? `${kept} A provider has begun to forget what is not collected.` : kept);
}

/** Shows how it is: `{ kind, headline, title, body }`. */
export function verdict(status) {
  const { kind, headline, title } = judge(status);
  return { kind, headline, title, body: [stake(status), figures(status)] };
}

/** The sentence with its sign. */
export function sentence({ kind, headline, body }) {
  return [element("h2", { id: "headline" }, mark(kind), element("span", {}, headline)), ...body.filter((part) => part !== null)];
}

/** A problem with what to do about it. */
export function problemCard(problem, now) {
  const { code, subject, what, since, advice } = problem;
  const kind = kindOf(problem);
  const when = since ? element("p", { class: "soft" }, "For ", instant(since, duration(seconds(since, now))), `, since ${clock(since, now)}`) : null;
  return element("li", { class: `card problem ${kind}`, "data-key": `${code} ${subject}` },
    element("h3", {}, mark(kind), element("span", {}, prose(what))),
    when,
    element("p", {}, prose(advice), " ", element("a", { href: `runbook#${code}` }, `Runbook: ${code}`)));
}
