// A session's turns: what was said, and what was done in between.

import { agentColour, get } from "./api.js";
import { counted, diff, h, prose, say, time } from "./dom.js";

export function agentMark(id, name) {
  return h("span", { class: `by c${agentColour(id)}` }, h("span", { class: "dot", "aria-hidden": "true" }), name);
}

/** The turns of a session around one of them, of which more can be loaded. `level`: of the turns' headings. */
export class Conversation {
  constructor(agent, session, turn, level) {
    Object.assign(this, { agent, session, turn: turn === "" ? null : Number(turn), level, turns: new Map(), from: Infinity, answer: null });
    this.node = h("div", { class: "conversation" });
  }

  async load(turn = this.turn, signal = undefined) {
    const path = `session/${encodeURIComponent(this.agent)}/${encodeURIComponent(this.session)}`;
    this.answer = await get(`${path}?turn=${turn}`, signal);
    this.from = Math.min(this.from, this.answer.first_turn);
    for (const each of this.answer.turns) {
      const text = JSON.stringify(each);
      if (this.turns.get(each.number)?.text !== text) this.turns.set(each.number, { text, node: this.drawn(each) });
    }
    this.draw();
    return this.answer;
  }

  draw() {
    const numbers = [...this.turns.keys()].sort((a, b) => a - b);
    const last = numbers.at(-1);
    const more = (turn, label) => h("button", { type: "button", class: "more", onclick: () => this.extend(turn) }, label);
    this.node.replaceChildren(
      this.from > 0 ? more(this.from - 1, "Show earlier turns") : "",
      ...numbers.map((number) => this.turns.get(number).node),
      last < this.answer.total_turns ? more(last + 1, "Show later turns") : "",
    );
    if (!numbers.length) this.node.append(h("p", { class: "dim" }, "Nothing was said in this session."));
  }

  async extend(turn) {
    const before = this.turns.size;
    const anchor = this.node.querySelector(".turn");
    const top = anchor.getBoundingClientRect().top;
    await this.load(turn);
    const pane = this.node.closest("[data-scroll]");
    const moved = anchor.getBoundingClientRect().top - top;
    if (turn < Number(anchor.dataset.turn)) (pane ?? window).scrollBy(0, moved);
    (this.turns.get(turn)?.node ?? anchor).querySelector(".turn-title").focus({ preventScroll: true });
    say(`${counted(this.turns.size - before, "more turn")} shown.`);
  }

  /** Loads what came since, if the newest turn is shown. */
  async refresh() {
    const last = Math.max(0, ...this.turns.keys());
    if (last >= this.answer.total_turns) await this.load(last);
  }

  drawn(turn) {
    const chosen = turn.number === this.turn;
    const title = turn.number ? `Turn ${turn.number}` : this.agent === "note" ? "Note" : "Before the first prompt";
    return h("section", { class: chosen ? "turn chosen" : "turn", "data-turn": turn.number, "aria-label": title },
      h(`h${this.level}`, { class: "turn-title", tabindex: "-1" }, title, " ", time(turn.at_ms, "moment")),
      parts(turn.parts, `${this.session}/${turn.number}`));
  }

  /** Brings the chosen turn to the top of what scrolls, without a jump of the focus. */
  reveal() {
    const pane = this.node.closest("[data-scroll]");
    const turn = this.node.querySelector(".turn.chosen");
    if (!turn) return;
    const head = pane?.querySelector(".pane-head").getBoundingClientRect().height ?? 0;
    if (pane) pane.scrollTop += turn.getBoundingClientRect().top - pane.getBoundingClientRect().top - head - 8;
    else turn.scrollIntoView({ block: "start" });
  }
}

function parts(all, key) {
  return all.map((part, n) => {
    if (part.kind !== "user" && part.kind !== "agent") return work(part, `${key}/${n}`);
    const body = part.kind === "user" ? h("div", { class: "text", dir: "auto" }, part.text) : prose(part.text);
    return h("div", { class: `said ${part.kind}` }, h("p", { class: "who" }, heading(part)), body);
  });
}

function heading(part) {
  return part.retracted ? `${part.heading} (retracted)` : part.heading;
}

function work(part, key) {
  const line = [part.failed && h("span", { class: "failed" }, "✗ failed: "), h("code", null, heading(part))];
  if (!part.text.trim()) return h("p", { class: "happening" }, "· ", line);
  const shown = part.is_diff ? diff(part.text) : h("pre", { dir: "auto" }, part.text);
  return h("details", { class: "work", "data-key": key }, h("summary", null, line), shown);
}
