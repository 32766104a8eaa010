"""Aider's histories, which lie in the projects, and its list of files to read, which brings it the handoff."""

from typing import Any, Final

import pytest

from carryover.model import AssistantMessage, FileEdit, ToolResult, TurnEnd, UserPrompt
from real_agents.aider.client import HISTORY, SETTINGS
from real_agents.lab import handoffs, product, recorded, shop
from real_agents.lab.box import HOME, Ran, Terminal, wait_until
from real_agents.lab.rows import Row, each_version, newest
from real_agents.lab.shop import PROJECT
from real_agents.lab.tool import Tool

EACH_VERSION: Final = each_version("aider")
NEWEST: Final = newest("aider")
FILES: Final = {
    ".gitignore": ".aider*\n",
    "pricing.py": "def discount(price, percent):\n    return price - price * percent / 100\n",
    "test_pricing.py": (
        "import unittest\nfrom pricing import discount\n\n\nclass PricingTest(unittest.TestCase):\n"
        "    def test_whole(self):\n        self.assertIsInstance(discount(999, 10), int)\n"
    ),
    "docs/notes.md": "nothing\n",
}
TASK: Final = "Make discount() in pricing.py return whole cents, never floats"
MORE: Final = "Then print the discount of each item in cart.py"
LAST_WORDS: Final = "discount() returns whole cents now. Next I would round the total in cart.py."
OWN: Final = "# mine\nauto-commits: false\nread: docs/notes.md  # always\n"


def edit(old: str, new: str, words: str = LAST_WORDS) -> str:
    return f"{words}\n\npricing.py\n```python\n<<<<<<< SEARCH\n{old}\n=======\n{new}\n>>>>>>> REPLACE\n```\n"


GOOD: Final = edit("    return price - price * percent / 100", "    return price * (100 - percent) // 100")
BAD: Final = edit("    return int(price)", "    return 0", "I will change it.")


def begin(tool: Tool, **own: str) -> None:
    shop.make_project(tool.box, files=FILES)
    for name, text in own.items():
        tool.box.write(PROJECT / name, text)
    product.start_daemon(tool.box)
    tool.box.run(product.CARRYOVER, "handoff", cwd=PROJECT)


def message(
    tool: Tool, prompt: str, *replies: Any, options: tuple[str, ...] = (), folder: str = ".", history: str = HISTORY
) -> Ran:
    # A model takes longer than its stand-in: a history that is written in one go counts as copied.
    tool.box.must("sh", "-c", f"[ -e {history} ] || {{ : >{history}; sleep 6; }}", cwd=PROJECT)
    tool.script(*replies)
    command = (*tool.installed.command, *options, "--yes-always", "--message", prompt)
    return tool.box.run(*command, cwd=PROJECT / folder, env=tool.environment, timeout_s=300)


def worked(tool: Tool, **own: str) -> str:
    begin(tool, **own)
    assert message(tool, TASK, GOOD, options=("pricing.py",)).code == 0
    product.carryover(tool.box, "handoff", cwd=PROJECT)
    return shop.left_by(tool)


def first_request(tool: Tool, *options: str, folder: str = ".") -> str:
    before = len(tool.requests())
    message(tool, "Hello", options=options, folder=folder)
    return tool.requests()[before]


@pytest.mark.parametrize("folder", [".", "docs"])
@EACH_VERSION
def test_a_new_session_has_the_handoff_wherever_it_starts(tool: Tool, row: Row, folder: str) -> None:
    """By the absolute path in `.aider.conf.yml`; a relative one is not found from a subfolder."""
    left = worked(tool)
    found = handoffs.injected(first_request(tool, folder=folder))

    row.shown(f"from {folder}: {len(found)} handoff in the first request")
    [given, written] = [handoffs.sections("".join(texts)) for texts in (found, [left])]
    del given["Git context"], written["Git context"]  # only one may know of the pointer that was placed meanwhile
    assert (len(found), given) == (1, written)
    assert TASK in left


@EACH_VERSION
def test_the_users_own_list_still_counts(tool: Tool, row: Row) -> None:
    worked(tool, **{SETTINGS: OWN, "docs/notes.md": "RULE-OF-THE-HOUSE\n"})
    request = first_request(tool)

    row.shown(f"{len(handoffs.injected(request))} handoff, and the user's own file")
    assert len(handoffs.injected(request)) == 1
    assert "RULE-OF-THE-HOUSE" in request


@NEWEST
def test_the_command_that_continues_in_aider_gives_it_the_handoff(tool: Tool, row: Row) -> None:
    worked(tool)
    tool.box.must("rm", SETTINGS, cwd=PROJECT)
    said = product.carryover(tool.box, "handoff", "--to", "aider", cwd=PROJECT)
    tool.box.must("rm", "-f", SETTINGS, cwd=PROJECT)

    row.shown(said.strip())
    assert said.strip().endswith("aider --read .carryover/handoff.md")
    assert len(handoffs.injected(first_request(tool, "--read", ".carryover/handoff.md"))) == 1


