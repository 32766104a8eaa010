"""Which hooks are written for which version of each agent, and how its version is found in what its command prints."""

from __future__ import annotations

import pytest
from packaging.version import Version

from carryover.agents import adapters
from carryover.install.detect import hooks_for, version_in


@pytest.mark.parametrize(
    ("agent", "version", "state", "events"),
    [
        ("claude-code", "1.0.47", "older", ""),
        ("claude-code", "1.0.48", "ok", "PreCompact Stop"),
        ("claude-code", "1.0.62", "ok", "SessionStart PreCompact Stop"),
        ("claude-code", "2.1.77", "ok", "SessionStart PreCompact Stop SessionEnd"),
        ("claude-code", "2.1.78", "ok", "SessionStart PreCompact Stop StopFailure SessionEnd"),
        ("claude-code", "3.0.0", "newer", "SessionStart PreCompact Stop StopFailure SessionEnd"),
        ("codex", "0.124.9", "older", ""),
        ("codex", "0.125.0", "ok", "SessionStart Stop"),
        ("codex", "0.145.0", "ok", "SessionStart PreCompact Stop SessionEnd"),
        ("codex", "1.0.0", "newer", "SessionStart PreCompact Stop SessionEnd"),
        # Releases of the editor, then of the terminal client; an event that is unknown to one voids its file.
        ("cursor", "1.6.45", "older", ""),
        ("cursor", "1.7.0", "ok", "stop"),
        ("cursor", "3.12.16", "ok", "stop"),
        ("cursor", "3.12.17", "ok", "sessionStart stop"),
        ("cursor", "2025.09.18", "ok", "stop"),
        ("cursor", "2026.07.16", "ok", "stop"),
        ("cursor", "2026.07.17", "ok", "sessionStart stop"),
        ("cursor", "2026.09.09", "ok", "sessionStart stop"),
        ("cursor", "2026.09.10", "ok", "sessionStart stop sessionEnd"),
        # What the hook of a prompt says arrives from 1.0.65 on.
        ("copilot", "1.0.21", "older", ""),
        ("copilot", "1.0.22", "ok", "sessionStart preCompact agentStop sessionEnd"),
        ("copilot", "1.0.64", "ok", "sessionStart preCompact agentStop sessionEnd"),
        ("copilot", "1.0.65", "ok", "sessionStart userPromptSubmitted preCompact agentStop sessionEnd"),
        ("copilot", "2.0.0", "newer", "sessionStart userPromptSubmitted preCompact agentStop sessionEnd"),
    ],
)
def test_no_event_is_asked_for_before_a_version_that_has_it(agent: str, version: str, state: str, events: str) -> None:
    found, hook_set = hooks_for(adapters()[agent].spec, Version(version))

    assert (found, "" if hook_set is None else " ".join(hook_set.events)) == (state, events)


@pytest.mark.parametrize(
    ("agent", "answer", "version"),
    [
        ("codex", "codex-cli 0.169.0\n", "0.169.0"),
        ("codex", "codex-cli 0.170.0-alpha.3", "0.170.0"),
        ("codex", "a new version is there\ncodex-cli 0.169.0\n", "0.169.0"),
        ("codex", "0.169.0", ""),
        ("cursor", "2026.09.10-fd3934a\n", "2026.09.10"),
        ("cursor", "3.12.17\n8f2a1b9c0d3e4f5a6b7c8d9e0f1a2b3c4d5e6f70\nx64\n", "3.12.17"),
        ("cursor", "a warning\n1.7.28\nabc\nx64", "1.7.28"),
        ("cursor", "8f2a1b9c0d3e4f5a6b7c8d9e0f1a2b3c4d5e6f70\n", ""),
        ("cursor", "127.0.0.1 refused", ""),
        ("copilot", "GitHub Copilot CLI 1.0.102.\nRun 'copilot update' to check for updates.\n", "1.0.102"),
        ("copilot", "GitHub Copilot CLI 1.0.102.7\n", ""),
        ("copilot", "1.0.102\n", "1.0.102"),
        ("copilot", "copilot: 1.0.102\n", ""),
    ],
)
def test_the_version_is_found_in_what_the_command_prints(agent: str, answer: str, version: str) -> None:
    pattern = adapters()[agent].spec.version

    if version:
        assert version_in(answer, pattern) == version
    else:
        with pytest.raises(ValueError, match="holds no version"):
            version_in(answer, pattern)
