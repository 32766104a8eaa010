"""Results: one a call, from whichever record comes first, with what followed from it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agents.codex.rollout import SHOP, Rollout, exited, running
from carryover import model
from carryover.adapter.contract import ToolOutcome as Outcome
from carryover.agents.codex.adapter import AGENT
from carryover.agents.codex.outcomes import read_output

REJECTED = 'exec_command failed: CreateProcess { message: "Rejected(\\"rejected by user\\")" }'
REJECTED_NAMED = REJECTED.replace("failed:", "failed for `/bin/bash -lc 'git add -A'`:")
QUOTED = f"exec_command failed for `make`: CreateProcess {{ message: {json.dumps(REJECTED_NAMED)} }}"
TOOK = "Wall time: 0.6364 seconds\nOutput:\n"
ABORTED = "Wall time: 3.9 seconds\naborted by user"
COMPLETED = "Script completed\nWall time 0.1 seconds\nOutput:\n"
DIFF = "@@ -4,2 +4,2 @@\n a\n-b\n+c\n"


@pytest.fixture(params=["legacy", "paginated"])
def rollout(request: pytest.FixtureRequest) -> Rollout:
    rollout = Rollout(family=request.param)
    rollout.turn()
    return rollout


def result_of(bodies: list[model.AnyBody]) -> model.ToolResult:
    (result,) = [body for body in bodies if isinstance(body, model.ToolResult)]
    return result


def edits_of(bodies: list[model.AnyBody]) -> list[model.FileEdit]:
    return [body for body in bodies if isinstance(body, model.FileEdit)]


def test_the_clients_own_record_comes_first_and_the_output_adds_nothing(rollout: Rollout) -> None:
    call = rollout.calls("exec_command", cmd="make")
    result = result_of(rollout.ends(call, "make", 2, "no rule\n"))

    assert (result.status, result.exit_code, result.output, result.subject) == ("error", 2, "no rule\n", "make")
    assert rollout.output(call, exited(2, "no rule\n")) == []


@pytest.mark.parametrize(
    ("arguments", "ended"),
    [
        ({"cmd": "sleep 30"}, ("interrupted", False)),
        # 0.169.0 writes the refusal as an interrupt.
        ({"cmd": "make install", "sandbox_permissions": "require_escalated"}, ("denied", True)),
        ({"cmd": "make install", "with_escalated_permissions": True}, ("denied", True)),
    ],
)
def test_an_interrupted_command_counts_once_though_its_record_comes_later(
    rollout: Rollout, arguments: dict[str, Any], ended: tuple[str, bool]
) -> None:
    call = rollout.calls("exec_command", **arguments)
    result = result_of(rollout.output(call, ABORTED))
    first = rollout.turn_id
    rollout.turn("turn-2")

    assert (result.status, result.never_ran) == ended
    assert rollout.ends(call, arguments["cmd"], 0, turn_id=first) == []


@pytest.mark.parametrize(("code", "status"), [(1, "error"), (-1, "interrupted")])
def test_a_look_that_finds_it_ended_gives_its_result_where_no_other_record_does(
    rollout: Rollout, code: int, status: str
) -> None:
    call = rollout.calls("exec_command", cmd="npm run build")
    rollout.output(call, running(42))
    found = rollout.output(rollout.calls("write_stdin", session_id=42, chars=""), exited(code, "failed\n"))

    [result] = [body for body in found if isinstance(body, model.ToolResult) and body.call_id == call]
    assert (result.status, result.output, result.subject) == (status, "starting\nfailed\n", "npm run build")
    assert rollout.ends(call, "npm run build", 1) == []


def test_a_process_that_the_client_no_longer_knows_has_ended(rollout: Rollout) -> None:
    call = rollout.calls("exec_command", cmd="npm run build")
    [task] = rollout.output(call, running(42))
    assert task == model.BackgroundTask(task_id=call, state="running", label="npm run build", unreported=True)
    rollout.runs("write_stdin", running(42).replace("starting", "half"), session_id=42, chars="")
    rollout.runs("write_stdin", "write_stdin failed: stdin is closed", session_id=42, chars="y")
    gone = "write_stdin failed: Unknown process id 42"
    found = rollout.runs("write_stdin", gone, session_id=42, chars="")

    [result] = [body for body in found if isinstance(body, model.ToolResult) and body.call_id == call]
    assert (result.status, result.output) == ("unknown", "starting\nhalf\n")
    assert model.BackgroundTask(task_id=call, state="stopped") in found


def test_of_a_long_output_both_ends_are_kept(rollout: Rollout) -> None:
    call = rollout.calls("exec_command", cmd="make")
    rollout.output(call, running(42))
    for _ in range(9):
        rollout.runs("write_stdin", running(42).replace("starting", "line\n" * 600 + "line"), session_id=42)
    assert len(rollout.context.calls[0].printed) < 6_100
    found = rollout.runs("write_stdin", exited(0, "done\n"), session_id=42)
    [result] = [body for body in found if isinstance(body, model.ToolResult) and body.call_id == call]
    assert result.output.startswith("starting\n")
    assert result.output.endswith("line\ndone\n")


@pytest.mark.parametrize(
    ("asked", "typed", "shown"),
    [
        ("ada@nx:~/shop$ ", "ls -l\n", "ls -l"),
        ("\x1b[32mada@nx\x1b[0m:~/shop$ \r\x1b[Kada@nx:~$ ", "make test\nmake ship\n", "make test"),
        (">>> ", "print(1)\n", "print(1)"),
        ("Overwrite cart.py? [y/N] ", "y\n", "y"),
        ("Which port?", "8080\n", "8080"),
        ("ada@nx:~$ ", "\x03", ""),
        ("ada@nx:~$ ", "", ""),
        ("[sudo] password for ada: ", "hunter2\n", ""),
        ("ada@nx's password: ", "hunter2\n", ""),
        ("Passphrase (empty for none)? ", "hunter2\n", ""),
        ("PIN> ", "1234\n", ""),
        ("Verification code: ", "123456\n", ""),
        ("Mot de passe : ", "hunter2\n", ""),
        ("Username: ", "ada\n", ""),
        ("", "hunter2\n", ""),
        ("ada@nx:~$ ls\n", "hunter2\n", ""),
    ],
)
def test_what_is_typed_into_a_process_is_shown_unless_it_may_be_a_secret(
    rollout: Rollout, asked: str, typed: str, shown: str
) -> None:
    rollout.runs("exec_command", running(42).replace("starting\n", asked), cmd="ssh nx")
    rollout.calls("write_stdin", session_id=42, chars=typed)
    assert rollout.all(model.ToolCall)[-1].subject == shown
    # Not answered yet, so what this one answers is not known.
    rollout.calls("write_stdin", session_id=42, chars="hunter2\n")
    assert not any("hunter2" in str(body) for body in rollout.bodies)


def test_what_follows_a_silent_command_is_not_shown(rollout: Rollout) -> None:
    rollout.runs("exec_command", running(42).replace("starting\n", "$ "), cmd="sh -i")
    silent = running(42).replace("starting\n", "")
    rollout.runs("write_stdin", silent, session_id=42, chars="read -s PIN\n")
    rollout.runs("write_stdin", silent, session_id=42, chars="hunter2\n")
    rollout.runs("write_stdin", running(42).replace("starting\n", "$ "), session_id=42, chars="hunter2\n")
    rollout.runs("write_stdin", silent, session_id=42, chars="ls\n")
    assert [call.subject for call in rollout.all(model.ToolCall)] == ["sh -i", "read -s PIN", "", "", "ls"]


def test_the_users_own_command_is_a_persons(rollout: Rollout) -> None:
    rollout.ends("u1", "echo x > x.txt", 0, "", source="user_shell")

    assert [(call.actor, call.subject) for call in rollout.all(model.ToolCall)] == [("human", "echo x > x.txt")]
    assert [(result.actor, result.subject) for result in rollout.all(model.ToolResult)] == [("human", "echo x > x.txt")]


def test_a_patch_is_what_the_client_says_it_changed(rollout: Rollout) -> None:
    changes = {
        f"{SHOP}/new.py": {"type": "add", "content": "a\nb\n"},
        f"{SHOP}/gone.py": {"type": "delete", "content": "x\n"},
        f"{SHOP}/old.py": {"type": "update", "unified_diff": DIFF, "move_path": f"{SHOP}/moved.py"},
    }
    call = rollout.patches("*** Update File: old.py", "*** Move to: moved.py", "@@", "-b", "+c")
    if rollout.family == "legacy":
        found = rollout.event("patch_apply_end", call_id=call, turn_id="turn-1", status="completed", changes=changes)
    else:
        found = rollout.item("FileChange", id=call, status="completed", changes=changes)

    renamed: dict[str, Any] = {"old_path": f"{SHOP}/old.py", "line": 5, "anchor": "c", "diff": "@@ +4 @@\n a\n-b\n+c"}
    assert edits_of(found) == [
        model.FileEdit(path=f"{SHOP}/gone.py", change="delete", call_id=call),
        model.FileEdit(f"{SHOP}/new.py", "add", call_id=call, added=2, removed=0, line=1, anchor="a", diff="+a\n+b"),
        model.FileEdit(f"{SHOP}/moved.py", "rename", call_id=call, added=1, removed=1, **renamed),
    ]
    assert result_of(found).subject == f"{SHOP}/old.py"
    assert rollout.response("custom_tool_call_output", call_id=call, output="Exit code: 0\nOutput:\nSuccess.") == []


@pytest.mark.parametrize("by_client", [True, False])
def test_a_file_that_one_patch_deletes_and_adds_was_there_before(by_client: bool) -> None:
    """The client reports it as added (0.140); before, only the patch says it."""
    rollout = Rollout(family="legacy")
    rollout.turn()
    call = rollout.patches("*** Delete File: a.lua", "*** Add File: a.lua", "+return 1", "*** Add File: b.lua", "+b")
    changes = {f"{SHOP}/{name}.lua": {"type": "add", "content": "return 1\n"} for name in "ab"}
    if by_client:
        found = rollout.event("patch_apply_end", call_id=call, turn_id="turn-1", status="completed", changes=changes)
    else:
        found = rollout.response("custom_tool_call_output", call_id=call, output="Exit code: 0\nOutput:\nSuccess.")

    assert [(edit.path, edit.change) for edit in edits_of(found)] == [
        (f"{SHOP}/a.lua", "modify"),
        (f"{SHOP}/b.lua", "add"),
    ]


@pytest.mark.parametrize("status", ["failed", "declined", "brand-new"])
def test_a_patch_that_was_not_applied_changes_nothing(status: str) -> None:
    rollout = Rollout()
    rollout.turn()
    call = rollout.patches("*** Delete File: a.py")
    gone = {f"{SHOP}/a.py": {"type": "delete"}}
    reported = rollout.item("FileChange", id=call, status=status, changes=gone, stderr="no")

    assert edits_of(reported) == []
    assert result_of(reported).status == {"failed": "error", "declined": "denied"}.get(status, "unknown")


def test_our_own_file_is_nobodys_work(rollout: Rollout) -> None:
    looked = result_of(rollout.runs("exec_command", exited(0, "# [CARRYOVER]"), cmd="cat .carryover/handoff.md"))
    found = result_of(
        rollout.runs("exec_command", exited(0, "a.py:1\n.carryover/handoff.md:3: a\n"), cmd="grep -rn a .")
    )
    wrote = rollout.runs("exec_command", exited(0), cmd="echo 1 > .carryover/handoff.md")
    patch = rollout.patches("*** Delete File: .carryover/handoff.md")
    patched = rollout.response("custom_tool_call_output", call_id=patch, output="Exit code: 0\nOutput:\nSuccess.")

    assert (looked.output, found.output) == ("", "a.py:1\n")
    assert edits_of(wrote) + edits_of(patched) == []


STEPS = {"Reproduce": ("completed", "done"), "Fix": ("in_progress", "active"), "Test": ("pending", "pending")}
PLAN = [{"step": text, "status": status} for text, (status, _) in STEPS.items()]


def call_of(rollout: Rollout) -> model.ToolCall:
    return next(body for body in reversed(rollout.bodies) if isinstance(body, model.ToolCall))


@pytest.mark.parametrize(
    ("name", "arguments", "op", "subject"),
    [
        ("exec_command", {"cmd": "make test"}, "shell", "make test"),
        ("shell", {"command": ["bash", "-lc", "make test"]}, "shell", "make test"),
        ("shell", {"command": ["git", "commit", "-m", "a b"]}, "shell", "git commit -m 'a b'"),
        ("shell_command", {"command": "make test"}, "shell", "make test"),
        ("view_image", {"path": "/home/dev/a.png"}, "read", "/home/dev/a.png"),
        ("spawn_agent", {"message": "Look at it."}, "agent", "Look at it."),
        ("mcp__docs__search", {"query": "rounding"}, "other", "rounding"),
        ("brand_new", {}, "other", ""),
    ],
)
def test_calls(rollout: Rollout, name: str, arguments: dict[str, Any], op: model.Op, subject: str) -> None:
    call_id = rollout.calls(name, **arguments)

    assert call_of(rollout) == model.ToolCall(call_id=call_id, name=name, op=op, subject=subject)


def test_a_tool_of_an_mcp_server_is_named_with_its_server_and_is_about_its_short_texts(rollout: Rollout) -> None:
    rollout.response(
        "function_call", name="recall", namespace="mcp__notes", arguments='{"topic":"pears","days":3}', call_id="call_1"
    )

    assert (call_of(rollout).name, call_of(rollout).subject) == ("mcp__notes__recall", "pears")


def test_a_search_of_the_provider_is_done_when_it_is_reported(rollout: Rollout) -> None:
    action = {"type": "search", "query": "x"}
    call, result = rollout.response("web_search_call", id="ws_1", status="completed", action=action)

    assert isinstance(call, model.ToolCall) and isinstance(result, model.ToolResult)
    assert (call.subject, result.subject) == ("x", "x")


def test_a_plan_counts_once_the_client_took_it(rollout: Rollout) -> None:
    taken = rollout.runs("update_plan", "Plan updated", plan=PLAN, explanation="Start")
    refused = rollout.runs("update_plan", "unsupported call: update_plan", plan=PLAN)

    items = [(item.text, item.state) for body in taken[1:] if isinstance(body, model.PlanUpdate) for item in body.items]
    assert items == [(text, state) for text, (_, state) in STEPS.items()]
    assert len(refused) == 1
    assert getattr(refused[0], "never_ran", None) is True


@pytest.mark.parametrize(("printed", "status"), [("GET /\n^C", "interrupted"), ("^C was pressed\nNo port.", "error")])
def test_a_server_that_the_agent_stopped_has_not_failed(rollout: Rollout, printed: str, status: str) -> None:
    rollout.runs("exec_command", running(42), cmd="make serve", tty=True)
    found = rollout.runs("write_stdin", exited(1, printed), session_id=42, chars="\x03")

    assert [body.status for body in found if isinstance(body, model.ToolResult)] == ["ok", status]


@pytest.mark.parametrize("arguments", ["", "{", "[]", "5", '{"cmd": 5}', '{"cmd": null}', '{"command": [1]}', "\ud800"])
def test_arguments_that_the_model_got_wrong_cost_the_subject_only(rollout: Rollout, arguments: str) -> None:
    rollout.response("function_call", name="exec_command", arguments=arguments, call_id="c")

    assert call_of(rollout) == model.ToolCall(call_id="c", name="exec_command", op="shell")
    assert rollout.skipped == []


def test_a_call_that_cannot_be_distinguished_is_counted(rollout: Rollout) -> None:
    rollout.response("function_call", name="exec_command", arguments="{}")
    rollout.response("function_call", arguments="{}", call_id="c")
    rollout.response("function_call", name="exec_command", arguments={"cmd": "ls"}, call_id="c")
    rollout.response("function_call", name="x" * 1000, arguments="{}", call_id="c")

    unusable, unexpected = "no usable id or name", "unexpected input"
    assert [skipped.reason for skipped in rollout.skipped] == [unusable, unusable, unexpected, unusable]


def test_an_output_that_cannot_be_distinguished_is_counted(rollout: Rollout) -> None:
    rollout.response("function_call_output", output="words")
    rollout.output(rollout.calls("exec_command", cmd="make"), {"words": 1})

    assert [skipped.reason for skipped in rollout.skipped] == ["unexpected output"] * 2


def test_the_command_before_the_header_of_an_output_is_not_printed_by_it() -> None:
    """0.115, where a command of several lines may be longer than any header."""
    command = "Command: /bin/bash -lc 'python3 - <<EOF\n" + 40 * "print('a line of it')\n" + "EOF'\n"
    rollout = Rollout(family="legacy", version="0.115.0")
    failed = result_of(rollout.runs("exec_command", command + exited(1, "bad\n"), cmd="make"))
    call = rollout.calls("exec_command", cmd="make serve")

    assert (failed.status, failed.exit_code, failed.output) == ("error", 1, "bad\n")
    assert [type(body) for body in rollout.output(call, command + running(7))] == [model.BackgroundTask]


CUT = "Warning: truncated output (original token count: 90)\nTotal output lines: 9\n\n"
LINES = "Total output lines: 9\\n\\n"
SUCCESS = "Success. Updated the following files:\nM a\n"
SANDBOX = "failed in sandbox LinuxSeccomp with execution error: sandbox denied exec error, "


@pytest.mark.parametrize(
    ("op", "text", "outcome"),
    [
        ("shell", exited(0, "fine\n"), Outcome("ok", "fine\n", exit_code=0)),
        ("shell", exited(3, "bad\n"), Outcome("error", "bad\n", exit_code=3)),
        ("shell", exited(-1), Outcome("interrupted", "")),
        ("shell", exited(0, f"{CUT}fine\n"), Outcome("ok", "fine\n", exit_code=0)),
        ("shell", f'{{"output":"{LINES}fine","metadata":{{"exit_code":0}}}}', Outcome("ok", "fine", exit_code=0)),
        ("shell", "Total output lines: 9\n\nfailed in sandbox: no such file", Outcome("error", "no such file")),
        ("shell", "Exit code: 2\nWall time: 0 seconds\nOutput:\nbad\n", Outcome("error", "bad\n", exit_code=2)),
        ("edit", '{"output":"Success.","metadata":{"exit_code":0}}', Outcome("ok", "Success.", exit_code=0)),
        ("edit", '{"output":"No.","metadata":{"exit_code":1}}', Outcome("error", "No.", exit_code=1)),
        ("edit", SUCCESS, Outcome("ok", SUCCESS)),
        ("shell", running(42), Outcome("unknown", "starting\n")),
        ("shell", f"{SANDBOX}exit code: 2, stdout: 1, stderr: x", Outcome("error", "1\nx", 2)),
        ("shell", f"{SANDBOX}exit code: 1, stdout: , stderr: bad", Outcome("error", "bad", 1)),
        ("shell", "failed in sandbox: no such file", Outcome("error", "no such file")),
        ("shell", f"{SANDBOX.partition('sandbox d')[0]}command timed out", Outcome("error", "command timed out")),
        ("shell", ABORTED, Outcome("interrupted")),
        ("shell", "aborted by user after 3.8s", Outcome("interrupted")),
        ("shell", "exec command rejected by user", Outcome("denied", "exec command rejected by user", never_ran=True)),
        ("shell", REJECTED, Outcome("denied", REJECTED, never_ran=True)),
        ("shell", REJECTED_NAMED, Outcome("denied", REJECTED_NAMED, never_ran=True)),
        ("other", REJECTED, Outcome("error", REJECTED)),
        ("shell", exited(0, REJECTED), Outcome("ok", REJECTED, exit_code=0)),
        ("shell", f"{REJECTED} Ship it", Outcome("error", f"{REJECTED} Ship it")),
        ("shell", QUOTED, Outcome("error", QUOTED)),
        ("edit", "patch rejected by user", Outcome("denied", "patch rejected by user", never_ran=True)),
        ("other", "exec command rejected by user", Outcome("unknown", "exec command rejected by user")),
        ("shell", "rejected by user: Ship it", Outcome("unknown", "rejected by user: Ship it")),
        ("other", "unsupported call: x", Outcome("error", "unsupported call: x", never_ran=True)),
        ("edit", "apply_patch verification failed: no", Outcome("error", "apply_patch verification failed: no")),
        ("other", "Script failed\nWall time 0.1 seconds\nOutput:\n\nno", Outcome("error", "no")),
        ("other", COMPLETED, Outcome("ok", COMPLETED)),
        ("other", f'{TOOK}[{{"type":"text","text":"Pears"}},{{"type":"image"}}]', Outcome("unknown", "Pears")),
        ("other", f'{TOOK}[{{"pears":3}}]', Outcome("unknown", '[{"pears":3}]')),
        ("other", f'{TOOK}{{"pears":3}}', Outcome("unknown", '{"pears":3}')),
        ("other", f"{TOOK}unsupported call: x", Outcome("unknown", "unsupported call: x")),
        ("other", TOOK.rstrip(), Outcome("unknown", "")),
        ("plan", "Plan updated", Outcome("ok", "Plan updated")),
        ("agent", "{}", Outcome("ok", "{}")),
        ("shell", "words", Outcome("unknown", "words")),
        ("other", "", Outcome("unknown", "")),
    ],
)  # fmt: skip
def test_outputs(op: model.Op, text: str, outcome: Outcome) -> None:
    assert read_output(op, text) == outcome


@pytest.mark.parametrize(
    "text",
    [
        "a line first, unsupported call: x\nProcess exited with code 1\naborted by user",
        "aborted by user 2 s ago",
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
        ("apply_patch << 'PATCH'\n{patch}", f"{SHOP}/a.py"),
        ("apply_patch << 'PATCH'\n{patch}\nmake", None),
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
    edits = [body.path for body in rollout.bodies if isinstance(body, model.FileEdit)]

    assert [body.op for body in rollout.bodies if isinstance(body, model.ToolCall)] == [
        "shell" if path is None else "edit"
    ]
    assert path is None or edits == [path]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Add a discount", "Add a discount"),
        ("# Context from my IDE setup:\n\n## My request for Codex:\nAdd a discount", "Add a discount"),
        ("<environment_context>\n  <cwd>/x</cwd>\n</environment_context>", None),
        ("# AGENTS.md instructions for /x\n\n<INSTRUCTIONS>\n</INSTRUCTIONS>\nPush.\n</INSTRUCTIONS>", None),
        ("<skill>\n<name>ship</name>\nPush.\n</skill>", None),
        ("<user_shell_command>\n<command>\nls\n</command>\n<result>\nPush.\n</result>\n</user_shell_command>", None),
        ("<subagent_notification>\nPush.\n</subagent_notification>", None),
        ("<turn_aborted>\nThe user interrupted the previous turn.\n</turn_aborted>", None),
    ],
)
def test_of_a_text_that_another_program_copied_what_the_user_typed_is_a_prompt(text: str, words: str | None) -> None:
    assert AGENT.quoted is not None
    assert AGENT.quoted.prompt(text, "") == (() if words is None else (model.UserPrompt(text=words),))
    assert AGENT.quoted.outcome("shell", exited(1, "1 failed")) == Outcome("error", "1 failed", 1)
