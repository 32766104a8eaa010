"""What only Claude Code shows: the resume protocol on its screen, a second start, two sessions at once, a clone."""

import json
from pathlib import Path
from typing import Final

import pytest
from packaging.version import Version

from carryover.model import Answer, UserPrompt
from real_agents.claude_code.client import JOB, JOB_FILE, ClaudeCode
from real_agents.lab import handoffs, product, recorded, shop
from real_agents.lab.box import HOME, wait_until
from real_agents.lab.handoffs import GATES
from real_agents.lab.rows import Row, each_version, newest
from real_agents.lab.shop import OTHER_TASK, PROJECT, STATE, TASK
from real_agents.lab.tool import Tool

NEWEST: Final = newest("claude-code")
FOR_NO_PERSON: Final = "If no person can answer (a non-interactive run, a sub-agent), skip this"


@NEWEST
def test_a_second_start_without_a_prompt_changes_no_byte(tool: Tool, row: Row) -> None:
    shop.begin_installed(tool)
    files = [open_and_close(tool) for _ in range(2)]
    [request] = tool.turn(PROJECT, "Hello", "OK.").requests

    row.shown(f"after the first start: {', '.join(sorted(files[0]))}; after the second: the same {len(files[1])} files")
    assert ".carryover/handoff.md" not in files[0]
    assert files[1] == files[0]
    assert handoffs.injected(request) == []


@pytest.mark.parametrize("mode", GATES)
@NEWEST
def test_a_person_sees_the_resume_protocol_in_the_first_response(tool: Tool, row: Row, mode: str) -> None:
    """The model of this row does what the text asks for; whether a real one does is not shown."""
    tool.box.write(STATE / "config.toml", f'[publish]\npointers = "shared"\n[resume]\nmode = "{mode}"\n')
    shop.begin_worked(tool)
    with tool.terminal(PROJECT) as terminal:
        tool.script({"as_told": "The pear costs two coins now."})
        terminal.enter("Hi")
        terminal.wait(r"(?s)❯ Hi.*●.*\n.*done")
        screen = terminal.screen()
    [handoff] = handoffs.injected(tool.requests()[-1])
    response = seen(screen)

    for line in [*handoffs.protocol(handoff).splitlines(), *response]:
        row.shown(f"| {line}")
    assert f"# RESUME PROTOCOL: {mode}" in handoff
    assert [name for name, text in GATES.items() if text in handoffs.protocol(handoff)] == [mode]
    asked = "Do you want to continue from here, or are you starting something different?"
    words = " ".join(" ".join(response).split())
    assert (asked in words) == (mode == "ask")
    assert (f"(resuming: {TASK}" in words) == (mode == "brief")


@NEWEST
def test_a_run_without_a_person_is_told_not_to_wait_for_one(tool: Tool, row: Row) -> None:
    shop.begin_worked(tool)
    [handoff] = shop.first_told(tool)

    row.shown(next(line for line in handoffs.protocol(handoff).splitlines() if FOR_NO_PERSON in line))
    assert "# RESUME PROTOCOL: ask" in handoff


@NEWEST
def test_a_compaction_of_one_session_tells_its_own_work_and_not_anothers(tool: Tool, row: Row) -> None:
    shop.begin_installed(tool)
    other = tool.start(PROJECT, OTHER_TASK, {"unfinished": "Half of a thought"})
    wait_until(lambda: len(tool.requests()) == 1)
    *before, last, words = shop.steps(tool)
    replies = [*before, {"full_context": last}, *tool.SUMMARY, words]
    [handoff] = handoffs.injected(tool.turn(PROJECT, TASK, *replies).requests[-1])
    other.kill()

    row.shown(f"task: {' / '.join(handoffs.sections(handoff)['Task'])}")
    assert TASK in handoffs.sections(handoff)["Task"][0]