@pytest.mark.parametrize("before", [None, OWN], ids=["no settings", "settings of their own"])
@EACH_VERSION
def test_purging_leaves_nothing_behind(tool: Tool, row: Row, before: str | None) -> None:
    worked(tool, **({} if before is None else {SETTINGS: before}))
    settings = tool.box.here(PROJECT / SETTINGS)
    changed = settings.read_text()
    product.carryover(tool.box, "uninstall", "--purge", "--yes", cwd=HOME)
    request = first_request(tool)

    row.shown("settings as before, no error at the next start")
    assert "handoff.md" in changed
    assert (settings.read_text() if settings.exists() else None) == before
    assert handoffs.injected(request) == []
    assert "does not exist" not in tool.box.here(PROJECT / HISTORY).read_text()


@EACH_VERSION
def test_a_session_is_recorded_whole_and_once(tool: Tool, row: Row) -> None:
    begin(tool)
    message(tool, TASK, BAD, GOOD, options=("pricing.py",))
    product.carryover(tool.box, "handoff", cwd=PROJECT)
    [session] = recorded.sessions(tool.box)

    row.shown(f"{len(session.events)} events, {recorded.not_understood(tool.box)} records not understood")
    assert (session.listed.agent, session.listed.agent_version) == ("aider", tool.version)
    assert (session.listed.project, session.listed.model) == (str(PROJECT), "openai/gpt-4o")
    assert [prompt.text for prompt in session.all(UserPrompt)] == [TASK]
    assert [text.text for text in session.all(AssistantMessage)] == ["I will change it.", LAST_WORDS]
    assert [result.status for result in session.all(ToolResult)] == ["error", "ok", "ok"]
    assert [change.path for change in session.all(FileEdit)] == [str(PROJECT / "pricing.py")]
    assert recorded.not_understood(tool.box) == 0


@pytest.mark.parametrize("file", [SETTINGS, ".env"])
@EACH_VERSION
def test_a_history_that_was_moved_within_the_project_is_followed(tool: Tool, row: Row, file: str) -> None:
    """The input history stays at the top, and so the prompt has its time."""
    line = "chat-history-file: logs/chat.md\n" if file == SETTINGS else "AIDER_CHAT_HISTORY_FILE=logs/chat.md\n"
    begin(tool, **{file: line, "logs/.gitignore": "*\n"})
    message(tool, TASK, BAD, GOOD, options=("pricing.py",), history="logs/chat.md")
    tool.box.run(product.CARRYOVER, "handoff", cwd=PROJECT)
    product.settle(tool.box)
    [session] = recorded.sessions(tool.box)

    row.shown(f"{len(session.events)} events")
    assert [prompt.text for prompt in session.all(UserPrompt)] == [TASK]
    assert [change.path for change in session.all(FileEdit)] == [str(PROJECT / "pricing.py")]
    assert not tool.box.here(PROJECT / HISTORY).exists()


@EACH_VERSION
def test_tests_that_fail_and_pass_are_recorded(tool: Tool, row: Row) -> None:
    """`/test` in a terminal: what fails adds output to the chat, and what passes says nothing."""
    begin(tool)
    tool.script("Aye.", GOOD, "Both are fine.")
    options = ("--no-pretty", "pricing.py", "--yes-always", "--test-cmd", "python3 -m unittest -q")
    with Terminal(tool.box, *tool.installed.command, *options, cwd=PROJECT, env=tool.environment) as terminal:
        for typed, shown in (
            (TASK, "Aye"),
            ("/test", "Commit [0-9a-f]{7}"),
            ("/test", ""),
            ("What is left?", "are fine"),
        ):
            terminal.wait(tool.READY, tool.STARTS_S)
            terminal.enter(typed)
            terminal.wait(shown or tool.READY)
        terminal.wait(tool.READY)
        terminal.enter("/exit")
        terminal.wait_end()
    product.carryover(tool.box, "handoff", cwd=PROJECT)
    [session] = recorded.sessions(tool.box)
    runs = [(run.status, run.exit_code) for run in session.all(ToolResult) if run.name == "test"]

    row.shown(f"test runs: {runs}")
    assert runs == [("error", None), ("ok", 0)]
    assert [prompt.text for prompt in session.all(UserPrompt)] == [TASK, "What is left?"]


@NEWEST
def test_a_limit_ends_the_turn(tool: Tool, row: Row) -> None:
    begin(tool)
    # It asks again with growing pauses, nine times in a minute and a half (0.86.2).
    refused = {"error": {"status": 429, "message": "Rate limit reached. Try again in 2h."}}
    message(tool, TASK, *[refused] * 40, options=("pricing.py",))
    text = product.carryover(tool.box, "handoff", cwd=PROJECT)
    [session] = recorded.sessions(tool.box)

    row.shown(f"ends with {[end.reason for end in session.all(TurnEnd)]}")
    assert [end.reason for end in session.all(TurnEnd)] == ["limit"]
    assert TASK in text


@NEWEST
def test_what_is_appended_reaches_the_handoff_without_being_asked_for(tool: Tool, row: Row) -> None:
    begin(tool)
    message(tool, TASK, "First.", options=("pricing.py",))
    product.carryover(tool.box, "handoff", cwd=PROJECT)
    message(tool, MORE, "Second answer.", options=("pricing.py",))
    waited_s = wait_until(lambda: MORE in handoffs.read(tool.box, PROJECT))

    row.shown(f"in the handoff {waited_s:.1f} s after the client ended")
    assert waited_s < 3
