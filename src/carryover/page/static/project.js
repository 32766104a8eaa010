// The list of projects, and what stands above each view of one.

import { agentName, me, project, projects, shortPath } from "./api.js";
import { agentMark } from "./conversation.js";
import { continueIn, forget, note, pause } from "./dialogs.js";
import { at, clock, counted, dayName, h, time } from "./dom.js";

const WAITS = { you: "Waits for you", approval: "Waits for your approval", "a limit": "At its usage limit" };

/** What a project waits for and since when; null if for nothing. */
function waiting(of) {
  if (!of.waits_for) return null;
  const resets = of.resets_ms;
  return h("span", { class: `waits ${of.waits_for === "a limit" ? "limit" : ""}` },
    WAITS[of.waits_for] ?? `Waits for ${of.waits_for}`, of.waits_since_ms ? [" · ", time(of.waits_since_ms)] : "",
    resets ? ` · resets ${dayName(resets) === "Today" ? "" : `${dayName(resets)} `}${clock(resets)}` : "");
}

function facts(of) {
  return [of.agent && agentMark(of.agent, of.agent_name || agentName(of.agent)), waiting(of),
    of.is_paused && h("span", { class: "waits paused" }, "Paused"),
    of.last_ms ? h("span", null, "last work ", time(of.last_ms)) : "",
    h("span", null, counted(of.sessions, "session"))];
}

/** The view of all projects. */
export async function list() {
  const all = await projects();
  const number = (...kinds) => all.filter((each) => kinds.includes(each.waits_for)).length;
  const [yours, limited] = [number("you", "approval"), number("a limit")];
  const sums = [yours && `${counted(yours, "project")} ${yours === 1 ? "waits" : "wait"} for you`, limited && `${limited} at a usage limit`];
  const entry = (each) => h("li", { "data-key": `p${each.id}` },
    h("h2", null, h("a", { href: at("project", each.id) }, h("bdi", null, each.name))),
    h("p", { class: "url" }, h("bdi", null, shortPath(each.root))),
    h("p", { class: "facts" }, facts(each)),
    each.asks && h("p", { class: "asks", dir: "auto" }, each.asks));
  const nodes = [
    h("div", { class: "head" }, h("h1", { tabindex: "-1" }, "Projects"), h("p", { class: "dim" }, sums.filter(Boolean).join(" · "))),
    all.length ? h("ul", { class: "projects", "data-arrows": true }, all.map(entry)) : h("p", null,
      "No session is recorded yet. Work with one of your agents; it appears here by itself. ",
      h("a", { href: "#/health" }, "Health"), " says whether something is in the way."),
  ];
  return { title: "Projects", nodes, data: all };
}

const TABS = [["Handoff", ""], ["Timeline", "timeline"], ["Work", "work"]];

/** What is above a view of the project: name, state, what can be done with it, and its views. */
export async function frame(id, tab, changed) {
  const of = await project(id);
  const button = (label, kind, act) => h("button", { type: "button", class: kind, onclick: act }, label);
  return [of, [
    h("nav", { class: "path", "aria-label": "Where you are" }, h("a", { href: "#/" }, "Projects"), " › ", h("bdi", null, of.name)),
    h("div", { class: "head" }, h("h1", { tabindex: "-1" }, h("bdi", null, of.name)),
      h("div", { class: "buttons" },
        of.agent && me.startable.length > 0 && button("Continue in …", "main", () => continueIn(of)),
        button("Note", "", () => note(of, changed)),
        button(of.is_paused ? "Record again" : "Pause", "", () => pause(of, changed)),
        button("Forget …", "danger", () => forget({ project: of.id }, `all of ${of.name}`, () => { location.hash = "#/"; })))),
    h("p", { class: "facts" }, facts(of), h("bdi", { class: "url" }, shortPath(of.root))),
    of.asks && h("p", { class: "asks", dir: "auto" }, of.asks),
    h("nav", { class: "tabs", "aria-label": "Views of the project" }, TABS.map(([label, path]) =>
      h("a", { href: at("project", id, ...(path ? [path] : [])), "aria-current": label === tab && "page" }, label))),
  ]];
}
