// Pictures of a project's work, each with a table of the same numbers: `project/ID/work`.

import { agentColour, agentName, get } from "./api.js";
import { agentMark } from "./conversation.js";
import { counted, h, moment, svg } from "./dom.js";
import { frame } from "./project.js";

const DAYS = 91;
const HEIGHT = 120;
const SHORT = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });

export async function work([id], query, signal, app) {
  const [[of, above], found] = await Promise.all([frame(id, "Work", app.redraw), get(`project/${id}/work`, signal)]);
  const nodes = [...above, byDay(found), limits(found.limits), tokens(found.handoff_tokens)];
  return { title: `Work in ${of.name}`, nodes, data: [of, found] };
}

function localDay(ms) {
  const date = new Date(ms);
  return [date.getFullYear(), date.getMonth() + 1, date.getDate()].map((n) => String(n).padStart(2, "0")).join("-");
}

function shortDay(day) {
  return SHORT.format(new Date(`${day}T12:00`));
}

/** The newest days without gaps, oldest first, up to the last one with work. */
function calendar(days) {
  const known = new Map(days.map((each) => [each.day, each.agents]));
  const [oldest, newest] = [days[0].day, days.at(-1).day];
  const all = [];
  for (const date = new Date(`${newest}T12:00`); all.length < DAYS; date.setDate(date.getDate() - 1)) {
    const day = localDay(date.getTime());
    all.unshift({ day, agents: known.get(day) ?? {} });
    if (day <= oldest) break;
  }
  return all;
}

function sum(agents) {
  return Object.values(agents).reduce((total, turns) => total + turns, 0);
}

function byDay({ days, limits }) {
  if (!days.length) return h("section", null, h("h2", null, "Work per day"), h("p", { class: "dim" }, "No turn is recorded yet."));
  const shown = calendar(days);
  const most = Math.max(...shown.map((each) => sum(each.agents)), 1);
  const totals = new Map();
  for (const each of shown) for (const [agent, turns] of Object.entries(each.agents)) totals.set(agent, (totals.get(agent) ?? 0) + turns);
  const order = [...totals].sort((a, b) => b[1] - a[1]);
  const limited = new Set(limits.map((each) => localDay(each.at_ms)));
  const texts = order.map(([agent, turns]) => `${agentName(agent)} ${turns}`);
  const [first, last] = [shortDay(shown[0].day), shortDay(shown.at(-1).day)];
  const label = `Turns per day from ${first} to ${last}: ${texts.join(", ")}; most on one day: ${most}.`;
  const rows = [...shown].reverse().filter((each) => sum(each.agents))
    .map((each) => [shortDay(each.day), ...order.map(([agent]) => each.agents[agent] ?? 0)]);
  const bars = shown.map((each, x) => {
    let top = HEIGHT;
    const said = Object.entries(each.agents).map(([agent, turns]) => `${agentName(agent)} ${turns}`).join(", ") || "no work";
    return svg("g", null, svg("title", null, `${shortDay(each.day)}: ${said}${limited.has(each.day) ? "; a usage limit was reached" : ""}`),
      svg("rect", { class: "hit", x: x * 10, y: 0, width: 10, height: HEIGHT }),
      order.filter(([agent]) => each.agents[agent]).map(([agent]) => {
        const height = (each.agents[agent] / most) * (HEIGHT - 14);
        top -= height;
        return svg("rect", { class: `fill c${agentColour(agent)}`, x: x * 10 + 1, y: top, width: 8, height: Math.max(height - 0.6, 0.6) });
      }),
      limited.has(each.day) && svg("line", { class: "limit-mark", x1: x * 10 + 1, x2: x * 10 + 9, y1: 4, y2: 4 }));
  });
  return h("section", { "aria-labelledby": "by-day" }, h("h2", { id: "by-day" }, "Work per day"),
    h("figure", null,
      h("p", { class: "legend" },
        order.map(([agent, turns]) => [agentMark(agent, `${agentName(agent)} ${turns.toLocaleString("en")}`), " "]),
        limited.size > 0 && h("span", { class: "by" }, h("span", { class: "limit-key", "aria-hidden": "true" }), "usage limit")),
      h("div", { class: shown.length < 15 ? "few plot" : "plot" },
        svg("svg", { role: "img", "aria-label": label, viewBox: `0 0 ${shown.length * 10} ${HEIGHT}`, preserveAspectRatio: "none" }, bars)),
      h("p", { class: shown.length < 15 ? "few axis" : "axis", "aria-hidden": "true" },
        h("span", null, first), h("span", null, `most on one day: ${counted(most, "turn")}`), h("span", null, shown.length > 1 && last))),
    h("details", { "data-key": "table" }, h("summary", null, "The same as a table"),
      h("div", { class: "wide", tabindex: "0", role: "group", "aria-label": "Turns per day and agent" },
        table("Turns per day and agent", ["Day", ...order.map(([agent]) => agentName(agent))], rows))));
}

function table(caption, head, rows) {
  const row = ([first, ...cells]) => h("tr", null, h("th", { scope: "row" }, first), cells.map((cell) => h("td", null, cell)));
  return h("table", null, h("caption", { class: "unseen" }, caption),
    h("thead", null, h("tr", null, head.map((cell) => h("th", { scope: "col" }, cell)))), h("tbody", null, rows.map(row)));
}

function limits(all) {
  return h("section", { "aria-labelledby": "limits" }, h("h2", { id: "limits" }, "Usage limits"),
    all.length ? table("Usage limits that were reached", ["Reached", "Agent", "Resets"], [...all].reverse().slice(0, 20).map((each) =>
      [moment(each.at_ms), agentMark(each.agent, agentName(each.agent)), each.resets_ms ? moment(each.resets_ms) : "not said"]))
      : h("p", { class: "dim" }, "None was reached."));
}

function tokens(sections) {
  const total = sections.reduce((sum, each) => sum + each.tokens, 0);
  const most = Math.max(...sections.map((each) => each.tokens), 1);
  const row = (each) => h("tr", null,
    h("th", { scope: "row" }, each.section.replace(/^#+ /, "") || "What it tells the agent first"),
    h("td", { class: "number" }, each.tokens.toLocaleString("en")),
    h("td", { class: "share" },
      svg("svg", { class: "bar", viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true" },
        svg("rect", { x: 0, y: 1, width: Math.max((each.tokens / most) * 100, 0.5), height: 8 })),
      h("span", { class: "unseen" }, `${Math.round((each.tokens / total) * 100)} percent`)));
  const head = ["Section", "Tokens", "Share"].map((cell) => h("th", { scope: "col" }, cell));
  return h("section", { "aria-labelledby": "tokens" }, h("h2", { id: "tokens" }, "Where the handoff's tokens go"),
    total ? [h("p", { class: "dim" }, `About ${counted(total, "token")} in all.`),
      h("table", { class: "bars" }, h("caption", { class: "unseen" }, "Estimated tokens per section of the handoff"),
        h("thead", { class: "unseen" }, h("tr", null, head)), h("tbody", null, sections.map(row)))]
      : h("p", { class: "dim" }, "There is no handoff yet."));
}
