// Written by `carryover install`, which replaces it; `carryover uninstall` removes it.
//
// Asks Carryover for the handoff when a session starts, and puts it at the end of the system message. It says nothing,
// waits no longer than LIMIT_MS, and no error of it leaves this file: pi does not start if an extension fails.
const HOOKS = @HOOKS@;
const LIMIT_MS = 2000;
const REASONS = { new: "clear", resume: "resume", fork: "fork", reload: "resume" };

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

// With `--fork` and `--session`, too, pi says "startup": the header of a fork names its parent.
function reasonOf(event, ctx) {
  if (event.reason !== "startup") return REASONS[event.reason];
  if (ctx.sessionManager.getHeader()?.parentSession) return "fork";
  const isPrompt = (entry) => entry.type === "message" && entry.message.role === "user";
  return ctx.sessionManager.getEntries().some(isPrompt) ? "resume" : "startup";
}

// Seconds since the model last answered in the conversation, which a fork has from its parent.
function idle(ctx) {
  const answers = ctx.sessionManager.getEntries().filter((entry) => entry.message?.role === "assistant");
  const last = Date.parse(answers.at(-1)?.timestamp);
  return Number.isNaN(last) ? undefined : (Date.now() - last) / 1000;
}

function about(ctx) {
  const file = ctx.sessionManager.getSessionFile();
  return { session_id: ctx.sessionManager.getSessionId(), transcript_path: file, cwd: ctx.cwd };
}

export default function (pi) {
  let handoff = Promise.resolve("");

  pi.on("session_start", async (event, ctx) => {
    try {
      const start = { ...about(ctx), source: reasonOf(event, ctx), seconds_since_last_response: idle(ctx) };
      handoff = run("SessionStart", start).catch(() => "");
    } catch {}
  });

  pi.on("session_compact", async (_event, ctx) => {
    try {
      handoff = run("SessionStart", { ...about(ctx), source: "compact" }).catch(() => "");
    } catch {}
  });

  pi.on("before_agent_start", async (event) => {
    try {
      const text = await handoff;
      if (text) event.systemPromptOptions.sections.carryover = text;
    } catch {}
  });

  pi.on("agent_settled", async (_event, ctx) => {
    try {
      run("Stop", about(ctx)).catch(() => "");
    } catch {}
  });
}
