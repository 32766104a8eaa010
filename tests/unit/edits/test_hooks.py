"""Our hooks come into an agent's settings of any form and leave them again; every other byte stays as it was."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Final

import pytest

from carryover.adapter.spec import Form, HookSpec
from carryover.agents.codex import SPEC as CODEX
from carryover.agents.cursor import SPEC as CURSOR
from carryover.edits.hooks import (
    FoundHook,
    Hook,
    Hooks,
    owner_by_script,
)
from carryover.text.user_text import EditRefused, Origin

HERE: Final = Path(__file__).parent
GOLDEN: Final = HERE / "golden"
SCRIPT: Final = Path("/home/dev/.carryover/hook.sh")
OWNER_OF: Final = owner_by_script(SCRIPT)


def hook(event: str, matcher: str | None = None, *, timeout_s: int | None = 5, agent: str = "claude-code") -> Hook:
    command = f"sh {SCRIPT} {agent} {event} 2>/dev/null || true"
    return Hook(event=event, matcher=matcher, timeout=timeout_s, command=command)


WANTED: Final[dict[Form, tuple[Hook, ...]]] = {
    "nested": (hook("SessionStart", "startup|clear"), hook("Stop"), hook("SessionEnd")),
    "flat": (hook("sessionStart", agent="cursor"), hook("stop", agent="cursor")),
    "plain": (hook("stop", agent="windsurf", timeout_s=None),),
    "tables": (hook("SessionStart", "startup|resume", agent="codex"), hook("Stop", agent="codex")),
}
TABLES: Final = """\
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


def written(first: dict[str, object], agent: str, events: tuple[str, ...], more: dict[str, object]) -> bytes:
    lists = {event: [{"command": hook(event, agent=agent).command, **more}] for event in events}
    return json.dumps({**first, "hooks": lists}, indent=2).encode() + b"\n"


