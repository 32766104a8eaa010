// Asks the daemon, also whether anything has changed.

const ASK_MS = 2000;
export const me = { agents: {}, home: "" };
let list = null;
let known = null;
let seen = null; // the revision that is shown; null if anything may have changed, or was not answered

export class Unreachable extends Error {}
export class Locked extends Error {}

async function answered(path, signal) {
  let response;
  try {
    response = await fetch(`api/${path}`, { signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    seen = null;
    throw new Unreachable("carryoverd does not answer.");
  }
  if (response.status === 403) {
    seen = null;
    throw new Locked("This page is no longer signed in.");
  }
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

/** Calls `changed(again)` when anything changed, `again` if there was no answer before, and `lost()` without one. */
export function listen(changed, lost) {
  let [waits, locked] = [false, false];
  const ask = async () => {
    if (document.hidden || waits) return; // one question at a time
    waits = true;
    try {
      const { revision } = await answered("revision");
      locked = false;
      if (revision === seen) return;
      const again = seen === null;
      [seen, list] = [revision, null];
      changed(again);
    } catch (error) {
      list = null;
      locked = error instanceof Locked;
      lost();
    } finally {
      waits = false;
    }
  };
  document.addEventListener("visibilitychange", ask);
  setInterval(() => locked || ask(), ASK_MS); // a page that is no longer signed in asks only when it is looked at
  ask();
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
