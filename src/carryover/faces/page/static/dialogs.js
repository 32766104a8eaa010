// What changes something asks first. Each of these runs a command of the user's, by the daemon.

import { agentName, command, projects, startable } from "./api.js";
import { h, inline, say } from "./dom.js";

const TITLE_CHARS = 70;

/** A session's title in the heading of a dialog, short enough to leave room for what is below. */
export function quoted(title) {
  const signs = [...title];
  return `“${signs.length > TITLE_CHARS ? `${signs.slice(0, TITLE_CHARS - 1).join("")}…` : title}”`;
}

/** Opens a dialog with `content` and buttons: label, look, and what they do. After one returned true, `done` follows it. */
function open(title, content, buttons, done = () => {}) {
  let didIt = false;
  const outcome = h("div", { class: "outcome", role: "status" });
  const close = h("button", { type: "button", onclick: () => dialog.close() }, buttons.length ? "Cancel" : "Close");
  const run = ([label, kind, act]) => h("button", { type: "button", class: kind, onclick: async (event) => {
    const button = event.currentTarget;
    button.disabled = true;
    try {
      if (await act(outcome)) {
        didIt = true;
        close.textContent = "Close";
        row.replaceChildren(close);
        close.focus();
      }
    } catch (error) {
      outcome.replaceChildren(h("p", { class: "failed" }, error.message));
    }
    button.disabled = false;
    if (document.activeElement === document.body) button.focus(); // it lost the focus while it was disabled
    outcome.scrollIntoView({ block: "nearest" });
  } }, label);
  const row = h("div", { class: "buttons" }, close, buttons.map(run));
  const dialog = h("dialog", { "aria-labelledby": "dialog-title", onclose: () => {
    dialog.remove();
    if (didIt) done();
  } },
    h("h2", { id: "dialog-title" }, title), content, outcome, row);
  document.body.append(dialog);
  dialog.showModal();
  dialog.scrollTop = 0; // the button that has the focus now is in sight wherever the text is
  return dialog;
}

function told(outcome, done, instead) {
  const text = done.output.trim() || (done.ok ? `✓ ${instead}` : "✗ It did not work.");
  outcome.replaceChildren(h("p", { class: done.ok ? "text good" : "text failed" }, inline(text)));
  return done.ok;
}

export function forget(what, name, done) {
  const preview = h("div", { role: "status" }, h("p", { class: "dim" }, "Asking what would go …"));
  open(`Forget ${name}?`, [preview,
    h("p", null, "It goes for good: from the ledger and its copies, from handoffs and search. ",
      "Your agents' own transcripts stay as they are.")],
    [["Forget for good", "danger", async (outcome) => told(outcome, await command({ command: "forget", ...what }), "Forgotten.")]], done);
  command({ command: "forget", ...what, preview: true })
    .then((would) => preview.replaceChildren(h("pre", { tabindex: "0" }, would.output.trim() || "Nothing of it is recorded.")))
    .catch((error) => preview.replaceChildren(h("p", { class: "failed" }, error.message)));
}

export function pause(which, done) {
  const verb = which.is_paused ? "unpause" : "pause";
  const text = which.is_paused
    ? "Carryover reads what agents do here again, from now on and what it missed, and keeps the handoff fresh."
    : "While it is paused, nothing that agents do here is recorded and its handoff is not updated. What was recorded stays.";
  open(which.is_paused ? `Record ${which.name} again?` : `Pause ${which.name}?`, h("p", null, text),
    [[which.is_paused ? "Record again" : "Pause", "main", async (outcome) =>
      told(outcome, await command({ command: verb, project: which.id }), which.is_paused ? "Recorded again." : "Paused.")]], done);
}

export function note(which, done) {
  const text = h("textarea", { id: "note-text", rows: "7", spellcheck: "true", "aria-describedby": "note-about" });
  open(`Add a note to ${which.name}`, [
    h("p", { id: "note-about" }, "An answer from a web chat, or a fact that the next agent should have. The handoff names it for a week; ",
      "agents see it as text from outside, not as your prompt."),
    h("label", { for: "note-text" }, "Note"), text],
    [["Add the note", "main", async (outcome) => {
      if (!text.value.trim()) {
        outcome.replaceChildren(h("p", { class: "failed" }, "Write something first."));
        text.focus();
        return false;
      }
      return told(outcome, await command({ command: "note", project: which.id, text: text.value }), "Added.");
    }]], done);
}

