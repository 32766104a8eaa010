"""The examples in ARCHITECTURE.md and architecture/handoff-format.md are what the product makes of such sessions."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from agents.claude_code.matrix_case import ClaudePlayed
from carryover.adapter.contract import Record, Source
from carryover.agents.claude_code.adapter import AGENT
from carryover.distill.digest import Digest
from carryover.distill.entry import ORDER
from carryover.distill.fold import fold
from carryover.distill.handoff import distill
from carryover.distill.render import render
from carryover.facts import Facts, GitFacts
from carryover.model import Event
from carryover.past.transcript import handoff_of_transcript
from support.conversation import MINUTE_MS, ROOT, Conversation, project

TOP: Final = Path(__file__).parents[2]
DISTILLING: Final = (TOP / "architecture" / "rooms" / "distilling.md").read_text("utf-8")
FORMAT: Final = (TOP / "architecture" / "handoff-format.md").read_text("utf-8")
EXAMPLE: Final = (TOP / "ARCHITECTURE.md").read_text("utf-8").partition("\n## A worked example\n")[2].split("```")[1]
FAILED: Final = "FAILED tests/test_receipt.py::test_total - KeyError: 'discount'\n1 failed, 4 passed in 0.2s"


class Transcript(ClaudePlayed):
    """A transcript of Claude Code at times of one morning, with the number of each line as its id."""

    def __init__(self) -> None:
        super().__init__(Path("/"), Path(ROOT), datetime(2026, 11, 20, 6, tzinfo=UTC))
        self.branch = ""
        self.session = "5c1e0d2a-0000-4000-8000-000000000000"
        self.lines: list[dict[str, Any]] = []
        self._clock = ""

    def at(self, clock: str) -> "Transcript":
        self._clock = clock
        return self

    def opens(self, name: str, given: dict[str, Any]) -> str:
        self.calls = len(self.lines) - 1
        return super().opens(name, given)

    def append(self, data: bytes) -> None:
        ident = f"00000000-0000-4000-8000-00000000{len(self.lines) + 1:04}"
        time = {"timestamp": f"2026-11-20T06:{self._clock}.000Z"}
        self.lines.append({**json.loads(data), "uuid": ident, **time})


def _shop() -> Transcript:
    shop = Transcript()
    shop.at("11:20").prompt("Add a discount to the cart: whole cents, never floats. Tests beside the code.")
    shop.at("11:25").edit(Path(ROOT, "cart.py"), "a", "b")
    shop.at("11:28").run("python3 -m pytest -q", "4 passed in 0.12s", 0)
    question = "Should checkout convert, or the importer?\n\n1. checkout\n2. the importer"
    shop.at("11:30").say(f"`discount(cents, percent)` is in `cart.py`, and rounds down.\n\n{question}")
    shop.at("15:00").prompt("1, and no cap. Show the discount on the receipt too.")
    shop.at("15:10").edit(Path(ROOT, "receipt.py"), "a", "b")
    shop.at("15:20").run("python3 -m pytest -q", FAILED, 1)
    shop.at("15:25").say("The receipt has a line for the discount. One test fails: its fixture has no discount yet.")
    shop.at("17:00").prompt("yes")
    shop.at("17:05").run("pip install moneyed", "ERROR: No matching distribution found for moneyed", 1)
    shop.at("17:10").say("That package does not exist, so I will do without it.")
    shop.at("19:15").prompt("Go on with the receipt, then run all tests.")
    shop.at("19:20").say("I will give the fixture a discount.")
    shop.at("19:21").say("Then all tests run.")
    shop.at("19:25").edit(Path(ROOT, "receipt.py"), "a", "b")
    shop.at("19:30").opens("Bash", {"command": "python3 -m pytest -q"})
    return shop


def _events(shop: Transcript) -> list[list[Event]]:
    source = Source(agent="claude-code", path=f"{ROOT}/x.jsonl")
    context, events = AGENT.context_type(), []
    for number, line in enumerate(shop.lines, 1):
        context, parsed = AGENT.parse(source, context, Record(number, json.dumps(line).encode()))
        events.append(list(parsed.events))
    return events


def _shown(part: str) -> list[str]:
    return re.split(r"\n(?=\S)", EXAMPLE.partition(f"\n{part}")[2], maxsplit=1)[0].splitlines()[1:]


def _objects(text: str) -> Iterator[Any]:
    """The JSON objects in a text. What it leaves out, `...`, is left out of the object or stands for any text."""
    text = re.sub(r", \.\.\.(?=[}\]])", "", text).replace("[...]", '"..."')
    at = 0
    while (at := text.find("{", at)) >= 0:
        found, length = json.JSONDecoder().raw_decode(text[at:])
        yield found
        at += length


def _agrees(shown: Any, real: Any) -> bool:
    if shown == "...":
        return True
    if isinstance(shown, dict):
        return isinstance(real, dict) and all(name in real and _agrees(shown[name], real[name]) for name in shown)
    if isinstance(shown, list):
        return len(shown) == len(real) and all(map(_agrees, shown, real))
    if isinstance(shown, str):
        return re.fullmatch(".*".join(map(re.escape, shown.split("..."))), str(real), re.DOTALL) is not None
    return bool(shown == real)


def test_the_record_of_the_worked_example_becomes_the_events_that_are_shown() -> None:
    shop = _shop()
    [record] = _objects(" ".join(_shown("a record: line 21")))
    events = [*_objects(" ".join(_shown("its events;")))]

    assert len(shop.lines) == 22
    assert _agrees(record, shop.lines[20]), shop.lines[20]
    assert _agrees(events, msgspec.to_builtins(_events(shop)[20])), _events(shop)[20]


def test_the_events_of_the_worked_example_fold_to_the_digest_that_is_shown() -> None:
    digest = Digest()
    for event in [event for events in _events(_shop()) for event in events]:
        digest = fold(digest, [event])
    fields = msgspec.to_builtins(digest)
    fields["runs"] = [seen["run"] for seen in fields["runs"]]
    fields["turns"] = fields["turns"][-1:]

    for line in _shown("the digest after all records"):
        field = line.split()[0]
        if shown := [*_objects(line)]:
            assert _agrees(shown, fields[field]), (line, fields[field])
    assert "end" not in fields["turns"][0]
    assert [(Path(file.path).name, file.turn, file.edits) for file in digest.touched] == [
        ("cart.py", 1, 1),
        ("receipt.py", 4, 2),
    ]


def test_the_handoff_of_the_worked_example_has_the_lines_that_are_shown(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "shop.jsonl"
    file.write_text("".join(f"{json.dumps(line)}\n" for line in _shop().lines))
    lines = handoff_of_transcript(file, None, None).text.splitlines()

    shown = [line.removeprefix("  ") for line in _shown("the handoff")]
    assert len(shown) > 10
    assert [line for line in shown if not any(_agrees(line, real) for real in lines)] == [], "\n".join(lines)
    places = [next(at for at, real in enumerate(lines) if _agrees(line, real)) for line in shown]
    assert places == sorted(places)


def test_the_handoff_that_the_format_shows_is_made_of_such_a_session() -> None:
    end = int(datetime(2026, 11, 20, 6, 24, tzinfo=UTC).timestamp() * 1000)
    talk = Conversation(session="5c1e0d2a", at_ms=end - 13 * MINUTE_MS)

    def at(minutes: int) -> Conversation:
        talk.at_ms = end - (minutes + 1) * MINUTE_MS  # each step is a minute after the one before
        return talk

    pasted = (
        "From: Ines <ines@example.org>\nDate: 20 Nov\n\nPlease show the discount on the receipt too. We promised "
        "it to the customers for Monday, and the receipts of the last sale still had the old price on them."
    )
    at(13).user("Add a discount to the cart: whole cents, never floats. Tests beside the code.")
    at(12).ran("cart.py", "def total(items): ...", op="read", name="Read")
    at(9).edited("cart.py")
    at(8).ran("python3 -m pytest -q", "4 passed in 0.12s")
    at(6).says(
        "`discount(cents, percent)` is in `cart.py`, and rounds down.\n\nPrices are cents in `cart.py` but euros in "
        "`checkout.py`: the old importer divided by 100.\n\nShould checkout convert, or the importer?\n\n"
        "1. checkout\n2. the importer"
    )
    at(5).user(f"1, and no cap on the discount. The shop's owner writes:\n\n{pasted}")
    at(4).edited("checkout.py")
    at(3).edited("receipt.py")
    at(2).ran("python3 -m pytest -q tests/test_receipt.py", FAILED, status="error")
    at(0).says(
        "checkout.py converts now, and receipt.py prints a line for the discount. One test fails: the fixture in "
        "tests/test_receipt.py has no discount yet. I will add it next."
    )
    git = GitFacts(
        branch="main", head="1a2b3c4", subject="Shop", changed_files=3, insertions=42, deletions=6, untracked=1
    )
    made = distill(project(talk), Facts(git), resume="ask", now_ms=end, agent_names={"claude-code": "Claude Code"})

    assert made is not None
    assert render(made) == FORMAT.split("```")[1].removeprefix("\n")


def test_the_fixed_lines_that_the_page_of_distilling_names_are_those_that_count() -> None:
    told = DISTILLING.partition("\n## Fixed lines\n")[2].partition("\n## ")[0]
    named = {
        name: tuple(map(int, re.findall(r"\d+", lines))) for name, lines in re.findall(r"\| `(.+)` \| (.+) \|", told)
    }

    assert len(named) == 13
    assert named == {name: (fixed,) if isinstance(fixed := ORDER[name], int) else fixed for name in named}
    assert [*named] == [name for name in ORDER if name in named]
