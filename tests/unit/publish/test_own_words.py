"""Text that came in other prompts too, or lies on disk as a command, is a template: the user's own words lead."""

from __future__ import annotations

import asyncio
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from carryover.config import Config
from carryover.distill.render import render
from carryover.distill.stored_digest import DigestReducer
from carryover.ledger.connect import connect_read_only
from carryover.ledger.queries import Selection
from carryover.ledger.store import Ledger
from carryover.publish.make import made_handoff
from support.clock import LATER_MS
from support.codex_session import CodexSession
from support.shop_in_ledger import ReadIn

STEPS = [
    "Run `scripts/check.sh --json` from the root of the repository and read the folder of the feature from it.",
    "Read tasks.md for the whole list of tasks, and plan.md for the libraries and the layout of the files.",
    "If the folder has checklists, count their open items and stop if any of them is not complete yet.",
    "Do the tasks phase by phase; those that are marked with [P] may be done at the same time.",
    "Write the tests of a task before its code, and run them again after each task of the phase.",
    "Mark every task that is done as [X] in tasks.md, and report your progress after each of them.",
    "Stop if a task that others depend on fails, and say with its context what went wrong there.",
    "In the end compare what was built with the specification, and sum up the work for the user.",
    "All paths that a script prints are absolute; quote arguments with blanks as the shell wants them.",
]


def expanded(arguments: str, steps: int = len(STEPS)) -> str:
    """A prompt as Codex records an expanded command (0.48 to 0.87): its file's text, with the arguments in a fence."""
    listed = "\n".join(f"{number}. {step}\n" for number, step in enumerate(STEPS[:steps], start=1))
    fence = f"## User Input\n\n```text\n{arguments}\n```\n\nYou **MUST** consider the user input before proceeding."
    return (
        f"{fence}\n\n## Implementation outline\n\n{listed}\nNote: without tasks.md, suggest the command for it first.\n"
    )


async def forget(path: Path, selection: Selection) -> None:
    ledger = await Ledger.open(path, DigestReducer())
    try:
        await ledger.forget(selection, now_ms=LATER_MS)
    finally:
        await ledger.close()


class Shop:
    """Codex sessions in the shop, an hour apart, and the handoff after the last."""

    def __init__(self, shop: Path, home: Path, read_in: ReadIn, ledger_path: Path) -> None:
        self.shop = shop
        self.home = home
        self.read_in = read_in
        self.ledger_path = ledger_path
        self.now = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)

    def session(self, *prompts: str, cwd: Path | None = None) -> int:
        self.now += timedelta(hours=1)
        session = CodexSession(self.home / ".codex", cwd or self.shop, now=self.now)
        for number, prompt in enumerate(prompts):
            session.prompt(prompt)
            session.patch(f"call_{number}", self.shop / "cart.py", "total = 0", f"total = {number}")
            session.answer(f"Part {number} of it is in cart.py.")
        return self.read_in(session)

    def handoff(self, project: int) -> list[str]:
        with closing(connect_read_only(self.ledger_path)) as db:
            made = made_handoff(db, project, Config(), now_ms=LATER_MS)
        assert made.handoff is not None
        return render(made.handoff).splitlines()


@pytest.fixture
def told(shop: Path, home: Path, read_in: ReadIn, ledger_path: Path) -> Shop:
    return Shop(shop, home, read_in, ledger_path)


def under(lines: list[str], title: str) -> list[str]:
    """The lines of a section."""
    start = lines.index(f"## {title}") + 1
    return lines[start : next((at for at in range(start, len(lines)) if lines[at].startswith("## ")), len(lines))]


def of_template(lines: list[str]) -> list[str]:
    return [line for line in lines if any(step[:40] in line for step in STEPS)]


def test_of_a_command_used_in_three_sessions_the_request_stands_first_and_the_template_is_one_line(
    told: Shop,
) -> None:
    for request in ("Add a discount, in whole cents", "Show it on the receipt", "No floats: round down in cart.py"):
        project = told.session(expanded(request))

    task = under(told.handoff(project), "Task")

    newest = next(at for at, line in enumerate(task) if line.endswith(": No floats: round down in cart.py"))
    size = len(expanded("No floats: round down in cart.py")) - len("No floats: round down in cart.py")
    assert task[newest + 1] == f"- template “User Input” (repeated in 3 prompts), {size:,} characters"
    assert of_template(told.handoff(project)) == []


def test_of_a_command_below_its_file_nothing_else_is_looked_for(told: Shop) -> None:
    shared = "".join(f"- {step}\n" for step in STEPS)
    for kind in ("Plan", "Build", "Ship", "Check"):
        own = "".join(f"- {kind} part {part} of what was asked, and say where it stands.\n" for part in range(9))
        project = told.session(f"---\ndescription: {kind} it.\n---\n\n{own}\n{shared}\n\n/{kind.lower()} the receipt")

    task = under(told.handoff(project), "Task")

    newest = next(at for at, line in enumerate(task) if line.endswith(": /check the receipt"))
    assert task[newest + 1].startswith("- template “Check it.”, ")


def test_of_earlier_prompts_too_the_users_own_words_stand_there_whole(told: Shop) -> None:
    requests = [f"Part {number}: give the cart a method for case {number}" for number in range(8)]
    project = told.session(*map(expanded, requests))

    lines = told.handoff(project)

    said = "\n".join(under(lines, "What the user said"))
    assert [request for request in requests[1:-1] if request not in said] == []
    assert of_template(lines) == []


