// The list of sessions, of all projects or of one: `sessions?agent=…&day=…`, `project/ID/sessions?…`.

import { agentName, get, projects } from "./api.js";
import { agentMark } from "./conversation.js";
import { at, counted, dayName, h, say, swap, time } from "./dom.js";
import { frame } from "./project.js";

const PAGE = 100;
const DAY_MS = 86_400_000;
export const TESTS = { pass: ["✓", "Tests pass", "good"], fail: ["✗", "Tests fail", "failed"] };

/** The view of the sessions of all projects. */
export async function sessions(params, query, signal) {
  const [found, all] = await Promise.all([asked(null, query, null, signal), projects()]);
  const names = new Map(all.map((each) => [each.id, each.name]));
  const { chooser, place, keep } = listed("#/sessions", null, query, found, names);
  const head = h("div", { class: "head" }, h("h1", { tabindex: "-1" }, "Sessions"), chooser);
  return { title: "Sessions", nodes: [head, place], data: found, stay: query.size > 0, keep };
}

/** The view of the sessions of one project. */
export async function ofProject([id], query, signal) {
  const [[of, above], found] = await Promise.all([frame(id, "Sessions"), asked(id, query, null, signal)]);
  const { chooser, place, keep } = listed(at("project", id, "sessions"), id, query, found, null);
  return { title: `Sessions of ${of.name}`, nodes: [...above, chooser, place], data: [of, found], stay: query.size > 0, keep };
}

/** The local day `2026-11-20` as a period. */
function period(day) {
  const begins = new Date(`${day}T00:00`).getTime();
  if (Number.isNaN(begins)) return {};
  const ends = new Date(begins + DAY_MS * 1.5).setHours(0, 0, 0, 0); // a day may have 23 or 25 hours
  return { since_ms: begins, until_ms: ends };
}

function asked(project, query, after, signal) {
  const wanted = { limit: PAGE, ...period(query.get("day")) };
  if (project) wanted.project = project;
  if (query.get("agent")) wanted.agent = query.get("agent");
  if (after) wanted.after = after.join(",");
  return get(`sessions?${new URLSearchParams(wanted)}`, signal);
}

function listed(address, project, query, first, names) {
  let [all, after] = [first.sessions, first.after];
  const place = h("div", { class: `rows ${names ? "all-sessions" : "own-sessions"}`, "data-arrows": true });
  const draw = () => swap(place, all.length ? [...days(all, names), after && more].filter(Boolean)
    : [h("p", { class: "dim" }, query.size ? "No session of this agent or day." : "No session is recorded yet.")]);
  const load = async () => {
    more.disabled = true;
    try {
      const next = await asked(project, query, after);
      [all, after] = [[...all, ...next.sessions], next.after];
      draw();
      say(`${counted(all.length, "session")} shown.`);
    } finally {
      more.disabled = false;
    }
  };
  const more = h("button", { type: "button", class: "more", onclick: load }, "Show earlier");
  // What is scrolled to loads by itself.
  new IntersectionObserver((seen) => seen.some((each) => each.isIntersecting) && !more.disabled && load(),
    { rootMargin: "600px" }).observe(more);
  draw();
  return { chooser: chooser(address, query, first), place, keep: () => all.length > first.sessions.length };
}

/** The fields by which an agent and a day are chosen; what is chosen is in the address. */
function chooser(address, query, found) {
  const go = () => {
    const chosen = { agent: agent.value, day: day.value };
    const given = Object.entries(chosen).filter(([, value]) => value);
    location.hash = given.length ? `${address}?${new URLSearchParams(given)}` : address;
  };
  const option = (value, label) => h("option", { value, selected: value === (query.get("agent") ?? "") }, label);
  const agent = h("select", { id: "agent", onchange: go }, option("", "All agents"),
    Object.entries(found.agents).map(([id, number]) => option(id, `${agentName(id)} (${number.toLocaleString("en")})`)));
  const day = h("input", { id: "day", type: "date", value: query.get("day"), onchange: go });
  const all = h("a", { href: address, id: "all-sessions" }, "All");
  return h("p", { class: "chooser" }, h("label", null, "Agent ", agent), h("label", null, "Day ", day), query.size > 0 && all);
}

function days(all, names) {
  const groups = new Map();
  for (const each of all) {
    const day = dayName(each.last_ms);
    if (!groups.has(day)) groups.set(day, []);
    groups.get(day).push(row(each, names));
  }
  return [...groups].map(([day, rows]) => h("section", { "aria-label": day }, h("h2", null, day), h("ul", null, rows)));
}

function row(of, names) {
  const title = of.title || `Session ${of.id}`;
  const tests = TESTS[of.tests];
  return h("li", { class: "row", "data-key": `${of.agent}/${of.id}` },
    h("p", { class: "age" }, time(of.last_ms, "clock")),
    h("h3", { class: "name", title, dir: "auto" }, h("a", { href: at("session", of.agent, of.id) }, title)),
    names && h("p", { class: "where" }, h("bdi", null, names.get(of.project_id) ?? (of.project ?? "").split("/").at(-1))),
    h("p", { class: "agent" }, agentMark(of.agent, of.agent_name)),
    h("p", { class: "number" }, counted(of.prompts, "turn")),
    h("p", { class: "number" }, of.files > 0 && counted(of.files, "file")),
    h("p", { class: "tests" }, tests && h("span", { class: tests[2] }, `${tests[0]} `, h("span", { class: "long" }, tests[1]))));
}
