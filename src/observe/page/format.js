// Durations, sizes, counts and times as people read them: the same figures as `auditferry status`.

import { element } from "./dom.js";

/** `45 s`, `12 min`, `5 h 12 min`, `364 days`. */
export function duration(seconds) {
  const minutes = Math.floor(seconds / 60);
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  if (seconds < 3600) return `${minutes} min`;
  if (seconds >= 172800) return `${count(Math.floor(seconds / 86400))} days`;
  const rest = minutes % 60;
  return rest === 0 ? `${Math.floor(minutes / 60)} h` : `${Math.floor(minutes / 60)} h ${rest} min`;
}

/** `512 bytes`, `1.5 MiB`: cut and not rounded, so that full means full. */
export function bytes(number) {
  const units = [["TiB", 2 ** 40], ["GiB", 2 ** 30], ["MiB", 2 ** 20], ["KiB", 2 ** 10]];
  const unit = units.find(([, size]) => number >= size);
  return unit ? `${Math.floor((number / unit[1]) * 10) / 10} ${unit[0]}` : `${number} bytes`;
}

/** `1,234,567`. */
export const count = (number) => Number(number).toLocaleString("en-US");

/** `1 event`, `2 events`. */
export const counted = (number, noun) => `${count(number)} ${noun}${number === 1 ? "" : "s"}`;

/** What is not known is a dash. */
export const orNone = (value, format) => (value === null || value === undefined ? "–" : format(value));

/** Seconds between two times, by the daemon's clock and not by the browser's. */
export const seconds = (from, to) => Math.max(0, (Date.parse(to) - Date.parse(from)) / 1000);

const padded = (number) => String(number).padStart(2, "0");

/** `2026-11-22`, in the browser's zone. */
export function day(time) {
  const date = new Date(time);
  return `${date.getFullYear()}-${padded(date.getMonth() + 1)}-${padded(date.getDate())}`;
}

/** `12:03:11`, or `2026-11-21 12:03:11` when that was another day than `now`. */
export function clock(time, now) {
  const date = new Date(time);
  const text = [date.getHours(), date.getMinutes(), date.getSeconds()].map(padded).join(":");
  return day(time) === day(now) ? text : `${day(time)} ${text}`;
}

/** A time of which the tooltip tells the instant in UTC, as logs have it. */
export const instant = (time, text) => element("time", { datetime: time, title: time }, text);

/** `12 s ago`. */
export const ago = (time, now) => instant(time, `${duration(seconds(time, now))} ago`);

/** Text in which `this` is code. */
export function prose(text) {
  return text.split("`").map((part, index) => (index % 2 === 1 ? element("code", {}, part) : part));
}
