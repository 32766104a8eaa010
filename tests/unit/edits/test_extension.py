"""Our hooks in a program that an agent loads: the file is ours alone, or it is left as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from carryover.edits.hooks import (
    Hook,
    Hooks,
    hook_command,
    owner_by_script,
)
from carryover.text.user_text import EditRefused

STATE = Path("/home/dev's/.carryover")
PROGRAM = "// ours\nconst HOOKS = @HOOKS@;\nexport default () => {};\n"
START = Hook(event="SessionStart", command=hook_command(STATE, "my-agent", "SessionStart"), timeout=2)
ELSEWHERE = Hook(event="SessionStart", command="sh /elsewhere/hook.sh my-agent Stop")
OWNER = owner_by_script(STATE / "hook.sh")


def test_the_program_holds_the_hooks_as_they_are_found_again() -> None:
    data = Hooks("extension", OWNER, [START], program=PROGRAM).put(None)
    assert data.startswith(b"// ours\nconst HOOKS = {")
    [found] = Hooks("extension", OWNER).found(data)
    assert (found.hook, found.owner) == (START, "ours")


def test_an_earlier_program_of_ours_is_replaced_and_ours_is_removed_as_a_whole() -> None:
    old = Hooks("extension", OWNER, [START], program=f"{PROGRAM}// old\n").put(None)
    new = Hooks("extension", OWNER, [START], program=PROGRAM).put(old)
    assert new == Hooks("extension", OWNER, [START], program=PROGRAM).put(None)
    assert Hooks("extension", OWNER).take(new) is None


@pytest.mark.parametrize("others", [b"export default () => {};\n", b"const HOOKS = {broken};\n", b"\xff\xfe"])
def test_a_file_that_is_not_ours_is_refused(others: bytes) -> None:
    with pytest.raises(EditRefused):
        Hooks("extension", OWNER, [START], program=PROGRAM).put(others)


def test_a_program_that_runs_another_script_stays() -> None:
    data = Hooks("extension", OWNER, [ELSEWHERE], program=PROGRAM).put(None)
    assert Hooks("extension", OWNER).take(data) == data
