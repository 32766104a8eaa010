// Asks the daemon, and hears from it what has changed.

export const me = { token: "", agents: [], startable: [], home: "", version: "" };
let list = null;

export class Unreachable extends Error {}
export class Locked extends Error {}

async function answered(path, options) {
  let response;
  try {
    response = await fetch(`api/${path}`, options);
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

export async function get(path, signal) {
  return answered(path, { signal });
}

export async function begin() {
  Object.assign(me, await get("me"));
}

/** The projects, asked for once until something changes. */
export async function projects() {
  list ??= get("projects").catch((error) => {
    list = null;
    throw error;
  });
  return (await list).projects;
}

export async function project(id) {
  const found = (await projects()).find((each) => each.id === Number(id));
  if (!found) throw new Error("This project is not recorded, or was forgotten.");
  return found;
}

/** Runs one of the user's commands, by the daemon. */
export async function command(body) {
  const headers = { "Content-Type": "application/json", "X-Carryover-Token": me.token };
  const done = await answered("command", { method: "POST", headers, body: JSON.stringify(body) });
  if (!body.preview) list = null;
  return done;
}

/** Calls `changed(id)` when a project changed, `changed(null)` when anything may have, and `lost()` without a connection. */
export function listen(changed, lost) {
  let events;
  let missed = false;
  const open = () => {
    events = new EventSource("api/changes");
    events.onopen = () => {
      if (missed) changed(null);
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
    events.addEventListener("health", () => changed("health"));
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

export function agentName(id, machine = "") {
  const name = me.agents.find((agent) => agent.id === id)?.name ?? id;
  return machine ? `${name} on ${machine}` : name;
}

/** The number of an agent's colour, the same in all views. */
export function agentColour(id) {
  const place = me.agents.findIndex((agent) => agent.id === id);
  return place < 0 ? 8 : place % 8;
}

export function shortPath(path) {
  const home = me.home.replace(/\/$/, "");
  return home && (path === home || path.startsWith(`${home}/`)) ? `~${path.slice(home.length)}` : path;
}
