// The list of projects: a row each, grouped by age.

import { agentName, howFar, projects, shortPath } from "./api.js";
import { agentMark } from "./conversation.js";
import { age, at, counted, h, time } from "./dom.js";
import { Rows } from "./lists.js";
import { stateOf } from "./project.js";

const kept = {};
const WAITING = ["you", "approval"];

/** The view of all projects. */
export async function list() {
  const all = await projects();
  const sums = h("p", { class: "dim" });
  const read = h("p", { class: "dim", hidden: true });
  const rows = new Rows({
    noun: "project", items: all, texts, group: (of) => age(of.last_ms), drawn: row, kept, name: "all-projects",
  });
  const sum = async () => {
    sums.replaceChildren(...summed(rows.items));
    const [done, found] = await howFar();
    read.hidden = done >= found;
    read.textContent = `${done} of ${counted(found, "transcript")} read, newest project first`;
  };
  await sum();
  const none = h("p", null, "No session is recorded yet. Work with one of your agents; it appears here by itself. ",
    h("code", null, "carryover doctor"), " says whether something is in the way.");
  const head = h("div", { class: "head" }, h("h1", { tabindex: "-1" }, "Projects"), all.length > 0 && rows.field, sums, read);
  const refresh = async () => {
    rows.draw(await projects());
    await sum();
  };
  return { title: "Projects", nodes: [head, all.length ? rows.place : none], refresh: all.length ? refresh : null, data: all };
}

function summed(all) {
  const number = (...kinds) => all.filter((each) => kinds.includes(each.waits_for)).length;
  const yours = number(...WAITING);
  const limited = number("a limit");
  const waits = yours > 0 && h("span", { class: "waits" }, `${counted(yours, "project")} ${yours === 1 ? "waits" : "wait"} for you`);
  const stopped = limited > 0 && h("span", { class: "waits limit" }, `${limited} at a usage limit`);
  return [waits, waits && stopped && " ", stopped].filter(Boolean);
}

function texts(of) {
  return [of.name, shortPath(of.root), of.about, of.asks, stateOf(of).text, of.agent_name].join("\n");
}

function row(of, all) {
  const state = stateOf(of);
  const isTwin = all.some((other) => other.name === of.name && other.id !== of.id);
  const folder = shortPath(of.root).split("/").slice(0, -1).join("/");
  const words = of.waits_for === "you" && of.asks ? of.asks : of.about;
  return h("li", { "data-key": `p${of.id}`, class: "row" },
    h("h3", { class: "name", title: shortPath(of.root) }, h("a", { href: at("project", of.id) }, h("bdi", null, of.name)),
      isTwin && h("bdi", { class: "url" }, ` ${folder}`)),
    h("p", { class: "words", dir: "auto", title: words }, words),
    h("p", { class: "state" }, h("span", { class: state.kind }, state.text)),
    h("p", { class: "agent" }, of.agent && agentMark(of.agent, of.agent_name || agentName(of.agent))),
    h("p", { class: "age" }, time(of.last_ms)));
}