def test_a_template_counts_whichever_project_it_came_in(told: Shop, home: Path) -> None:
    for name in ("bakery", "florist"):
        told.session(expanded(f"Open the {name} on Sundays"), cwd=home / "work" / name)
    project = told.session(expanded("Add a discount, in whole cents"))

    lines = told.handoff(project)

    assert under(lines, "Task")[0].endswith(": Add a discount, in whole cents")
    assert of_template(lines) == []
    assert "Sundays" not in "\n".join(lines)


@pytest.mark.parametrize("in_one_session", [True, False])
def test_a_long_prompt_that_was_mended_in_its_session_stays_the_users_words(
    told: Shop, *, in_one_session: bool
) -> None:
    wanted = "\n".join(f"- {step} (part {part})" for part in range(4) for step in STEPS)
    prompts = [f"Build the shop{where}.\n\n{wanted}" for where in ("", ", as Vienna's")]
    other = [f"Shelf {number} has the wares that the list of its month names" for number in range(9)]
    tail = "\n".join([*wanted.splitlines()[-5:], *other])  # too little of it to be of the same template
    sessions = [[*prompts, tail]] if in_one_session else [[prompt] for prompt in prompts]
    project = [told.session(*sent) for sent in sessions][-1]

    assert ("template “" in "\n".join(told.handoff(project))) is not in_one_session


@pytest.mark.parametrize("times", [2, 4])
def test_a_prompt_that_was_sent_again_stays_the_users_words(told: Shop, times: int) -> None:
    for _ in range(times):
        project = told.session(expanded("Add a discount, in whole cents"))

    assert of_template(told.handoff(project)) != []


def test_an_error_that_is_pasted_again_is_no_template(told: Shop) -> None:
    log = "\n".join(f"2026-11-20 06:00:0{n} ERROR shop.cart: {step}" for n, step in enumerate(STEPS))
    for request in ("Why is that?", "It still fails:", "And now, after your change?"):
        project = told.session(f"{request}\n\n{log}")

    assert "2026-11-20 06:00:00 ERROR shop.cart" in "\n".join(under(told.handoff(project), "Task"))


def test_what_was_forgotten_makes_no_template(told: Shop, ledger_path: Path) -> None:
    for request in ("Add a discount", "Show it on the receipt", "Round down"):
        project = told.session(expanded(request))
    before = of_template(told.handoff(project))

    asyncio.run(forget(ledger_path, Selection(until_ms=int(told.now.timestamp() * 1000))))

    assert (before, of_template(told.handoff(project)) != []) == ([], True)


def test_a_command_on_disk_leaves_a_long_request_whole(told: Shop, shop: Path) -> None:
    command = shop / ".agents" / "skills" / "implement" / "SKILL.md"
    command.parent.mkdir(parents=True)
    command.write_text(expanded("$ARGUMENTS"))
    request = [f"The cart has a method for the case with the number {number}, without floats." for number in range(40)]
    project = told.session(expanded("\n".join(request)))

    task = under(told.handoff(project), "Task")

    assert f": {request[0]} ¶ {request[1]}" in task[0]
    assert any(line.startswith("- template “implement” (a command on disk), 1,") for line in task)
    assert of_template(task) == []


def test_a_prompt_without_own_words_is_named(told: Shop) -> None:
    for arguments in ("Add a discount", "Show it", ""):
        project = told.session(expanded(arguments))

    newest = under(told.handoff(project), "Task")[-1]

    assert newest.endswith(f"template “User Input” (repeated in 3 prompts), {len(expanded('')):,} characters")


def test_a_template_with_a_block_for_the_arguments_is_named_by_what_it_does(told: Shop) -> None:
    for arguments in ("Add a discount", "Show it", ""):
        project = told.session(expanded(arguments) + "   - Say so.\n" * 30)

    newest = under(told.handoff(project), "Task")[-1]

    assert "template “1. Run `scripts/check.sh --json` from the root of the…; 2. Read tasks.md" in newest
    assert "(repeated in 3 prompts)" in newest


def test_a_command_file_on_disk_names_the_template_of_a_single_prompt(told: Shop, home: Path) -> None:
    command = home / ".codex" / "prompts" / "speckit.implement.md"
    command.parent.mkdir(parents=True)
    command.write_text(f"---\ndescription: Implements a plan\n---\n{expanded('$ARGUMENTS')}")
    project = told.session(expanded("Add a discount, in whole cents"))

    lines = told.handoff(project)

    assert under(lines, "Task")[0].endswith(": Add a discount, in whole cents")
    assert under(lines, "Task")[1].startswith("- template “speckit.implement” (a command on disk), 1,")
    assert of_template(lines) == []


def test_of_many_prompts_that_differ_in_a_number_the_newest_are_quoted(told: Shop) -> None:
    parts = [f"ok, part {number}" for number in range(1, 21)]
    project = told.session("Add a discount to the cart, in whole cents", *parts, "Now the receipt, please")

    said = under(told.handoff(project), "What the user said")

    under_task = parts[-1]
    assert [part for part in parts if f": {part} " not in f"{' '.join(said)} "] == [*parts[:7], under_task]
