// The live handoff of a project beside the turns its lines come from: `project/ID[/source/AGENT/SESSION/TURN]`.

import { agentName, get } from "./api.js";
import { Conversation, agentMark } from "./conversation.js";
import { at, counted, h, inline, say, time } from "./dom.js";
import { frame } from "./project.js";

const NOTE = "note"; // the agent of what the user brought in
const PIN = "pin-"; // begins the session of what the user pinned

export async function handoff([id, ...chosen], query, signal) {
  const [[of, above], made] = await Promise.all([frame(id, "Handoff"), get(`project/${id}/handoff`, signal)]);
  const about = { "data-scroll": "source", "aria-label": "Where the line comes from" };
  const pane = h("aside", { class: "pane", id: "source", tabindex: "0", ...about });
  const lines = h("div", { class: "lines" }, made.handoff ? content(id, made) : nothing(of));
  const view = h("div", { class: made.handoff ? "beside" : "" }, lines, made.handoff && pane);
  let shown = null;

  async function show(parts, signal) {
    const wanted = parts.slice(1).join("/");
    if (wanted === shown) return;
    shown = wanted;
    view.classList.toggle("open", parts.length > 3);
    for (const each of lines.querySelectorAll("[data-source]")) {
      each.toggleAttribute("aria-current", false);
      if (parts.length > 3 && each.dataset.source === wanted) each.setAttribute("aria-current", "true");
    }
    if (parts.length > 3) await fill(pane, id, parts.slice(1), signal);
    else pane.replaceChildren(h("p", { class: "dim" }, "Choose a line of the handoff to see the turn that it comes from."));
  }

  /** Shows the turn; where the pane lies over the lines, also the line that was chosen. */
  function reveal() {
    pane.conversation?.reveal();
    const line = lines.querySelector("[aria-current]");
    if (line && getComputedStyle(pane).position === "fixed") line.scrollIntoView({ block: "start" });
  }

  view.addEventListener("keydown", (event) => {
    if (event.target.matches("input, textarea, summary")) return;
    if (event.key === "ArrowRight" && shown && lines.contains(event.target)) pane.focus();
    else if (event.key === "ArrowLeft" && pane.contains(event.target)) lines.querySelector("[aria-current]")?.focus();
    else if (event.key === "Escape" && shown) {
      (lines.querySelector("[aria-current]") ?? lines.querySelector("a"))?.focus();
      location.hash = at("project", id);
    } else return;
    event.preventDefault();
  });
  await show([id, ...chosen], signal);
  return {
    title: of.name,
    nodes: [...above, view],
    data: [of, made],
    announce: "The handoff was updated.",
    shown: reveal,
    /** Goes to another line of the same handoff without drawing it again. */
    move: async (params, signal) => {
      if (params[0] !== id) return false;
      await show(params, signal);
      reveal();
      return true;
    },
  };
}

function nothing(of) {
  return h("p", null, of.is_paused ? "This project is paused, so no handoff is kept for it." : "There is nothing to hand over here yet.");
}

function content(id, made) {
  const { text, sections } = made.handoff;
  const head = text.split("\n## ", 1)[0].trim();
  const place = made.path.split("/").slice(-2).join("/");
  return [
    h("p", { class: "dim about" }, counted(text.trimEnd().split("\n").length, "line"), `, about ${counted(made.tokens, "token")}. `,
      made.refusal ? `It is not written into the project: ${made.refusal}.` :
        ["What the next agent reads in ", h("code", null, place), "."]),
    head && h("details", { class: "protocol", "data-key": "head" }, h("summary", null, "What it tells the agent first"),
      h("div", { class: "text" }, inline(head))),
    sections.map((section, n) => [h("h2", { id: `section-${n}` }, section.title),
      h("ul", { "aria-labelledby": `section-${n}`, "data-arrows": true }, section.lines.map((line, m) => item(id, line, section.sources[m])))]),
  ];
}

function item(id, line, sources) {
  const text = h("span", { class: "words", dir: "auto" }, inline(line.replace(/^> /, "")));
  const known = sources.filter((source, n, all) => source.session &&
    all.findIndex((other) => other.session === source.session && other.turn === source.turn) === n);
  if (!known.length) {
    const kind = sources[0]?.kind ?? "";
    return h("li", null, h("p", { class: "line" }, text, kind && h("span", { class: "from" }, kind)));
  }
  const [first, ...others] = known.map((source) => ({ ...source, agent: source.agent ?? NOTE }));
  const link = (source, kind, ...shown) => {
    const parts = ["source", source.agent, source.session, source.turn ?? 0];
    return h("a", { class: kind, href: at("project", id, ...parts), "data-source": parts.join("/") }, shown);
  };
  const agent = agentMark(first.agent, first.agent !== NOTE && h("span", { class: "unseen" }, agentName(first.agent), " "));
  const also = others.slice(0, 6).map((source) =>
    [link(source, "", turnName(source), source.agent !== first.agent && ` of ${agentName(source.agent)}`), " "]);
  return h("li", { class: line.startsWith("> ") && "further" },
    link(first, "line", text, h("span", { class: "from" }, agent, turnName(first))),
    also.length > 0 && h("span", { class: "also" }, "also ", also));
}

function turnName(source) {
  if (source.turn) return `turn ${source.turn}`;
  if (source.agent !== NOTE) return "before turn 1";
  return source.session.startsWith(PIN) ? "your word" : "note";
}

async function fill(pane, id, [, agent, session, turn], signal) {
  const name = turnName({ agent, session, turn: Number(turn) });
  pane.setAttribute("aria-busy", "true");
  const talk = new Conversation(agent, session, turn, 3);
  const close = h("a", { class: "close", href: at("project", id) }, "Close");
  try {
    const answer = await talk.load(turn, signal);
    const at_ms = answer.turns.find((each) => each.number === Number(turn))?.at_ms;
    pane.conversation = talk;
    pane.replaceChildren(
      h("div", { class: "pane-head" }, h("h2", { dir: "auto" }, answer.session.title || `Session ${session}`), close,
        h("p", { class: "facts" }, agentMark(agent, answer.session.agent_name),
          agent !== NOTE && answer.total_turns > 0 && h("span", null, `${name} of ${answer.total_turns}`),
          time(at_ms, "moment"), h("a", { href: at("session", agent, session, turn) }, "The whole session"))),
      talk.node);
    say(`${agent === NOTE ? name : `${name} of ${answer.session.agent_name}`} is shown beside. Press the right arrow key to go there.`);
  } catch (error) {
    if (error.name === "AbortError") return;
    pane.replaceChildren(h("p", { class: "failed" }, error.message), close);
  } finally {
    pane.removeAttribute("aria-busy");
  }
}