MADE: Final[dict[Form, bytes]] = {
    "nested": (GOLDEN / "missing.after").read_bytes(),
    "flat": written({"version": 1}, "cursor", ("sessionStart", "stop"), {"timeout": 5}),
    "plain": written({}, "windsurf", ("stop",), {"show_output": False}),
    "tables": TABLES.encode(),
}
THEIRS: Final = """\
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


def installed(data: bytes | None, form: Form = "nested") -> bytes:
    return Hooks(form, OWNER_OF, WANTED[form]).put(data)


def uninstalled(before: bytes | None, after: bytes, form: Form = "nested") -> bytes | None:
    return Hooks(form, OWNER_OF).take(after, Hooks(form, OWNER_OF).origin_of(before))


@pytest.mark.parametrize("before", sorted(GOLDEN.glob("*.before")), ids=lambda path: path.stem)
def test_golden_files_get_the_hooks_and_lose_them_again(before: Path) -> None:
    data = before.read_bytes()
    after = installed(data)

    assert after == before.with_suffix(".after").read_bytes()
    assert uninstalled(data, after) == data


@pytest.mark.parametrize("form", WANTED)
def test_a_missing_file_is_made_and_goes_again_unless_something_was_added(form: Form) -> None:
    after = installed(None, form)

    assert after == MADE[form]
    assert uninstalled(None, after, form) is None
    if form == "nested":
        added = after.replace(b'{\n  "hooks"', b'{\n  "model": "opus",\n  "hooks"')
        assert uninstalled(None, added) == b'{\n  "model": "opus"\n}\n'
        noted = after.replace(b'{\n  "hooks"', b'{\n  // "model": "opus",\n  "hooks"')
        assert uninstalled(None, noted) == b'{\n  // "model": "opus",\n}\n'


@pytest.mark.parametrize(
    ("form", "text", "reason"),
    [
        ("nested", b'{"a": ["x",\n1 2]}', "it is not valid JSON (line 2, column 3: Expecting ',' delimiter)"),
        ("nested", b'{\n  // mine\n  "a": 1\n}', "it is not valid JSON (line 2, column 3: "),
        ("nested", b"[]", "it holds something other than an object"),
        ("nested", b"[" * 100_000 + b"]" * 100_000, "it is not valid JSON"),
        ("nested", b'{"a": 1,\n "b": "\xe9"}', "it is not UTF-8 text (line 2)"),
        ("nested", b'{\n"hooks": []}', '"hooks" (line 2) is something other than an object'),
        ("nested", b'{"hooks": {"Stop": "say done"}}', '"hooks.Stop" (line 1) is something other than a list'),
        ("nested", b'{"hooks": {},\n"hooks": {}}', '"hooks" is there twice'),
        ("flat", b'{"hooks": {"stop": [{"command": "mine"}]}}', 'it has no "version" (such as 1), without which the '),
        ("flat", b'{"version": "1", "hooks": {}}', 'its "version" is something other than a number, which makes the '),
        ("flat", b'{"version": true, "hooks": {}}', 'its "version" is something other than a number, which makes '),
        ("tables", b"hooks = { Stop = [{ hooks = [] }] }\n", 'its "hooks" is written in a form that can\'t be edited'),
        ("tables", b"[hooks.SessionStart]\nx = 1\n", '"hooks" is something other than tables'),
        ("tables", b"a = [", "it is not valid TOML: "),
    ],
)
def test_what_does_not_parse_or_has_another_layout_is_refused_and_says_where(
    form: Form, text: bytes, reason: str
) -> None:
    rules = CURSOR.hooks if form == "flat" else HookSpec()
    with pytest.raises(EditRefused) as raised:
        Hooks(form, OWNER_OF, WANTED[form], rules).put(text)
    assert str(raised.value).startswith(reason)


def test_a_path_that_is_not_utf_8_is_refused() -> None:
    with pytest.raises(EditRefused, match="a path in our hooks cannot be written as UTF-8"):
        Hooks("nested", OWNER_OF, [Hook(event="Stop", command="sh /home/\udcff/hook.sh")]).put(b"{}")


def test_a_changed_command_matcher_or_time_limit_is_replaced_where_it_stands() -> None:
    """The place of a group is in the key by which Codex knows what was reviewed."""
    data = b'{"hooks": {"Stop": [\n  {"hooks": [{"command": "first"}]}\n]}}\n'
    old = Hooks("nested", OWNER_OF, [hook("Stop", "x", timeout_s=9)]).put(data)
    theirs_behind = old.replace(b"\n]}}", b',\n  {"hooks": [{"command": "last"}]}\n]}}')
    tables = Hooks("tables", OWNER_OF, [hook("Stop", timeout_s=9)]).put(b"") + THEIRS.partition("\n\n")[2].encode()

    new = Hooks("nested", OWNER_OF, [hook("Stop")]).put(theirs_behind)

    expected = [Hook(event="Stop", command="first"), hook("Stop"), Hook(event="Stop", command="last")]
    assert [found.hook for found in Hooks("nested", OWNER_OF).found(new)] == expected
    new = Hooks("tables", OWNER_OF, [hook("Stop")]).put(tables)
    assert new == tables.replace(b"timeout = 9", b"timeout = 5")


def test_our_hook_is_found_among_the_users_in_one_group() -> None:
    """A person may move it there; the sibling and the group stay."""
    ours = hook("Stop").command
    data = json.dumps({"hooks": {"Stop": [{"hooks": [{"command": ours, "timeout": 5}, {"command": "mine"}]}]}}).encode()
    tables = installed(b"a = 1\n", "tables") + b'\n[[hooks.Stop.hooks]]\ntype = "command"\ncommand = "say done"\n'

    assert Hooks("nested", OWNER_OF, [hook("Stop")]).put(data) == data
    assert Hooks("nested", OWNER_OF).take(data) == b'{"hooks": {"Stop": [{"hooks": [{"command": "mine"}]}]}}'
    assert Hooks("tables", OWNER_OF).take(tables) == (
        b'a = 1\n\n[[hooks.Stop]]\n\n[[hooks.Stop.hooks]]\ntype = "command"\ncommand = "say done"\n'
    )


def test_a_wrong_hook_in_a_group_of_the_users_moves_out_of_it() -> None:
    ours = hook("Stop").command
    data = json.dumps({"hooks": {"Stop": [{"matcher": "x", "hooks": [{"command": "mine"}, {"command": ours}]}]}})

    found = Hooks("nested", OWNER_OF).found(Hooks("nested", OWNER_OF, [hook("Stop")]).put(data.encode()))

    assert [item.hook for item in found] == [Hook(event="Stop", matcher="x", command="mine"), hook("Stop")]


@pytest.mark.parametrize("form", ["nested", "tables"])
def test_a_line_that_a_person_edited_has_to_do_and_stays(form: Form) -> None:
    """With ours beside it each event would be told twice."""
    edited = Hooks(form, OWNER_OF, [hook("Stop")]).put(None).replace(b"|| true", b"; notify-send done")

    assert Hooks(form, OWNER_OF, [hook("Stop")]).put(edited) == edited
    assert Hooks(form, OWNER_OF).take(edited) == edited
    command = hook("Stop").command.replace("|| true", "; notify-send done")
    [found] = Hooks(form, OWNER_OF).found(edited)
    expected = Hook(event="Stop", command=command, timeout=5)
    assert found == FoundHook(hook=expected, owner="edited", group=0, number=0, siblings=1)


@pytest.mark.parametrize("form", ["nested", "flat"])
def test_ours_that_is_there_twice_stays_once(form: Form) -> None:
    """This can happen when two copies of the settings are merged. Each event would then be reported twice."""
    once = Hooks(form, OWNER_OF, [hook("Stop")]).put(None)
    settings = json.loads(once)
    settings["hooks"]["Stop"] *= 2

    again = Hooks(form, OWNER_OF, [hook("Stop")]).put(json.dumps(settings).encode())

    assert json.loads(again) == json.loads(once)


def test_copies_of_ours_leave_theirs_and_too_many_are_refused() -> None:
    """Each that is taken out costs a look at the whole file."""
    theirs = {"type": "command", "command": "make lint"}
    [group] = json.loads(Hooks("nested", OWNER_OF, [hook("Stop")]).put(None))["hooks"]["Stop"]
    [own] = group["hooks"]
    ours = Hooks("nested", OWNER_OF, [hook("Stop")])

    def holding(*groups: object) -> bytes:
        return json.dumps({"hooks": {"Stop": groups}}).encode()

    mixed = holding({"hooks": [own, theirs, own]}, {"hooks": [own, own], "matcher": "x"})
    assert ours.take(mixed) == holding({"hooks": [theirs]})
    assert json.loads(ours.put(mixed))["hooks"]["Stop"] == [{"hooks": [own, theirs]}]
    assert ours.take(holding(*[{"hooks": [own, own]}] * 50)) == b"{}"
    with pytest.raises(EditRefused, match="101 times"):
        ours.take(holding({"hooks": [own] * 101}))


def test_what_is_known_of_a_file_holds_while_our_hooks_are_in_it() -> None:
    data = b'{"hooks": {"Stop": []}}'
    known = Hooks("nested", OWNER_OF).origin_of(data)

    assert known == Origin(empty=("hooks.Stop",))
    assert Hooks("nested", OWNER_OF).origin_of(installed(data), known) == known
    assert Hooks("nested", OWNER_OF).origin_of(b'{"hooks": {}}', known) == Origin(empty=("hooks",))
    assert Hooks("nested", OWNER_OF).origin_of(installed(None), Origin(missing=True)) == Origin(missing=True)
    assert Hooks("nested", OWNER_OF).origin_of(b"{}", Origin(missing=True)) == Origin()


def test_who_has_hooks_in_it_is_reported() -> None:
    """An edited line of ours counts as theirs, and what Codex recorded of a review is nobody's hook."""
    edited = f'{{"hooks": {{"stop": [{{"command": "sh {SCRIPT} cursor stop; beep"}}]}}}}'.encode()
    reviewed = (HERE / "recorded" / "config-after-trust.0.169.0.toml").read_bytes()

    assert Hooks("flat", OWNER_OF).owners(b"") == set()
    assert Hooks("flat", OWNER_OF).owners(installed(None, "flat")) == {"ours"}
    assert Hooks("flat", OWNER_OF).owners(edited) == {"others"}
    assert Hooks("flat", OWNER_OF).owners(b'{"hooks": {"stop": [{"prompt": "x"}]}}') == {"others"}
    assert Hooks("tables", OWNER_OF).owners(reviewed) == set()
    both = installed(THEIRS.encode(), "tables")
    assert Hooks("tables", OWNER_OF).owners(both) == {"ours", "others"}


