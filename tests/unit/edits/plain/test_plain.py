"""Our hooks in the plain form of Windsurf's hooks.json, which knows neither version nor time limit."""

from __future__ import annotations

import json
from pathlib import Path

from carryover.adapter.spec import HookEntry
from carryover.agents.windsurf.spec import SPEC
from carryover.edits.agent_settings import AgentSettings, compare_hooks
from carryover.edits.hook_command import owner_by_script
from carryover.edits.hooks import UNKNOWN, Origin
from carryover.edits.settings import (
    drop_reason,
    hooks_of,
    origin_of,
    with_hooks,
    without_hooks,
)

SCRIPT = Path("/home/dev/.carryover/hook.sh")
OWNER_OF = owner_by_script(SCRIPT)
AGENT = AgentSettings(
    SPEC,
    Path("/home/dev/.codeium/windsurf/hooks.json"),
    "plain",
    tuple(HookEntry(event=event, timeout_s=5) for event in ("stop", "pre_user_prompt")),
)
WANTED = AGENT.wanted(SCRIPT)


def installed(data: bytes | None, origin: Origin = UNKNOWN) -> bytes:
    return with_hooks(data, WANTED, OWNER_OF, origin, form="plain")


def uninstalled(before: bytes | None, after: bytes) -> bytes | None:
    return without_hooks(after, OWNER_OF, origin_of(before, OWNER_OF, form="plain"), form="plain")


def test_a_missing_file_is_made_and_goes_again() -> None:
    after = installed(None)

    assert after == (
        b'{\n  "hooks": {\n    "stop": [\n      {\n'
        b'        "command": "sh /home/dev/.carryover/hook.sh windsurf stop 2>/dev/null || true",\n'
        b'        "show_output": false\n      }\n    ],\n    "pre_user_prompt": [\n      {\n'
        b'        "command": "sh /home/dev/.carryover/hook.sh windsurf pre_user_prompt 2>/dev/null || true",\n'
        b'        "show_output": false\n      }\n    ]\n  }\n}\n'
    )
    assert uninstalled(None, after) is None


def test_ours_come_behind_the_hooks_of_others_and_leave_them() -> None:
    before = b'{"hooks": {"stop": [{ "command": "./audit.sh", "show_output": true }]}}'
    after = installed(before)

    assert [found.owner for found in hooks_of(after, OWNER_OF, form="plain")] == ["others", "ours", "ours"]
    assert "version" not in json.loads(after)
    assert uninstalled(before, after) == before


def test_what_is_there_is_right_though_no_time_limit_can_be_written() -> None:
    found = compare_hooks(installed(None), AGENT, SCRIPT)

    assert (found.present, found.missing, found.edited) == (("stop", "pre_user_prompt"), (), ())


def test_a_version_is_nobody_s_business() -> None:
    for data in (b'{"hooks": {}}', b'{"version": "x", "hooks": {}}'):
        assert drop_reason(data, form="plain", rules=None) is None
        assert uninstalled(data, installed(data)) == data
