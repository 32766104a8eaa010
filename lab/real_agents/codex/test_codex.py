"""What only Codex has: hooks that must be reviewed, archived and rewritten transcripts, code mode, `$CODEX_HOME`."""

import json
from typing import Final

import pytest

from carryover.model import UserPrompt
from real_agents.codex.client import CODEX_HOME, LATEST, REVIEW, REVIEWS_SINCE, SETTINGS, TOOL
from real_agents.codex.client import tools as offered
from real_agents.lab import handoffs, product, shop
from real_agents.lab.box import HOME, OUT, Gate, Terminal, wait_until
from real_agents.lab.handoffs import hook_lines
from real_agents.lab.rows import Row, newest, only
from real_agents.lab.shop import LAST_WORDS, PROJECT, QUESTION, TASK, WORK
from real_agents.lab.tool import Installed, Tool
from real_agents.test_sessions import ANSWER, BY_USER, THEN, assert_left, assert_worked_once, prompts, read

NEWEST: Final = newest("codex")
HOOKS: Final = CODEX_HOME / "hooks.json"
NOT_YET: Final = "not reviewed yet"
MOVED: Final = HOME / "settings" / "codex"
ELSEWHERE: Final = WORK / "orchard"
OF_CODE_MODE: Final = "gpt-6.1-sol"
CANCEL, IN_BACKGROUND, EXIT = 1, 2, 3


def begin_unreviewed(tool: Tool) -> None:
    shop.make_project(tool.box)
    shop.install(tool)
    product.start_daemon(tool.box)


@NEWEST
def test_a_goal_that_the_user_sets_is_the_users_request(tool: Tool, row: Row) -> None:
    shop.begin_installed(tool)
    with tool.terminal(PROJECT) as terminal:
        terminal.wait(tool.READY)
        tool.script("The goal is clear.", {"unfinished": "I go on."})
        terminal.enter(f"/goal {TASK}")
        terminal.wait("The goal is clear")
        wait_until(lambda: len(tool.requests()) > 1)  # it goes on by itself; between two turns Escape does nothing
        terminal.key("Escape")
        terminal.wait("Goal paused")
    task = handoffs.sections(shop.left_by(tool))["Task"]

    for line in task:
        row.shown(line)
    assert len(task) == 1 and TASK in task[0]


@NEWEST
def test_a_plan_that_a_new_thread_carries_out_waits_no_more(tool: Tool, row: Row) -> None:
    """The new thread's prompt names a file with the plan."""
    shop.begin_installed(tool)
    with tool.terminal(PROJECT) as terminal:
        tool.script("<proposed_plan>\n# Discount\n\n1. In cents.\n</proposed_plan>", "The discount is there.")
        terminal.enter("/plan Plan a discount")
        terminal.wait("2. Yes, clear context and implement", 90)
        before = shop.left_by(tool)
        terminal.choose("Down", r"› 2\. Yes")
        terminal.choose("Enter", "discount is there")
    fresh, planned = read(tool, row)
    left = shop.left_by(tool)

    for line in handoffs.sections(left)["Task"]:
        row.shown(line)
    assert prompts(planned) == ["Plan a discount"]
    [begun] = fresh.all(UserPrompt)
    assert begun.accepts_plan and "approved-plan.md" in begun.text
    assert "plan waits for the user" in before and "waits for the user" not in left


@NEWEST
def test_before_the_review_the_client_runs_without_our_hooks_and_without_a_word(tool: Tool, row: Row) -> None:
    begin_unreviewed(tool)
    shop.do_the_work(tool)
    left = shop.left_by(tool)
    turn = tool.turn(PROJECT, "Hello")
    doctor = shop.doctor(tool)

    row.shown(f"said of hooks: {hook_lines(turn.seen) or 'nothing'}")
    assert handoffs.injected(turn.requests[0]) == []
    assert hook_lines(turn.seen) == []
    assert TASK in left
    assert NOT_YET in doctor