/** The fields of a command by which it is about one session. */
function about(one) {
  return one ? { session: one.session, session_agent: one.agent } : {};
}

/** Continues in the agent that is chosen: the project's newest work, or `one` of its sessions. */
export async function continueIn(which, one = null) {
  const used = (await projects()).map((each) => each.agent);
  const lastUse = (id) => (used.includes(id) ? used.indexOf(id) : used.length);
  const able = [...await startable()].sort((one, other) => lastUse(one) - lastUse(other));
  const line = h("code", { class: "command" }, "…");
  const chosen = () => dialog.querySelector("input:checked").value;
  const ask = async () => {
    const agent = chosen();
    line.textContent = "…";
    const answer = await command({ command: "to", project: which.id, agent, preview: true, ...about(one) })
      .catch((error) => ({ line: "", output: error.message }));
    if (agent === chosen()) line.textContent = answer.line || answer.output.trim();
  };
  const usual = able.find((id) => id !== which.agent) ?? able[0];
  const agents = able.map((id) => h("label", { class: "choice" },
    h("input", { type: "radio", name: "agent", value: id, checked: id === usual, autofocus: id === usual, onchange: ask }), " ", agentName(id),
    id === which.agent && h("span", { class: "dim" }, which.waits_for === "a limit" ? " (at its usage limit)" : " (worked last)")));
  const dialog = open(`Continue ${one ? quoted(one.title) : which.name} in …`, [
    h("fieldset", { class: "choices" }, h("legend", null, "The agent gets the handoff as its first prompt"), agents),
    h("p", null, "Paste this into a terminal:"), h("p", { role: "status" }, line)],
    [["Copy", "", async (outcome) => {
      await copy(line);
      outcome.replaceChildren(h("p", { class: "good" }, "✓ Copied."));
      return false;
    }], ["Run in a terminal", "main", async (outcome) => {
      const done = await command({ command: "to", project: which.id, agent: chosen(), ...about(one) });
      if (done.was_run) return told(outcome, done, `${agentName(chosen())} starts in a new terminal window.`);
      outcome.replaceChildren(h("p", null, inline(done.output.trim() || "No terminal window could be opened here: copy the command.")));
      return false;
    }]]);
  ask();
}

/** Shows the handoff that begins with one session, to be copied: into an agent that runs, or a web chat. */
export function copyHandoff(which, one) {
  const text = h("pre", { tabindex: "0" }, "…");
  open(`Copy the handoff of ${quoted(one.title)}`, [h("p", null, "Paste it into an agent that runs, or into a web chat."), text],
    [["Copy", "main", async (outcome) => {
      await copy(text);
      outcome.replaceChildren(h("p", { class: "good" }, "✓ Copied."));
      return false;
    }]]);
  command({ command: "handoff", project: which.id, preview: true, ...about(one) })
    .then((made) => text.replaceChildren(h("span", { class: !made.ok && "failed" }, made.output.trim())))
    .catch((error) => text.replaceChildren(h("span", { class: "failed" }, error.message)));
}

async function copy(element) {
  try {
    await navigator.clipboard.writeText(element.textContent);
  } catch {
    getSelection().selectAllChildren(element);
    throw new Error("The browser does not allow it. The command is selected: press Ctrl+C.");
  }
}

const KEYS = {
  "/": "search",
  "?": "these keys",
  "1 2 3 …": "the tabs; where there are none, Projects and what is named beside it",
  "a … z": "filter a list of projects or files; Enter opens its first row",
  "↑ ↓": "the line, row, hit or entry above or below; at first, the first on the screen",
  Enter: "open; in a handoff, show the turn beside it",
  "→": "from a line of the handoff to the turn beside it",
  "←": "back to the line",
  Esc: "close the turn, or empty and then leave a field",
  "Alt ←": "back",
};

export function keys() {
  open("Keys", h("dl", { class: "keys" }, Object.entries(KEYS).map(([key, what]) => [h("dt", null, h("kbd", null, key)), h("dd", null, what)])), []);
}
