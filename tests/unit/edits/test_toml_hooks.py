"""Our hooks as tables in Codex's config.toml: they come, and leave every other byte."""

from __future__ import annotations

import tomllib
from collections import Counter
from functools import partial
from pathlib import Path

import pytest

from carryover.edits import settings
from carryover.edits.encoding import EditRefused
from carryover.edits.hook_command import owner_by_script
from carryover.edits.hooks import Hook, HookOwners
from carryover.edits.toml_hooks import origin_of, with_hooks, without_hooks

CODEX = Path(__file__).with_name("codex")
SCRIPT = Path("/home/dev/.carryover/hook.sh")
OWNER_OF = owner_by_script(SCRIPT)
hooks_of, hook_owners = partial(settings.hooks_of, form="tables"), partial(settings.hook_owners, form="tables")


def hook(event: str, matcher: str | None = None, *, timeout_s: int = 5) -> Hook:
    command = f"sh {SCRIPT} codex {event} 2>/dev/null || true"
    return Hook(event=event, matcher=matcher, timeout=timeout_s, command=command)


WANTED = (hook("SessionStart", "startup|resume"), hook("Stop"))

OURS = """\
[[hooks.SessionStart]]
matcher = "startup|resume"

[[hooks.SessionStart.hooks]]
type = "command"
command = "sh /home/dev/.carryover/hook.sh codex SessionStart 2>/dev/null || true"
timeout = 5

[[hooks.Stop]]

[[hooks.Stop.hooks]]
type = "command"
command = "sh /home/dev/.carryover/hook.sh codex Stop 2>/dev/null || true"
timeout = 5
"""

THEIRS = """\
model = "gpt-6" # mine

[[hooks.Stop]]

[[hooks.Stop.hooks]]
type = "command"
command = "say done"

[hooks.state."/home/dev/.codex/config.toml:stop:0:0"]
trusted_hash = "sha256:31c6"

[notice]
text = '''
[[hooks.Stop]]
is no table here'''
"""


def installed(data: bytes | None) -> bytes:
    return with_hooks(data, WANTED, OWNER_OF)


def uninstalled(before: bytes | None, after: bytes) -> bytes | None:
    return without_hooks(after, OWNER_OF, origin_of(before, OWNER_OF))


def text(data: bytes) -> str:
    return installed(data).decode()


def test_ours_are_appended_and_every_other_byte_stays() -> None:
    after = installed(THEIRS.encode())

    assert after.decode() == f"{THEIRS}\n{OURS}"
    assert uninstalled(THEIRS.encode(), after) == THEIRS.encode()


def test_what_the_user_reviewed_stays_as_the_client_wrote_it() -> None:
    before = (CODEX / "config-after-trust.0.169.0.toml").read_bytes()
    after = installed(before)

    assert after == before + b"\n" + OURS.encode()
    assert tomllib.loads(after.decode())["hooks"]["state"] == tomllib.loads(before.decode())["hooks"]["state"]
    assert uninstalled(before, after) == before


def test_windows_line_ends_and_a_missing_last_one_are_kept() -> None:
    before = THEIRS.replace("\n", "\r\n").removesuffix("\r\n").encode()
    after = installed(before)

    assert after == before + b"\r\n\r\n" + OURS.replace("\n", "\r\n").removesuffix("\r\n").encode()
    assert uninstalled(before, after) == before


@pytest.mark.parametrize(
    "before", [None, b"", b"\n", b"\xef\xbb\xbfa = 1", b"a = 1\n\n\n", b"# only this", b"a = nan\n"]
)
def test_short_files(before: bytes | None) -> None:
    after = installed(before)

    assert with_hooks(after, WANTED, OWNER_OF) == after
    assert uninstalled(before, after) == before


def test_a_second_time_nothing_changes_also_with_tables_of_the_client_behind_ours() -> None:
    after = installed(THEIRS.encode()) + b'\n[projects."/home/dev/shop"]\ntrust_level = "trusted"\n'

    assert installed(after) == after
    assert without_hooks(after, OWNER_OF) == (
        THEIRS.encode() + b'\n[projects."/home/dev/shop"]\ntrust_level = "trusted"\n'
    )


def test_what_differs_is_replaced_where_it_stands_and_shifts_nobody() -> None:
    """The place of a group is in the key by which the client knows what was reviewed."""
    before = with_hooks(b"", [hook("Stop", timeout_s=9)], OWNER_OF) + THEIRS.partition("\n\n")[2].encode()

    after = with_hooks(before, [hook("Stop")], OWNER_OF)

    assert [(item.hook.command.split()[0], item.group) for item in hooks_of(after, OWNER_OF)] == [("sh", 0), ("say", 1)]
    assert after == before.replace(b"timeout = 9", b"timeout = 5")


def test_events_that_are_not_wanted_any_more_lose_our_hook_only() -> None:
    after = with_hooks(installed(THEIRS.encode()), [hook("PreCompact")], OWNER_OF)

    assert Counter(
        item.hook.command.split()[0] + " " + item.hook.event for item in hooks_of(after, OWNER_OF)
    ) == Counter(["say Stop", "sh PreCompact"])
    assert without_hooks(after, OWNER_OF) == THEIRS.encode()


