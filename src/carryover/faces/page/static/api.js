// Asks the daemon, and hears from it what has changed.

export const me = { agents: {}, home: "" };
let list = null;
let known = null;

export class Unreachable extends Error {}
export class Locked extends Error {}

async function answered(path, signal) {
  let response;
  try {
    response = await fetch(`api/${path}`, { signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Unreachable("carryoverd does not answer.");
  }
  if (response.status === 403) throw new Locked("This page is no longer signed in.");
  if (response.status === 404) throw new Error("This is not recorded, or was forgotten.");
  if (response.status === 409 || response.status === 503) throw new Error((await response.json()).error);
  if (!response.ok) throw new Error(`carryoverd could not answer this (${response.status}); carryover logs says why.`);
  return response.json();
}

/** An answer, which is given once `me` is known: views show agents by the names that are there. */
export async function get(path, signal) {
  const [answer] = await Promise.all([answered(path, signal), known]);
  return answer;
}

export function begin() {
  known = answered("me").then((answer) => Object.assign(me, answer));
  return known;
}

function listed() {
  list ??= get("projects").catch((error) => {
    list = null;
    throw error;
  });
  return list;
}

/** The projects, asked for once until something changes. */
export async function projects() {
  return (await listed()).projects;
}

/** How many of the transcripts on disk are read: `[read, all]`. */
export async function howFar() {
  const { transcripts, unread } = await listed();
  return [Math.max(0, transcripts - unread), transcripts];
}

export async function project(id) {
  const found = (await projects()).find((each) => each.id === Number(id));
  if (!found) throw new Error("This project is not recorded, or was forgotten.");
  return found;
}

/** Calls `changed(id)` when a project changed, `changed(null)` when anything may have, and `lost()` without a connection. */
export function listen(changed, lost) {
  let events;
  let missed = true; // what changed since the first view was asked for
  const open = () => {
    events = new EventSource("api/changes");
    events.onopen = () => {
      if (missed) {
        list = null;
        changed(null);
      }
      missed = false;
    };
    events.onerror = () => {
      miss();
      lost();
      // After an answer that is no stream (403: the daemon was started again) a browser does not try again.
      if (events.readyState === EventSource.CLOSED) setTimeout(() => document.hidden || open(), 5000);
    };
    events.addEventListener("project", (event) => {
      list = null;
      changed(JSON.parse(event.data).id);
    });
  };
  const miss = () => {
    missed = true;
    list = null;
  };
  // A browser opens few connections to one host, and a stream in each hidden tab would take them all.
  document.addEventListener("visibilitychange", () => {
    events.close();
    miss();
    if (!document.hidden) open();
  });
  open();
}

export function agentName(id) {
  return me.agents[id] ?? id;
}

const COLOURS = 8;
const colours = new Map();

/** The number of an agent's colour: its own, or the next one that no agent on this page has had before. */
export function agentColour(id) {
  const place = Object.keys(me.agents).indexOf(id);
  if (place < 0) return COLOURS;
  if (!colours.has(id)) {
    const taken = new Set(colours.values());
    const own = Array.from({ length: COLOURS }, (_, n) => (place + n) % COLOURS);
    colours.set(id, own.find((colour) => !taken.has(colour)) ?? own[0]);
  }
  return colours.get(id);
}

export function shortPath(path) {
  const home = me.home.replace(/\/$/, "");
  return home && (path === home || path.startsWith(`${home}/`)) ? `~${path.slice(home.length)}` : path;
}
