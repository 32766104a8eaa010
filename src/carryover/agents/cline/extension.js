// Written by `carryover install`, which replaces it; `carryover uninstall` removes it.
//
// Asks Carryover for the handoff when a session starts, and puts it at the end of the system message. It says nothing,
// waits no longer than LIMIT_MS, and no error of it leaves this file: Cline ends a turn if a rule fails.
const HOOKS = @HOOKS@;
const LIMIT_MS = 2000;

// Resolves to what the hook prints: "" if it fails, or takes too long.
async function run(event, payload) {
  const [hook] = HOOKS[event] ?? [];
  if (!hook) return "";
  const { spawn } = await import("node:child_process");
  return new Promise((resolve) => {
    const child = spawn("sh", ["-c", hook.command], { stdio: ["pipe", "pipe", "ignore"] });
    const late = setTimeout(() => child.kill(), LIMIT_MS);
    const printed = [];
    const end = (text) => {
      clearTimeout(late);
      resolve(text);
    };
    child.on("error", () => end(""));
    child.on("close", (code) => end(code === 0 ? Buffer.concat(printed).toString("utf8") : ""));
    child.stdin.on("error", () => {});
    child.stdout.on("data", (part) => printed.push(part));
    child.stdin.end(JSON.stringify({ ...payload, hook_event_name: event }) + "\n");
  });
}

async function documentOf(session) {
  const [{ homedir }, { join }] = await Promise.all([import("node:os"), import("node:path")]);
  const { CLINE_DIR, CLINE_DATA_DIR, CLINE_SESSION_DATA_DIR } = process.env;
  const data = CLINE_DATA_DIR || join(CLINE_DIR || join(homedir(), ".cline"), "data");
  return join(CLINE_SESSION_DATA_DIR || join(data, "sessions"), session, session);
}

// What is at a path as JSON; {} if there is nothing, or half of it: the client does not replace its files at once.
async function read(path) {
  const { readFile } = await import("node:fs/promises");
  return readFile(path, "utf8").then(JSON.parse).catch(() => ({}));
}

async function about(session) {
  return { session_id: session, transcript_path: `${await documentOf(session)}.messages.json`, cwd: process.cwd() };
}

// The client writes a new session's messages with its first answer; those of a fork are there before its first turn.
async function start(session) {
  const document = await documentOf(session);
  const { messages = [] } = await read(`${document}.messages.json`);
  const { metadata } = await read(`${document}.json`);
  const answered = messages.findLast((message) => message.role === "assistant")?.ts;
  return {
    ...(await about(session)),
    source: metadata?.fork ? "fork" : messages.length ? "resume" : "startup",
    seconds_since_last_response: answered ? (Date.now() - answered) / 1000 : undefined,
  };
}

// Asks now, since soon the session's own prompt is on disk; again before the first turn, if that is a fork's by then.
function handoffOf(session) {
  const began = start(session);
  const asked = began.then((given) => run("SessionStart", given));
  asked.catch(() => {});
  return async () => {
    try {
      const [first, now] = await Promise.all([began, start(session)]);
      return await (now.source === first.source ? asked : run("SessionStart", now));
    } catch {
      return "";
    }
  };
}

let current;

export default {
  name: "carryover",
  manifest: { capabilities: ["rules", "hooks"] },
  // Without a session, the client only lists plugins.
  setup(api, ctx) {
    current = ctx?.session?.sessionId;
    if (!current) return;
    const ask = handoffOf(current);
    let handoff;
    api.registerRule({ id: "carryover", source: "carryover", content: () => (handoff ??= ask()) });
  },
  hooks: {
    afterRun() {
      if (current) about(current).then((session) => run("Stop", session)).catch(() => "");
    },
  },
};
