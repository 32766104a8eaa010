// Bars for days, in SVG. They are for the eye; the table beside each picture says the same.

import { agentColour, agentName } from "./api.js";
import { agentMark } from "./conversation.js";
import { h, svg } from "./dom.js";

const SLOT = 12; // the width of a day, in px, however many there are
const BAR = 8;
const LEFT = 62;
const RIGHT = 26; // room for half of a day's name
const TOP = 10;
const BOTTOM = 182;
const HEIGHT = 210; // with the names of days
const SHORT = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const LONG = new Intl.DateTimeFormat("en-GB", { weekday: "short", day: "numeric", month: "short", year: "numeric" });
const BRIEF = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

export function dayText(day) {
  return LONG.format(new Date(`${day}T12:00`));
}

/** The days that pictures have in common. Kept: how far `back` from the newest the user is, and whether there are days to go to. */
export class Span {
  constructor(days, kept = {}) {
    Object.assign(this, { days, kept, pictures: new Set() });
    kept.back ??= 0;
  }

  /** The day after the last one that is shown, if `shown` of them are. */
  end(shown) {
    return this.days.length - Math.min(this.kept.back, Math.max(0, this.days.length - shown));
  }

  go(back) {
    this.kept.back = back;
    for (const picture of this.pictures) picture.draw();
  }
}

/**
 * A picture as wide as its place, which it follows: of as many days as fit, the newest at the right. A place in it is a
 * number of days since the first one, a day's end the next whole number; `steps` are the lines across, with their names.
 */
class Picture {
  constructor(span, { low, high, steps, marks, nearest, read }) {
    Object.assign(this, { span, low, high, steps, marks, nearest, read });
    this.place = h("div", { class: "picture", "aria-hidden": "true" });
    this.slider = h("input", { type: "range", min: 0, oninput: () => span.go(Number(this.slider.max) - Number(this.slider.value)) });
    this.range = h("output", { class: "dim" });
    // When a view is drawn again, the focus is put back before the pictures know their width.
    this.foot = h("p", { class: "span", hidden: !span.kept.goes }, h("label", null, h("span", { class: "unseen" }, "Which days are shown"), this.slider), this.range);
    span.pictures.add(this);
    this.watch = new ResizeObserver(() => this.fit());
    this.watch.observe(this.place);
  }

  fit() {
    if (!this.place.isConnected) return this.end();
    const shown = Math.max(1, Math.floor((this.place.clientWidth - LEFT - RIGHT) / SLOT));
    if (shown === this.shown) return;
    this.shown = shown;
    this.draw();
  }

  /** Shows the days that the span says. */
  draw() {
    if (!this.shown) return;
    const { days, kept } = this.span;
    const end = this.span.end(this.shown);
    const over = days.length - this.shown;
    kept.goes = over > 0;
    this.foot.hidden = over <= 0;
    this.slider.max = Math.max(0, over);
    this.slider.value = end - this.shown;
    this.range.value = `${dayText(days[Math.max(0, end - this.shown)])} – ${dayText(days[end - 1])}`;
    this.slider.setAttribute("aria-valuetext", this.range.value);
    this.place.replaceChildren(this.picture(end - this.shown, end));
  }

  picture(first, end) {
    const right = LEFT + this.shown * SLOT;
    const x = (place) => LEFT + (place - first) * SLOT;
    const y = (value) => BOTTOM - ((value - this.low) / (this.high - this.low)) * (BOTTOM - TOP);
    const pointer = svg("line", { class: "pointer", y1: TOP, y2: BOTTOM, visibility: "hidden" });
    const point = (found) => {
      pointer.setAttribute("visibility", found ? "visible" : "hidden");
      if (found) for (const name of ["x1", "x2"]) pointer.setAttribute(name, x(found.place));
      this.read(found?.index ?? null);
    };
    const pointed = (event) => point(this.nearest((event.clientX - drawn.getBoundingClientRect().left - LEFT) / SLOT + first, first, end));
    const drawn = svg("svg", { width: right + RIGHT, height: HEIGHT, onpointermove: pointed, onpointerleave: () => point(null) },
      this.steps.map(([value, name]) => [svg("line", { x1: LEFT, x2: right, y1: y(value), y2: y(value) }),
        svg("text", { class: "step", x: LEFT - 8, y: y(value) + 4 }, name)]),
      mondays(this.span.days[0], first, end).map(([place, name]) => [svg("line", { x1: x(place), x2: x(place), y1: BOTTOM, y2: BOTTOM + 4 }),
        svg("text", { class: "day", x: x(place), y: BOTTOM + 19 }, name)]),
      pointer, this.marks(x, y, first, end));
    return drawn;
  }

