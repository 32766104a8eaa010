// What keys do in every view; a view's own are with it.

import { h } from "./dom.js";

const main = document.getElementById("main");
const words = document.getElementById("words");

const KEYS = {
  "/": "search",
  "?": "these keys",
  "1 2 3 …": "the tabs; where there are none, Projects and what is named beside it",
  "a … z": "filter a list of projects; Enter opens its first row",
  "↑ ↓": "the line, row, hit or entry above or below; at first, the first on the screen",
  Enter: "open; in a handoff, show the turn beside it",
  "→": "from a line of the handoff to the turn beside it",
  "←": "back to the line",
  Esc: "close the turn, or empty and then leave a field",
  "Alt ←": "back",
};

/** Lists the keys. */
export function keys() {
  const close = h("button", { type: "button", onclick: () => dialog.close() }, "Close");
  const dialog = h("dialog", { "aria-labelledby": "dialog-title", onclose: () => dialog.remove() },
    h("h2", { id: "dialog-title" }, "Keys"),
    h("dl", { class: "keys" }, Object.entries(KEYS).map(([key, what]) => [h("dt", null, h("kbd", null, key)), h("dd", null, what)])),
    h("div", { class: "buttons" }, close));
  document.body.append(dialog);
  dialog.showModal();
  dialog.scrollTop = 0; // the button that has the focus now is in sight wherever the text is
}

/** Numbers the tabs of the view, or else the views that the head of the page names, for those who hear of keys. */
export function number() {
  for (const each of document.querySelectorAll("a[aria-keyshortcuts]")) each.removeAttribute("aria-keyshortcuts");
  tabs().forEach((tab, place) => tab.setAttribute("aria-keyshortcuts", String(place + 1)));
}

function tabs() {
  const own = [...main.querySelectorAll(".tabs a")];
  return own.length ? own : [...document.querySelectorAll(".top nav a")];
}

function filter() {
  return main.querySelector("[data-filter]");
}

/** What the arrow keys stop at. */
function stops() {
  const lists = [...main.querySelectorAll("[data-arrows]")];
  return lists.flatMap((each) => [...each.querySelectorAll("a, summary")]).filter((each) => each.checkVisibility());
}

/** Up and down go to the line above or below; from elsewhere, to the first line on the screen. */
function step(event) {
  if (event.target.closest("select, textarea, [data-scroll], input:not([data-filter])")) return;
  const all = stops();
  const down = event.key === "ArrowDown";
  const here = all.indexOf(event.target);
  if (!all.length || (event.target === filter() && !down)) return;
  event.preventDefault();
  if (here < 0) (event.target === filter() ? all : onScreen(all))[0].focus();
  else if (!down && here === 0) (filter() ?? (main.querySelector(".hits") ? words : null))?.focus();
  else all[here + (down ? 1 : -1)]?.focus();
}

/** The stops from the top of the screen on, or all if they are above it. */
function onScreen(all) {
  const top = document.querySelector(".top").getBoundingClientRect().bottom;
  const seen = all.filter((each) => each.getBoundingClientRect().top >= Math.max(0, top));
  return seen.length ? seen : all;
}

/** Keys in the field that filters a list. */
function inFilter(event) {
  const field = event.target;
  if (event.key === "Enter") stops()[0]?.click();
  else if (event.key === "Escape" && field.value) {
    field.value = "";
    field.dispatchEvent(new Event("input"));
  } else if (event.key === "Escape") main.querySelector("h1").focus();
  else return;
  event.preventDefault();
}

addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.isComposing || document.querySelector("dialog[open]")) return;
  const types = event.target.matches("input, textarea, select");
  if (event.altKey && event.key === "ArrowLeft" && !event.ctrlKey && !event.metaKey && !types) {
    event.preventDefault();
    return void history.back();
  }
  if (event.altKey || event.ctrlKey || event.metaKey) return;
  if (event.key === "ArrowDown" || event.key === "ArrowUp") return step(event);
  if (event.target === filter()) return inFilter(event);
  if (types) return;
  if (event.key === "/") words.focus();
  else if (event.key === "?") keys();
  else if (/^[1-9]$/.test(event.key)) tabs()[Number(event.key) - 1]?.click();
  else if (/^\p{L}$/u.test(event.key) && filter()) return void filter().focus(); // where the letter then goes
  else return;
  event.preventDefault();
});
