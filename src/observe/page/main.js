// Asks the daemon again and again, and shows what it says.

import { byId, element, show } from "./dom.js";
import { clock, day, duration, instant, seconds } from "./format.js";
import { sinkLane, sources, tank } from "./lane.js";
import { legend } from "./picture.js";
import { problemCard, sentence, verdict, worstFirst } from "./verdict.js";

// How often the daemon is asked, and how long it may take, in milliseconds.
const INTERVAL = 2000;
const PATIENCE = 6000;
/** Over so many seconds it is seen how fast a sink's backlog shrinks. */
const DRAIN_SPAN = 60;

let lastStatus = null;
let token = sessionStorage.getItem("token");

// The icons are kept, because a daemon that has gone serves none.
const icons = {};
for (const kind of ["good", "warn", "bad", "idle"]) {
  fetch(`page/${kind}.svg`).then((answer) => answer.blob()).then((blob) => (icons[kind] = URL.createObjectURL(blob))).catch(() => {});
}

// A screen reader should hear of a change, not every two seconds of the same: times and counts are none.
let announced = "";

function announce(news, text) {
  if (news === announced) return;
  announced = news;
  byId("announcement").textContent = text;
}

function showVerdict(judged, news) {
  byId("verdict").className = `card ${judged.kind}`;
  show(byId("verdict"), sentence(judged));
  document.title = `${judged.title} · auditferry`;
  const icon = document.querySelector("link[rel=icon]");
  const href = icons[judged.kind] ?? `page/${judged.kind}.svg`;
  if (icon.getAttribute("href") !== href) icon.setAttribute("href", href);
  announce(news, judged.headline);
}

// What waited for each sink at the last looks, oldest first.
let looks = [];

/** In how many seconds nothing waits for the sink any more, if it goes on like that; null when it does not shrink. */
function drain(sink, now) {
  const before = looks.find((look) => look.sinks[sink.name] !== undefined);
  const passed = before ? seconds(before.at, now) : 0;
  const fewer = before ? before.sinks[sink.name] - sink.waiting : 0;
  return passed >= 5 && fewer > 0 && sink.waiting > fewer ? (sink.waiting / fewer) * passed : null;
}

function look(status) {
  looks = looks.filter((past) => seconds(past.at, status.at) <= DRAIN_SPAN);
  looks.push({ at: status.at, sinks: Object.fromEntries(status.sinks.map((sink) => [sink.name, sink.waiting])) });
}

function gapTable(status) {
  const time = (at) => instant(at, `${day(at)} ${clock(at, at)}`);
  const row = (gap) => [`${gap.source}/${gap.stream}`, time(gap.from), time(gap.to), duration(seconds(gap.from, gap.to))];
  const cells = (name, values) => element("tr", {}, values.map((value) => element(name, name === "th" ? { scope: "col" } : {}, value)));
  return [
    element("h2", { id: "gaps-heading" }, "Gaps: what can’t be collected any more"),
    element("div", { class: "card scroll", tabindex: "0", role: "region", "aria-label": "Table of gaps" },
      element("table", {},
        element("thead", {}, cells("th", ["Stream", "From", "To", "Length"])),
        element("tbody", {}, status.gaps.map((gap) => cells("td", row(gap)))))),
    element("p", {}, element("a", { href: "runbook#gap" }, "Runbook: gap")),
  ];
}

function showStatus(status) {
  const now = status.at;
  status.problems = worstFirst(status.problems);
  const judged = verdict(status);
  byId("version").textContent = status.version;
  byId("uptime").textContent = status.started ? `running for ${duration(seconds(status.started, now))}` : "";
  showVerdict(judged, [judged.kind, ...status.problems.map(({ code, subject }) => `${code} ${subject}`)].join());
  byId("problems").hidden = status.problems.length === 0;
  show(byId("problem-list"), status.problems.map((problem) => problemCard(problem, now)));
  show(byId("streams"), sources(status, lastStatus));
  show(byId("spool"), tank(status));
  show(byId("sinks"), status.sinks.map((sink) => sinkLane(status, lastStatus, sink, drain(sink, now))));
  byId("gaps").hidden = status.gaps.length === 0;
  show(byId("gaps"), status.gaps.length > 0 ? gapTable(status) : []);
  byId("status").hidden = false;
  byId("status").classList.remove("stale");
  look(status);
  lastStatus = status;
}

/** A status that this page can't show is no reason to stop, nor one to look well. */
function showOrTell(status) {
  try {
    showStatus(status);
  } catch (failure) {
    console.error(failure);
    showSilence("This page can’t show what the daemon says", `${failure}. See the status as JSON, and load this page anew.`, "not-running");
  }
}

/** What is shown stays, marked as old. */
function showSilence(headline, advice, code) {
  const old = lastStatus ? ` What stands below is of ${clock(lastStatus.at, new Date())} and not current.` : "";
  const body = [element("p", {}, `${advice}${old} `, element("a", { href: `runbook#${code}` }, `Runbook: ${code}`))];
  showVerdict({ kind: "bad", headline, title: "no answer", body }, headline);
  byId("uptime").textContent = "";
  byId("problems").hidden = true;
  byId("status").classList.add("stale");
}

/** Asks for the token; a token that was sent is not the right one. */
function showDoor() {
  byId("token-fault").textContent = token ? "The daemon does not take this token." : "";
  forget();
  byId("status").hidden = true;
  document.title = "token needed · auditferry";
  setDoor(true);
}

function setDoor(open) {
  const was = byId("token-form").hidden;
  byId("token-form").hidden = !open;
  byId("verdict").hidden = open;
  // A browser sends no token for a link.
  for (const link of document.querySelectorAll(".guarded")) link.hidden = open || token !== null;
  byId("forget").hidden = open || token === null;
  if (open && was) byId("token").focus();
}

function forget() {
  token = null;
  sessionStorage.removeItem("token");
}

/** Whether to go on asking. */
async function ask() {
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  const answer = await fetch("api/status", { headers, cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
  if (answer.status === 401) {
    showDoor();
    return false;
  }
  const body = await answer.json();
  setDoor(false);
  if (answer.ok) showOrTell(body);
  else showSilence(body.error, "The daemon works and keeps trying; look at its log and at the disk.", "store-failing");
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  byId("seen").textContent = `Asked every ${INTERVAL / 1000} s, last answer at ${clock(new Date(), new Date())}. Times are those of ${zone}.`;
  return true;
}

// So many questions in a row without an answer: one may get lost on a busy machine.
let unanswered = 0;

async function refresh() {
  let goOn = true;
  try {
    goOn = await ask();
    unanswered = 0;
  } catch {
    unanswered += 1;
    if (unanswered > 1 || lastStatus === null) showSilence("The daemon does not answer", "It has stopped, or can’t be reached from here. This page goes on by itself when it answers again.", "not-running");
  }
  if (goOn) setTimeout(refresh, INTERVAL);
}

byId("token-form").addEventListener("submit", (event) => {
  event.preventDefault();
  token = byId("token").value.trim();
  sessionStorage.setItem("token", token);
  byId("token").value = "";
  refresh();
});

byId("forget").addEventListener("click", () => {
  forget();
  location.reload();
});

show(byId("legend"), legend());
refresh();
