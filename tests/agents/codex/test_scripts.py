"""Code mode scripts of clients that keep no other record of the commands in them, and what running ones print."""

from __future__ import annotations

import json
from typing import Literal

import pytest

from agents.codex.rollout import Rollout
from carryover import model
from carryover.agents.codex.commands import joined

COMPLETED = "Script completed\nWall time 0.1 seconds\nOutput:\n"


DONE = '{"chunk_id":"1","wall_time_seconds":0.02,"exit_code":0,"output":""}'


def made(rollout: Rollout, script: str, printed: str) -> list[model.AnyBody]:
    rollout.response("custom_tool_call", name="exec", call_id="c1", input=script)
    output = [{"type": "input_text", "text": text} for text in (COMPLETED, printed)]
    return rollout.response("custom_tool_call_output", call_id="c1", output=output)


def code_mode(rollout: Rollout, script: str, printed: str) -> model.ToolResult:
    return next(body for body in made(rollout, script, printed) if isinstance(body, model.ToolResult))


def edited(rollout: Rollout, script: str) -> list[str]:
    return [body.path for body in made(rollout, script, DONE) if isinstance(body, model.FileEdit)]


@pytest.mark.parametrize(
    ("script", "folder"),
    [
        (
            'const r = await tools.exec_command({"cmd":"echo x > a.txt; false","workdir":"/home/dev/shop/sub"});r',
            "/home/dev/shop/sub",
        ),
        (
            'const r=await tools.exec_command({workdir:"/srv", cmd:"echo x > a.txt; false",yield_time_ms:30000});r',
            "/srv",
        ),
    ],
)
def test_a_script_of_code_mode_that_runs_one_command_is_that_command(script: str, folder: str) -> None:
    """0.145 and 0.146, where no other record has the command. The script prints the result or what it chooses of it."""
    rollout = Rollout(family="legacy", version="0.145.0")
    whole = code_mode(rollout, script, '{"chunk_id":"1","wall_time_seconds":0.02,"exit_code":1,"output":"bad"}')
    chosen = code_mode(rollout, script, "1 failed\n")

    assert (whole.op, whole.subject, whole.status) == ("shell", "echo x > a.txt; false", "error")
    assert (whole.exit_code, whole.output) == (1, "bad")
    assert (chosen.status, chosen.output) == ("unknown", "1 failed")
    assert edited(rollout, script) == [f"{folder}/a.txt"]


@pytest.mark.parametrize("script", ['tools.write_stdin({session_id:7,chars:""})', 'tools.exec_command({cmd:"make"})'])
def test_of_the_whole_result_of_a_call_that_a_script_prints_the_output_is_kept(script: str) -> None:
    """0.142 to 0.147: a script that polls prints what `write_stdin` returned."""
    rollout = Rollout(family="legacy", version="0.145.0")
    running = code_mode(rollout, script, '{"chunk_id":"1","wall_time_seconds":5,"session_id":7,"output":"1 passed\\n"}')

    assert running.output.strip() == "1 passed"


def test_the_result_of_a_command_is_read_as_json_too() -> None:
    """0.145 on Windows: `text(JSON.stringify(r))`."""
    script = 'const r = await tools.shell_command({"command":"make"}); text(JSON.stringify(r));'
    whole = json.dumps('Exit code: 2\nWall time: 0.2 seconds\nOutput:\nno "lid"\r\n')
    rollout = Rollout(family="legacy", version="0.145.0")
    result, cut, other = (
        code_mode(rollout, script, printed) for printed in (whole, whole[:-3], whole.replace("E", "e"))
    )

    assert (result.status, result.exit_code, result.output) == ("error", 2, 'no "lid"\r\n')
    assert (cut.status, cut.output) == ("unknown", whole[:-3])
    assert other.output == whole.replace("E", "e")


def test_the_record_of_a_patch_does_not_hide_what_later_scripts_run() -> None:
    """0.145: patches of scripts have records with ids like those that 0.169 gives to commands."""
    rollout = Rollout(family="legacy", version="0.145.0")
    rollout.event("patch_apply_end", call_id="exec-1", success=True, changes={"/p/a.py": {"type": "delete"}})
    result = code_mode(rollout, 'const r = await tools.exec_command({cmd: "pytest"}); text(r.output);', "1 failed\n")

    assert (result.op, result.subject, result.output) == ("shell", "pytest", "1 failed")


@pytest.mark.parametrize(
    ("script", "commands"),
    [
        ("text(await tools.exec_command({cmd: `make 'a b' \\`x\\``}))", "make 'a b' `x`"),
        ("[0, 1].map(page => tools.exec_command({cmd: `show ${page}`}))", "show ${page}"),
        (
            'for (const f of fs) { await tools.exec_command({cmd: "date > a"}); tools.exec_command({cmd: "ls"}) }',
            "date > a\nls",
        ),
    ],
)
def test_a_script_of_code_mode_is_the_commands_that_it_runs(script: str, commands: str) -> None:
    """0.146: a template, a variable in it, several commands, each once. No files are taken from the last two."""
    rollout = Rollout(family="legacy", version="0.146.0")
    result = code_mode(rollout, script, "a 1\n")

    assert (result.op, result.subject, result.status, result.output) == ("shell", commands, "unknown", "a 1")
    assert edited(rollout, script) == []