@only("codex", LATEST, REVIEWS_SINCE)
def test_reviewed_once_in_the_terminal_they_run_in_exec_too(tool: Tool, row: Row) -> None:
    begin_unreviewed(tool)
    asked = tool.review_hooks(PROJECT)
    shop.do_the_work(tool)
    product.settle(tool.box)
    found = shop.first_told(tool)
    question = next(line.strip() for line in asked.splitlines() if "new or changed" in line)

    row.shown(f"the client asks: {question}")
    assert question.startswith("4 hooks are")
    assert len(found) == 1
    assert NOT_YET not in shop.doctor(tool)


@NEWEST
def test_a_client_that_was_used_before_takes_the_hooks_up(tool: Tool, row: Row) -> None:
    """Terminals of 0.169.0 share a server that outlives them; it was started before there were any hooks."""
    with tool.terminal(PROJECT):
        pass
    shop.begin_worked(tool)
    product.settle(tool.box)
    with tool.terminal(PROJECT) as terminal:
        terminal.enter("Hello")
        terminal.wait(r"• OK\.")

    assert len(handoffs.injected(tool.requests()[-1])) == 1
    row.shown("1 handoff in the first request of a session in the terminal")


@pytest.mark.parametrize("command", ["refresh", "install"])
@NEWEST
def test_setting_it_up_again_asks_for_no_new_review(tool: Tool, row: Row, command: str) -> None:
    shop.begin_installed(tool)
    hooks = tool.box.here(HOOKS)
    before = hooks.read_bytes()
    said = product.carryover(tool.box, command, "--yes", "--no-service")
    with Terminal(tool.box, *tool.installed.command, cwd=PROJECT) as terminal:
        terminal.wait(f"{tool.READY}|{REVIEW}")
        screen = terminal.screen()

    row.shown(f"{command}: {said.splitlines()[0]}")
    assert hooks.read_bytes() == before
    assert REVIEW not in screen
    assert hook_lines(tool.turn(PROJECT, "Hello").seen) == list(TOOL.HOOK_LINES)


@only("codex", "0.125.0")
def test_a_version_that_asks_for_no_review_gets_the_two_hooks_it_knows(tool: Tool, row: Row) -> None:
    begin_unreviewed(tool)
    written = list(json.loads(tool.box.here(HOOKS).read_text("utf-8"))["hooks"])

    row.shown(f"hooks written: {', '.join(written)}")
    assert written == ["SessionStart", "Stop"]


@only("codex", "0.99.0")
def test_a_version_without_hooks_gets_none(tool: Tool, row: Row) -> None:
    shop.make_project(tool.box)
    before = tool.box.here(CODEX_HOME / "config.toml").read_text("utf-8")
    said = shop.install(tool)

    row.shown(" / ".join(line.strip() for line in said.splitlines()[:3]))
    assert not tool.box.here(HOOKS).exists()
    assert tool.box.here(CODEX_HOME / "config.toml").read_text("utf-8") == before
    assert before.startswith(SETTINGS)
    assert f"Codex CLI {tool.version} detected" in said


@NEWEST
def test_an_ephemeral_session_is_answered_and_remembered_by_nobody(tool: Tool, row: Row) -> None:
    shop.begin_worked(tool)
    left = shop.left_by(tool)
    turn = tool.turn(PROJECT, "Hello", "Nobody will ever know the ZEBRA.", options=["--ephemeral"])
    found = handoffs.injected(turn.requests[0])

    row.shown(f"{len(found)} handoff(s) in the first request; {len(tool.transcripts())} transcript")
    assert [handoffs.sections(text) for text in found] == [handoffs.sections(left)]
    assert len(tool.transcripts()) == 1
    assert "ZEBRA" not in shop.left_by(tool) + product.carryover(tool.box, "sessions", "--all")


