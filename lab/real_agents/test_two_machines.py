"""A client reaches its limit, and another one carries on on another machine; all that they share is a folder."""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pytest

from real_agents.lab import handoffs, product, shop
from real_agents.lab.box import DEV, OUT, Box
from real_agents.lab.packages import NotInstalled
from real_agents.lab.rows import Row
from real_agents.lab.shop import PROJECT, QUESTION, TASK
from real_agents.lab.tool import Tool, tools

STORE: Final = OUT / "store"
PLUM: Final = "Yes, a plum costs two coins as well"
ANSWER: Final = "A plum costs two coins now."


class Machine:
    def __init__(self, name: str, tool: Tool) -> None:
        self.name, self.tool, self.box = name, tool, tool.box

    def carryover(self, *command: str) -> str:
        return product.carryover(self.box, *command, cwd=PROJECT)

    def begin(self) -> None:
        shop.install(self.tool)
        product.start_daemon(self.box)
        self.tool.review_hooks(PROJECT)

    def sync(self) -> str:
        product.settle(self.box)
        return self.carryover("sync")


@pytest.fixture
def machines(request: pytest.FixtureRequest, row: Row) -> Iterator[tuple[Machine, Machine]]:
    with ExitStack() as stack:
        found = []
        for name, agent_id in zip(("desk", "laptop"), request.param, strict=True):
            kind = tools()[agent_id]
            version = kind.versions()[0]
            row.client(f"{kind.NAME} {version}")
            try:
                found.append(Machine(name, stack.enter_context(shop.alone(kind, kind.install(version)))))
            except NotInstalled as reason:
                pytest.skip(str(reason))
        desk, laptop = found
        shop.make_project(desk.box)
        desk.box.must("git", "remote", "add", "origin", "https://git.example.com/ann/shop.git", cwd=PROJECT)
        desk.box.must("mkdir", str(STORE))
        carry(PROJECT, desk.box, laptop.box)
        for machine in found:
            machine.begin()
        yield desk, laptop


@pytest.mark.parametrize(
    "machines", [("claude-code", "codex"), ("codex", "claude-code")], indirect=True, ids=" to ".join
)
def test_a_limit_on_the_desk_and_another_client_goes_on_on_the_laptop(
    machines: tuple[Machine, Machine], row: Row
) -> None:
    desk, laptop = machines
    session = shop.do_the_work(desk.tool)
    desk.tool.reach_limit(PROJECT, PLUM, session=session)

    desk_code = code_in(desk.carryover("sync", "init", str(STORE), "--name", "desk"))
    row.shown(f"desk: {desk.sync().strip()}")
    carry(STORE, desk.box, laptop.box)
    laptop_code = code_in(laptop.carryover("sync", "init", str(STORE), "--name", "laptop"))
    carry(STORE, laptop.box, desk.box)
    desk.carryover("sync", "add-machine", laptop_code)
    desk.sync()
    carry(STORE, desk.box, laptop.box)
    laptop.carryover("sync", "add-machine", desk_code)
    row.shown(f"laptop: {laptop.sync().strip()}")

    assert shop.first_told(laptop.tool) == []
    row.shown(f"laptop: {laptop.carryover('link', f'desk:{PROJECT}', '.').strip()}")
    product.settle(laptop.box)
    [request] = laptop.tool.turn(PROJECT, PLUM, ANSWER).requests
    [handoff] = handoffs.injected(request)
    row.shown(f"first told on the laptop: {handoff.splitlines()[0]}")
    row.shown(f"task there: {' / '.join(handoffs.sections(handoff)['Task'])}")
    assert " on desk" in handoff.splitlines()[0]
    assert TASK in handoff and QUESTION in handoff and "prices.py" in handoff
    assert "usage limit" in handoffs.lines_of(handoff, "Where it stands", "Next action")

    laptop.sync()
    carry(STORE, laptop.box, desk.box)
    desk.sync()
    desk.carryover("link", f"laptop:{PROJECT}", ".")
    product.settle(desk.box)
    [back] = shop.first_told(desk.tool)
    said = handoffs.lines_of(back, "Where it stands")
    row.shown(f"where it stands, back on the desk: {said}")
    assert f"on laptop): {ANSWER}" in said


def code_in(said: str) -> str:
    [code] = re.findall(r"\d{4}(?: \d{4}){4}", said)
    return str(code)


def carry(folder: Path, giver: Box, taker: Box) -> None:
    there = taker.here(folder)
    shutil.rmtree(there, ignore_errors=True)
    for parent in reversed([each for each in folder.parents if not taker.here(each).exists()]):
        taker.here(parent).mkdir()
        os.chown(taker.here(parent), DEV, DEV)
    shutil.copytree(giver.here(folder), there, symlinks=True)
    for path in (there, *there.rglob("*")):
        os.chown(path, DEV, DEV, follow_symlinks=False)
