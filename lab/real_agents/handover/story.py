"""What A does in every row, with the facts of the recorded table, how it ends, and what B adds before its limit."""

from pathlib import Path
from typing import Any, Final

from matrix.story import FACTS, GOAL, NEXT, QUESTION, RULING
from matrix.tool import Ending
from real_agents.lab.box import Gate
from real_agents.lab.tool import Tool

NOTES: Final = "docs/notes.md"
NOTE: Final = "rounding is next"
RULES: Final = {"AGENTS.md": "# Rules\nBe brief.\n"}
"""A project's own file, which gets the pointer; none is made for agents that have hooks."""
FILES: Final = RULES | {
    "pricing.py": "def discount(price, percent):\n    return price\n",
    "test_pricing.py": (
        "import unittest\n\nfrom pricing import discount\n\n\nclass PricingTest(unittest.TestCase):\n"
        "    def test_discount_is_whole_cents(self):\n        self.assertIsInstance(discount(999, 10), int)\n"
    ),
    NOTES: "nothing\n",
}
TASK: Final = f"{GOAL}. {RULING}."
FAILS: Final = f"The test still fails. {NEXT}"
LAST_WORDS: Final = f"The test still fails: the result is no whole number. {NEXT} {QUESTION}"

ENDED: Final[dict[Ending, str]] = {
    "closed": "",
    "limit": "stopped at its usage limit",
    "killed": "no answer recorded",
    "compacted": "",
}
REASON: Final = "Could not find a version that satisfies the requirement moneylib"
"""Why the dead end is one; the word of the fact alone is told as soon as the command was called."""

OTHER_FILES: Final = RULES | {"guide.md": "Animals.\n"}
"""No name of these is one of the story's: some clients give their model the names of all files."""
OTHER_TASK: Final = "Translate the axolotl guide to French"
OTHER_ANSWER: Final = "The quokka chapter is French now. Next I will translate the okapi chapter."
OTHER_WORDS: Final = ("axolotl", "quokka", "okapi")


def work(tool: Tool, root: Path, cwd: Path) -> list[Any]:
    at_root = "" if cwd == root else f"cd {root} && "
    return [
        *tool.edit(root / "pricing.py", "return price", "return price * (100 - percent) / 100", cwd=cwd),
        tool.shell(f"{at_root}python3 -m unittest -q"),
        tool.shell("pip install --no-index moneylib"),
    ]


def play(tool: Tool, root: Path, ending: Ending = "closed", *, cwd: Path | None = None) -> str:
    cwd = cwd or root
    *steps, dead_end = work(tool, root, cwd)
    if ending == "compacted":
        return _compacted(tool, cwd, [*steps, dead_end])
    if ending == "killed":
        session = tool.turn(cwd, TASK, *steps, FAILS).session
        _killed(tool, cwd, session, dead_end)
    elif ending == "limit":
        session = tool.turn(cwd, TASK, *steps, dead_end, FAILS).session
        tool.reach_limit(cwd, QUESTION, session=session)
    else:
        session = tool.turn(cwd, TASK, *steps, dead_end, LAST_WORDS).session
    return session


def carry_on(tool: Tool, root: Path) -> str:
    before = len(tool.requests())
    tool.reach_limit(root, "carry on where the other one left off", *tool.edit(root / NOTES, "nothing", NOTE, cwd=root))
    return tool.requests()[before]


def told_all(text: str, ending: Ending, by: Tool) -> bool:
    return missing(text, by) == [] and (REASON in text or "dead end" in by.SILENT_ON) and ENDED[ending] in text


def stands(limited: Tool) -> str:
    """Told of a limit until any session has gone on: a B without hooks may read the file before or after that."""
    return "reached its usage limit; " + ("it resets " if limited.RESETS else "")


def missing(text: str, by: Tool) -> list[str]:
    return [fact for fact, words in FACTS.items() if words not in text and fact not in by.SILENT_ON]


def foreign(text: str) -> list[str]:
    return [word for word in OTHER_WORDS if word in text]


def _killed(tool: Tool, cwd: Path, session: str, dead_end: Any) -> None:
    """SIGKILL while a command runs of which the transcript tells, where it tells of one before its end.

    The dead end comes in this turn, right before it: a fact that no hook has had a chance to tell.
    """
    gate = Gate(tool.box, f"never-{session}")
    with tool.start(cwd, QUESTION, dead_end, tool.shell(gate.command), session=session) as client:
        gate.wait_reached(tool.RUNS_S)
        tool.wait_recorded(session, gate.command if tool.RECORDS_RUNNING else REASON)
        assert client.kill() == -9
    gate.open()


def _compacted(tool: Tool, cwd: Path, steps: list[Any]) -> str:
    known = set(tool.transcripts())
    # gptme (0.35.1) at times asks its model once more after the summary.
    tool.script(*steps, LAST_WORDS, *tool.SUMMARY, LAST_WORDS)
    with tool.terminal(cwd) as terminal:
        terminal.enter(TASK)
        terminal.wait_text(QUESTION)
        tool.compact(terminal)
        session = tool.new_session(known)
        tool.wait_recorded(session, tool.COMPACTED_RECORD)
    return session