def test_a_hook_that_a_person_put_into_our_group_stays_with_it() -> None:
    after = installed(b"a = 1\n") + b'\n[[hooks.Stop.hooks]]\ntype = "command"\ncommand = "say done"\n'

    assert [(item.owner, item.group, item.number) for item in hooks_of(after, OWNER_OF)] == [
        ("ours", 0, 0),
        ("ours", 0, 0),
        ("others", 0, 1),
    ]
    assert without_hooks(after, OWNER_OF) == (
        b'a = 1\n\n[[hooks.Stop]]\n\n[[hooks.Stop.hooks]]\ntype = "command"\ncommand = "say done"\n'
    )


def test_a_line_that_a_person_edited_has_to_do_and_stays() -> None:
    edited = with_hooks(b"", [hook("Stop")], OWNER_OF).replace(b"|| true", b"|| true; beep")

    assert with_hooks(edited, [hook("Stop")], OWNER_OF) == edited
    assert without_hooks(edited, OWNER_OF) == edited
    assert [item.owner for item in hooks_of(edited, OWNER_OF)] == ["edited"]


INLINE = "its hooks are written in a form that can't be edited without touching the rest"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b'hooks = { Stop = [{ hooks = [{ type = "command", command = "say done" }] }] }\n', INLINE),
        (b"hooks = 3\n", '"hooks.SessionStart" is something other than a list of tables'),
        (b"[hooks.SessionStart]\nx = 1\n", '"hooks.SessionStart" is something other than a list of tables'),
        (b"a = \xff", "it is not UTF-8 text (line 1)"),
    ],
)
def test_what_cannot_be_added_to_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(EditRefused) as raised:
        installed(data)
    assert str(raised.value) == reason


def test_what_is_not_toml_is_refused() -> None:
    for ask in (installed, lambda data: without_hooks(data, OWNER_OF), lambda data: hooks_of(data, OWNER_OF)):
        with pytest.raises(EditRefused, match="it is not valid TOML: "):
            ask(b"a = [")
    with pytest.raises(EditRefused, match="it is not valid TOML: "):
        installed(b"a = " + b"9" * 5000)


OUR_ITEM = (
    '{hooks = [{type = "command", command = "sh /home/dev/.carryover/hook.sh codex Stop 2>/dev/null || true", '
    "timeout = 5}]}"
)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Stop = []", f"Stop = [{OUR_ITEM}]"),
        ("Stop=[{hooks=[]}]", f"Stop=[{{hooks=[]}}, {OUR_ITEM}]"),
        (
            "Stop = [\n  { hooks = [] }, # one, two\n  # [\n]",
            f"Stop = [\n  {{ hooks = [] }}, # one, two\n  # [\n  {OUR_ITEM}\n]",
        ),
    ],
)
@pytest.mark.parametrize(
    ("above", "prefix"), [("[hooks]\n", ""), ("[ 'hooks' ]\na = { b = [1] }\n", ""), ("", "hooks . ")]
)
def test_where_groups_are_an_array_ours_is_one_more_item(before: str, after: str, above: str, prefix: str) -> None:
    text = f"{above}{prefix}{before}\n[x]\ny = [1]\n".encode()
    changed = with_hooks(text, [hook("Stop")], OWNER_OF)

    assert changed == f"{above}{prefix}{after}\n[x]\ny = [1]\n".encode()
    assert with_hooks(changed, [hook("Stop")], OWNER_OF) == changed
    assert with_hooks(with_hooks(text, [hook("Stop", timeout_s=9)], OWNER_OF), [hook("Stop")], OWNER_OF) == changed
    assert without_hooks(changed, OWNER_OF) == text


def test_ours_leave_an_array_that_they_share_with_others() -> None:
    """As versions up to 0.1 wrote them."""
    ours = f'{{ hooks = [{{ type = "command", command = "{WANTED[1].command}", timeout = 5 }}] }}'
    theirs = '{ hooks = [{ command = "say done" }] }'

    for before, after in (([theirs, ours], f"[{theirs}]"), ([ours], "[]")):
        data = f"[hooks]\nStop = [{', '.join(before)}]\n".encode()
        assert without_hooks(data, OWNER_OF) == f"[hooks]\nStop = {after}\n".encode()


def test_ours_that_somebody_wrote_inline_go() -> None:
    mixed = f'[hooks]\nStop = [{{ hooks = [{{ command = "{WANTED[1].command}" }}, {{ command = "say done" }}] }}]\n'
    table = f'a = 1\n\n[[hooks.Stop]]\nhooks = [{{ type = "command", command = "{WANTED[1].command}" }}]\n'

    assert [item.owner for item in hooks_of(mixed.encode(), OWNER_OF)] == ["ours", "others"]
    assert without_hooks(mixed.encode(), OWNER_OF) == b'[hooks]\nStop = [{ hooks = [{ command = "say done" }] }]\n'
    assert without_hooks(table.encode(), OWNER_OF) == b"a = 1\n\n"


def test_who_has_hooks_in_it_is_reported_and_what_was_reviewed_is_nobody_s_hook() -> None:
    reviewed = (CODEX / "config-after-trust.0.169.0.toml").read_bytes()

    assert hook_owners(reviewed, OWNER_OF) == HookOwners()
    assert hook_owners(installed(reviewed), OWNER_OF) == HookOwners(ours=True)
    assert hook_owners(installed(THEIRS.encode()), OWNER_OF) == HookOwners(ours=True, others=True)
    assert hook_owners(b'[[hooks.Stop]]\n[[hooks.Stop.hooks]]\ntype = "prompt"\n', OWNER_OF) == HookOwners(others=True)