def test_what_any_other_script_of_code_mode_prints_is_kept_unless_its_commands_are_recorded() -> None:
    command = 'const r = await tools.exec_command({cmd: "rm a.py"});'
    others = (
        "text(ALL_TOOLS)",
        'tools.exec_command({cmd: "ls " + page})',
        "const cmd = `make`; text(await tools.exec_command({cmd}))",
        "tools.exec_command({cmd: build})",
        f'{command} tools.exec_command({{cmd: "a" + b}})',
    )
    text = "x\nTotal output lines: 9\n\ny"
    kept = [code_mode(Rollout(family="legacy"), script, text) for script in others]
    quiet = code_mode(Rollout(family="legacy"), "text(ALL_TOOLS)", "")
    planned = code_mode(Rollout(family="legacy"), "text(await tools.update_plan({plan}))", "x")
    own = code_mode(Rollout(family="legacy"), 'tools.exec_command({cmd: "cat .carryover/handoff.md" + end})', "x")
    patched = code_mode(Rollout(family="legacy"), "text(await tools.apply_patch(patch))", "{}")
    rollout = Rollout(family="legacy")
    rollout.ends("exec-1", "rm a.py", 0)
    recorded = [code_mode(Rollout(), command, "x"), code_mode(rollout, command, "x")]

    shown = [(result.op, result.status, result.subject, result.output) for result in kept]
    assert shown == [("other", "ok", script, text) for script in others]
    assert (quiet.subject, planned.subject, own.output) == ("text(ALL_TOOLS)", "update plan", "")
    assert edited(rollout, command) == []
    told = {(result.op, result.status, result.subject, result.output) for result in (patched, *recorded)}
    assert told == {("other", "ok", "", "")}


@pytest.mark.parametrize(
    ("family", "script", "subject"),
    [
        ("paginated", 'tools.exec_command({cmd: "rm a.py"}); tools.exec_command({cmd: "ls"})', "rm a.py\nls"),
        ("paginated", 'tools.exec_command({cmd: "a" + b})', "exec command"),
        ("legacy", r'text(await tools.apply_patch("*** Begin Patch\n+use a\n"));', "apply patch"),
        ("legacy", "tools.write_stdin({chars}); tools.update_plan({plan})", "write stdin, update plan"),
        ("legacy", 'tools.exec_command({cmd: "a" + b})', 'tools.exec_command({cmd: "a" + b})'),
        ("paginated", 'tools.exec_command({cmd: "a"}); tools.web_run({q: "b"})', None),
    ],
)
def test_a_script_is_shown_only_where_nothing_else_tells_what_it_does(
    family: Literal["legacy", "paginated"], script: str, subject: str
) -> None:
    """0.144 to 0.169: each line of its patch would count as a name, as in `n+use`."""
    found = Rollout(family=family).response("custom_tool_call", name="exec", call_id="c1", input=script)

    assert [body.subject for body in found if isinstance(body, model.ToolCall)] == [subject or script]


@pytest.mark.parametrize(
    ("script", "said", "printed", "status", "code"),
    [
        ('text(await tools.shell_command({command:"rg -n shop src"}))', "completed, cut twice", "hit", "ok", 0),
        ('const r = await tools.shell_command({"command":"rg -n shop src"}); r;', "completed, cut", "hit", "ok", 0),
        ("text(await tools.shell_command({command: `rg -n shop src`}))", "completed", "hit", "ok", 0),
        ('text(await tools.shell_command({command:"rg -n shop src"}))', "failed", "rg: no such file", "error", 2),
    ],
)
def test_a_script_that_runs_a_command_of_windows_is_that_command(
    script: str, said: str, printed: str, status: str, code: int
) -> None:
    """0.144 and 0.145 on Windows: `shell_command` returns its output with a header, and throws where it fails."""
    rollout = Rollout(family="legacy", version="0.145.0")
    cut = "Warning: truncated output (original token count: 90)\n"
    lines = "Total output lines: 90\n\n"
    before = {"failed": f"{cut}\nScript error:\n", "completed, cut": lines, "completed, cut twice": (cut + lines) * 2}
    rollout.response("custom_tool_call", name="exec", call_id="c1", input=script)
    ended = f"Exit code: {code}\nWall time: 0.2 seconds\nOutput:\n{printed}"
    output = f"Script {said}\nWall time 0.2 seconds\nOutput:\n\n{before.get(said, '')}{ended}"
    found = rollout.response("custom_tool_call_output", call_id="c1", output=output)
    result = next(body for body in found if isinstance(body, model.ToolResult))

    assert (result.op, result.subject) == ("shell", "rg -n shop src")
    assert (result.status, result.exit_code, result.output) == (status, code, printed)


