// A list of dense rows in groups, which a field above it filters as one types.

import { counted, h, say, swap } from "./dom.js";

/** Whether `text` has each of the words, in any order and case. */
function matches(text, words) {
  const plain = text.toLowerCase();
  return words.toLowerCase().split(/\s+/).every((word) => plain.includes(word));
}

/**
 * Rows of the same kind. `texts(item)` is what the filter looks at, `group(item)` the heading that it stands below,
 * `drawn(item, items)` its `li`; `kept` remembers the words while other views are shown.
 */
export class Rows {
  constructor({ noun, items, texts, group, drawn, kept, name }) {
    Object.assign(this, { noun, items, texts, group, drawn, kept });
    this.place = h("div", { class: `rows ${name}`, "data-arrows": true });
    this.field = h("input", {
      id: "filter", type: "search", class: "filter", placeholder: "Type to filter", spellcheck: "false", autocomplete: "off",
      "aria-label": `Filter the ${noun}s`, "data-filter": true, oninput: () => this.filter(),
    });
    this.field.value = kept.words ?? "";
    this.draw();
  }

  filter() {
    this.kept.words = this.field.value;
    this.draw();
    const number = this.place.querySelectorAll("li").length;
    say(number === this.items.length ? `All ${counted(number, this.noun)}.` : `${counted(number, this.noun)} of ${this.items.length}.`);
  }

  /** Shows other items, or the same again; the focus stays where it is. */
  draw(items = this.items) {
    this.items = items;
    const words = this.field.value.trim();
    const groups = new Map();
    for (const item of items.filter((each) => matches(this.texts(each), words))) {
      const title = this.group(item);
      if (!groups.has(title)) groups.set(title, []);
      groups.get(title).push(this.drawn(item, items));
    }
    swap(this.place, groups.size ? [...groups].map(([title, drawn]) => h("section", { "aria-label": title },
      h("h2", null, title, h("span", { class: "dim" }, ` ${drawn.length}`)), h("ul", null, drawn)))
      : [h("p", { class: "dim" }, `No ${this.noun} has these words.`)]);
  }
}
