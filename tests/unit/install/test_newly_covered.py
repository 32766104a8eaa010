from __future__ import annotations

from dataclasses import replace

import pytest

from carryover.adapter.spec import AgentSpec, Place
from carryover.agents import specs
from carryover.config import AgentsConfig
from carryover.install.detect import Detection, newly_covered

SCRIBE = AgentSpec(
    id="scribe", name="Scribe", binaries=("scribe",), folders=(), transcripts=(Place(path="~/.scribe/talks"),)
)


def here(spec: AgentSpec) -> Detection:
    return Detection(spec=spec, state="ok")


NAMED = {spec.id: spec for spec in specs()}
OLD = here(NAMED["codex"])
NEW = here(SCRIBE)


@pytest.mark.parametrize(
    ("agents", "found"),
    [
        (AgentsConfig(selected=("claude-code",), known=("claude-code", "codex")), (SCRIBE.id,)),
        (AgentsConfig(selected=("claude-code",), known=("claude-code", "codex", SCRIBE.id)), ()),
        (AgentsConfig(selected=("claude-code", SCRIBE.id), known=("claude-code", "codex")), ()),
        (AgentsConfig(selected=(), known=()), ("codex", SCRIBE.id)),
        (AgentsConfig(), ()),
    ],
    ids=["unknown", "refused", "selected", "nothing selected", "never installed"],
)
def test_an_agent_is_new_until_install_or_refresh_has_seen_it(agents: AgentsConfig, found: tuple[str, ...]) -> None:
    assert newly_covered([OLD, NEW], agents) == found


def test_what_is_not_here_is_not_named() -> None:
    agents = AgentsConfig(selected=("claude-code",), known=())

    assert newly_covered([replace(NEW, state="missing")], agents) == ()
