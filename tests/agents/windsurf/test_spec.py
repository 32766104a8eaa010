"""Windsurf as it is installed."""

from __future__ import annotations

import pytest
from packaging.version import Version

from carryover.agents.windsurf.hooks import HOOKS
from carryover.agents.windsurf.spec import SPEC
from carryover.install.hook_sets import hooks_for
from carryover.install.version_probe import version_in

FIRST = ("post_write_code", "post_run_command")


@pytest.mark.parametrize(
    ("version", "state", "events"),
    [
        ("1.12.40", "older", None),
        ("1.12.41", "ok", FIRST),
        ("1.13.0", "ok", HOOKS.events),
        ("2.3.9", "ok", HOOKS.events),
        ("3.5.17", "ok", HOOKS.events),
        ("4.0.0", "newer", HOOKS.events),
    ],
)
def test_no_event_is_asked_for_before_it_may_be_there(version: str, state: str, events: tuple[str, ...] | None) -> None:
    found, hook_set = hooks_for(SPEC, Version(version))

    assert (found, None if hook_set is None else hook_set.events) == (state, events)


@pytest.mark.parametrize("answer", ["2.3.9\n1a2b3c\nx64\n", "Windsurf 2.3.9\n", "windsurf v2.3.9"])
def test_the_version_is_read_in_each_form_that_is_reported(answer: str) -> None:
    assert SPEC.version is not None
    assert version_in(answer, SPEC.version).version == Version("2.3.9")


def test_nothing_that_a_hook_prints_is_taken_in() -> None:
    assert SPEC.hooks.injects_on == ()
    assert SPEC.hooks.spooled
    assert [file.name for file in SPEC.instructions if file.create] == ["AGENTS.md"]
