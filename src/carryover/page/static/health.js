// What `carryover doctor` says: `health`.

import { get, me } from "./api.js";
import { counted, h, inline } from "./dom.js";

const LEVELS = { wrong: ["✗", "Problem"], todo: ["☐", "For you to do"], note: ["·", "Good to know"] };

export async function health(params, query, signal) {
  const said = await get("health", signal);
  const number = (level) => said.findings.filter((finding) => finding.level === level).length;
  const sum = number("wrong") ? `${counted(number("wrong"), "problem")}.` : "No problems found.";
  const left = number("todo") ? ` ${counted(number("todo"), "thing")} left for you to do.` : "";
  const nodes = [
    h("div", { class: "head" }, h("h1", { tabindex: "-1" }, "Health")),
    h("p", { class: number("wrong") ? "failed" : "good" }, number("wrong") ? "✗ " : "✓ ", sum, left),
    h("ul", { class: "findings" }, said.findings.map((finding) => {
      const [sign, name] = LEVELS[finding.level] ?? LEVELS.note;
      return h("li", { class: finding.level },
        h("h2", null, h("span", { "aria-hidden": "true" }, `${sign} `), h("span", { class: "unseen" }, `${name}: `), inline(finding.what)),
        h("p", null, inline(finding.why)), h("p", null, "→ ", inline(finding.do)));
    })),
    h("p", { class: "dim" }, `As `, h("code", null, "carryover doctor"), ` sees it, carryoverd ${me.version}. `,
      said.findings.some((finding) => finding.fix) && [h("code", null, "carryover doctor --fix"), " repairs what is safe to repair. "],
      said.update && ["To upgrade: ", h("code", null, said.update), "."]),
  ];
  return { title: "Health", nodes, data: said };
}
