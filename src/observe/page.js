"use strict";

// How often the daemon is asked, and how long it may take, in milliseconds.
const INTERVAL = 2000;
const PATIENCE = 6000;

const byId = (id) => document.getElementById(id);

/** An element with a class and children; text only ever becomes a text node. */
function element(name, className, ...children) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...children.filter((child) => child !== null));
  return made;
}

/** The same figures as `auditferry status`. */
function duration(seconds) {
  const minutes = Math.floor(seconds / 60);
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  if (seconds < 3600) return `${minutes} min`;
  if (seconds >= 172800) return `${Math.floor(seconds / 86400)} days`;
  const rest = minutes % 60;
  return rest === 0 ? `${Math.floor(minutes / 60)} h` : `${Math.floor(minutes / 60)} h ${rest} min`;
}

function bytes(count) {
  const units = [["TiB", 2 ** 40], ["GiB", 2 ** 30], ["MiB", 2 ** 20], ["KiB", 2 ** 10]];
  const unit = units.find(([, size]) => count >= size);
  return unit ? `${Math.floor((count / unit[1]) * 10) / 10} ${unit[0]}` : `${count} bytes`;
}

const count = (number) => number.toLocaleString("en-US");
const orNone = (value, show) => (value === null ? "–" : show(value));

/** By the daemon's clock, not by the browser's. */
function elapsed(time, now) {
  return duration(Math.max(0, (Date.parse(now) - Date.parse(time)) / 1000));
}

/** A time of which the tooltip tells the instant. */
function instant(time, text) {
  const made = element("time", "", text);
  made.dateTime = time;
  made.title = time;
  return made;
}

function figures(pairs) {
  const list = element("dl", "figures");
  for (const [term, value] of pairs) list.append(element("div", "", element("dt", "", term), element("dd", "", value)));
  return list;
}

/** A lane: name, state, figures, and why it is not well. */
function lane(kind, title, word, pairs, reason) {
  const head = element("div", "head", title, element("span", "badge", word));
  return element("li", kind, head, figures(pairs), reason ? element("p", "reason", reason) : null);
}

function streamLane(stream, now) {
  const kind = { working: "good", failing: "warn", held: "bad", "never-polled": "idle" }[stream.state];
  const first = stream.events > 0 ? "first poll under way" : "waiting for the first poll";
  const word = stream.state === "never-polled" ? first : stream.state;
  const title = element("h3", "", element("span", "of", `${stream.source} / `), stream.stream);
  return lane(kind, title, word, [
    ["Events", count(stream.events)],
    ["New in last poll", orNone(stream.last_poll, (poll) => `${count(poll.new)} of ${count(poll.read)}`)],
    ["Newest event", orNone(stream.newest_event, (time) => instant(time, `${elapsed(time, now)} ago`))],
    ["Lag", orNone(stream.lag_seconds, duration)],
    ["Forgotten in", orNone(stream.horizon_remaining_seconds, duration)],
  ], stream.reason);
}

function sinkLane(sink) {
  const kind = { working: "good", retrying: "warn", held: "bad" }[sink.state];
  return lane(kind, element("h3", "", sink.name), sink.state, [
    ["Delivered", count(sink.delivered)],
    ["Waiting", count(sink.waiting)],
    ["Oldest waits", orNone(sink.oldest_waiting_seconds, duration)],
    ["Dead letters", count(sink.dead_letters)],
  ], sink.reason);
}

function gapRow(gap) {
  const cells = [`${gap.source} / ${gap.stream}`, gap.from, gap.to];
  return element("tr", "", ...cells.map((cell) => element("td", "", cell)));
}

// A screen reader should hear of a change, not every two seconds of the same: figures that count up are none.
let announced = "";

function announce(word, problems) {
  const news = [word, ...problems.map((problem) => problem.what)].join(". ");
  const key = news.replace(/\d+/g, "");
  if (key === announced) return;
  announced = key;
  byId("announcement").textContent = news;
}

function problemCard(problem, now) {
  const when = problem.since ? element("span", "since", " for ", instant(problem.since, elapsed(problem.since, now))) : null;
  return element("li", "notice", element("h3", "", problem.what, when), element("p", "", problem.advice));
}

function showProblems(problems, now) {
  byId("problems").replaceChildren(...problems.map((problem) => problemCard(problem, now)));
}

function showState(word, kind) {
  byId("state").textContent = word;
  byId("state").className = `badge ${kind}`;
  document.title = kind === "good" ? "auditferry" : `${word} · auditferry`;
}

function showStatus(status) {
  const now = status.at;
  const problems = status.problems.length;
  const word = problems === 0 ? "working" : problems === 1 ? "1 problem" : `${problems} problems`;
  showState(word, problems === 0 ? "good" : "bad");
  byId("version").textContent = status.version;
  byId("uptime").textContent = status.started ? `running for ${elapsed(status.started, now)}` : "";
  byId("flow").classList.remove("stale");
  byId("streams").replaceChildren(...status.streams.map((stream) => streamLane(stream, now)));
  byId("sinks").replaceChildren(...status.sinks.map(sinkLane));
  const spool = byId("spool");
  spool.max = status.spool.max_bytes;
  spool.high = status.spool.max_bytes * 0.9;
  spool.value = status.spool.used_bytes;
  const full = status.spool.full ? " Full: polling pauses." : "";
  byId("spool-text").textContent = `${bytes(status.spool.used_bytes)} of ${bytes(status.spool.max_bytes)} wait.${full}`;
  byId("gaps").hidden = status.gaps.length === 0;
  byId("gap-rows").replaceChildren(...status.gaps.map(gapRow));
  showProblems(status.problems, now);
  announce(word, status.problems);
  byId("seen").textContent = `As of ${new Date(now).toLocaleTimeString()}`;
}

/** What is shown stays, marked as old. */
function showSilence(what, advice) {
  showState("no answer", "bad");
  byId("flow").classList.add("stale");
  const problem = { what, since: null, advice };
  showProblems([problem], null);
  announce("no answer", [problem]);
}

async function refresh() {
  try {
    const answer = await fetch("api/status", { cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
    const body = await answer.json();
    if (answer.ok) showStatus(body);
    else showSilence(body.error, "What stands below is not current. The daemon works and keeps trying; look at its log and at the disk.");
  } catch {
    showSilence("The daemon does not answer.", "It has stopped, or can’t be reached from here. What stands below is not current; this page goes on by itself when it answers again.");
  }
  setTimeout(refresh, INTERVAL);
}

refresh();
