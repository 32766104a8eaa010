"""Our hooks in the flat form of Cursor's hooks.json: they come, and leave every other byte."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from carryover.edits.encoding import EditRefused
from carryover.edits.hook_command import owner_by_script
from carryover.edits.hooks import UNKNOWN, Hook, HookOwners, Origin
from carryover.edits.settings import (
    drop_reason,
    hook_owners,
    ignored_events,
    origin_of,
    with_hooks,
    without_hooks,
)

SCRIPT = Path("/home/dev/.carryover/hook.sh")
OWNER_OF = owner_by_script(SCRIPT)


def hook(event: str, *, timeout_s: int = 5) -> Hook:
    return Hook(event=event, command=f"sh {SCRIPT} cursor {event} 2>/dev/null || true", timeout=timeout_s)


WANTED = (hook("sessionStart"), hook("stop"))


def installed(data: bytes | None, origin: Origin = UNKNOWN) -> bytes:
    return with_hooks(data, WANTED, OWNER_OF, origin, form="flat")


def uninstalled(before: bytes | None, after: bytes) -> bytes | None:
    return without_hooks(after, OWNER_OF, origin_of(before, OWNER_OF, form="flat"), form="flat")


def test_a_missing_file_is_made_and_goes_again() -> None:
    after = installed(None)

    assert after == (
        b'{\n  "version": 1,\n  "hooks": {\n    "sessionStart": [\n      {\n'
        b'        "command": "sh /home/dev/.carryover/hook.sh cursor sessionStart 2>/dev/null || true",\n'
        b'        "timeout": 5\n      }\n    ],\n    "stop": [\n      {\n'
        b'        "command": "sh /home/dev/.carryover/hook.sh cursor stop 2>/dev/null || true",\n'
        b'        "timeout": 5\n      }\n    ]\n  }\n}\n'
    )
    assert uninstalled(None, after) is None


def test_ours_come_behind_the_hooks_of_others_and_leave_them() -> None:
    before = b'{\r\n\t"version": 1,\r\n\t"hooks": {\r\n\t\t"stop": [{ "command": "./audit.sh" }]\r\n\t}\r\n}'
    after = installed(before)

    assert after == (
        b'{\r\n\t"version": 1,\r\n\t"hooks": {\r\n\t\t"stop": [{ "command": "./audit.sh" }, {"command": '
        b'"sh /home/dev/.carryover/hook.sh cursor stop 2>/dev/null || true", "timeout": 5}],\r\n'
        b'\t\t"sessionStart": [\r\n\t\t\t{\r\n\t\t\t\t"command": '
        b'"sh /home/dev/.carryover/hook.sh cursor sessionStart 2>/dev/null || true",\r\n'
        b'\t\t\t\t"timeout": 5\r\n\t\t\t}\r\n\t\t]\r\n\t}\r\n}'
    )
    assert uninstalled(before, after) == before


@pytest.mark.parametrize("version", ["2", "1", "17"])
def test_the_version_that_is_there_is_kept(version: str) -> None:
    before = f'{{"version": {version}}}'.encode()

    assert json.loads(installed(before))["version"] == int(version)
    assert uninstalled(before, installed(before)) == before


@pytest.mark.parametrize("before", [b"{}", b'{"hooks": {}}', b'{"stop": [{"command": "mine"}]}', b'{"hooks":{"a":[]}}'])
def test_a_version_comes_where_none_is_and_nobody_s_hooks_wait_for_one(before: bytes) -> None:
    after = installed(before)

    assert json.loads(after)["version"] == 1
    assert installed(after, origin_of(before, OWNER_OF, form="flat")) == after
    assert uninstalled(before, after) == before


@pytest.mark.parametrize("entry", ['{"type": "prompt", "prompt": "x"}', '{"command": 5}', "{}", "null", '"x"'])
def test_entries_of_any_other_kind_are_not_woken_by_a_version_of_ours(entry: str) -> None:
    """Else it would have to stay when ours go."""
    with pytest.raises(EditRefused, match='it has no "version"'):
        installed(f'{{"hooks": {{"stop": [{entry}]}}}}'.encode())


def test_hooks_of_others_are_not_woken_by_a_version_of_ours() -> None:
    data = b'{"hooks": {"stop": [{"command": "mine"}]}}'

    with pytest.raises(
        EditRefused, match=r'it has no "version" \(such as 1\), without which the agent drops the whole file'
    ):
        installed(data)


def test_a_version_that_came_with_ours_stays_where_others_need_it_by_now() -> None:
    origin = origin_of(b"{}", OWNER_OF, form="flat")
    after = installed(b"{}").replace(b'"stop": [', b'"stop": [{"command": "mine"},')

    left = without_hooks(after, OWNER_OF, origin, form="flat")

    assert left is not None
    assert json.loads(left) == {"version": 1, "hooks": {"stop": [{"command": "mine"}]}}


def test_events_at_the_top_level_are_seen_and_stay_as_they_are() -> None:
    data = b'{"version": 1, "stop": [{"command": "mine"}], "hooks": {}}'

    assert ignored_events(data, form="flat") == ("stop",)
    assert json.loads(installed(data))["stop"] == [{"command": "mine"}]
    assert ignored_events(b" ", form="flat") == ()


def test_a_version_that_is_no_number_is_reported_with_its_line() -> None:
    data = b'{\n"version": "1",\n"hooks": {}}'

    reason = 'its "version" (line 2) is a string, which makes the agent drop the whole file'
    assert drop_reason(data, form="flat", rules=None) == reason
    assert drop_reason(b'{"version": 1}', form="flat", rules=None) is None
    with pytest.raises(EditRefused):
        installed(data)


def test_who_has_hooks_in_it_is_reported() -> None:
    edited = f'{{"hooks": {{"stop": [{{"command": "sh {SCRIPT} cursor stop; beep"}}]}}}}'.encode()

    assert hook_owners(b"", OWNER_OF, form="flat") == HookOwners()
    assert hook_owners(installed(None), OWNER_OF, form="flat") == HookOwners(ours=True)
    assert hook_owners(edited, OWNER_OF, form="flat") == HookOwners(others=True)
    assert hook_owners(b'{"hooks": {"stop": [{"prompt": "x"}]}}', OWNER_OF, form="flat") == HookOwners(others=True)
