// Pictures of a project's work, each with a table of the same numbers: `project/ID/work`.

import { agentName, get } from "./api.js";
import { Span, bars } from "./charts.js";
import { localDay, now } from "./dom.js";
import { frame } from "./project.js";
import { beside, dayRows, handoffTokens, nothing, section } from "./tables.js";
import { pictures } from "./usage.js";

const kept = {};

export async function work([id], query, signal, app) {
  const asked = [frame(id, "Work", app.redraw), get(`project/${id}/work`, signal), get(`project/${id}/usage`, signal)];
  const [[of, above], found, used] = await Promise.all(asked);
  kept[id] ??= { turns: {}, usage: {} };
  const nodes = [...above, byDay(found.turns, used.limits, localDay(now()), kept[id].turns), ...pictures(used, kept[id].usage),
    section("tokens", "Where the handoff's tokens go", null, handoffTokens(found.handoff_tokens))];
  return { title: `Work in ${of.name}`, nodes, data: [of, found, used] };
}

/** The days without gaps, oldest first. */
function calendar(oldest, newest) {
  const all = [];
  for (const date = new Date(`${oldest}T12:00`); all.at(-1) !== newest; date.setDate(date.getDate() + 1)) all.push(localDay(date.getTime()));
  return all;
}

function byDay(byDate, limits, today, place) {
  const title = "Turns per day";
  const days = Object.keys(byDate);
  if (!days.length) return nothing("by-day", title, "No turn is recorded in the last three months.");
  const shown = calendar(days[0], [days.at(-1), today].sort().at(-1));
  const totals = new Map();
  for (const agents of Object.values(byDate)) for (const [agent, turns] of Object.entries(agents)) totals.set(agent, (totals.get(agent) ?? 0) + turns);
  const parts = [...totals].sort((a, b) => b[1] - a[1]).map(([agent]) => ({ agent, values: shown.map((day) => byDate[day]?.[agent] ?? 0) }));
  const marked = new Set(limits.map((each) => shown.indexOf(localDay(each.at_ms))).filter((n) => n >= 0));
  return section("by-day", title, null, beside(bars(new Span(shown, place), parts, { marked }), "Turns per day and agent",
    ["Day", ...parts.map((part) => agentName(part.agent))], dayRows(shown, parts)));
}
