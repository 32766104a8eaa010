// What `carryover doctor` says: `health`. Its check takes seconds, so what is known is shown first.

import { get, me, projects } from "./api.js";
import { counted, h, inline, say, swap, time } from "./dom.js";

const LEVELS = { wrong: ["✗", "Problem"], todo: ["☐", "For you to do"], note: ["·", "Good to know"] };

export async function health(params, query, signal) {
  const [known, all] = await Promise.all([get("health/known", signal), projects()]);
  const place = h("div", { "aria-busy": "true" }, known.found ? drawn(known.found) : null, h("p", { class: "dim" },
    known.found && ["As checked ", time(known.checked_ms), ". "], "Checking hooks, settings, transcripts, pointers, the ledger and the disk …"));
  let shown = null;
  /** Asks for a new check, and shows it if it differs. */
  const check = async () => {
    try {
      const { found } = await get("health", signal);
      if (JSON.stringify(found) === shown) return;
      shown = JSON.stringify(found);
      swap(place, drawn(found).filter(Boolean));
      say(place.querySelector("p").textContent);
    } catch (error) {
      if (error.name === "AbortError") return;
      swap(place, [h("p", { class: "failed" }, error.message)]);
    }
    place.removeAttribute("aria-busy");
  };
  const nodes = [h("div", { class: "head" }, h("h1", { tabindex: "-1" }, "Health")), h("p", { class: "dim" }, ...running(all)), place];
  return { title: "Health", nodes, shown: check, refresh: check };
}

/** What this page knows without a check. */
function running(all) {
  const agents = [...new Set(all.filter((each) => each.agent).map((each) => each.agent_name))].slice(0, 4);
  return [`carryoverd ${me.version} runs. `, all.length ? ["Recorded: ", counted(all.length, "project"), agents.length > 0 && ` by ${agents.join(", ")}`,
    ", last work ", time(all[0].last_ms), "."] : "Nothing is recorded yet."];
}

function drawn(said) {
  const number = (level) => said.findings.filter((finding) => finding.level === level).length;
  const sum = number("wrong") ? `${counted(number("wrong"), "problem")}.` : "No problems found.";
  const left = number("todo") ? ` ${counted(number("todo"), "thing")} left for you to do.` : "";
  return [
    h("p", { class: number("wrong") ? "failed" : "good" }, number("wrong") ? "✗ " : "✓ ", sum, left),
    h("ul", { class: "findings" }, said.findings.map((finding) => {
      const [sign, name] = LEVELS[finding.level] ?? LEVELS.note;
      return h("li", { class: finding.level },
        h("h2", null, h("span", { "aria-hidden": "true" }, `${sign} `), h("span", { class: "unseen" }, `${name}: `), inline(finding.what)),
        h("p", null, inline(finding.why)), h("p", null, "→ ", inline(finding.do)));
    })),
    h("p", { class: "dim" }, "As ", h("code", null, "carryover doctor"), " sees it. ",
      said.findings.some((finding) => finding.fix) && [h("code", null, "carryover doctor --fix"), " repairs what is safe to repair. "],
      said.update && ["To upgrade: ", h("code", null, said.update), "."]),
  ];
}
