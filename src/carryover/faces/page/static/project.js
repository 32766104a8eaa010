// What stands above each view of a project, and how its state is named.

import { agentName, project, shortPath } from "./api.js";
import { agentMark } from "./conversation.js";
import { at, clock, counted, dayName, h, time } from "./dom.js";

const WAITS = { you: "Waits for you", approval: "Waits for your approval", "a limit": "At its usage limit" };
const STATES = { open: "No answer yet", asked: "Asked you", running: "A job runs in the background", answered: "Answered", interrupted: "Interrupted", error: "Stopped by an error", limit: "Stopped by a limit" };

/** What a project waits for, or else how its newest turn ended: its words, and the class that they are shown with. */
export function stateOf(of) {
  if (of.is_paused) return { text: "Paused", kind: "waits paused" };
  if (!of.waits_for) return { text: STATES[of.state] ?? "", kind: "dim" };
  const text = WAITS[of.waits_for] ?? `Waits for ${of.waits_for}`;
  return of.waits_for === "a limit" ? { text: `${text}${resets(of)}`, kind: "waits limit" } : { text, kind: "waits" };
}

function resets(of) {
  if (!of.resets_ms) return "";
  const day = dayName(of.resets_ms);
  return ` · resets ${day === "Today" ? "" : `${day} `}${clock(of.resets_ms)}`;
}

/** What a project waits for and since when; null if for nothing. */
function waiting(of) {
  if (!of.waits_for) return null;
  const { text, kind } = stateOf({ ...of, is_paused: false });
  return h("span", { class: kind }, text, of.waits_since_ms ? [" · ", time(of.waits_since_ms)] : "");
}

function facts(of) {
  return [of.agent && agentMark(of.agent, of.agent_name || agentName(of.agent)), waiting(of),
    of.is_paused && h("span", { class: "waits paused" }, "Paused"),
    of.last_ms ? h("span", null, "last work ", time(of.last_ms)) : "",
    h("a", { href: at("project", of.id, "sessions") }, counted(of.sessions, "session"))];
}

const TABS = [["Handoff", ""], ["Timeline", "timeline"], ["Sessions", "sessions"]];

/** What is above a view of the project: name, state, and its views. */
export async function frame(id, tab) {
  const of = await project(id);
  return [of, [
    h("nav", { class: "path", "aria-label": "Where you are" }, h("a", { href: "#/" }, "Projects"), " › ", h("bdi", null, of.name)),
    h("div", { class: "head" }, h("h1", { tabindex: "-1" }, h("bdi", null, of.name))),
    h("p", { class: "facts" }, facts(of), h("bdi", { class: "url" }, shortPath(of.root))),
    of.asks && h("p", { class: "asks", dir: "auto" }, of.asks),
    h("nav", { class: "tabs", "aria-label": "Views of the project" }, TABS.map(([label, path]) =>
      h("a", { href: at("project", id, ...(path ? [path] : [])), "aria-current": label === tab && "page" }, label))),
  ]];
}
