"""Every agent: it claims what its fixtures show, no more and no less."""

from __future__ import annotations

from carryover.adapter.contract import Agent
from contract.capabilities import Capabilities, shown
from contract.folder import Folder


def test_the_claims_are_what_the_fixtures_show(agent: Agent, folder: Folder, capabilities: Capabilities) -> None:
    assert capabilities.shows == shown(agent, folder.cases.values())
