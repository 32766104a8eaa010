// What agents used, in all projects: `usage`; its pictures are those of a project's work too.

import { agentName, get, projects } from "./api.js";
import { Span, bars } from "./charts.js";
import { agentMark } from "./conversation.js";
import { at, h, moment } from "./dom.js";
import { beside, dayRows, handoffTokens, lasted, nothing, section, share, table } from "./tables.js";

const FRESH_MS = 30_000;
const NEW = "Input, output, cache writes";
const CACHED = "Cache reads";
const kept = { project: null };
const BRIEF = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
let measure = NEW;

/** The view of all projects. */
export async function usage(params, query, signal) {
  const [found, known] = await Promise.all([get("usage", signal), projects()]);
  const asked = Date.now();
  const [parts, sections] = await handoff(known, signal);
  const text = "What your agents recorded, in all projects, over the last 400 days at most. Nothing is estimated: an agent that records no tokens or limits is missing here.";
  const nodes = [h("h1", { tabindex: "-1" }, "Usage"), h("p", { class: "dim" }, text), ...pictures(found, kept, true), parts];
  // Agents that are at work would have it drawn anew each second.
  return { title: "Usage", nodes, data: [found, sections], keep: () => Date.now() - asked < FRESH_MS };
}

/** The pictures of what `usage` answers, for all projects or one. `place`: where the user has gone in them. */
export function pictures(found, place, ofAll = false) {
  const span = new Span(found.days, place);
  return [tokens(found, span), limits(found, ofAll)];
}

function tokens(found, span) {
  const title = "Tokens per day";
  if (!found.tokens.length) {
    return nothing("used", title, "No tokens are recorded. They are counted if an agent writes them into its transcript, from when Carryover first read it.");
  }
  const marked = new Set(found.limits.map((hit) => hit.day));
  const parts = found.tokens.map((each) => ({ agent: each.agent, values: measure === NEW ? each.new : each.cached }));
  const caption = `Tokens per day and agent: ${measure.toLowerCase()}`;
  const names = parts.map((part) => agentName(part.agent));
  const choose = (name) => h("button", {
    type: "button", class: "chip", id: name === NEW ? "new-tokens" : "cached-tokens", "aria-pressed": String(name === measure),
    onclick: (event) => {
      measure = name;
      const drawn = tokens(found, span);
      event.target.closest("section").replaceWith(drawn);
      drawn.querySelector("[aria-pressed=true]").focus();
    },
  }, name);
  return section("used", title, null, h("div", { class: "chips" }, choose(NEW), choose(CACHED)),
    beside(bars(span, parts, { marked }), caption, ["Day", ...names], dayRows(span.days, parts)));
}

function limits(found, ofAll) {
  const title = "Usage limits";
  if (!found.limits.length && !found.windows.length) {
    return nothing("limits", title, "None was reached, and no agent has said how much of one is used.");
  }
  const intro = "When one was reached, and how long after that it was to reset.";
  const shown = found.windows.length > 0 && windows(found.windows);
  if (!found.limits.length) return section("limits", title, null, shown, h("p", { class: "dim" }, "None was reached."));
  const rows = [...found.limits].reverse().map((hit) => [briefly(hit.at_ms), agentMark(hit.agent, agentName(hit.agent)),
    hit.resets_ms > hit.at_ms ? lasted(hit.resets_ms - hit.at_ms) : "not said", ...(ofAll ? [project(hit)] : [])]);
  const head = ["Reached", "Agent", "Reset after", ...(ofAll ? ["Project"] : [])];
  return section("limits", title, null, shown, h("p", { class: "dim" }, intro),
    beside(false, "Usage limits that were reached", head, rows));
}

function windows(all) {
  const rows = all.map((each) => [agentMark(each.agent_id, each.agent),
    [each.name, each.minutes > 0 && ` (${lasted(each.minutes * 60_000)})`],
    share(each.used_percent),
    moment(each.at_ms), each.resets_ms ? moment(each.resets_ms) : "not said"]);
  const caption = "How much of each limit was used when its agent last said so";
  return [h("p", { class: "dim" }, `${caption}.`), h("div", { class: "wide", tabindex: "0", role: "group", "aria-label": caption },
    table(caption, ["Agent", "Limit", "Used", "As of", "Resets"], rows, "windows"))];
}

/** A time without its year, which is in its title. */
function briefly(ms) {
  return h("span", { title: moment(ms) }, BRIEF.format(ms));
}

function project(of) {
  return h("a", { href: at("project", of.project_id) }, h("bdi", null, of.name));
}

/** Where the tokens of a project's handoff go: of the newest project, until another one is chosen; and those tokens. */
async function handoff(known, signal) {
  const title = "Where a handoff's tokens go";
  if (!known.length) return [nothing("tokens", title, "There is no handoff yet."), {}];
  const newest = [...known].sort((a, b) => b.last_ms - a.last_ms)[0];
  const chosen = known.find((each) => each.id === kept.project) ?? newest;
  const [sections, shown] = await tokensOf(chosen, signal);
  const options = known.map((each) => h("option", { value: each.id, selected: each === chosen }, each.name));
  const choose = h("select", {
    id: "tokens-of",
    onchange: async () => {
      kept.project = Number(choose.value);
      const [drawn] = await handoff(known);
      choose.closest("section").replaceWith(drawn);
      drawn.querySelector("select").focus();
    },
  }, options);
  return [section("tokens", title, null, h("p", { class: "of" }, h("label", { for: "tokens-of" }, "Project"), " ", choose), shown), sections];
}

/** The tokens of a project's handoff and how they are shown; why not, if only this project's folder does not answer. */
async function tokensOf(chosen, signal) {
  try {
    const { handoff_tokens: sections } = await get(`project/${chosen.id}/work`, signal);
    return [sections, handoffTokens(sections)];
  } catch (error) {
    if (error.constructor !== Error) throw error;
    return [{}, h("p", { class: "failed" }, error.message)];
  }
}
