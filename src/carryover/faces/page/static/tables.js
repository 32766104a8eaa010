// Sections of numbers: a table, alone or beside the picture that says the same.

import { counted, h, svg } from "./dom.js";
import { dayText } from "./charts.js";

const ROWS = 400;

/** A heading with what belongs to it: `intro` says what is counted. */
export function section(id, title, intro, ...content) {
  const made = h("section", { "aria-labelledby": id, class: "usage" }, h("h2", { id }, title), intro && h("p", { class: "dim" }, intro), content);
  for (const slider of made.querySelectorAll("input[type=range]")) slider.id = `${id}-days`; // by which the focus finds it again
  return made;
}

/** A section of which there is nothing yet. */
export function nothing(id, title, text) {
  return section(id, title, null, h("p", { class: "dim" }, text));
}

/** A table beside its picture, or alone if there is none. */
export function beside(picture, caption, head, rows) {
  const shown = rows.slice(0, ROWS);
  return h("div", { class: picture ? "pictured" : "alone" }, picture,
    h("div", { class: "numbers", tabindex: "0", role: "group", "aria-label": caption, "data-scroll": caption },
      table(caption, head, shown), rows.length > shown.length && h("p", { class: "dim" }, `The newest ${ROWS} of ${rows.length}.`)));
}

export function table(caption, head, rows, kind = null) {
  const row = ([first, ...cells]) => h("tr", null, h("th", { scope: "row" }, first), cells.map(cell));
  const isNumber = (n) => typeof rows[0]?.[n] === "number";
  return h("table", { class: kind }, h("caption", { class: "unseen" }, caption),
    h("thead", null, h("tr", null, head.map((each, n) => h("th", { scope: "col", class: isNumber(n) && "number" }, each)))),
    h("tbody", null, rows.map(row)));
}

function cell(content) {
  return typeof content === "number" ? h("td", { class: "number" }, content.toLocaleString("en")) : h("td", null, content);
}

/** The days that have something, newest first, with the parts' values. */
export function dayRows(days, parts) {
  const rows = days.map((day, n) => [dayText(day), ...parts.map((part) => part.values[n])]);
  return rows.filter((row) => row.slice(1).some(Boolean)).reverse();
}

/** A share in percent as a number and a bar. */
export function share(percent) {
  return [h("span", { class: "percent" }, `${Math.round(percent)} %`),
    svg("svg", { class: percent < 100 ? "bar" : "bar full", viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true" },
      svg("rect", { class: "rest", x: 0, y: 1, width: 100, height: 8 }),
      svg("rect", { x: 0, y: 1, width: Math.max(0.5, Math.min(100, percent)), height: 8 }))];
}

/** Estimated tokens of each section of a handoff. */
export function handoffTokens(sections) {
  const total = Object.values(sections).reduce((sum, tokens) => sum + tokens, 0);
  if (!total) return h("p", { class: "dim" }, "There is no handoff yet.");
  const named = (title) => title.replace(/^#+ /, "") || "What it tells the agent first";
  const rows = Object.entries(sections).map(([title, tokens]) => [named(title), tokens, share((tokens / total) * 100)]);
  return [h("p", { class: "dim" }, `About ${counted(total, "token")} in all.`),
    table("Estimated tokens per section of the handoff", ["Section", "Tokens", "Share"], rows, "bars")];
}

/** A length of time in its largest two units. */
export function lasted(ms) {
  const minutes = Math.round(ms / 60_000);
  const [days, hours] = [Math.floor(minutes / 1440), Math.floor(minutes / 60) % 24];
  if (minutes < 1) return "under a minute";
  if (minutes < 60) return `${minutes} min`;
  if (days === 0) return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
  const inDays = `${days} day${days === 1 ? "" : "s"}`;
  return hours && days < 10 ? `${inDays} ${hours} h` : inDays;
}
