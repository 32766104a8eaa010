// Chooses the view that the address names, and keeps it up to date.

import { Locked, Unreachable, begin, listen, me } from "./api.js";
import { focusOn, h, keyOf, say, setClock, swap } from "./dom.js";
import { handoff } from "./handoff.js";
import { keys, number } from "./keys.js";
import { list } from "./projects.js";
import { bind, search } from "./search.js";
import { changes, session, turns } from "./session.js";
import { ofProject, sessions } from "./sessions.js";
import { timeline } from "./timeline.js";

const main = document.getElementById("main");
const field = document.getElementById("words");
const offline = document.getElementById("offline");
let shown = { open: null, view: null };
let going = new AbortController();

const OF_PROJECT = { __proto__: null, timeline, sessions: ofProject };
const VIEWS = { __proto__: null, project: handoff, sessions, session, turns, changes, search };

/** The view that an address names, and what it is given. */
function route(hash) {
  const [path, query] = hash.replace(/^#?\/?/, "").split("?");
  const [kind, ...rest] = path.split("/").map((part) => decodeURIComponent(part));
  const params = new URLSearchParams(query);
  if (!kind) return [list, [], params];
  const part = kind === "project" && OF_PROJECT[rest[1]];
  if (part) return [part, [rest[0], ...rest.slice(2)], params];
  const found = VIEWS[kind];
  return found ? [found, rest, params] : [missing, rest, params];
}

async function missing() {
  return { title: "Not found", nodes: instead("There is no such page") };
}

/** A heading, what there is to say, and a way on. */
function instead(title, text) {
  return [h("h1", { tabindex: "-1" }, title), h("p", null, text), h("p", null, h("a", { href: "#/" }, "All projects"))];
}

/** Shows what the address names. `move`: the user went there, so the focus goes along. */
async function show(move) {
  going.abort();
  going = new AbortController();
  const { signal } = going;
  let opened, params, query;
  try {
    [opened, params, query] = route(location.hash);
  } catch {
    [opened, params, query] = [missing, [], null];
  }
  if (opened === shown.open && (await shown.view?.move?.(params, signal))) return;
  main.setAttribute("aria-busy", "true");
  try {
    const view = await opened(params, query, signal);
    if (signal.aborted) return;
    draw(opened, view, move);
  } catch (error) {
    if (error.name === "AbortError" || signal.aborted) return;
    failed(error, opened);
  } finally {
    if (!signal.aborted) main.removeAttribute("aria-busy");
  }
}

function draw(opened, view, move) {
  const again = opened === shown.open && (!move || view.stay);
  const before = move && history.state;
  shown = { open: opened, view, text: JSON.stringify(view.data ?? null) };
  document.title = `${view.title} · Carryover`;
  if (again) swap(main, view.nodes.filter(Boolean));
  else main.replaceChildren(...view.nodes.filter(Boolean));
  if (opened !== search) field.value = "";
  for (const link of document.querySelectorAll(".top nav a")) {
    if (route(link.hash)[0] === opened) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  number();
  if (again) return;
  if (move) scrollTo(0, 0);
  if (move && !view.stay) main.querySelector("h1")?.focus({ preventScroll: true });
  view.shown?.();
  if (before) {
    scrollTo(0, before.top);
    focusOn(main, before.focus);
  }
}

function failed(error, opened) {
  shown = { open: opened, view: null };
  if (error instanceof Unreachable || error instanceof Locked) return lost(error);
  document.title = "Carryover";
  main.replaceChildren(...instead("This can't be shown", error.message));
}

function lost(error) {
  offline.hidden = false;
  offline.replaceChildren(error instanceof Locked
    ? "carryoverd was started again since, so this page is no longer let in. Run "
    : "carryoverd does not answer; what you see is from before. If it was stopped, run ",
  h("code", null, error instanceof Locked ? "carryover ui" : "carryover start"), ".");
  if (!main.querySelector("h1")) main.replaceChildren();
}

/** Brings the view up to date where it differs; the focus and what is open stay. */
async function redraw() {
  const { open: opened, view } = shown;
  if (!view) return void show(false);
  if (document.querySelector("dialog[open]")) return void later();
  if (view.keep?.()) return;
  try {
    if (view.refresh) return void (await view.refresh());
    const [wanted, params, query] = route(location.hash);
    if (wanted !== opened) return; // the user is on the way to another view
    const { signal } = going;
    const fresh = await opened(params, query, signal);
    if (signal.aborted || shown.view !== view || JSON.stringify(fresh.data ?? null) === shown.text) return;
    draw(opened, fresh, false);
    if (fresh.announce) say(fresh.announce);
  } catch (error) {
    if (error instanceof Unreachable || error instanceof Locked) lost(error);
  }
}

// Where a link was followed is kept with its entry in the history: back leads there, not to the top.
document.addEventListener("click", (event) => {
  const link = event.target.closest("main a");
  if (link) history.replaceState({ top: scrollY, focus: keyOf(link) }, "");
}, true);

document.getElementById("skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
document.getElementById("help").addEventListener("click", keys);
bind(field, () => /^#\/project\/(\d+)/.exec(location.hash)?.[1]);
addEventListener("hashchange", () => show(true));

let waiting = 0;
function later() {
  clearTimeout(waiting);
  waiting = setTimeout(redraw, 250);
}

async function changed(again) {
  if (again) await reached();
  later();
}

/** Finds out whether the daemon answers, and says so if not. */
async function reached() {
  try {
    await begin();
    offline.hidden = true;
  } catch (error) {
    lost(error);
  }
}

try {
  const ready = begin().then(() => setClock(me.now_ms));
  show(false);
  await ready;
  listen(changed, reached);
} catch (error) {
  failed(error, null);
}