@NEWEST
def test_a_moved_codex_home_is_followed(client: tuple[type[Tool], Installed], row: Row) -> None:
    """`$CODEX_HOME`: hooks, transcripts and trust lie there, and nothing is made in `~/.codex`.

    The daemon does not have the variable, as a service does not.
    """
    with shop.alone(*client, home=MOVED, env={"CODEX_HOME": str(MOVED)}) as tool:
        shop.make_project(tool.box)
        shop.install(tool)
        product.start_daemon(tool.box, unset=["CODEX_HOME"])
        tool.review_hooks(PROJECT)
        shop.do_the_work(tool)
        left = shop.left_by(tool)

        assert [handoffs.sections(text) for text in shop.first_told(tool)] == [handoffs.sections(left)]
        assert tool.box.here(MOVED / "hooks.json").exists()
        assert not tool.box.here(CODEX_HOME).exists()
        row.shown(f"hooks in {MOVED}/hooks.json")


@pytest.mark.parametrize("choice", [CANCEL, EXIT], ids=["cancel", "exit"])
@NEWEST
def test_ctrl_c_in_a_command_leaves_what_was_asked(tool: Tool, row: Row, choice: int) -> None:
    shop.begin(tool)
    gate = Gate(tool.box, "never")
    with tool.terminal(PROJECT) as terminal:
        tool.script(*shop.edited(tool), tool.shell(gate.command))
        terminal.enter(TASK)
        gate.wait_reached()
        choose(terminal, choice)
        if choice == EXIT:
            terminal.wait_end()
        else:
            terminal.wait(tool.INTERRUPTED)
        wait_until(lambda: BY_USER in handoffs.read(tool.box, PROJECT))
        assert_left(tool, row, BY_USER)


@NEWEST
def test_ctrl_c_in_exec_leaves_what_was_asked(tool: Tool, row: Row) -> None:
    shop.begin(tool)
    gate = Gate(tool.box, "never")
    running = tool.start(PROJECT, TASK, *shop.edited(tool), tool.shell(gate.command))
    gate.wait_reached()
    running.interrupt()

    assert_left(tool, row, BY_USER)


@NEWEST
def test_a_task_that_runs_on_in_the_background_is_reported_to_its_end(tool: Tool, row: Row) -> None:
    """The terminal is closed and a server of the client's own goes on with the turn."""
    shop.begin(tool)
    runs, end = OUT / "runs", OUT / "end"
    wait = tool.shell(f"touch {runs}; until test -e {end}; do sleep 0.1; done")
    with tool.terminal(PROJECT) as terminal:
        tool.script(*shop.edited(tool), wait, LAST_WORDS)
        terminal.enter(TASK)
        wait_until(lambda: tool.box.here(runs).exists())
        choose(terminal, IN_BACKGROUND)
        terminal.wait_end()
    tool.box.write(end, "")
    wait_until(lambda: any('"task_complete"' in tool.recorded(session) for session in tool.transcripts()))

    assert QUESTION in shop.left_by(tool)
    row.shown("the last words are in the handoff")


@NEWEST
def test_an_archived_session_and_one_that_came_back_add_nothing(tool: Tool, row: Row) -> None:
    shop.begin(tool)
    session = shop.do_the_work(tool)
    [before] = read(tool, row)
    tool.box.must("codex", "archive", session)
    assert (tool.box.here(CODEX_HOME) / "archived_sessions").is_dir()
    [archived] = read(tool, row)
    tool.box.must("codex", "unarchive", session)
    tool.turn(PROJECT, THEN, ANSWER, session=session)
    [back] = read(tool, row)

    assert archived.events == before.events
    assert prompts(back) == [TASK, THEN]
    assert_worked_once(back)


@NEWEST
def test_a_session_resumed_from_another_folder_works_for_that_project(tool: Tool, row: Row) -> None:
    shop.begin(tool)
    shop.make_project(tool.box, ELSEWHERE, {"plums.txt": "none\n"})
    tool.trust(ELSEWHERE)
    session = shop.do_the_work(tool)
    tool.turn(ELSEWHERE, THEN, tool.shell("echo one >plums.txt"), ANSWER, session=session)
    read(tool, row)
    here, there = (handoffs.read(tool.box, root) for root in (PROJECT, ELSEWHERE))

    row.shown(f"the second turn's prompt: {here.count(THEN)} times here, {there.count(THEN)} times there")
    assert TASK in here and THEN not in here and ANSWER not in here
    assert THEN in there and TASK not in there and QUESTION not in there


