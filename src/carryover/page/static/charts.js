// Pictures by uPlot: bars for days, and points in time. They are for the eye; the table beside each says the same.

import { Unreachable, agentColour, agentName } from "./api.js";
import { agentMark } from "./conversation.js";
import { h } from "./dom.js";

const SLOT = 12; // the width of a day, in px, however many there are
const BAR = 8;
const HEIGHT = 210;
const LEFT = 62;
const RIGHT = 26; // room for half of a day's name
const STEPS = [1, 10, 60, 360, 1440, 10_080, 43_200, 576_000]; // min
const LOWEST_TOP = 60; // min
const STEP_NAMES = ["1 min", "10 min", "1 h", "6 h", "1 day", "1 week", "30 days", "400 days"];
const SHORT = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const LONG = new Intl.DateTimeFormat("en-GB", { weekday: "short", day: "numeric", month: "short", year: "numeric" });
const BRIEF = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

const all = new Set();
let UPlot = null;
let loading = null;

/** Brings what only pictures need, when the first one is shown: the lists need not wait for it. */
export function loaded() {
  loading ??= Promise.all([import("./vendor/uPlot.esm.js"), style("vendor/uPlot.min.css"), style("charts.css")]).then(
    ([library]) => { UPlot = library.default; },
    () => {
      loading = null;
      throw new Unreachable("carryoverd does not answer.");
    });
  return loading;
}

function style(href) {
  return new Promise((onload, onerror) => document.head.append(h("link", { rel: "stylesheet", href, onload, onerror })));
}

function brief(number) {
  return BRIEF.format(number);
}

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
    for (const picture of this.pictures) picture.move();
  }
}

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function ink(agent) {
  return () => colour(`--c${agentColour(agent)}`);
}

function axis(own) {
  const line = () => colour("--line");
  return { stroke: () => colour("--dim"), font: "12px system-ui, sans-serif", grid: { stroke: line, width: 1 }, ticks: { show: false }, ...own };
}

/** A picture as wide as its place, which it follows: of as many days as fit, the newest at the right. */
class Picture {
  constructor(span, { data, series, y, yAxis, hooks = {}, read }) {
    Object.assign(this, { span, data, series, y, yAxis, hooks, read });
    this.place = h("div", { class: "picture", "aria-hidden": "true" });
    this.slider = h("input", { type: "range", min: 0, oninput: () => span.go(Number(this.slider.max) - Number(this.slider.value)) });
    this.range = h("output", { class: "dim" });
    // When a view is drawn again, the focus is put back before the pictures know their width.
    this.foot = h("p", { class: "span", hidden: !span.kept.goes }, h("label", null, h("span", { class: "unseen" }, "Which days are shown"), this.slider), this.range);
    span.pictures.add(this);
    all.add(this);
    this.watch = new ResizeObserver(() => this.fit());
    this.watch.observe(this.place);
  }

  fit() {
    if (!this.place.isConnected) return this.end();
    const shown = Math.max(1, Math.floor((this.place.clientWidth - LEFT - RIGHT) / SLOT));
    if (shown === this.shown) return;
    this.shown = shown;
    const size = { width: LEFT + RIGHT + shown * SLOT, height: HEIGHT };
    if (this.plot) this.plot.setSize(size);
    else this.plot = new UPlot(this.options(size), this.data, this.place);
    this.move();
  }

  /** Shows the days that the span says. */
  move() {
    if (!this.plot) return;
    const end = this.span.end(this.shown);
    const over = this.span.days.length - this.shown;
    this.span.kept.goes = over > 0;
    this.foot.hidden = over <= 0;
    this.slider.max = Math.max(0, over);
    this.slider.value = end - this.shown;
    this.range.value = `${dayText(this.span.days[Math.max(0, end - this.shown)])} – ${dayText(this.span.days[end - 1])}`;
    this.slider.setAttribute("aria-valuetext", this.range.value);
    this.plot.setScale("x", { min: end - this.shown - 0.5, max: end - 0.5 });
  }

