"""The extension brings what the hook prints into the system message, and nothing of it keeps pi from working."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from carryover.agents.pi import SPEC
from carryover.edits.hooks import Hook, Hooks, owner_by_script

HARNESS = """
import load from "%s";
const handlers = {};
load({ on: (event, handle) => { handlers[event] = handle; } });
const entries = %s;
const sessionManager = {
  getSessionFile: () => "/home/dev/.pi/agent/sessions/--shop--/a_b.jsonl",
  getSessionId: () => "b",
  getHeader: () => (%s),
  getEntries: () => entries,
};
const ctx = { cwd: "/home/dev/shop", sessionManager };
await handlers.session_start({ reason: "%s" }, ctx);
const event = { systemPromptOptions: { sections: {} } };
await handlers.before_agent_start(event, ctx);
console.log(JSON.stringify(event.systemPromptOptions.sections));
"""
PROMPT = {"type": "message", "timestamp": "2026-11-22T16:44:27.119Z", "message": {"role": "user"}}

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="this machine has no Node.js")


def sections(folder: Path, command: str, *, reason: str = "startup", entries: Any = (), header: Any = None) -> Any:
    """What the extension puts into the system message of a first prompt."""
    program = SPEC.hooks.extension
    assert program is not None
    file = folder / "carryover.mjs"
    hooks = [Hook(event="SessionStart", command=command)]
    file.write_bytes(Hooks("extension", owner_by_script(), hooks, program=program.read_text("utf-8")).put(None))
    script = HARNESS % (file, json.dumps(entries), json.dumps(header or {}), reason)
    ran = subprocess.run(["node", "--input-type=module", "-e", script], capture_output=True, text=True, cwd=folder)
    assert (ran.returncode, ran.stderr) == (0, "")
    return json.loads(ran.stdout)


@pytest.mark.parametrize(
    ("reason", "given", "told"),
    [
        ("startup", {}, "startup"),
        ("startup", {"entries": [PROMPT]}, "resume"),
        ("startup", {"entries": [PROMPT], "header": {"parentSession": "/x.jsonl"}}, "fork"),
        ("new", {}, "clear"),
        ("resume", {"entries": [PROMPT]}, "resume"),
    ],
)
def test_the_hook_is_told_what_began_and_its_words_reach_the_model(
    tmp_path: Path, reason: str, given: dict[str, Any], told: str
) -> None:
    brought = json.loads(sections(tmp_path, "cat", reason=reason, **given)["carryover"])
    assert (brought["source"], brought["session_id"], brought["cwd"]) == (told, "b", "/home/dev/shop")


@pytest.mark.parametrize("command", ["exit 3", "echo words; exit 3", "true", "no-such-command", "kill -9 $$"])
def test_a_hook_that_fails_or_says_nothing_adds_nothing(tmp_path: Path, command: str) -> None:
    assert sections(tmp_path, command) == {}


def test_a_hook_that_hangs_is_not_waited_for(tmp_path: Path) -> None:
    assert sections(tmp_path, "echo words; exec sleep 600") == {}
