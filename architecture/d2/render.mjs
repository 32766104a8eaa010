// Draws each picture from its source: `make diagrams`, or `node render.mjs FOLDER` to draw into another folder.
// Needs the renderer in build/d2, where `make diagrams` puts it.
import { createHash } from "node:crypto";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const into = process.argv[2] ?? here;
const { D2 } = await import(join(here, "../../build/d2/node_modules/@terrastruct/d2/dist/node-esm/index.js"));
const options = { sketch: true, layout: "elk", themeID: 0, pad: 24, scale: 0.75 };

const names = readdirSync(here).filter((name) => name.endsWith(".d2"));
const fs = Object.fromEntries(names.map((name) => [name, readFileSync(join(here, name), "utf8")]));
const d2 = new D2();

for (const name of names.filter((name) => name !== "style.d2")) {
  const { diagram, renderOptions } = await d2.compile({ fs, inputPath: name, options });
  const svg = await d2.render(diagram, renderOptions);
  const hash = createHash("sha256").update(fs[name] + fs["style.d2"]).digest("hex");
  const title = fs[name].match(/^# (.*)/)[1];
  const drawn = svg.replace(/<svg ([^>]*)>/, `<svg $1 role="img" data-source="${hash}"><title>${title}</title>`);
  writeFileSync(join(into, name.replace(/d2$/, "svg")), drawn);
}
process.exit(0); // the renderer's workers would keep it alive
