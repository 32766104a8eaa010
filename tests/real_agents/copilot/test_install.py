"""From the first command to the last: installed, two sessions, uninstalled; and nothing is left that was not there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from real_agents.copilot import client, hooked, work
from real_agents.copilot.client import COPILOT_HOME, PROJECT, CopilotBox
from real_agents.copilot.hooked import HOOKS, STATE
from real_agents.copilot.work import FILES, TASK
from real_agents.lab import handoffs, product
from real_agents.lab.box import HOME
from real_agents.lab.homes import Tree, differing, tree
from real_agents.lab.rows import Row

pytestmark = pytest.mark.real_agents

OWN_LOG: Final = HOME / "own-hook.log"
OWN_HOOKS: Final = f'{{"version":1,"hooks":{{"sessionStart":[{{"command":"echo started >>{OWN_LOG}"}}]}} }}'
"""A hook of the user's own, in a file of its own; without a newline at its end."""
OURS_ALREADY: Final = f'{{ "hooks": {{"agentStop": [ {{"type": "command", "command": "echo stop >>{OWN_LOG}"}}]}}}}'
"""A user who keeps hooks in a file of the name that ours has."""
OWN_FILES: Final = {"AGENTS.md": "# Rules\r\nBe brief.", ".gitignore": "*.log\n\nbuild"}
USERS: Final = {
    "nothing of their own": {},
    "hooks and rules of their own": {
        COPILOT_HOME / "hooks" / "mine.json": OWN_HOOKS,
        HOOKS: OURS_ALREADY,
        **{PROJECT / name: text for name, text in OWN_FILES.items()},
    },
}
"""What lies in the home before."""
OF_GIT: Final = tuple(f"shop/.git/{name}" for name in ("objects", "logs", "index", "refs/heads/main"))
"""What git names by the time of a commit."""


@pytest.mark.parametrize("own", USERS.values(), ids=list(USERS))
def test_install_two_sessions_and_a_purge_leave_every_byte_as_without_carryover(
    copilot: CopilotBox, row: Row, own: Mapping[Path, str]
) -> None:
    """The second session gets the first one's handoff once; after the purge the home is that of a control run.

    The client's own data apart: its logs, databases and caches.
    """
    with client.boxed(copilot.client) as control:
        prepare(control, own)
        work.do_the_work(control)
        assert handoffs.injected(hooked.first_request(control, "Hello")) == []
        expected = home(control)

    prepare(copilot, own)
    hooked.install(copilot)
    daemon = product.start_daemon(copilot.box)
    work.do_the_work(copilot)
    product.settle(copilot.box)
    left = handoffs.read(copilot.box, PROJECT)
    found = handoffs.injected(hooked.first_request(copilot, "Hello"))
    product.settle(copilot.box)
    touched = differing(home(copilot), expected)
    assert daemon.stop() == 0
    said = product.carryover(copilot.box, "uninstall", "--purge", "--yes")
    after = home(copilot)

    row.shown(f"{len(found)} handoff(s) in the first request of the second session")
    row.shown(f"differed while installed: {', '.join(path for path in touched if not path.startswith('.carryover/'))}")
    row.shown(f"after the purge, of {len(after)} compared: {', '.join(differing(after, expected)) or 'nothing'}")
    row.shown(said.splitlines()[-1])
    assert [handoffs.sections(text) for text in found] == [handoffs.sections(left)]
    assert TASK in handoffs.sections(left)["Task"][0]
    assert {"shop/AGENTS.md", "shop/.gitignore", "shop/.carryover", ".carryover"} <= {*touched}
    assert ".copilot/hooks/carryover.json" in touched
    assert differing(after, expected) == []
    assert not copilot.box.here(STATE).exists()
    assert all(copilot.box.here(path).read_bytes() == text.encode() for path, text in own.items())


def prepare(copilot: CopilotBox, own: Mapping[Path, str]) -> None:
    """The project, a client that was used before, and what the user has of their own."""
    copilot.make_project({**FILES, **{path.name: text for path, text in own.items() if path.parent == PROJECT}})
    copilot.ask("Hello", cwd=HOME)
    for path, text in own.items():
        copilot.box.write(path, text)


def home(copilot: CopilotBox) -> Tree:
    """What is compared: everything but the client's own data and what git names by the time."""
    return tree(copilot.box.here(HOME), taken=_is_compared)


def _is_compared(path: str) -> bool:
    if path.startswith(".copilot/"):
        return path.startswith((".copilot/hooks", ".copilot/settings.json")) and not path.endswith(".lock")
    clients = (".cache", "own-hook.log", "shop/__pycache__", ".config/git")
    return not path.startswith((*clients, *OF_GIT))
