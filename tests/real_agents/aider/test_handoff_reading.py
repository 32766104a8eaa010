"""The handoff reaches the model's first request by the `read` list of the project, and goes with uninstall."""

from __future__ import annotations

from typing import Final

import pytest

from real_agents.aider.client import EACH_VERSION, HISTORY, PROJECT, SETTINGS, AiderBox
from real_agents.aider.work import FILES, GOOD, TASK
from real_agents.lab import handoffs, product
from real_agents.lab.box import HOME
from real_agents.lab.rows import Row

pytestmark = pytest.mark.real_agents

OWN: Final = "# mine\nauto-commits: false\nread: docs/notes.md  # always\n"


def worked(aider: AiderBox, files: dict[str, str]) -> str:
    """A session, and its handoff."""
    aider.make_project(FILES)
    for name, text in files.items():
        aider.box.write(PROJECT / name, text)
    product.start_daemon(aider.box)
    aider.script(GOOD)
    aider.message(TASK, "pricing.py")
    product.carryover(aider.box, "handoff", cwd=PROJECT)
    product.settle(aider.box)
    return handoffs.read(aider.box, PROJECT)


def first_request(aider: AiderBox, *options: str, folder: str = ".") -> str:
    before = len(aider.requests())
    aider.message("Hello", *options, cwd=PROJECT / folder)
    return aider.requests()[before]


@EACH_VERSION
@pytest.mark.parametrize("folder", [".", "docs"])
def test_a_new_session_has_the_handoff_wherever_it_starts(aider: AiderBox, row: Row, folder: str) -> None:
    """By the absolute path in `.aider.conf.yml`; a relative one is not found from a subfolder."""
    left = worked(aider, {})

    request = first_request(aider, folder=folder)

    row.shown(f"from {folder}: {len(handoffs.injected(request))} handoff in the first request")
    assert [handoffs.sections(text) for text in handoffs.injected(request)] == [handoffs.sections(left)]
    assert TASK in left


@EACH_VERSION
def test_the_users_own_list_still_counts(aider: AiderBox, row: Row) -> None:
    worked(aider, {SETTINGS: OWN, "docs/notes.md": "RULE-OF-THE-HOUSE\n"})

    request = first_request(aider)

    row.shown(f"{len(handoffs.injected(request))} handoff, and the user's own file")
    assert len(handoffs.injected(request)) == 1
    assert "RULE-OF-THE-HOUSE" in request


def test_the_command_that_continues_in_aider_gives_it_the_handoff(aider: AiderBox, row: Row) -> None:
    """`carryover handoff --to aider` prints it; here in a project that has no settings of Aider's."""
    worked(aider, {})
    aider.box.must("rm", SETTINGS, cwd=PROJECT)
    said = product.carryover(aider.box, "handoff", "--to", "aider", cwd=PROJECT)
    aider.box.must("rm", "-f", SETTINGS, cwd=PROJECT)

    request = first_request(aider, "--read", ".carryover/handoff.md")

    row.shown(said.strip())
    assert said.strip().endswith("aider --read .carryover/handoff.md")
    assert len(handoffs.injected(request)) == 1


@EACH_VERSION
@pytest.mark.parametrize("before", [None, OWN], ids=["no settings", "settings of their own"])
def test_purging_leaves_nothing_behind(aider: AiderBox, row: Row, before: str | None) -> None:
    worked(aider, {} if before is None else {SETTINGS: before})
    changed = aider.box.here(PROJECT / SETTINGS).read_text()

    product.carryover(aider.box, "uninstall", "--purge", "--yes", cwd=HOME)
    request = first_request(aider)
    settings = aider.box.here(PROJECT / SETTINGS)

    row.shown("settings as before, no error at the next start")
    assert "handoff.md" in changed
    assert (settings.read_text() if settings.exists() else None) == before
    assert handoffs.injected(request) == []
    assert "does not exist" not in aider.box.here(PROJECT / HISTORY).read_text()