def test_a_version_stays_if_it_was_there_or_others_need_it_by_now() -> None:
    known = b'{"version": 17}'
    origin = Hooks("flat", OWNER_OF).origin_of(b"{}")
    after = installed(b"{}", "flat").replace(b'"stop": [', b'"stop": [{"command": "mine"},')

    assert uninstalled(known, installed(known, "flat"), "flat") == known
    left = Hooks("flat", OWNER_OF).take(after, origin)
    assert left is not None
    assert json.loads(left) == {"version": 1, "hooks": {"stop": [{"command": "mine"}]}}


def test_tables_are_appended_and_leave_what_stands_between() -> None:
    recorded = (HERE / "recorded" / "config-after-trust.0.169.0.toml").read_bytes()
    later = b'\n[projects."/home/dev/other"]\ntrust_level = "trusted"\n'

    for before in (THEIRS.encode(), recorded):
        after = installed(before, "tables")
        assert after == before + b"\n" + TABLES.encode()
        assert installed(after + later, "tables") == after + later
        assert Hooks("tables", OWNER_OF).take(after + later) == before + later
        assert tomllib.loads(after.decode())["hooks"].get("state") == tomllib.loads(before.decode())["hooks"]["state"]
    mine = b'model = "gpt-6"\n'
    assert uninstalled(mine, installed(mine, "tables").replace(b"timeout = 5", b"timeout=5"), "tables") == mine + b"\n"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b'{\n"$schema": "x",\n"hooks": {}}', 'its key "$schema" makes the agent drop the whole file'),
        (
            b'{"hooks": {"Stop": [{"hooks": [{"type": "http", "url": "x"}]}]}}',
            'its hook of type "http" makes the agent drop the whole file',
        ),
        (b'{"description": "mine", "hooks": {"Stop": [{"hooks": [{"type": "prompt"}, 3]}, 7], "Odd": 1}}', None),
        (b" \n", None),
    ],
)
def test_a_file_that_codex_drops_is_left_alone_and_says_why(data: bytes, reason: str | None) -> None:
    rules = CODEX.hooks
    assert Hooks("nested", OWNER_OF, rules=rules).drop_reason(data.decode()) == reason
    if reason is None:
        assert Hooks("nested", OWNER_OF, WANTED["nested"], rules).put(data)
    else:
        with pytest.raises(EditRefused) as raised:
            Hooks("nested", OWNER_OF, WANTED["nested"], rules).put(data)
        assert str(raised.value) == reason


