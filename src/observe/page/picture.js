// What a stream has collected lately as bars, and what of its provider's memory is complete as a strip. Each
// says the same in words below, for those who do not see it.

import { element, svg } from "./dom.js";
import { clock, count, counted, day, duration, seconds } from "./format.js";

/** A gap is an hour in a year, and must be seen. */
const LEAST_PERCENT = 0.8;

function figure(title, picture, from, to, words) {
  const axis = element("p", { class: "axis", "aria-hidden": "true" }, element("span", {}, from), element("span", {}, to));
  return element("figure", { "aria-label": title }, picture, axis, element("figcaption", {}, words));
}

/** Events per interval of the last hours. The last bar is still growing. */
export function chart({ interval_seconds: interval, counts }, now) {
  const hours = duration(interval * counts.length);
  const sum = counts.reduce((total, number) => total + number, 0);
  const most = Math.max(...counts, 0);
  const bar = (number, index) => {
    if (number === 0) return "";
    const top = 40 - Math.max(1.5, (number / most) * 40);
    return `M${index} 40V${top.toFixed(1)}h.8V40Z`;
  };
  const last = counts.length - 1;
  const picture = svg("svg", { class: "chart", viewBox: `0 0 ${Math.max(counts.length, 1)} 40`, preserveAspectRatio: "none", "aria-hidden": "true" },
    svg("path", { class: "bars", d: counts.slice(0, last).map(bar).join("") || "M0 0" }),
    svg("path", { class: "bars under-way", d: last < 0 ? "M0 0" : bar(counts[last], last) || "M0 0" }));
  if (last < 0) return figure("Events lately", picture, "", "now", "No figures of the last hours yet");
  if (sum === 0) return figure("Events lately", picture, `${hours} ago`, "now", `No event in the last ${hours}`);
  const began = (Math.floor(Date.parse(now) / 1000 / interval) - last + counts.indexOf(most)) * interval * 1000;
  const busiest = `at most ${count(most)} in ${duration(interval)} at ${clock(began, began).slice(0, -3)}`;
  return figure("Events lately", picture, `${hours} ago`, "now", `${counted(sum, "event")} in ${hours}, ${busiest}`);
}

/** The kinds of segment, with what the legend says of them. */
const SEGMENTS = [
  ["complete", "complete"],
  ["gap", "gap: can’t be collected any more"],
  ["not-yet", "not yet collected"],
  ["before", "from before the start"],
];

function segment(kind, from, to) {
  const place = { x: `${from.toFixed(2)}%`, width: `${(to - from).toFixed(2)}%`, height: "100%" };
  const hatch = { gap: "url(#hatch)", before: "url(#dots)" }[kind];
  return [svg("rect", { class: kind, ...place }), hatch ? svg("rect", { fill: hatch, ...place }) : null];
}

/** The patterns that tell segments apart without colour; once in the page. */
function patterns() {
  const size = { width: 6, height: 6, patternUnits: "userSpaceOnUse" };
  return svg("defs", {},
    svg("pattern", { id: "hatch", ...size }, svg("path", { class: "hatch", d: "M-1 1l2-2M0 6l6-6M5 7l2-2" })),
    svg("pattern", { id: "dots", ...size }, svg("circle", { class: "dots", cx: 3, cy: 3, r: 0.9 })));
}

/** What each kind of segment looks like. */
export function legend() {
  return SEGMENTS.map(([kind, words], index) => {
    const swatch = svg("svg", { class: "swatch", "aria-hidden": "true" }, index === 0 ? patterns() : null, segment(kind, 0, 100));
    return element("li", {}, swatch, words);
  });
}

/** The provider's memory from its beginning to now. */
export function strip(stream, gaps, now) {
  const span = stream.horizon_seconds;
  const place = (time) => Math.min(100, Math.max(0, 100 - (seconds(time, now) / span) * 100));
  const { complete_from: from, complete_to: to } = stream;
  const known = from !== null && to !== null;
  const start = known ? place(from) : 100;
  const behind = stream.state !== "working" || stream.lag_seconds > 3 * stream.poll_interval_seconds + 60;
  const end = known ? Math.max(start, Math.min(place(to), behind ? 100 - LEAST_PERCENT : 100)) : 100;
  const inside = gaps.filter((gap) => seconds(gap.to, now) < span);
  const lost = inside.map((gap) => {
    const left = Math.min(place(gap.from), 100 - LEAST_PERCENT);
    return segment("gap", left, Math.max(place(gap.to), left + LEAST_PERCENT));
  });
  const picture = svg("svg", { class: "strip", "aria-hidden": "true" },
    segment("before", 0, start), segment("complete", start, end), segment("not-yet", end, 100), lost);
  return figure("Coverage of what the provider remembers", picture, `${duration(span)} ago`, "now", coverage(stream, inside, behind, now));
}

function coverage(stream, gaps, behind, now) {
  const { complete_from: from, complete_to: to, horizon_seconds: span } = stream;
  if (to === null) return "Nothing complete yet";
  const whole = from !== null && seconds(from, now) >= span - 86400;
  const lost = gaps.length === 1 ? `1 gap of ${duration(seconds(gaps[0].from, gaps[0].to))} from ${day(gaps[0].from)}` : counted(gaps.length, "gap");
  const but = gaps.length > 0 ? ` but ${lost}` : "";
  const late = behind ? `, up to ${clock(to, now)}` : "";
  if (from === null) return `Complete${late}${but}, since when is not known`;
  return whole ? `All ${duration(span)}${but || " complete"}${late}` : `Complete since ${day(from)}${but}${late}`;
}