@NEWEST
def test_a_session_in_code_mode_is_recorded_like_any_other(tool: Tool, row: Row) -> None:
    """Newer models reach every tool through one that runs a script; edits and commands are recorded all the same."""
    shop.begin(tool)
    tool.turn(PROJECT, TASK, *shop.steps(tool), options=["-c", f"model={OF_CODE_MODE}"])
    assert "exec" in offered(tool.bodies()[0]) and "exec_command" not in offered(tool.bodies()[0])
    [session] = read(tool, row)
    said = handoffs.sections(handoffs.read(tool.box, PROJECT))

    assert session.listed.model == OF_CODE_MODE
    assert prompts(session) == [TASK]
    assert all(f"`{name}`" in " ".join(said["Recent files"]) for name in ("prices.py", "NOTES.md"))
    assert any("stock.py → apply_patch verification failed" in line for line in said["Failed approaches"])


@NEWEST
def test_what_the_user_goes_back_behind_was_not_said(tool: Tool, row: Row) -> None:
    """The thread goes on in a further file, which names the place that the user chose, and no turn after it."""
    shop.begin(tool)
    with tool.terminal(PROJECT) as terminal:
        for prompt, answer in ((TASK, ANSWER), ("Paint it green", "Green now."), ("Paint it red", "Red now.")):
            tool.script(tool.write(PROJECT / f"{answer[:3]}.py", "1", cwd=PROJECT), answer)
            terminal.enter(prompt)
            terminal.wait_text(answer)
        terminal.choose("Escape", "esc again to edit")
        terminal.choose("Escape", "Browsing transcript")
        terminal.key("Left")
        terminal.choose("Enter", "Conversation reverted")
        terminal.key("C-u")
        tool.script("Blue now.")
        terminal.enter("Paint it blue")
        terminal.wait_text("Blue now.")
    product.settle(tool.box)
    [session] = read(tool, row)
    left = handoffs.read(tool.box, PROJECT)

    kept = [each.body.text for each in session.events if isinstance(each.body, UserPrompt) and not each.retracted]
    assert kept == [TASK, "Paint it blue"]
    assert "Blue now." in left and "Red now." not in left and "Green now." not in left
    assert "`Red.py`" in left and "`Gre.py`" in left
    row.shown(f"{len(list(tool.box.here(CODEX_HOME).rglob('rollout-*.jsonl')))} files, of which two turns count")


@only("codex", "0.125.0")
def test_an_older_session_resumed_and_rewritten_by_the_newest_counts_once(
    client: tuple[type[Tool], Installed], row: Row
) -> None:
    """A resumed old transcript goes on in the older family; `codex migrate-rollouts` then rewrites it in the newer."""
    kind, old = client
    new = kind.install(LATEST)
    with shop.alone(kind, old, new) as tool:
        shop.begin(tool)
        session = shop.do_the_work(tool)
        tool.installed = new
        tool.turn(PROJECT, THEN, ANSWER, session=session)
        [before] = read(tool, row)
        bytes_before = tool.recorded(session)
        tool.box.must(*new.command, "migrate-rollouts", "--apply")
        assert tool.recorded(session) != bytes_before
        [after] = read(tool, row)

    assert prompts(before) == [TASK, THEN]
    assert_worked_once(before)
    assert after.events == before.events


def choose(terminal: Terminal, choice: int) -> None:
    terminal.key("C-c")
    terminal.wait(r"› 1\. Cancel task")
    for _ in range(choice - CANCEL):
        terminal.key("Down")
    terminal.wait(rf"› {choice}\.")
    terminal.key("Enter")
