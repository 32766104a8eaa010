// One session: its conversation, its turns from above, and its files with their diffs.
// `session/AGENT/ID/TURN`, `turns/AGENT/ID`, `changes/AGENT/ID[/FILE]`

import { get, projects, shortPath } from "./api.js";
import { Conversation, agentMark } from "./conversation.js";
import { at, clock, counted, diff, h, inline, time } from "./dom.js";
import { TESTS } from "./sessions.js";

const FEW = 12;
const TABS = [["Conversation", "session"], ["Turns", "turns"], ["Files", "changes"]];

/** What is above each view of a session: where it belongs, its title and facts, and its views. */
async function above(of, tab, ...facts) {
  const { agent, id } = of;
  const known = (await projects()).find((each) => each.id === of.project_id);
  const title = of.title || `Session ${id}`;
  const list = known ? at("project", known.id, "sessions") : "#/sessions";
  const nodes = [
    h("nav", { class: "path", "aria-label": "Where you are" }, h("a", { href: "#/" }, "Projects"), " › ",
      known ? h("a", { href: at("project", known.id) }, h("bdi", null, known.name)) : "no project", " › ", h("a", { href: list }, "Sessions")),
    h("div", { class: "head" }, h("h1", { tabindex: "-1", dir: "auto" }, title)),
    h("p", { class: "facts" }, agentMark(agent, of.agent_name), facts,
      h("span", { class: "url" }, shortPath(of.project ?? "")), h("code", null, id)),
    h("nav", { class: "tabs", "aria-label": "Views of the session" }, TABS.map(([label, kind]) =>
      h("a", { href: at(kind, agent, id), "aria-current": label === tab && "page" }, label))),
  ];
  return [title, nodes];
}

export async function session([agent, id, turn = ""], query, signal) {
  const talk = new Conversation(agent, id, turn, 2);
  const answer = await talk.load(turn, signal);
  const [title, nodes] = await above(answer.session, "Conversation", h("span", null, counted(answer.total_turns, "turn")));
  return { title, nodes: [...nodes, talk.node], shown: () => turn && talk.reveal(), refresh: () => talk.refresh() };
}

function outline(agent, id, signal) {
  return get(`outline/${encodeURIComponent(agent)}/${encodeURIComponent(id)}`, signal);
}

/** `+3 −1`, without what is nothing. */
function sized(added, removed) {
  return h("span", { class: "size" }, added > 0 && h("span", { class: "good" }, `+${added}`), added > 0 && removed > 0 && " ",
    removed > 0 && h("span", { class: "failed" }, `−${removed}`));
}

export async function turns([agent, id], query, signal) {
  const answer = await outline(agent, id, signal);
  const [title, nodes] = await above(answer.session, "Turns", h("span", null, counted(answer.turns.length, "turn")));
  const place = h("div", { class: "rows turn-rows", "data-arrows": true }, h("ul", null, answer.turns.map((turn) => turnRow(answer, turn))));
  return { title: `Turns of ${title}`, nodes: [...nodes, place], data: answer };
}

function turnRow(answer, turn) {
  const tests = TESTS[turn.tests];
  const name = turn.number ? turn.prompt || "(no words)" : "Before the first prompt";
  return h("li", { class: "row", "data-key": `turn${turn.number}` },
    h("p", { class: "number" }, turn.number || ""),
    h("h2", { class: "name", title: name, dir: "auto" }, h("a", { href: at("session", answer.session.agent, answer.session.id, turn.number) }, inline(name))),
    h("p", { class: "tests", title: turn.test_command || null }, tests && h("span", { class: tests[2] }, `${tests[0]} `, h("span", { class: "long" }, tests[1]))),
    h("p", { class: "number" }, turn.calls > 0 && counted(turn.calls, "call")),
    h("p", { class: "number" }, turn.files > 0 && [counted(turn.files, "file"), " ", sized(turn.added, turn.removed)]),
    h("p", { class: "age" }, time(turn.at_ms, "moment")));
}

export async function changes([agent, id, chosen], query, signal) {
  const answer = await outline(agent, id, signal);
  const [title, nodes] = await above(answer.session, "Files", h("span", null, counted(answer.files.length, "file")));
  const files = answer.files.map((file) => h("details", {
    class: "changed", "data-key": file.path, open: file.path === chosen || (!chosen && answer.files.length <= FEW),
  }, h("summary", null, h("code", null, file.path), " ", sized(file.added, file.removed)), byTurn(answer, file)));
  const none = h("p", { class: "dim" }, "No edits of files are recorded in this session.");
  const cut = answer.is_cut && h("p", { class: "dim" }, "There are more diffs than are shown: they are in the turns.");
  const place = h("div", { class: "changes", "data-arrows": true }, files.length ? files : none, cut);
  const reveal = () => chosen && place.querySelector("details[open]")?.scrollIntoView({ block: "start" });
  return { title: `Files of ${title}`, nodes: [...nodes, place], data: answer, shown: reveal };
}

/** The edits of a file in one session: why, by the prompt of the turn, and the diffs. */
function byTurn(answer, file) {
  const groups = new Map();
  for (const change of file.changes) {
    const turn = change.turn ?? 0;
    if (!groups.has(turn)) groups.set(turn, []);
    groups.get(turn).push(change);
  }
  const prompts = new Map(answer.turns.map((turn) => [turn.number, turn.prompt]));
  return [...groups].map(([turn, made]) => h("section", { class: "why" },
    h("p", null, h("a", { href: at("session", answer.session.agent, answer.session.id, turn) }, turn ? `Turn ${turn}` : "Before turn 1"), " ",
      h("span", { dir: "auto" }, inline(prompts.get(turn) ?? ""))),
    made.map((change) => [h("p", { class: "file" }, clock(change.at_ms), " ", h("code", null, change.heading),
      change.subagent_id && h("span", { class: "dim" }, ` by sub-agent ${change.subagent_id}`)), change.text && diff(change.text)])));
}
