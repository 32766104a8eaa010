"""From the first command to the last: installed, two sessions, uninstalled; and nothing is left that was not there."""

from __future__ import annotations

import json
from typing import Final

import pytest

from real_agents.gemini_cli import client, hooked, work
from real_agents.gemini_cli.client import OWN, PROJECT, SETTINGS, Client, GeminiBox
from real_agents.gemini_cli.hooked import STATE
from real_agents.gemini_cli.work import FILES, TASK
from real_agents.lab import handoffs, product
from real_agents.lab.box import HOME
from real_agents.lab.homes import Tree, differing, seen, tree
from real_agents.lab.rows import Row

pytestmark = pytest.mark.real_agents

OWN_LOG: Final = HOME / "own-hook.log"
OWN_HOOK: Final = {"type": "command", "name": "mine", "command": f"echo started >>{OWN_LOG}"}
WITH_COMMENTS: Final = (
    "{\n\t// how I sign in\n"
    + json.dumps(SETTINGS, indent=1)[2:-2]
    + ',\n  /* mine */ "hooks": {"SessionStart": [ {"matcher": "startup", "hooks": ['
    + json.dumps(OWN_HOOK)
    + "]} // keep\n ]}\n}"
)
"""Settings with comments and a hook of the user's, in a form that no program would write."""

USERS: Final = {"plain settings": None, "settings with comments and a hook": WITH_COMMENTS}
OF_GIT: Final = tuple(f"shop/.git/{name}" for name in ("objects", "logs", "index", "refs/heads/main"))
"""What git names by the time of a commit."""


@pytest.mark.parametrize("own", USERS.values(), ids=list(USERS))
def test_install_two_sessions_and_a_purge_leave_every_byte_as_without_carryover(
    installed: Client, row: Row, own: str | None
) -> None:
    """The second session is told the first one's handoff once; after the purge the home is that of a control run."""
    with client.boxed(installed) as control:
        prepare(control, own)
        work.do_the_work(control)
        assert handoffs.injected(control.first_request("Hello")) == []
        expected = home(control)

    with client.boxed(installed) as gemini:
        prepare(gemini, own)
        hooked.install(gemini)
        daemon = product.start_daemon(gemini.box)
        work.do_the_work(gemini)
        product.settle(gemini.box)
        left = handoffs.read(gemini.box, PROJECT)
        found = handoffs.injected(gemini.first_request("Hello"))
        touched = differing(home(gemini), expected)
        assert daemon.stop() == 0
        said = product.carryover(gemini.box, "uninstall", "--purge", "--yes")
        after = home(gemini)

        row.shown(f"{len(found)} handoff(s) in the first request of the second session")
        row.shown(
            f"differed while installed: {', '.join(path for path in touched if not path.startswith('.carryover/'))}"
        )
        row.shown(f"after the purge, of {len(after)} compared: {', '.join(differing(after, expected)) or 'nothing'}")
        row.shown(said.splitlines()[-1])
        for path in differing(after, expected):
            row.shown(f"{path}: {seen(after.get(path))}, in the control {seen(expected.get(path))}")
        assert [handoffs.sections(text) for text in found] == [handoffs.sections(left)]
        assert TASK in handoffs.sections(left)["Task"][0]
        assert {".gemini/settings.json", "shop/AGENTS.md", "shop/GEMINI.md", ".carryover"} <= {*touched}
        assert differing(after, expected) == []
        assert not gemini.box.here(STATE).exists()


def prepare(gemini: GeminiBox, own: str | None) -> None:
    """The project and what the user has of their own."""
    gemini.make_project({**FILES, "GEMINI.md": "# Rules\r\nBe brief."})
    if own is not None:
        gemini.box.write(OWN / "settings.json", own)


def home(gemini: GeminiBox) -> Tree:
    """The home but for what differs between any two runs. Of the client's own folder only what users write is taken."""
    return tree(gemini.box.here(HOME), taken=_compared)


def _compared(name: str) -> bool:
    if name.startswith(".gemini/"):
        return name in (".gemini/settings.json", ".gemini/GEMINI.md", ".gemini/trustedFolders.json")
    return not name.startswith((*OF_GIT, ".cache", ".npm", "own-hook.log"))
