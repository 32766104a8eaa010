"""The plugin brings what the hook prints into the system message, and nothing of it keeps Cline from working."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from carryover.agents.cline import SPEC
from carryover.edits.hooks import Hook, Hooks, owner_by_script

SESSION = "1795409124863_ysam7"
HARNESS = """
import plugin from "%s";
const rules = [];
await plugin.setup({ registerRule: (rule) => rules.push(rule) }, %s);
%s;
console.log(JSON.stringify(await Promise.all(rules.map((rule) => rule.content()))));
"""
PROMPT = {"role": "user", "content": "Add a discount", "ts": 1795409126657}
ANSWER = {"role": "assistant", "content": "Done.", "ts": 1795409127321}

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="this machine has no Node.js")


def rules(
    folder: Path, command: str, *, context: Any = None, env: dict[str, str] | None = None, then: str = ""
) -> list[str]:
    """What the plugin puts into the system message."""
    program = SPEC.hooks.extension
    assert program is not None
    file = folder / "carryover.mjs"
    hooks = [Hook(event="SessionStart", command=command)]
    file.write_bytes(Hooks("extension", owner_by_script(), hooks, program=program.read_text("utf-8")).put(None))
    script = HARNESS % (file, json.dumps(context or {"session": {"sessionId": SESSION}}), then)
    variables = {**os.environ, "CLINE_DIR": str(folder), **(env or {})}
    node = ["node", "--input-type=module", "-e", script]
    ran = subprocess.run(node, capture_output=True, text=True, cwd=folder, env=variables)
    assert (ran.returncode, ran.stderr) == (0, "")
    found: list[str] = json.loads(ran.stdout)
    return found


def store(sessions: Path, *messages: Any, **metadata: Any) -> None:
    folder = sessions / SESSION
    folder.mkdir(parents=True)
    (folder / f"{SESSION}.messages.json").write_text(json.dumps({"messages": messages}))
    (folder / f"{SESSION}.json").write_text(json.dumps({"metadata": metadata}))


@pytest.mark.parametrize(
    ("messages", "metadata", "reason"),
    [
        ((), {}, "startup"),
        ((PROMPT, ANSWER), {}, "resume"),
        ((PROMPT, ANSWER), {"fork": {"forkedFromSessionId": "1"}}, "fork"),
    ],
)
def test_the_hook_is_told_what_began_and_its_words_reach_the_model(
    tmp_path: Path, messages: tuple[Any, ...], metadata: Any, reason: str
) -> None:
    store(tmp_path / "data" / "sessions", *messages, **metadata)
    [rule] = rules(tmp_path, "cat")
    told = json.loads(rule)

    assert (told["source"], told["session_id"], told["cwd"]) == (reason, SESSION, str(tmp_path))
    assert told["transcript_path"] == str(tmp_path / "data" / "sessions" / SESSION / f"{SESSION}.messages.json")
    assert ("seconds_since_last_response" in told) == bool(messages)


def test_a_fork_is_known_by_its_first_turn(tmp_path: Path) -> None:
    """Its messages are not there yet when the client sets the plugin up (3.0.65)."""
    store(tmp_path / "copied", PROMPT, ANSWER, fork={"forkedFromSessionId": "1"})
    then = f"""
const {{ cpSync, existsSync }} = await import("node:fs");
while (!existsSync("{tmp_path}/asked")) await new Promise(setImmediate);
cpSync("{tmp_path}/copied", "{tmp_path}/data/sessions", {{ recursive: true }});
"""
    [rule] = rules(tmp_path, f"touch {tmp_path}/asked; cat", then=then)
    assert json.loads(rule)["source"] == "fork"


@pytest.mark.parametrize("variable", ["CLINE_DATA_DIR", "CLINE_SESSION_DATA_DIR"])
def test_sessions_are_found_where_a_variable_moves_them(tmp_path: Path, variable: str) -> None:
    moved = tmp_path / "sessions"
    store(moved, PROMPT, ANSWER)
    [rule] = rules(tmp_path, "cat", env={variable: str(tmp_path if variable == "CLINE_DATA_DIR" else moved)})
    assert json.loads(rule)["source"] == "resume"


def test_a_document_that_is_half_written_keeps_nothing_from_starting(tmp_path: Path) -> None:
    store(tmp_path / "data" / "sessions")
    (tmp_path / "data" / "sessions" / SESSION / f"{SESSION}.messages.json").write_text('{"messages": [')
    [rule] = rules(tmp_path, "cat")
    assert json.loads(rule)["source"] == "startup"


def test_where_the_client_only_lists_plugins_no_hook_runs(tmp_path: Path) -> None:
    assert rules(tmp_path, f"touch {tmp_path}/ran", context={"workspaceInfo": {}}) == []
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("command", ["exit 3", "echo words; exit 3", "true", "no-such-command", "kill -9 $$"])
def test_a_hook_that_fails_or_says_nothing_adds_nothing(tmp_path: Path, command: str) -> None:
    assert rules(tmp_path, command) == [""]


def test_a_hook_that_hangs_is_not_waited_for(tmp_path: Path) -> None:
    assert rules(tmp_path, "echo words; exec sleep 600") == [""]
