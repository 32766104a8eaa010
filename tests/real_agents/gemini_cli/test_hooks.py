"""What a session that starts or goes on is told through the hooks, with the daemon and without it."""

from __future__ import annotations

from typing import Final

import pytest

from real_agents.gemini_cli import client, hooked, work
from real_agents.gemini_cli.client import EACH_VERSION, PROJECT, READY, UNTRUSTED, GeminiBox
from real_agents.gemini_cli.requests import told
from real_agents.gemini_cli.work import FILES, QUESTION, TASK
from real_agents.lab import handoffs, product
from real_agents.lab.handoffs import GATES, POINTER
from real_agents.lab.rows import Row
from real_agents.lab.waiting import wait_until

pytestmark = pytest.mark.real_agents

RESUMED: Final = "This session was resumed"
MOVED_ON: Final = "Another session has moved this project on since your last turn here"
LOGS_EVERY_HOOK: Final = ("0.26.0",)
"""Versions that write a log of each hook, whoever's it is, to the standard error of `-p`."""
OTHER_TASK: Final = "Paint the pear green"


@EACH_VERSION
def test_a_new_session_is_given_the_handoff_once(gemini: GeminiBox, row: Row) -> None:
    """In its first request, and the same as in the file; the user sees nothing of it."""
    hooked.start(gemini)
    work.do_the_work(gemini)
    product.settle(gemini.box)
    left = handoffs.read(gemini.box, PROJECT)
    before = len(gemini.requests())
    ran = gemini.ask("Hello")
    found = handoffs.injected(told(gemini.requests()[before]))
    said = hooked.lines_of_hooks(ran.out + ran.err)

    row.shown(
        f"{len(found)} handoff(s), {len(found[0].splitlines()) if found else 0} lines; of hooks: {len(said)} lines"
    )
    assert [handoffs.sections(text) for text in found] == [handoffs.sections(left)]
    assert GATES["ask"] in handoffs.protocol(found[0])
    assert TASK in found[0] and QUESTION in found[0]
    assert said == [] or gemini.version in LOGS_EVERY_HOOK
    product.settle(gemini.box)
    assert TASK in " ".join(handoffs.sections(handoffs.read(gemini.box, PROJECT))["Task"])


def test_a_terminal_session_gets_it_and_shows_no_command(gemini: GeminiBox, row: Row) -> None:
    hooked.start(gemini)
    work.do_the_work(gemini)
    product.settle(gemini.box)
    gemini.script("So be it.")
    with gemini.terminal() as terminal:
        terminal.wait(READY, 60)
        terminal.enter("Hello")
        terminal.wait(r"So be it\.")
        screen = terminal.screen()
    found = handoffs.injected(gemini.told())

    row.shown(f"{len(found)} handoff(s); lines about hooks on the screen: {hooked.lines_of_hooks(screen) or 'none'}")
    assert len(found) == 1
    assert "hook.sh" not in screen


@EACH_VERSION
def test_a_cleared_conversation_is_told_it_with_its_first_prompt(gemini: GeminiBox, row: Row) -> None:
    """`/clear` begins another session, and the client drops what the hook of its start says."""
    hooked.start(gemini)
    work.do_the_work(gemini)
    product.settle(gemini.box)
    gemini.script("A plum has a stone.", "So be it.", "That is all.")
    with gemini.terminal() as terminal:
        terminal.wait(READY, 60)
        terminal.enter("Tell me of plums")
        terminal.wait("has a stone", 60)
        terminal.wait(READY)
        terminal.enter("/clear")
        wait_until(lambda: "has a stone" not in terminal.screen(), 60)
        terminal.wait(READY)
        terminal.enter("Paint the cherry red")
        terminal.wait(r"So be it\.", 60)
        terminal.wait(READY)
        terminal.enter("And the apple")
        terminal.wait(r"That is all\.", 60)
    first, second = (told(request) for request in gemini.requests()[-2:])
    product.settle(gemini.box)
    task = handoffs.sections(handoffs.read(gemini.box, PROJECT))["Task"]

    row.shown(f"handoffs {len(handoffs.injected(first))}; task: {' / '.join(task)}")
    assert "has a stone" not in first
    assert [TASK in text for text in handoffs.injected(first)] == [True]
    assert len(handoffs.injected(second)) == 1
    assert not any("CARRYOVER" in line for line in task)


@EACH_VERSION
def test_a_resumed_session_is_given_its_own_work_again(gemini: GeminiBox, row: Row) -> None:
    """The client leaves out what the hook of the first start brought, and a one-shot's prompt with it (0.61.0)."""
    hooked.start(gemini)
    work.do_the_work(gemini)
    found = handoffs.injected(gemini.first_request("Go on", "--resume", "latest"))

    row.shown(f"handoffs: {' / '.join(handoffs.said_first(text) for text in found)}")
    [handoff] = found
    assert RESUMED in handoffs.protocol(handoff)
    assert TASK in handoff