  end() {
    this.watch.disconnect();
    this.span.pictures.delete(this);
  }
}

/** The middle of each Monday among these days, with its name. */
function mondays(firstDay, from, end) {
  const first = new Date(`${firstDay}T12:00`);
  const dayAt = (n) => new Date(first.getFullYear(), first.getMonth(), first.getDate() + n);
  const all = Array.from({ length: end - from }, (_, n) => from + n).filter((n) => dayAt(n).getDay() === 1);
  return all.map((n) => [n + 0.5, SHORT.format(dayAt(n))]);
}

/** What is above a picture: the agents, and what is pointed at or, else, what all of it comes to. */
function legend(agents, shows) {
  const when = h("span", { class: "when" });
  const values = agents.map(() => h("strong"));
  const read = (at) => {
    const { title, numbers } = shows(at);
    when.textContent = title;
    values.forEach((value, n) => { value.textContent = numbers[n]; });
  };
  read(null);
  return { read, place: h("p", { class: "legend" }, when, agents.map((agent, n) => [agentMark(agent, [agentName(agent), " ", values[n]]), " "])) };
}

function figure(picture, above, ...more) {
  above.append(...more);
  return h("figure", { class: "chart" }, above, picture.place, picture.foot);
}

function ink(agent) {
  return `var(--c${agentColour(agent)})`;
}

/** At most six whole numbers from 0 to `top`, evenly apart. */
function evenSteps(top) {
  const size = 10 ** Math.floor(Math.log10(top));
  const step = Math.max(1, size * (top / size > 5 ? 2 : top / size > 2 ? 1 : 0.5));
  return Array.from({ length: Math.floor(top / step) + 1 }, (_, n) => [n * step, BRIEF.format(n * step)]);
}

/** Bars of the days, the agents' parts on each other. `marked` are days on which a limit was reached. */
export function bars(span, parts, { marked = new Set() } = {}) {
  const { days } = span;
  const sums = parts.map((part) => part.values.reduce((sum, value) => sum + value, 0));
  const top = Math.max(...days.map((_, n) => parts.reduce((sum, part) => sum + part.values[n], 0)), 1);
  const above = legend(parts.map((part) => part.agent), (at) => at === null
    ? { title: "In all", numbers: sums.map((sum) => BRIEF.format(sum)) }
    : { title: dayText(days[at]), numbers: parts.map((part) => BRIEF.format(part.values[at])) });
  const bar = (n, x, y) => {
    const left = x(n) + (SLOT - BAR) / 2;
    let below = 0;
    return [...parts.filter((part) => part.values[n]).map((part) => {
      const from = y(below);
      below += part.values[n];
      return svg("rect", { x: left, width: BAR, y: y(below), height: from - y(below), fill: ink(part.agent) });
    }), marked.has(n) && svg("rect", { class: "limit", x: left, width: BAR, y: TOP - 6, height: 3 })];
  };
  const picture = new Picture(span, {
    low: 0, high: top * 1.05, steps: evenSteps(top), read: above.read,
    marks: (x, y, first, end) => days.map((_, n) => n >= first && n < end && bar(n, x, y)),
    nearest: (place) => days[Math.floor(place)] && { index: Math.floor(place), place: Math.floor(place) + 0.5 },
  });
  const key = marked.size > 0 && h("span", { class: "by" }, h("span", { class: "limit-key", "aria-hidden": "true" }), "usage limit reached");
  return figure(picture, above.place, ...(key ? [key] : []));
}
