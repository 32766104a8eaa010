"""Rows with real agents: run only when asked for by marker (`make test-agents`), reported in a table of their own.

Each row starts a genuine client in a box (`lab/box.py`): offline, in a throw-away home, against a stand-in for its
model provider. A row that needs what this machine lacks is SKIPPED, with the reason; it has proved nothing then.

CARRYOVER_AGENT_CACHE   where clients and boxes lie (default: .cache/agents in the checkout)
CARRYOVER_AGENT_KEEP    set: the boxes' files are kept for a look
CARRYOVER_CLAUDE_CODE   versions of Claude Code to run, separated by blanks
CARRYOVER_CODEX         versions of Codex CLI to run, separated by blanks
CARRYOVER_COPILOT       versions of Copilot CLI to run, separated by blanks
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from real_agents.lab import prerequisites
from real_agents.lab.rows import MARKER, Row, write_table


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
    """The row being run. Skips it where the machine lacks what every row needs."""
    if reason := prerequisites.missing():
        pytest.skip(reason)
    return Row(record_property)