def test_a_resumed_session_is_given_what_another_one_moved(gemini: GeminiBox, row: Row) -> None:
    hooked.start(gemini)
    work.do_the_work(gemini)
    gemini.script(work.write("paint.py", "GREEN = 1\n"), "The pear is green now.")
    gemini.ask(OTHER_TASK)
    listed = gemini.box.must(gemini.command, "--list-sessions", cwd=PROJECT)
    number = next(line.split(".")[0].strip() for line in listed.splitlines() if TASK[:20] in line)
    found = handoffs.injected(gemini.first_request("And now?", "--resume", number))

    row.shown(f"handoffs: {' / '.join(handoffs.said_first(text) for text in found)}")
    [handoff] = found
    assert MOVED_ON in handoffs.protocol(handoff)
    assert "paint.py" in handoff


def test_without_the_daemon_the_stored_answer_is_given(gemini: GeminiBox, row: Row) -> None:
    left = hooked.left_behind(gemini)
    before = len(gemini.requests())
    ran = gemini.ask("Hello")
    found = handoffs.injected(told(gemini.requests()[before]))
    in_sub = handoffs.injected(gemini.first_request("Hello", "--skip-trust", cwd=PROJECT / "sub"))

    row.shown(f"handoffs in the first request: root {len(found)}, subfolder {len(in_sub)}")
    assert [handoffs.sections(text) for text in found] == [handoffs.sections(left)]
    assert [handoffs.sections(text) for text in in_sub] == [handoffs.sections(left)]
    assert hooked.lines_of_hooks(ran.out + ran.err) == []


@pytest.mark.parametrize("daemon", [True, False], ids=["daemon", "no daemon"])
def test_an_untrusted_folder_is_left_alone(row: Row, installed: client.Client, daemon: bool) -> None:
    """No hook runs there: `-p` ends with its own code and words, the terminal works, and its transcript is read."""
    with client.boxed(installed, trusted=False) as gemini:
        gemini.make_project(FILES)
        bare = gemini.run("Hello")
        hooked.install(gemini)
        running = product.start_daemon(gemini.box)
        if not daemon:
            assert running.stop() == 0
        ran = gemini.run("Hello")
        gemini.script("So be it.")
        with gemini.terminal() as terminal:
            terminal.wait(READY, 60)
            terminal.enter(OTHER_TASK)
            terminal.wait(r"So be it\.")
            screen = terminal.screen()
        request = gemini.told()

        row.shown(
            f"-p ended with {ran.code}, as before with {bare.code}; said of hooks: {hooked.lines_of_hooks(screen)}"
        )
        row.shown(
            f"handoffs {len(handoffs.injected(request))}, pointers {request.count(POINTER)} in the terminal's request"
        )
        assert (ran.code, ran.out, ran.err) == (bare.code, bare.out, bare.err)
        assert bare.code == UNTRUSTED
        assert handoffs.injected(request) == []
        assert hooked.lines_of_ours(ran.out + ran.err + screen) == []
        if daemon:
            product.settle(gemini.box)
            assert OTHER_TASK in handoffs.read(gemini.box, PROJECT)


@pytest.mark.parametrize("how", ["GEMINI.md", "context.fileName"])
def test_without_hooks_the_pointer_leads_to_the_handoff(gemini: GeminiBox, row: Row, how: str) -> None:
    """In a GEMINI.md of the user's, or in AGENTS.md for one whose settings name it. The client's own file tool refuses
    ignored files, so a model that does what the pointer says uses the shell."""
    gemini.make_project(FILES | ({"GEMINI.md": "Be brief.\n"} if how == "GEMINI.md" else {}))
    if how != "GEMINI.md":
        gemini.settings(context={"fileName": ["GEMINI.md", "AGENTS.md"]})
    product.start_daemon(gemini.box)
    work.do_the_work(gemini)
    product.settle(gemini.box)
    gemini.script(
        {"tool": ["read_file", {"file_path": ".carryover/handoff.md"}]}, {"shell": "cat .carryover/handoff.md"}
    )
    before = len(gemini.requests())
    gemini.ask("Hello")
    first, second, third = (told(request) for request in gemini.requests()[before : before + 3])

    row.shown(
        f"pointer {first.count(POINTER)} times; handoffs: first {len(handoffs.injected(first))}, "
        f"by its file tool {len(handoffs.injected(second))}, by the shell {len(handoffs.injected(third))}"
    )
    assert first.count(POINTER) == 1
    assert handoffs.injected(first) == []
    assert len(handoffs.injected(third)) == 1


def test_hooks_that_are_switched_off_bring_nothing(gemini: GeminiBox, row: Row) -> None:
    """`hooksConfig.enabled`: the user's switch, which doctor names."""
    hooked.start(gemini)
    work.do_the_work(gemini)
    gemini.settings(hooksConfig={"enabled": False})
    request = gemini.first_request("Hello")
    said = gemini.box.run(product.CARRYOVER, "doctor").out
    switch = [line.strip() for line in said.splitlines() if "hooksConfig" in line]

    row.shown(f"handoffs {len(handoffs.injected(request))}; doctor: {switch}")
    assert handoffs.injected(request) == []
    assert switch
