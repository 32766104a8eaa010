"""Codex's hooks.json: ours are the last group of each event, and nothing is written that Codex would drop."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from carryover.agents.codex.spec import SPEC
from carryover.edits.encoding import EditRefused
from carryover.edits.hook_command import owner_by_script
from carryover.edits.hooks import Hook
from carryover.edits.settings import drop_reason, hooks_of, origin_of, with_hooks, without_hooks

RECORDED = Path(__file__).with_name("hooks.0.169.0.json")
SCRIPT = Path("/home/dev/.carryover/hook.sh")
OWNER_OF = owner_by_script(SCRIPT)
WANTED = tuple(
    Hook(event=event, command=f"sh {SCRIPT} codex {event} 2>/dev/null || true", timeout=5)
    for event in ("SessionStart", "Stop")
)


def installed(data: bytes | None) -> bytes:
    return with_hooks(data, WANTED, OWNER_OF, form="nested", rules=SPEC.hooks.file_rules)


def ours(data: bytes) -> list[tuple[str, int, int]]:
    found = hooks_of(data, OWNER_OF, form="nested")
    return [(item.hook.event, item.group, item.number) for item in found if item.owner == "ours"]


def test_ours_are_the_last_group_of_their_events_and_every_other_byte_stays() -> None:
    before = RECORDED.read_bytes()
    after = installed(before)
    letters = iter(after)

    assert ours(after) == [("SessionStart", 1, 0), ("Stop", 1, 0)]
    assert all(letter in letters for letter in before)
    assert set(json.loads(after)) == {"hooks"}
    assert without_hooks(after, OWNER_OF, origin_of(before, OWNER_OF, form="nested"), form="nested") == before


def test_a_group_that_came_before_ours_moves_nothing() -> None:
    """It shifts ours, which Codex has people review again; to move back behind it would only ask them once more."""
    after = installed(b'{"hooks": {}}').replace(b'"Stop": [', b'"Stop": [{"hooks": [{"command": "new"}]},')

    assert installed(after) == after
    assert ours(after) == [("SessionStart", 0, 0), ("Stop", 1, 0)]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b'{\n"$schema": "x",\n"hooks": {}}', 'its key "$schema" (line 2) makes the agent drop the whole file'),
        (
            b'{"hooks": {"Stop": [\n{"hooks": [{"type": "http", "url": "x"}]}]}}',
            'its hook of type "http" (line 2) makes the agent drop the whole file',
        ),
    ],
)
def test_a_file_that_codex_drops_is_left_alone_and_says_why(data: bytes, reason: str) -> None:
    assert drop_reason(data, form="nested", rules=SPEC.hooks.file_rules) == reason
    with pytest.raises(EditRefused) as raised:
        installed(data)
    assert str(raised.value) == reason


def test_what_codex_takes_is_no_reason_against_it() -> None:
    data = b'{"description": "mine", "hooks": {"Stop": [{"hooks": [{"type": "prompt"}, 3]}, 7], "Odd": 1}}'

    assert drop_reason(data, form="nested", rules=SPEC.hooks.file_rules) is None
    assert drop_reason(b" \n", form="nested", rules=SPEC.hooks.file_rules) is None
    assert drop_reason(b'{"$schema": 1}', form="nested", rules=None) is None
    assert json.loads(installed(data))["description"] == "mine"


def test_ours_leave_a_file_that_codex_drops_by_now() -> None:
    after = installed(None).replace(b'{\n  "hooks"', b'{\n  "$schema": "x",\n  "hooks"')

    assert without_hooks(after, OWNER_OF, origin_of(None, OWNER_OF, form="nested"), form="nested") == (
        b'{\n  "$schema": "x"\n}\n'
    )
