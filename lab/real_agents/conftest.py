"""Rows with real agents: run only when asked for by marker (`make test-agents`), reported in a table.

Each runs a genuine client in a box, against a stand-in for its model provider. A row that needs what this machine lacks
is SKIPPED, with the reason; it has proved nothing then.

CARRYOVER_AGENT_CACHE   where clients and boxes are kept (default: .cache/agents in the checkout)
CARRYOVER_AGENT_KEEP    set: the boxes' files are kept
CARRYOVER_<AGENT>       versions of one agent to run, separated by blanks, as in CARRYOVER_CLAUDE_CODE="2.1.328 2.0.65";
                        the handovers between agents run with the first of them
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from night.newest import SHAPES
from night.shapes import of_folder
from real_agents.lab import shop
from real_agents.lab.box import HOME
from real_agents.lab.packages import NotInstalled
from real_agents.lab.rows import MARKER, Row, missing, write_table
from real_agents.lab.tool import Installed, Tool, tools


def pytest_itemcollected(item: pytest.Item) -> None:
    if item.path.parent.name != "lab":
        item.add_marker(MARKER)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves the rows out of every run that does not ask for them with `-m real_agents`."""
    if MARKER in config.getoption("markexpr"):
        return
    rows = [item for item in items if item.get_closest_marker(MARKER)]
    items[:] = [item for item in items if not item.get_closest_marker(MARKER)]
    config.hook.pytest_deselected(items=rows)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    write_table(terminalreporter)


@pytest.fixture
def row(record_property: Callable[[str, object], None]) -> Row:
    if reason := missing():
        pytest.skip(reason)
    return Row(record_property)


@pytest.fixture
def client(request: pytest.FixtureRequest, row: Row) -> tuple[type[Tool], Installed]:
    """The client that a row names by agent and version (`rows.each_version`), fetched; else the row is skipped."""
    agent_id, version = request.param
    kind = tools()[agent_id]
    row.client(f"{kind.NAME} {version}")
    try:
        return kind, kind.install(version)
    except NotInstalled as reason:
        pytest.skip(str(reason))


@pytest.fixture
def tool(client: tuple[type[Tool], Installed]) -> Iterator[Tool]:
    """That client alone in a box, with a scripted model and the home of a user who has used it before."""
    kind, installed = client
    with shop.alone(kind, installed) as tool:
        yield tool
        if folder := os.environ.get(SHAPES):
            Path(folder).mkdir(parents=True, exist_ok=True)
            shapes = "\n".join(of_folder(tool.box.here(HOME)))
            number = len(list(Path(folder).iterdir()))
            (Path(folder) / f"{kind.id} {installed.version} {number}.txt").write_text(shapes, encoding="utf-8")
