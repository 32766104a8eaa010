"""Copilot as it is installed. The versions are those that were run with hooks, and the borders of their change log."""

from __future__ import annotations

import pytest
from packaging.version import Version

from carryover.agents.copilot.spec import SPEC
from carryover.install.detect import hooks_for, version_in


@pytest.mark.parametrize(
    ("version", "state"),
    [
        ("0.0.422", "older"),
        ("1.0.11", "older"),
        ("1.0.21", "older"),
        ("1.0.22", "ok"),
        ("1.0.48", "ok"),
        ("1.0.102", "ok"),
        ("2.0.0", "newer"),
    ],
)
def test_hooks_are_written_for_versions_that_take_in_their_text_once(version: str, state: str) -> None:
    found, hook_set = hooks_for(SPEC, Version(version))

    assert found == state
    assert (hook_set is None) == (state == "older")


@pytest.mark.parametrize(("version", "asked"), [("1.0.64", False), ("1.0.65", True)])
def test_the_hook_of_a_prompt_is_written_where_its_text_arrives(version: str, *, asked: bool) -> None:
    hook_set = hooks_for(SPEC, Version(version))[1]

    assert hook_set is not None
    assert ("userPromptSubmitted" in hook_set.events) is asked


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ("GitHub Copilot CLI 1.0.102.\nRun 'copilot update' to check for updates.\n", "1.0.102"),
        ("GitHub Copilot CLI 1.0.48.\n", "1.0.48"),
        ("1.0.102\n", "1.0.102"),
        ("GitHub Copilot CLI 1.0.102.7\n", None),
        ("copilot: 1.0.102\n", None),
    ],
)
def test_the_version_is_found_in_what_the_command_says(said: str, version: str | None) -> None:
    assert SPEC.version is not None
    assert version_in(said, SPEC.version).text == (version or "")
