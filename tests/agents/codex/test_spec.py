"""Codex as it is installed. The versions are those that were run with hooks."""

from __future__ import annotations

from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from carryover.agents.codex.spec import SPEC
from carryover.install.hook_sets import hooks_for
from carryover.install.version_probe import version_in

FIRST = ["SessionStart", "Stop"]
ALL = ["SessionStart", "PreCompact", "Stop", "SessionEnd"]


@pytest.mark.parametrize(
    ("version", "state", "events"),
    [
        ("0.99.0", "older", None),
        ("0.114.0", "older", None),
        ("0.124.9", "older", None),
        ("0.125.0", "ok", FIRST),
        ("0.140.0", "ok", FIRST),
        ("0.144.9", "ok", FIRST),
        ("0.145.0", "ok", ALL),
        ("0.169.0", "ok", ALL),
        ("0.200.1", "ok", ALL),
        ("1.0.0", "newer", ALL),
    ],
)
def test_no_event_is_asked_for_before_the_version_that_has_it(
    version: str, state: str, events: list[str] | None
) -> None:
    found, hook_set = hooks_for(SPEC, Version(version))

    assert (found, None if hook_set is None else list(hook_set.events)) == (state, events)


def test_no_more_time_is_asked_for_than_a_session_end_is_given() -> None:
    """More makes it warn at each start (0.169.0)."""
    assert {hook.event: hook.timeout_s for hook in SPEC.hooks.sets[-1].hooks} == {
        "SessionStart": 5,
        "PreCompact": 5,
        "Stop": 5,
        "SessionEnd": 3,
    }


@pytest.mark.parametrize(
    ("answer", "version"),
    [
        ("codex-cli 0.169.0\n", "0.169.0"),
        ("codex-cli 0.99.0\r\n", "0.99.0"),
        ("codex-cli 0.170.0-alpha.3", "0.170.0"),
        ("a new version is there\ncodex-cli 0.169.0\n", "0.169.0"),
        ("0.169.0", ""),
        ("codex-cli 0.169", ""),
        ("codex-cli 0.169.0.1", ""),
        ("", ""),
    ],
)
def test_the_version_follows_the_clients_name(answer: str, version: str) -> None:
    assert SPEC.version is not None
    assert version_in(answer, SPEC.version).text == version


def test_one_variable_moves_all_of_it() -> None:
    home, env = Path("/home/dev"), {"CODEX_HOME": "/srv/codex"}
    assert SPEC.hooks.tables is not None and SPEC.hooks.review is not None and SPEC.instruction_limit is not None
    places = (
        *SPEC.folders, *SPEC.hooks.config_files, *SPEC.transcripts, SPEC.hooks.tables, SPEC.hooks.review.state_file,
        SPEC.instruction_limit.file, *(switch.file for switch in SPEC.hooks.switches),
    )  # fmt: skip

    assert SPEC.variables == ("CODEX_HOME",)
    assert all(place.at(home, {}).is_relative_to(home / ".codex") for place in places)
    assert all(place.at(home, env).is_relative_to("/srv/codex") for place in places)


def test_a_reviewed_hook_is_found_by_its_file_event_and_place() -> None:
    """As 0.169.0 wrote it into its settings."""
    assert SPEC.hooks.review is not None
    file = Path("/home/dev/.codex/hooks.json")

    assert SPEC.hooks.review.entry(file, "SessionStart", 0, 0) == "/home/dev/.codex/hooks.json:session_start:0:0"
    assert SPEC.hooks.review.entry(file, "PreCompact", 2, 1) == "/home/dev/.codex/hooks.json:pre_compact:2:1"
    assert SPEC.hooks.review.entry(file, "Stop", 0, 0) == "/home/dev/.codex/hooks.json:stop:0:0"


@pytest.mark.parametrize(("version", "asks"), [("0.125.0", False), ("0.130.0", True), ("0.169.0", True)])
def test_hooks_are_reviewed_since_the_version_that_asks_for_it(version: str, asks: bool) -> None:
    assert SPEC.hooks.review is not None
    assert (Version(version) in SpecifierSet(SPEC.hooks.review.versions)) is asks
