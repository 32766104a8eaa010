"""Every agent: what its spec must say, so that it can be found, read and installed in every version."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Sequence
from pathlib import Path

from packaging.version import Version

from carryover.adapter.contract import Agent
from carryover.adapter.spec import LINUX, MACOS, AgentSpec, places_on
from carryover.agents import agent_id_of, agent_names
from carryover.install.detect import can_inject, hooks_for, hooks_for_unknown
from carryover.past.check.checks import of_spec
from contract.checklist import missing
from contract.folder import Folder


def test_an_agent_can_be_found_on_each_platform(known_spec: AgentSpec, tmp_path: Path) -> None:
    spec = known_spec

    assert agent_names()[spec.id] in spec.name
    assert agent_id_of(spec.id.upper()) == spec.id
    assert all(agent_id_of(alias) == spec.id for alias in spec.aliases)
    assert spec.binaries
    for platform in (LINUX, MACOS):
        folders = [place.at(tmp_path, {}) for place in places_on(spec.folders, platform)]
        assert folders
        assert all(folder.is_relative_to(tmp_path) and folder != tmp_path for folder in folders)


def test_an_adapter_says_how_it_is_installed(agent: Agent) -> None:
    spec = agent.spec

    assert spec.id == agent.id
    assert [*of_spec(spec)] == []


def test_a_version_has_the_hooks_of_the_newest_set_that_it_is_not_below(hooked_spec: AgentSpec) -> None:
    """Around each version from which a set counts, and far above."""
    spec = hooked_spec
    begins = [Version(known.since) for known in spec.hooks.sets]
    assert begins == sorted(set(begins))
    end = Version(spec.hooks.unknown_from or "99999")
    assert begins[-1] < end
    for version in _around((*begins, end)):
        number = bisect_right(begins, version)
        wanted = "older" if not number else "newer" if spec.hooks.unknown_from and version >= end else "ok"

        assert hooks_for(spec, version) == (wanted, spec.hooks.sets[number - 1] if number else None), version


def test_an_unreadable_version_gets_hooks_that_can_inject_and_that_the_newest_has(hooked_spec: AgentSpec) -> None:
    """But where one event too many makes the agent drop the whole file, what every version has must do."""
    spec = hooked_spec
    chosen = hooks_for_unknown(spec)
    careful = spec.hooks.drops is not None

    assert chosen is not None
    assert can_inject(spec, chosen) == bool(spec.hooks.injects_on) or (
        careful and all(hook in known.hooks for known in spec.hooks.sets for hook in chosen.hooks)
    )
    assert all(hook in spec.hooks.sets[-1].hooks for hook in chosen.hooks)


def test_each_hook_is_written_once_and_may_not_keep_the_agent_waiting(hooked_spec: AgentSpec) -> None:
    """After the second that a daemon which hangs has cost, a process needs 0.8 s to answer."""
    spec = hooked_spec
    extension = spec.hooks.extension.read_text("utf-8") if spec.hooks.extension else None
    for known in spec.hooks.sets:
        assert len(set(known.events)) == len(known.events) > 0
        for hook in known.hooks:
            assert 1 <= hook.timeout_s <= 10
            assert extension is None or f"const LIMIT_MS = {hook.timeout_s * 1000};" in extension


def _around(borders: Collection[Version]) -> Sequence[Version]:
    steps = {Version(f"{border.major}.{border.minor}.{patch}") for border in borders for patch in _near(border.micro)}
    before = {Version(f"{border.major - 1}.999.999") for border in borders if border.major}
    minors = {Version(f"{border.major}.{minor}.999") for border in borders for minor in _near(border.minor)}
    return sorted({*borders} | steps | before | minors | {Version("0"), Version("9999.1")})


def _near(number: int) -> range:
    return range(max(0, number - 1), number + 2)


def test_nothing_is_missing(folder: Folder) -> None:
    assert missing(folder) == []
