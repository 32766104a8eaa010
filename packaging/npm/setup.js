// Makes the private environment `env` beside this file. Nothing outside this folder is written, so that npm removes all of it.
"use strict";

const { spawnSync } = require("node:child_process");
const fs = require("node:fs");
const path = require("node:path");

const ENV = path.join(__dirname, "env");
const COMPLETE = path.join(ENV, "complete");
const OLDEST = "3.11";
const PYTHONS = [process.env.CARRYOVER_PYTHON, "python3.14", "python3.13", "python3.12", "python3.11", "python3"];
const MACOS_NOTE = `
macOS: carryoverd runs in the Python of this machine, so it is not an app of its own, not signed and not notarised. macOS may
ask once whether Python may read other programs' files; without it, transcripts that lie there are skipped.`;

function main() {
  fs.rmSync(ENV, { recursive: true, force: true });
  try {
    makeEnvironment();
    install();
  } catch (error) {
    fs.rmSync(ENV, { recursive: true, force: true });
    console.error(`carryoverd: ${error.message}`);
    process.exit(1);
  }
  console.log("carryoverd is installed. `carryover install` sets it up for the agents you use.");
  if (process.platform === "darwin") console.log(MACOS_NOTE);
}

/** With a Python of this machine, else with uv, which brings one. */
function makeEnvironment() {
  const check = `import sys, ensurepip, venv; sys.exit(sys.version_info < (${OLDEST.replace(".", ", ")}))`;
  const python = PYTHONS.find((name) => name && run(name, "-c", check).status === 0);
  if (python) return must(run(python, "-m", "venv", ENV), "The environment could not be made");
  if (run("uv", "--version").status === 0) {
    return must(run("uv", "venv", "--seed", "--quiet", "--python", `>=${OLDEST}`, ENV), "The environment could not be made");
  }
  throw new Error(
    `No Python ${OLDEST} or newer with venv was found, and no uv. Nothing was installed. Install one of them ` +
      "(Debian and Ubuntu: apt install python3-venv), or name it in CARRYOVER_PYTHON. Then run this again."
  );
}

/** pip compares each file with its SHA-256 in requirements.txt before it installs any of them. */
function install() {
  const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary", ":all:"];
  const done = run(path.join(ENV, "bin", "python"), ...pip, "--require-hashes", "--requirement", "requirements.txt");
  must(done, "Nothing was installed: a download failed, or is not the file that was released");
  const [python] = fs.readdirSync(path.join(ENV, "lib"));
  const packages = path.join(ENV, "lib", python, "site-packages");
  const info = fs.readdirSync(packages).find((name) => /^carryoverd-.*\.dist-info$/.test(name));
  fs.writeFileSync(path.join(packages, info, "INSTALLER"), "npm\n"); // so that the program says how to update it
  fs.writeFileSync(COMPLETE, "");
}

function run(command, ...args) {
  return spawnSync(command, args, { cwd: __dirname, encoding: "utf8" });
}

function must(done, otherwise) {
  if (done.status !== 0) throw new Error(`${otherwise}.\n${(done.error ? String(done.error) : done.stderr).trim()}`);
}

main();
