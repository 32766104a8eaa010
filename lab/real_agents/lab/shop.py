"""The project of the rows in which one client runs alone, and what a scripted model does in it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from real_agents.lab import handoffs, product
from real_agents.lab.box import ENVIRONMENT, HOME, Box, Started
from real_agents.lab.packages import cache_dir
from real_agents.lab.tool import Installed, Tool

WORK: Final = HOME / "work"
PROJECT: Final = WORK / "shop"
INNER: Final = PROJECT / "inner"
DECOY: Final = WORK / "shop2"
STATE: Final = HOME / ".carryover"

FILES: Final = {
    "prices.py": "class Prices:\n    apple = 2\n    pear = 1\n",
    "stock.py": "class Stock:\n    pears = 30\n",
    "test_prices.py": (
        "import unittest\n\nfrom prices import Prices\n\n\nclass PricesTest(unittest.TestCase):\n"
        "    def test_a_pear_costs_as_much(self):\n        self.assertEqual(Prices.pear, Prices.apple)\n"
    ),
    "sub/notes.txt": "nothing\n",
}
TASK: Final = "Make a pear cost as much as an apple"
LOOKING: Final = "I run the tests first."
QUESTION: Final = "Should a plum cost two coins as well?"
LAST_WORDS: Final = f"A pear costs two coins now, and the test passes. {QUESTION}"
FAILING: Final = "test_a_pear_costs_as_much"
OTHER_TASK: Final = "Paint the pear green"
OTHER_ANSWER: Final = "The pear is green now."
DECOY_WORDS: Final = ("QUOKKA", "okapi.py", "axolotl", "shop2")
"""Words of another project, which must not appear in this one. Its path begins like this one's."""


def steps(tool: Tool) -> list[Any]:
    """The model's replies to the task: a failing test, an edit that fails, a good one, a new file, a passing test, and
    its last words."""
    tests = tool.shell(f"{product.PYTHON} -m unittest test_prices")
    return [
        [LOOKING, tests],
        *tool.edit(PROJECT / "stock.py", "pears = 7", "pears = 8", cwd=PROJECT),
        *tool.edit(PROJECT / "prices.py", "pear = 1", "pear = 2", cwd=PROJECT),
        tool.write(PROJECT / "NOTES.md", "A pear costs as much as an apple.", cwd=PROJECT),
        tests,
        LAST_WORDS,
    ]


def edited(tool: Tool) -> list[Any]:
    return steps(tool)[:-2]


def do_the_work(tool: Tool) -> str:
    return tool.turn(PROJECT, TASK, *steps(tool)).session


def do_other_work(tool: Tool, *before: Any) -> None:
    paint = tool.write(PROJECT / "paint.py", "GREEN = 1", cwd=PROJECT)
    tool.turn(PROJECT, OTHER_TASK, *before, paint, OTHER_ANSWER)


def do_decoy_work(tool: Tool) -> None:
    make_project(tool.box, DECOY, {"main.py": "print(1)\n"})
    tool.trust(DECOY)
    okapi = tool.write(DECOY / "okapi.py", "print(2)", cwd=DECOY)
    tool.turn(DECOY, "Feed the QUOKKA", okapi, "Is the axolotl in okapi.py awake?")


def make_project(box: Box, root: Path = PROJECT, files: Mapping[str, str] = FILES) -> None:
    for name, text in files.items():
        box.write(root / name, text)
    box.must("git", "init", "-q", "-b", "main", cwd=root)
    box.must("git", "add", "-A", cwd=root)
    box.must("git", "commit", "-q", "--allow-empty", "-m", "start", cwd=root)


def begin(tool: Tool) -> Started:
    make_project(tool.box)
    return product.start_daemon(tool.box)


def install(tool: Tool) -> str:
    return product.carryover(tool.box, "install", "--yes", "--no-service")


def begin_installed(tool: Tool) -> Started:
    """The project, everything installed, the hooks reviewed by the user, and the daemon."""
    make_project(tool.box)
    install(tool)
    daemon = product.start_daemon(tool.box)
    tool.review_hooks(PROJECT)
    return daemon


def begin_worked(tool: Tool) -> str:
    """The same, and a session in the project; its id."""
    begin_installed(tool)
    return do_the_work(tool)


def doctor(tool: Tool) -> str:
    return tool.box.run(product.CARRYOVER, "doctor").out


def left_by(tool: Tool) -> str:
    product.settle(tool.box)
    return handoffs.read(tool.box, PROJECT)


def first_told(tool: Tool, prompt: str = "Hello", **given: Any) -> list[str]:
    return handoffs.injected(tool.turn(given.pop("cwd", PROJECT), prompt, **given).requests[0])


@contextmanager
def boxed(*installed: Installed, env: Mapping[str, str] | None = None) -> Iterator[Box]:
    """A box in which these clients are on PATH, the first one first; `env` are variables of all processes."""
    folders = [*(folder for each in installed for folder in each.path), Path(product.CARRYOVER).parent]
    path = ":".join([*map(str, folders), ENVIRONMENT["PATH"]])
    shown = [*product.SHOWN, *(folder for each in installed for folder in each.shown)]
    environment = {**product.ENVIRONMENT, "PATH": path, "TZ": "UTC", **(env or {})}
    product.compile_source()
    with Box(cache_dir() / "runs", shown, environment) as box:
        box.write(HOME / ".gitconfig", "[user]\n\tname = Dev\n\temail = dev@example.com\n")
        yield box


@contextmanager
def alone(kind: type[Tool], installed: Installed, *others: Installed, **given: Any) -> Iterator[Tool]:
    """A box with one client, whose user trusts the project. `others` can be started by their paths."""
    env = given.pop("env", None)
    with boxed(installed, *others, env=env) as box:
        tool = kind(box, installed, **given)
        tool.start_model()
        for folder in (PROJECT, PROJECT / "sub", INNER):
            tool.trust(folder)
        yield tool
