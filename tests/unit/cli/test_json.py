"""What `--json` prints is what docs/json.md says: every field, its type, and no other."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from support.claude_work import ClaudeWork
from support.recorded_shop import Run
from support.repository import repository

DOCUMENT: Final = (Path(__file__).parents[3] / "docs" / "json.md").read_text("utf-8")
ROW: Final = re.compile(r"^\| `([\w.\[\]]+)` \| ([a-z ]+) \| ", re.MULTILINE)
TYPES: Final = {
    "string": (str,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}
ASKED: Final = {
    "carryover sessions --json": ("sessions",),
    "carryover search --json": ("search", "discount"),
    "carryover log --json": ("log",),
    "carryover why FILE --json": ("why", "cart.py"),
    "carryover why FILE:LINE --json": ("why", "cart.py:1"),
    "carryover why COMMIT --json": ("why", "HEAD"),
}


@pytest.fixture(autouse=True)
def work(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A session that wrote and committed a file, in the folder that the command runs in."""
    session = ClaudeWork(home / ".claude" / "projects", repository(home / "shop", {"a.py": "1\n"}))
    session.now -= timedelta(hours=1)
    session.prompt("add a discount")
    session.write("cart.py", "discount = 5\n")
    session.commit("Add a discount")
    monkeypatch.chdir(session.cwd)


def documented() -> dict[str, dict[str, str]]:
    """By section, the type of each field."""
    sections = re.split(r"^## ", DOCUMENT, flags=re.MULTILINE)[1:]
    return {section.partition("\n")[0]: dict(ROW.findall(section)) for section in sections}


def fields_of(data: object, described: dict[str, str], at: str = "") -> Iterator[tuple[str, object]]:
    """Each field with its value, as the page names it; not what it leaves to another section."""
    if isinstance(data, list) and data and isinstance(data[0], dict):
        yield from fields_of(data[0], described, f"{at}[]." if at else "")
    elif isinstance(data, dict):
        for name, value in data.items():
            path = f"{at}{name}"
            inside = [field for field in described if field.startswith((f"{path}.", f"{path}[]."))]
            if path in described or not inside:
                yield path, value
            if inside:
                yield from fields_of(value, described, path if isinstance(value, list) else f"{path}.")


@pytest.mark.parametrize("section", ASKED)
def test_each_field_is_described_with_its_type_and_no_other(section: str, run: Run) -> None:
    described = documented()[section]
    code, out, _ = run(*ASKED[section], "--json")
    assert code == 0

    found = dict(fields_of(json.loads(out), described))

    assert set(found) == set(described)
    wrong = {name: value for name, value in found.items() if not _is(value, described[name])}
    assert wrong == {}


def test_turns_and_commits_are_the_same_everywhere(run: Run) -> None:
    page = documented()
    [turn] = json.loads(run("why", "cart.py", "--json")[1])
    line, commit = (json.loads(run("why", asked, "--json")[1]) for asked in ("cart.py:1", "HEAD"))

    assert set(turn) == set(line["turns"][0]) == set(commit["turns"][0]) == set(page["carryover why FILE --json"])
    assert line["commit"] == commit["commit"]


def _is(value: Any, kinds: str) -> bool:
    allowed = tuple(kind for name in kinds.split(" or ") for kind in TYPES[name])
    return isinstance(value, allowed) and (bool in allowed or not isinstance(value, bool))
