// Search over everything as you type: `search?q=…[&project=ID]`.

import { get, project, shortPath } from "./api.js";
import { agentMark } from "./conversation.js";
import { at, counted, h, say, time } from "./dom.js";

const WAIT_MS = 120; // a search that was begun runs to its end
const MOST = 30;
const LONGEST = 800; // characters of what was typed or pasted that fit into an address, in any alphabet

export function searchAddress(words, within) {
  return `#/search?${new URLSearchParams(within ? { q: words, project: within } : { q: words })}`;
}

/** Lets the field in the head of the page search: what is typed becomes the address, so that back and forward work. */
export function bind(field, currentProject) {
  let timer = 0;
  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      const words = field.value.trim();
      const already = location.hash.startsWith("#/search");
      if (!words && !already) return;
      const within = already ? new URLSearchParams(location.hash.split("?")[1]).get("project") : null;
      const to = searchAddress(words, within);
      if (!already) field.dataset.from = currentProject() ?? "";
      if (already) location.replace(to);
      else location.hash = to;
    }, WAIT_MS);
  });
  field.addEventListener("keydown", (event) => {
    if (event.isComposing) return; // the input method's own key
    if (event.key === "ArrowDown") document.querySelector(".hits a")?.focus();
    else if (event.key === "Escape" && field.value) {
      field.value = "";
      field.dispatchEvent(new Event("input"));
    } else if (event.key === "Escape") document.querySelector("main h1")?.focus();
    else return;
    event.preventDefault();
  });
  field.form.addEventListener("submit", (event) => {
    event.preventDefault();
    document.querySelector(".hits a")?.focus();
  });
}

export async function search(params, query, signal) {
  const words = query.get("q") ?? "";
  const within = query.get("project");
  const field = document.getElementById("words");
  if (document.activeElement !== field) field.value = words;
  const head = h("h1", { tabindex: "-1" }, words ? ["Hits for ", h("q", null, h("bdi", null, words))] : "Search");
  const scope = await scopes(words, within || field.dataset.from, within);
  if (!words.trim()) {
    const hint = h("p", { class: "dim" }, "Type words of a prompt, an answer, a command, a path or an error.");
    return { title: "Search", nodes: [head, scope, hint], stay: true };
  }
  const began = performance.now();
  const found = await get(`search?${new URLSearchParams({ q: words.slice(0, LONGEST), limit: MOST, ...(within ? { project: within } : {}) })}`, signal);
  const count = found.hits.length ? `${found.more ? "The best " : ""}${counted(found.hits.length, "hit")}` : "No hits";
  say(`${count}. ${found.note}`.trim());
  const nodes = [head, scope, h("p", { class: "dim" }, `${count} · ${Math.round(performance.now() - began)} ms`),
    found.note ? h("p", { class: "dim" }, h("bdi", null, found.note)) : null,
    h("ol", { class: "hits", "data-arrows": true }, found.hits.map((hit) => h("li", null, drawn(hit))))];
  return { title: `Search: ${words}`, nodes, data: found.hits, stay: true };
}

async function scopes(words, id, within) {
  const of = id ? await project(id).catch(() => null) : null;
  if (!of) return null;
  const link = (label, to, isCurrent) => h("a", { href: searchAddress(words, to), "aria-current": isCurrent && "true" }, label);
  return h("p", { class: "tabs" }, link("Everything", null, !within), link(`Only ${of.name}`, of.id, Boolean(within)));
}

function drawn(hit) {
  const name = (hit.project ?? "").split("/").at(-1) || "no project";
  return h("a", { class: "hit", href: at("session", hit.agent, hit.id, hit.turn) },
    h("span", { class: "facts" },
      h("strong", { title: shortPath(hit.project ?? "") }, h("bdi", null, name)), agentMark(hit.agent, hit.agent_name),
      hit.title && h("bdi", { class: "title", title: hit.title }, hit.title),
      hit.kind && h("span", null, hit.kind), hit.turn ? h("span", null, `turn ${hit.turn}`) : "",
      hit.subagent_id && h("span", { title: hit.show }, "sub-agent"), time(hit.at_ms)),
    h("span", { class: "words", dir: "auto" }, hit.excerpt.map((piece, n) => (n % 2 ? h("mark", null, piece) : piece))));
}