def test_a_patch_of_a_script_that_failed_on_windows_names_its_file() -> None:
    """0.145: without it, no later patch of the file would solve the failure."""
    rollout = Rollout(family="legacy", version="0.145.0")
    rollout.response("custom_tool_call", name="exec", call_id="c1", input="text(await tools.apply_patch(patch))")
    said = "apply_patch verification failed: Failed to find expected lines in C:\\dev\\shop\\Cart.lua:\nlocal Cart = {}"
    output = f"Script failed\nWall time 0.0 seconds\nOutput:\n\nScript error:\n{said}"
    found = rollout.response("custom_tool_call_output", call_id="c1", output=output)
    result = next(body for body in found if isinstance(body, model.ToolResult))

    assert (result.op, result.subject, result.status) == ("edit", "C:\\dev\\shop\\Cart.lua", "error")


@pytest.mark.parametrize("shift", range(22))
def test_the_cut_of_a_long_output_parts_no_secret_from_its_name(shift: int) -> None:
    """What a running process prints is cut before secrets are looked for."""
    line = "DB_PASSWORD: zwiebel"
    output = joined("x" * shift + "\n" + f"{line}\n" * 200, f"{line}\n" * 200 + "y" * shift)

    assert {each.strip("xy") for each in output.split("\n")} <= {line, "DB_PASSWORD:", "[...]", ""}


@pytest.mark.parametrize("piece", ["bel12\nDEBUG=1", "bel12' DEBUG=1", "\nDEBUG=1", ""])
def test_the_rest_of_a_secret_that_comes_later_is_left_out(piece: str) -> None:
    """What was printed until then is kept between two reads without its secrets."""
    assert joined("DB_PASSWORD=[redacted:password]", piece) in (
        f"DB_PASSWORD=[redacted:password]{rest}" for rest in ("\nDEBUG=1", "' DEBUG=1", "")
    )
    assert joined("[redacted:password]\n", "bel12") == "[redacted:password]\nbel12"


def test_one_long_word_is_no_longer_a_secret_of_which_half_is_left() -> None:
    assert joined("", "a" * 7000) == "\n[...]\n"


def test_the_todo_list_that_a_script_writes_down_is_read() -> None:
    """0.144: `update_plan` is a tool of the script, and no other record has the list."""
    steps = '[{"step":"Build (1)","status":"completed"},{"step":"Ship","status":"pending"}]'
    given = f'{{"explanation":"(new)","plan":{steps}}}'
    rollout = Rollout(family="legacy", version="0.144.1")
    for script in (f"const r = await tools.update_plan({given}); text(r);", "tools.update_plan({plan})"):
        rollout.response("custom_tool_call", name="exec", call_id="c1", input=script)
        found = rollout.response("custom_tool_call_output", call_id="c1", output=f"{COMPLETED}\n{{}}")
        plans = [body.items for body in found if isinstance(body, model.PlanUpdate)]

        assert plans == (
            [(model.PlanItem(text="Build (1)", state="done"), model.PlanItem(text="Ship", state="pending"))]
            if given in script
            else []
        )


@pytest.mark.parametrize("family", ["legacy", "paginated"])
def test_what_a_long_script_prints_later_is_joined_with_it(family: Literal["legacy", "paginated"]) -> None:
    """0.144 to 0.146: after ten seconds a script answers with the id of a cell, for which `wait` waits."""
    rollout = Rollout(family=family, version="0.146.0")

    def answered(call_id: str, output: str) -> list[tuple[str, str, str]]:
        found = rollout.response("custom_tool_call_output", call_id=call_id, output=output)
        return [(body.subject, body.status, body.output) for body in found if isinstance(body, model.ToolResult)]

    script = 'const r = await tools.shell_command({command: "make test"}); text(r)'
    rollout.response("custom_tool_call", name="exec", call_id="c1", input=script)
    running = "Script running with cell ID 7\nWall time 10.0 seconds\nOutput:\n"
    begun = answered("c1", running)
    rollout.response("custom_tool_call", name="exec", call_id="c2", input=script.replace("test", "lint"))
    begun += answered("c2", running.replace("7", "8"))
    rollout.response("function_call", name="wait", call_id="w0", arguments='{"ids":["a"]}')  # for a sub-agent
    of_agent = answered("w0", "Timed out")
    for number in (1, 2):
        rollout.response("function_call", name="wait", call_id=f"w{number}", arguments='{"cell_id":"7"}')
    goes_on = answered("w1", running)
    ended = answered("w2", f"{COMPLETED}\nExit code: 0\nWall time: 14 seconds\nOutput:\n3 passed")

    assert (begun, goes_on) == ([], [("", "ok", "")])
    assert [output for _, _, output in of_agent] == ["Timed out"]
    assert ended == [("", "ok", ""), ("make test", "ok", "3 passed") if family == "legacy" else ("", "ok", "")]