@NEWEST
def test_what_is_typed_on_accepting_a_plan_with_a_new_conversation_is_the_users(tool: ClaudeCode, row: Row) -> None:
    shop.begin_installed(tool)
    with tool.plan_mode(PROJECT) as terminal:
        terminal.wait(tool.READY)
        tool.script({"plan": "# Discount\n\n1. In whole cents."}, {"tool": "ExitPlanMode", "input": {}}, "Done.")
        terminal.enter("Plan a discount")
        for at in (2, 3, 4):
            terminal.wait(r"❯ \d\.")
            terminal.choose("Down", rf"❯ {at}\.")
        terminal.choose("n", r"❯ 4\. n")
        terminal.choose("BTab", "● Done")
    task = handoffs.sections(shop.left_by(tool))["Task"]

    for line in task:
        row.shown(line)
    assert [line.partition(": ")[2] for line in task[1:]] == [
        "Implement the following plan: ¶ Discount ¶ 1. In whole cents.",
        "n",
    ]


HOST: Final = """\
import json, subprocess, sys
client = subprocess.Popen(json.loads(sys.argv[1]), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
def send(value):
    print(json.dumps(value), file=client.stdin, flush=True)
send({"type": "user", "message": {"role": "user", "content": sys.argv[2]}})
for value in map(json.loads, client.stdout):
    if value["type"] == "control_request":
        given = {**value["request"]["input"], "answers": {}, "response": sys.argv[3]}
        answer = {"behavior": "allow", "updatedInput": given}
        response = {"subtype": "success", "request_id": value["request_id"], "response": answer}
        send({"type": "control_response", "response": response})
    if value["type"] == "result":
        client.stdin.close()
"""
"""A host, such as an editor's extension, that answers a question with words in place of an option."""


@NEWEST
def test_what_is_typed_in_place_of_any_option_is_the_answer(tool: Tool, row: Row) -> None:
    shop.begin(tool)
    options = [{"label": "Cents", "description": "whole"}, {"label": "Euros", "description": "floats"}]
    asked = {"question": "Which unit?", "header": "Unit", "multiSelect": False, "options": options}
    tool.script({"tool": "AskUserQuestion", "input": {"questions": [asked]}}, "So be it.")
    tool.box.write(HOME / "host.py", HOST)
    streams = ("--input-format", "stream-json", "--output-format", "stream-json", "--verbose")
    command = (*tool.installed.command, "-p", *streams, "--permission-prompt-tool", "stdio")
    given = (json.dumps(command), "Plan a discount", "In cents, by the law of sales")
    tool.box.must(product.PYTHON, str(HOME / "host.py"), *given, cwd=PROJECT, env=tool.environment)
    product.settle(tool.box)
    [session] = recorded.sessions(tool.box)
    answers = [(answer.question, answer.text) for answer in session.all(Answer)]

    row.shown(f"answers: {answers}")
    assert answers == [("Which unit?", "In cents, by the law of sales")]
    assert "not answered" not in shop.left_by(tool)


@NEWEST
def test_what_is_typed_behind_a_command_that_asks_the_model_is_the_users(tool: ClaudeCode, row: Row) -> None:
    shop.begin_installed(tool)
    with tool.terminal(PROJECT) as terminal:
        terminal.wait(tool.READY)
        tool.script("Here is the plan.")
        for typed, answer in (("/model sonnet", "Set model"), (f"/plan {OTHER_TASK}", "Here is the plan")):
            terminal.enter(typed)
            terminal.wait(answer)
            terminal.wait(tool.READY)
    task = handoffs.sections(shop.left_by(tool))["Task"]

    for line in task:
        row.shown(line)
    assert OTHER_TASK in task[-1] and "sonnet" not in " ".join(task)


@NEWEST
def test_a_skill_that_a_sub_agent_carries_out_is_the_users_request(tool: Tool, row: Row) -> None:
    """Without a terminal the client waits for the sub-agent; in a terminal the report follows while work continues."""
    shop.begin(tool)
    tool.turn(PROJECT, "/code-review the last commit", "It is fine.", code=None)
    with tool.terminal(PROJECT) as terminal:
        tool.script("It is not tested.", "So it is.")
        terminal.enter("/code-review the tests")
        terminal.wait("So it is")
    product.settle(tool.box)
    found = {(each.command, each.text) for one in recorded.sessions(tool.box) for each in one.all(UserPrompt)}

    row.shown(f"prompts: {sorted(map(str, found))}")
    assert found == {("/code-review", "the last commit"), ("/code-review", "the tests")}
    assert "It is fine." in shop.left_by(tool)


