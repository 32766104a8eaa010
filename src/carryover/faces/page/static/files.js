// The files that sessions of a project edited, and of one file who edited it and why: `project/ID/files[/PATH]`.

import { get } from "./api.js";
import { agentMark } from "./conversation.js";
import { age, at, counted, h, inline, moment, time } from "./dom.js";
import { Rows } from "./lists.js";
import { frame } from "./project.js";
import { changesTo, sized } from "./session.js";

const kept = {};

export async function files([id, path], query, signal, app) {
  const [[of, above], found] = await Promise.all([frame(id, "Files", app.redraw), get(`project/${id}/files`, signal)]);
  if (path) return one(id, of, above, path, found);
  if (kept.project !== id) Object.assign(kept, { project: id, words: "" });
  const rows = new Rows({
    noun: "file", items: found.files, texts, group: (file) => age(file.sessions[0].at_ms), drawn: (file) => row(id, file), kept, name: "all-files",
  });
  const none = h("p", { class: "dim" }, "No edits of files are recorded here.");
  const refresh = async () => rows.draw((await get(`project/${id}/files`)).files);
  const nodes = [...above, ...(found.files.length ? [h("p", { class: "chooser" }, rows.field), rows.place] : [none]), reach(found)];
  return { title: `Files of ${of.name}`, nodes, refresh: found.files.length ? refresh : null, data: [of, found] };
}

/** How far back the list goes, if not to the beginning. */
function reach(found) {
  return found.before_ms > 0 && h("p", { class: "dim" }, `Edits before ${moment(found.before_ms)} are not in this list: see the sessions.`);
}

function texts(file) {
  return [file.path, ...file.sessions.map((each) => `${each.agent_name} ${each.why}`)].join("\n");
}

function row(id, file) {
  const [newest] = file.sessions;
  const agents = new Map(file.sessions.map((each) => [each.agent_name, each]));
  const [folder, name] = [file.path.replace(/[^/]*$/, ""), file.path.split("/").at(-1)];
  return h("li", { class: "row", "data-key": file.path },
    h("h3", { class: "name", title: file.path }, h("a", { href: at("project", id, "files", file.path) }, folder && h("span", { class: "folder" }, folder), h("bdi", null, name))),
    h("p", { class: "words", dir: "auto", title: newest.why }, inline(newest.why)),
    h("p", { class: "agent" }, agentMark(newest.agent, newest.agent_name), agents.size > 1 && h("span", { class: "url" }, ` +${agents.size - 1}`)),
    h("p", { class: "number" }, counted(file.sessions.reduce((edits, each) => edits + each.edits, 0), "edit")),
    h("p", { class: "number" }, sized(file.added, file.removed)),
    h("p", { class: "age" }, time(newest.at_ms)));
}

function one(id, of, above, path, found) {
  const file = found.files.find((each) => each.path === path);
  const back = h("p", { class: "path" }, h("a", { href: at("project", id, "files") }, "All files"));
  const list = file ? h("div", { class: "changes", "data-arrows": true }, file.sessions.map((each) => ofSession(path, each)))
    : h("p", { class: "dim" }, "No edit of this file is recorded.");
  const nodes = [...above, back, h("h2", null, h("code", null, path)), list];
  return { title: `${path} in ${of.name}`, nodes, data: [of, file] };
}

/** A session that edited the file; its diffs are loaded when it is opened. */
function ofSession(path, of) {
  const diffs = h("div", { class: "diffs" });
  const links = of.turns.map((turn) => [h("a", { href: at("session", of.agent, of.id, turn) }, turn ? `turn ${turn}` : "before turn 1"), " "]);
  const load = async (event) => {
    if (!event.target.open || diffs.childNodes.length) return;
    diffs.append("…");
    try {
      diffs.replaceChildren(...[await changesTo(path, of.agent, of.id)].flat());
    } catch (error) {
      diffs.replaceChildren(h("p", { class: "failed" }, error.message));
    }
  };
  return h("details", { class: "changed of-session", "data-key": `${of.agent}/${of.id}`, ontoggle: load },
    h("summary", null, agentMark(of.agent, of.agent_name), time(of.at_ms, "moment"), sized(of.added, of.removed),
      h("span", { class: "words", dir: "auto" }, inline(of.why))),
    h("p", { class: "facts" }, h("span", null, `${counted(of.edits, "edit")} in `, links),
      h("a", { href: at("changes", of.agent, of.id, path) }, "All files of this session")), diffs);
}
