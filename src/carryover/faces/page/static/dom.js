// Builds elements. Text from transcripts only ever becomes text: nothing here, or anywhere on this page, parses markup.


// They turn the direction of what follows them: a name would read backwards.
const DIRECTIONS = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

// Attributes that people read or hear.
const READ = /^(?:title|aria-.*)$/;

function plain(text) {
  return String(text).replace(DIRECTIONS, "");
}

/** Creates an element. Functions named `on…` are listeners; null and false leave an attribute or child out. */
export function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : READ.test(name) ? plain(value) : String(value));
  }
  for (const child of children.flat(4)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : plain(child));
  }
  return element;
}

/** An address of this page: `at("project", 3, "timeline")`. */
export function at(...parts) {
  return `#/${parts.map((part) => encodeURIComponent(part)).join("/")}`;
}

export function counted(number, noun) {
  return `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
}

/** Text with what is between backquotes as code and between double asterisks strong. */
export function inline(text) {
  return text.split(/(`[^`\n]+`|\*\*[^*\n]+\*\*)/).map((piece, at) => {
    if (at % 2 === 0) return piece;
    return piece[0] === "`" ? h("code", null, piece.slice(1, -1)) : h("strong", null, piece.slice(2, -2));
  });
}

/** What an agent said: code blocks set apart, headings strong, the rest as it was written. */
export function prose(text) {
  return text.split(/^(```[^\n]*\n[\s\S]*?(?:\n```[ \t]*$|$(?![\s\S])))/m).map((block, at) => {
    if (at % 2) return h("pre", { dir: "auto" }, block.replace(/^```[^\n]*\n/, "").replace(/\n?```[ \t]*$/, ""));
    // Not by a pattern for the end, which would try each of a million spaces in a row.
    const lines = block.replace(/^\n+/, "").trimEnd().split(/^(#{1,6} .*)$/m);
    const shown = lines.map((line, n) => (n % 2 ? h("strong", null, line.replace(/^#+ /, "")) : inline(line)));
    return block.trim() && h("div", { class: "text", dir: "auto" }, shown);
  });
}

/** A diff, runs of lines that were added or removed set apart. */
export function diff(text) {
  const runs = [];
  for (const line of text.split("\n")) {
    const tag = { "+": "ins", "-": "del" }[line[0]] ?? "span";
    if (runs.at(-1)?.tag === tag) runs.at(-1).lines.push(line);
    else runs.push({ tag, lines: [line] });
  }
  return h("pre", null, runs.map(({ tag, lines }) => h(tag, null, lines.join("\n"), tag === "span" && "\n")));
}

/** How many lines a diff adds and removes, as `+3 −1`. */
export function size(text) {
  const count = (sign) => text.split("\n").filter((line) => line[0] === sign).length;
  return [["+", count("+")], ["−", count("-")]].filter(([, n]) => n).map((pair) => pair.join("")).join(" ");
}

const UNITS = [[86400, "day"], [3600, "h"], [60, "min"], [1, "s"]];
let ahead = 0; // of this browser's clock, in ms

export function setClock(nowMs) {
  ahead = Date.now() - nowMs;
}

/** The daemon's time in UTC ms. */
export function now() {
  return Date.now() - ahead;
}

export function ago(ms) {
  const seconds = Math.max(0, Math.round((now() - ms) / 1000));
  if (seconds < 5) return "just now";
  const [length, name] = UNITS.find(([length]) => seconds >= length);
  const number = Math.floor(seconds / length);
  return `${number} ${name}${name === "day" && number > 1 ? "s" : ""} ago`;
}

const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const DAY = new Intl.DateTimeFormat("en-GB", { weekday: "long", day: "numeric", month: "long" });
const FULL = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" });

export function clock(ms) {
  return CLOCK.format(ms);
}

export function moment(ms) {
  return FULL.format(ms);
}

/** The local day of a time, as people name it. */
export function dayName(ms) {
  const day = DAY.format(ms);
  const here = now();
  if (here - ms > 300 * 86_400_000) return `${day} ${new Date(ms).getFullYear()}`;
  return day === DAY.format(here) ? "Today" : day === DAY.format(here - 86_400_000) ? "Yesterday" : day;
}

/** The part of the past that a time lies in: the local day, the seven days up to it, or before. */
export function age(ms) {
  const midnight = new Date(now()).setHours(0, 0, 0, 0);
  if (ms >= midnight) return "Today";
  return ms >= midnight - 6 * 86_400_000 ? "This week" : "Older";
}

/** A time; with `style` "ago" it is kept up to date. */
export function time(ms, style = "ago") {
  if (!ms) return null;
  const shown = { ago, clock, moment }[style](ms);
  return h("time", { datetime: new Date(ms).toISOString(), title: moment(ms), "data-ago": style === "ago" && ms }, shown);
}

setInterval(() => {
  for (const element of document.querySelectorAll("time[data-ago]")) {
    const shown = ago(Number(element.dataset.ago));
    if (element.textContent !== shown) element.textContent = shown;
  }
}, 20_000);

/** Says something to those who do not see the page. */
export function say(text) {
  const status = document.getElementById("status");
  if (status.textContent !== text) status.textContent = text;
}

/** Replaces the content of `place`; what had the focus, was open or was scrolled stays so. */
export function swap(place, nodes) {
  const focused = place.contains(document.activeElement) ? keyOf(document.activeElement) : null;
  const open = [...place.querySelectorAll("details[data-key][open]")].map((each) => each.dataset.key);
  const scrolled = [...place.querySelectorAll("[data-scroll]")].map((each) => [each.dataset.scroll, each.scrollTop]);
  place.replaceChildren(...nodes);
  for (const each of place.querySelectorAll("details[data-key]")) each.open ||= open.includes(each.dataset.key);
  for (const [name, top] of scrolled) {
    const again = place.querySelector(`[data-scroll="${name}"]`);
    if (again) again.scrollTop = top;
  }
  if (focused !== null) focusOn(place, focused);
}

export function focusOn(place, key) {
  const found = [...place.querySelectorAll("a, button, summary, input, select, [tabindex]")].find((each) => keyOf(each) === key);
  found?.focus({ preventScroll: true });
}

/** What an element is found by after its view was drawn again. */
export function keyOf(element) {
  return element.id || element.getAttribute("href") || element.closest("[data-key]")?.dataset.key || element.textContent;
}
