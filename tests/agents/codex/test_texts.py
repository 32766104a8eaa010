"""What is read out of texts: how a call ended, which patch a command holds, what the user typed."""

from __future__ import annotations

import pytest

from agents.codex.rollout import SHOP, Rollout, exited, running
from carryover.agents.codex.adapter import AGENT
from carryover.agents.codex.calls import Outcome, read_output
from carryover.model import FileEdit, Op, ToolCall, UserPrompt

SUCCESS = "Success. Updated the following files:\nM a\n"
ABORTED = "Wall time: 3.9 seconds\naborted by user"
SANDBOX = "failed in sandbox LinuxSeccomp with execution error: sandbox denied exec error, "
COMPLETED = "Script completed\nWall time 0.1 seconds\nOutput:\n"


@pytest.mark.parametrize(
    ("op", "text", "outcome"),
    [
        ("shell", exited(0, "fine\n"), Outcome("ok", "fine\n", exit_code=0, exited=True)),
        ("shell", exited(3, "bad\n"), Outcome("error", "bad\n", exit_code=3, exited=True)),
        ("shell", exited(-1), Outcome("interrupted", "", exited=True)),
        ("shell", "Exit code: 2\nWall time: 0 seconds\nOutput:\nbad\n", Outcome("error", "bad\n", exit_code=2)),
        ("edit", '{"output":"Success.","metadata":{"exit_code":0}}', Outcome("ok", "Success.", exit_code=0)),
        ("edit", '{"output":"No.","metadata":{"exit_code":1}}', Outcome("error", "No.", exit_code=1)),
        ("edit", SUCCESS, Outcome("ok", SUCCESS)),
        ("shell", running(42), Outcome("unknown", "starting\n", process="42")),
        ("shell", f"{SANDBOX}exit code: 2, stdout: 1, stderr: 2, stderr: x", Outcome("error", "1, stderr: 2\nx", 2)),
        ("shell", f"{SANDBOX}exit code: 1, stdout: , stderr: bad", Outcome("error", "bad", 1)),
        ("shell", f"{SANDBOX}exit code: 1, stdout: cut off", Outcome("error", "cut off", 1)),
        ("shell", "failed in sandbox: no such file", Outcome("error", "no such file")),
        ("shell", f"{SANDBOX.partition('sandbox d')[0]}command timed out", Outcome("error", "command timed out")),
        ("shell", ABORTED, Outcome("interrupted", ABORTED)),
        ("shell", "aborted by user after 3.8s", Outcome("interrupted", "aborted by user after 3.8s")),
        ("shell", "exec command rejected by user", Outcome("denied", "exec command rejected by user", never_ran=True)),
        ("edit", "patch rejected by user", Outcome("denied", "patch rejected by user", never_ran=True)),
        ("other", "unsupported call: x", Outcome("error", "unsupported call: x", never_ran=True)),
        ("edit", "apply_patch verification failed: no", Outcome("error", "apply_patch verification failed: no")),
        ("other", "Script failed\nWall time 0.1 seconds\nOutput:\n\nno", Outcome("error", "no")),
        ("other", COMPLETED, Outcome("ok", COMPLETED)),
        ("plan", "Plan updated", Outcome("ok", "Plan updated")),
        ("plan", "no", Outcome("error", "no")),
        ("agent", "{}", Outcome("ok", "{}")),
        ("shell", "words", Outcome("unknown", "words")),
        ("other", "", Outcome("unknown", "")),
    ],
)  # fmt: skip
def test_outputs(op: Op, text: str, outcome: Outcome) -> None:
    assert read_output(op, text) == outcome


@pytest.mark.parametrize(
    "text",
    [
        "a line first\nProcess exited with code 1",
        exited(0, "Process exited with code 1\nExit code: 1\naborted by user"),
        'Chunk ID: 1\nWall time: 1\nProcess exited with code 0\nOutput:\n{"output":"","metadata":{"exit_code":1}}',
    ],
)
def test_what_a_command_printed_is_not_taken_for_the_clients_words(text: str) -> None:
    outcome = read_output("shell", text)

    assert outcome.status in ("ok", "unknown")
    assert outcome.exit_code in (0, None)


PATCH = "*** Begin Patch\n*** Delete File: a.py\n*** End Patch"


@pytest.mark.parametrize(
    ("command", "path"),
    [
        ("apply_patch <<'EOF'\n{patch}\nEOF", f"{SHOP}/a.py"),
        ("applypatch << X\n{patch}\nX\n", f"{SHOP}/a.py"),
        ("cd '/srv/my app' && apply_patch <<\"EOF\"\n{patch}\nEOF", "/srv/my app/a.py"),
        ("make", None),
        ("apply_patch <<'EOF'\n*** Begin Patch\nno end", None),
        ("cd $X && apply_patch <<'EOF'\n{patch}\nEOF", None),
        ("make && apply_patch <<'EOF'\n{patch}\nEOF", None),
        ("apply_patch <<'EOF'\n{patch}\nEOF\nrm b", None),
        ("apply_patch <<'A'\n{patch}\nA\napply_patch <<'A'\n{patch}\nA", None),
    ],
)
def test_a_command_that_only_hands_a_patch_over_is_that_patch(command: str, path: str | None) -> None:
    rollout = Rollout()
    rollout.turn()
    rollout.runs("exec_command", exited(0), cmd=command.format(patch=PATCH))
    edits = [body.path for body in rollout.bodies if isinstance(body, FileEdit)]

    assert [body.op for body in rollout.bodies if isinstance(body, ToolCall)] == ["shell" if path is None else "edit"]
    assert path is None or edits == [path]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Add a discount", "Add a discount"),
        ("# Context from my IDE setup:\n\n## My request for Codex:\nAdd a discount", "Add a discount"),
        ("<environment_context>\n  <cwd>/x</cwd>\n</environment_context>", None),
    ],
)
def test_of_a_text_that_another_program_copied_what_the_user_typed_is_a_prompt(text: str, words: str | None) -> None:
    assert AGENT.quoted is not None
    assert AGENT.quoted.prompt(text, "") == (() if words is None else (UserPrompt(text=words),))
    assert AGENT.quoted.outcome("shell", exited(1, "1 failed")) == Outcome("error", "1 failed", 1, exited=True)