  options(size) {
    const first = new Date(`${this.span.days[0]}T12:00`);
    const dayAt = (n) => new Date(first.getFullYear(), first.getMonth(), first.getDate() + n);
    const mondays = (plot, at, min, max) => {
      const newest = Math.floor(max) - ((dayAt(Math.floor(max)).getDay() + 6) % 7);
      return Array.from({ length: Math.max(0, Math.floor((newest - min) / 7) + 1) }, (_, back) => newest - 7 * back).reverse();
    };
    const named = (plot, splits) => splits.map((n) => SHORT.format(dayAt(n)));
    return {
      ...size, series: [{}, ...this.series], legend: { show: false }, padding: [10, RIGHT, 0, 0],
      cursor: { y: false, drag: { x: false, y: false }, points: { show: false } },
      scales: { x: { time: false }, y: { range: () => this.y } },
      axes: [axis({ splits: mondays, values: named, incrs: [7], space: 1, size: 28, grid: { show: false }, ticks: { show: true, size: 4, stroke: () => colour("--line") } }),
        axis({ size: LEFT, ...this.yAxis })],
      hooks: { ...this.hooks, setCursor: [(plot) => this.read(plot.cursor.idx ?? null)] },
    };
  }

  end() {
    this.watch.disconnect();
    this.plot?.destroy();
    this.plot = null;
    this.span.pictures.delete(this);
    all.delete(this);
  }
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

/** Bars of the days, the agents' parts on each other. `marked` are days on which a limit was reached. */
export function bars(span, parts, { marked = new Set() } = {}) {
  const sums = parts.map((part) => part.values.reduce((sum, value) => sum + value, 0));
  const heights = span.days.map(() => 0);
  const stacked = parts.map((part) => part.values.map((value, n) => {
    heights[n] += value;
    return value ? heights[n] : null;
  }));
  const top = Math.max(...heights, 1);
  const above = legend(parts.map((part) => part.agent), (at) => at === null
    ? { title: "In all", numbers: sums.map(brief) }
    : { title: dayText(span.days[at]), numbers: parts.map((part) => brief(part.values[at])) });
  const paths = UPlot.paths.bars({ size: [1, BAR, BAR], gap: 0 });
  const mark = (plot) => {
    const ratio = devicePixelRatio;
    plot.ctx.fillStyle = colour("--bad");
    for (const n of marked) {
      const x = plot.valToPos(n, "x", true);
      if (x > plot.bbox.left && x < plot.bbox.left + plot.bbox.width) plot.ctx.fillRect(x - (BAR / 2) * ratio, plot.bbox.top - 6 * ratio, BAR * ratio, 3 * ratio);
    }
  };
  // The highest is drawn first, and what is below covers the lower part of it.
  const series = parts.map((part) => ({ fill: ink(part.agent), width: 0, paths, points: { show: false } })).reverse();
  const picture = new Picture(span, {
    data: [span.days.map((_, n) => n), ...stacked.reverse()], series, y: [0, top * 1.05],
    yAxis: { values: (plot, splits) => splits.map((value) => (Number.isInteger(value) ? brief(value) : "")) },
    hooks: { draw: [mark] }, read: above.read,
  });
  const key = marked.size > 0 && h("span", { class: "by" }, h("span", { class: "limit-key", "aria-hidden": "true" }), "usage limit reached");
  return figure(picture, above.place, ...(key ? [key] : []));
}

/** Points in time, each as high as it took long. `points` have `place`, `ms`, `agent` and `title`. */
export function points(span, given, key) {
  const found = [...given].sort((a, b) => a.place - b.place);
  const agents = [...new Set(found.map((each) => each.agent))];
  const minutes = found.map((each) => Math.max(1, each.ms / 60_000));
  const enough = STEPS.find((step) => step >= Math.max(...minutes)) ?? STEPS.at(-1);
  const highest = Math.max(enough, LOWEST_TOP);
  const above = legend(agents, (at) => at === null
    ? { title: key, numbers: agents.map((agent) => found.filter((each) => each.agent === agent).length) }
    : { title: found[at].title, numbers: agents.map(() => "") });
  const series = agents.map((agent) => ({
    paths: () => null, points: { show: true, size: 11, width: 1.5, space: 0, fill: ink(agent), stroke: () => colour("--card") },
  }));
  const heights = (agent) => found.map((each, n) => (each.agent === agent ? Math.log10(minutes[n]) : null));
  const steps = STEPS.filter((step) => step <= highest).map(Math.log10);
  const picture = new Picture(span, {
    data: [found.map((each) => each.place - 0.5), ...agents.map(heights)], series, y: [-0.2, Math.log10(highest) + 0.15],
    yAxis: { splits: () => steps, values: () => STEP_NAMES.slice(0, steps.length) }, read: above.read,
  });
  return figure(picture, above.place);
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  for (const picture of all) picture.plot?.redraw();
});