@NEWEST
def test_with_the_daemon_stopped_no_file_of_a_cloned_project_is_an_answer(tool: Tool, row: Row) -> None:
    daemon = shop.begin_installed(tool)
    shop.do_the_work(tool)
    product.settle(tool.box)
    assert daemon.stop() == 0
    clone = HOME / "clone"
    strange = {".carryover/handoff.md": "# [CARRYOVER] Last updated by a STRANGER\n", "a.py": "1\n"}
    shop.make_project(tool.box, clone, strange)
    [request] = tool.turn(clone, "Hello", "OK.").requests

    row.shown(f"the stranger's text in the first request: {request.count('STRANGER')} times")
    assert "STRANGER" not in request
    assert TASK not in request


@NEWEST
def test_a_rewound_turn_is_not_in_the_next_handoff(tool: Tool, row: Row) -> None:
    shop.begin_worked(tool)
    with tool.terminal(PROJECT) as terminal:
        tool.script("Green it is.", "Red it is.")
        terminal.enter(OTHER_TASK)
        terminal.wait("Green it is")
        terminal.wait(tool.READY)
        terminal.enter("/rewind")
        terminal.wait("Restore the code and/or conversation")
        terminal.choose("Up", f"❯ {OTHER_TASK}")
        terminal.choose("Enter", "1. Restore")
        terminal.key("1")
        terminal.wait(tool.READY)
        wait_until(lambda: "Green it is" not in terminal.screen())
        terminal.key("C-u")  # the prompt is offered again
        terminal.enter("Paint it red")
        terminal.wait("Red it is")
    wait_until(lambda: "Red it is" in shop.left_by(tool))
    left = shop.left_by(tool)

    row.shown(f"task: {' / '.join(handoffs.sections(left)['Task'])}")
    assert "Paint it red" in left
    assert OTHER_TASK not in left and "Green it is" not in left


@each_version("claude-code")
def test_what_tests_in_the_background_printed_is_their_result(tool: Tool, row: Row) -> None:
    """The exit code is that of `tail`. From 2.1.328 on there is no TaskOutput: the model reads the job's file."""
    shop.begin(tool)
    command = f"{product.PYTHON} -m unittest test_prices 2>&1 | tail -20"
    tests = {"tool": "Bash", "input": {"command": command, "description": "Run it", "run_in_background": True}}
    if Version(tool.version) < Version("2.1.328"):
        wait = {"tool": "TaskOutput", "input": {"task_id": JOB, "block": True, "timeout": 60_000}}
        tool.turn(PROJECT, TASK, tests, wait, "It fails.")
    else:
        session = tool.turn(PROJECT, TASK, tests, "They run.").session
        tool.turn(PROJECT, "How did they end?", tool.read(Path(JOB_FILE)), "It fails.", session=session)
    stands = handoffs.lines_of(shop.left_by(tool), "Where it stands")

    row.shown(stands)
    assert "failed (1 failed)" in stands


def open_and_close(tool: Tool) -> dict[str, tuple[bytes, int]]:
    root = tool.box.here(PROJECT)
    with tool.terminal(PROJECT) as terminal:
        wait_until(lambda: "❯" in terminal.screen())
        terminal.key("C-c")
        terminal.key("C-c")
        wait_until(lambda: "❯" not in terminal.screen())
    product.settle(tool.box)
    found = [path for path in root.rglob("*") if path.is_file() and ".git" not in path.relative_to(root).parts]
    return {str(path.relative_to(root)): (path.read_bytes(), path.stat().st_mtime_ns) for path in found}


def seen(screen: str) -> list[str]:
    """The lines of a screen of 2.1.328 from the user's prompt to the end of the answer."""
    lines = screen[screen.rindex("❯ Hi") :].splitlines()
    end = next((at for at, line in enumerate(lines) if "· done" in line or line.startswith("────")), len(lines))
    return [line.rstrip() for line in lines[:end] if line.strip()]
