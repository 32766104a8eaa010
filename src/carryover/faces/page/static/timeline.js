// One timeline across the agents and sessions of a project: `project/ID/timeline`.

import { get } from "./api.js";
import { agentMark } from "./conversation.js";
import { at, clock, counted, dayName, diff, h, inline, say, size, time } from "./dom.js";
import { frame } from "./project.js";

const PAGE = 120;
const KINDS = { prompt: "Prompts", edit: "Edits", tests: "Tests", commit: "Commits", other: "The rest" };
const hidden = new Set();

function kindOf(entry) {
  return entry.kind in KINDS ? entry.kind : "other";
}

export async function timeline([id], query, signal) {
  const ask = (before) => get(`project/${id}/timeline?limit=${PAGE}${before ? `&before_ms=${before}` : ""}`, signal);
  const [[of, above], first] = await Promise.all([frame(id, "Timeline"), ask()]);
  let [entries, more] = [first.moments, first.more];
  const place = h("div", { class: "timeline", "data-arrows": true });
  const draw = () => place.replaceChildren(...days(entries.filter((entry) => !hidden.has(kindOf(entry)))), more ? earlier : "");
  const earlier = h("button", { type: "button", class: "more", onclick: async () => {
    const next = await get(`project/${id}/timeline?limit=${PAGE}&before_ms=${entries.at(-1).at_ms}`);
    const before = entries.length;
    [entries, more] = [[...entries, ...next.moments], next.more && next.moments.length > 0];
    const last = [...place.querySelectorAll("li")].at(-1);
    draw();
    const items = [...place.querySelectorAll("li")];
    items[items.findIndex((item) => item.dataset.key === last?.dataset.key) + 1]?.querySelector("a, summary")?.focus();
    say(`${counted(entries.length - before, "earlier entry").replace("entrys", "entries")} shown.`);
  } }, "Show earlier");
  const choose = Object.entries(KINDS).map(([kind, label]) => {
    const chip = h("button", { type: "button", class: "chip", "aria-pressed": String(!hidden.has(kind)) }, label);
    chip.addEventListener("click", () => {
      if (!hidden.delete(kind)) hidden.add(kind);
      chip.setAttribute("aria-pressed", String(!hidden.has(kind)));
      draw();
    });
    return chip;
  });
  draw();
  const filter = h("div", { class: "chips", role: "group", "aria-label": "What is shown" }, choose);
  const nodes = [...above, filter, place];
  const keep = () => entries.length > first.moments.length; // what was loaded since would be gone
  return { title: `Timeline of ${of.name}`, nodes, data: [of, first], announce: "The timeline was updated.", keep };
}

/** The entries by day, the edits of one turn in one entry. */
function days(entries) {
  const all = [];
  for (const entry of entries) {
    const last = all.at(-1);
    const day = dayName(entry.at_ms);
    if (last?.day !== day) all.push({ day, groups: [[entry]] });
    else if (entry.kind === "edit" && sameTurn(last.groups.at(-1)[0], entry)) last.groups.at(-1).push(entry);
    else last.groups.push([entry]);
  }
  if (!all.length) return [h("p", { class: "dim" }, "Nothing to show.")];
  return all.map(({ day, groups }) => h("section", { "aria-label": day }, h("h2", null, day),
    h("ol", null, groups.map((group) => (group[0].kind === "edit" ? edits(group) : single(group[0]))))));
}

function sameTurn(one, other) {
  return one.kind === "edit" && one.agent === other.agent && one.session === other.session && one.turn === other.turn;
}

function row(entry, mark, ...shown) {
  const key = `${entry.kind}/${entry.session}/${entry.turn}/${entry.at_ms}/${entry.text}`;
  return h("li", { class: `entry ${entry.kind} ${mark}`, "data-key": key }, time(entry.at_ms, "clock"),
    agentMark(entry.agent, h("span", { class: "who" }, entry.agent_name)), h("div", { class: "what" }, shown));
}

function turnLink(entry, ...shown) {
  return entry.session ? h("a", { href: at("session", entry.agent, entry.session, entry.turn), dir: "auto" }, shown) : shown;
}

function single(entry) {
  const kind = (label) => h("span", { class: "kind" }, label);
  switch (entry.kind) {
    case "prompt":
      return row(entry, "", kind("Prompt"), turnLink(entry, inline(entry.text)));
    case "tests": {
      const failed = entry.text.startsWith("fail");
      return row(entry, failed ? "bad" : "",
        h("span", { class: failed ? "kind failed" : "kind good" }, failed ? "✗ Tests fail" : "✓ Tests pass"),
        turnLink(entry, h("code", null, entry.text.replace(/^(pass|fail): /, ""))));
    }
    case "limit":
      return row(entry, "bad", h("span", { class: "kind failed" }, "Usage limit"), turnLink(entry, entry.text || "reached"));
    case "hand-over":
      return row(entry, "", kind("Agent changed"), h("strong", null, entry.before_name, " → ", entry.agent_name));
    case "commit":
      return row(entry, "", kind("Commit"), h("code", null, entry.commit.slice(0, 9)), " ", turnLink(entry, entry.text));
    case "note":
      return row(entry, "", kind("Note"), turnLink(entry, entry.text || "without a title"));
    default:
      return row(entry, "", entry.text ? [kind("Session began"), turnLink(entry, entry.text)] : turnLink(entry, kind("Session began")));
  }
}

function edits(group) {
  const [entry] = group;
  const paths = [...new Set(group.map(path))];
  const line = group.length === 1 ? h("code", null, entry.text) : [
    h("span", { class: "kind" }, `${group.length} edits`),
    paths.slice(0, 4).map((name, n) => [n ? ", " : "", h("code", null, name)]),
    paths.length > 4 && ` and ${counted(paths.length - 4, "more file")}`,
    h("span", { class: "size" }, ` ${size(group.map((each) => each.diff).join("\n"))}`)];
  if (group.every((each) => !each.diff)) return row(entry, "", turnLink(entry, line));
  return row(entry, "", h("details", { "data-key": `edits/${entry.session}/${entry.turn}/${group.at(-1).at_ms}` }, h("summary", null, line),
    [...group].reverse().map((each) => [group.length > 1 && h("p", { class: "file" }, h("code", null, each.text), ` ${clock(each.at_ms)}`),
      each.diff && diff(each.diff)]),
    h("p", null, turnLink(entry, entry.turn ? `Turn ${entry.turn} in its conversation` : "Its conversation"))));
}

/** The path in what an edit did: `Edited src/cart.py +3 -1`. */
function path(edit) {
  return edit.text.replace(/^(Added|Edited|Deleted|Renamed) /, "").replace(/( [+-]\d+)+$/, "");
}