def test_ours_are_the_last_group_of_their_events_in_codex_s_own_file() -> None:
    before = (HERE / "recorded" / "hooks.0.169.0.json").read_bytes()
    after = installed(before)
    found = [(each.hook.event, each.group) for each in Hooks("nested", OWNER_OF).found(after) if each.owner == "ours"]

    assert found == [("SessionStart", 1), ("Stop", 1), ("SessionEnd", 1)]
    assert uninstalled(before, after) == before


OWNER_OF_BOTH = owner_by_script(Path("/home/dev/.carryover/hook.sh"), Path("/mnt/a b/hook.sh"))


@pytest.mark.parametrize(
    ("command", "owner"),
    [
        ("sh /home/dev/.carryover/hook.sh claude-code Stop 2>/dev/null || true", "ours"),
        ("sh '/home/dev/.carryover/hook.sh' claude-code SessionStart 2>/dev/null || true", "ours"),
        ("sh '/mnt/a b/hook.sh' claude-code Stop 2>/dev/null || true", "ours"),
        ("sh /home/dev/.carryover/hook.sh claude-code Stop 2>/dev/null || true; say done", "edited"),
        ("date >> log; sh /home/dev/.carryover/hook.sh claude-code Stop", "edited"),
        ("[ -f '/mnt/a b/hook.sh' ] && sh '/mnt/a b/hook.sh' claude-code Stop", "edited"),
        ("say done", "others"),
        ("sh /backup/home/dev/.carryover/hook.sh claude-code Stop", "others"),
        ("sh /home/dev/acarryover/hook.sh claude-code Stop", "others"),
    ],
)
def test_a_line_that_only_runs_the_script_is_ours(command: str, owner: str) -> None:
    assert OWNER_OF_BOTH(command) == owner


def test_comments_are_a_reason_to_drop_a_file_unless_the_agent_allows_them() -> None:
    text = '{\n  // mine\n  "hooks": {}\n}\n'

    assert Hooks("nested", OWNER_OF, rules=HookSpec(comments=True)).drop_reason(text) is None
    with pytest.raises(EditRefused):
        Hooks("nested", OWNER_OF, rules=HookSpec()).drop_reason(text)
