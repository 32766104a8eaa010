"""Our hooks come into an agent's settings and leave them again; every other byte stays as it was."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings

from carryover.adapter.spec import HookFileRules
from carryover.edits.encoding import EditRefused
from carryover.edits.hook_command import owner_by_script
from carryover.edits.hooks import FoundHook, Hook, Origin
from carryover.edits.json_hooks import origin_of, with_hooks, without_hooks
from carryover.edits.settings import hooks_of
from support.settings_texts import commented_settings, settings

GOLDEN = Path(__file__).with_name("golden")
SCRIPT = Path("/home/dev/.carryover/hook.sh")
OWNER_OF = owner_by_script(SCRIPT)


def hook(event: str, matcher: str | None = None, *, timeout_s: int | None = 5, script: Path = SCRIPT) -> Hook:
    command = f"sh {script} claude-code {event} 2>/dev/null || true"
    return Hook(event=event, matcher=matcher, timeout=timeout_s, command=command)


WANTED = (hook("SessionStart", "startup|clear"), hook("Stop"), hook("SessionEnd"))


def installed(data: bytes | None) -> bytes:
    return with_hooks(data, WANTED, OWNER_OF)


def uninstalled(before: bytes | None, after: bytes) -> bytes | None:
    return without_hooks(after, OWNER_OF, origin_of(before, OWNER_OF))


def refusal(data: bytes) -> str:
    with pytest.raises(EditRefused) as raised:
        installed(data)
    return str(raised.value)


@pytest.mark.parametrize("before", sorted(GOLDEN.glob("*.before")), ids=lambda path: path.stem)
def test_golden_files_get_the_hooks_and_lose_them_again(before: Path) -> None:
    data = before.read_bytes()
    after = installed(data)

    assert after == before.with_suffix(".after").read_bytes()
    assert uninstalled(data, after) == data


def test_a_missing_file_is_made_and_goes_again() -> None:
    after = installed(None)

    assert after == (GOLDEN / "missing.after").read_bytes()
    assert uninstalled(None, after) is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b'{\n  // mine\n  "a": 1\n}', "it is not valid JSON (line 2, column 3: a comment, which JSON does not have)"),
        (b'{"a": 1} /* mine */', "it is not valid JSON (line 1, column 10: a comment, which JSON does not have)"),
        (b'{"a": ["x",\n1 2]}', "it is not valid JSON (line 2, column 3: Expecting ',' delimiter)"),
        (b'{"a": [1\n, ]}', "it is not valid JSON (line 2, column 1: a comma after the last item)"),
        (b'{"a": 1 ,\n}', "it is not valid JSON (line 1, column 9: a comma after the last item)"),
        (b'{"a": "NaN", "b": [\n-Infinity]}', "it is not valid JSON (line 2, column 1: not a JSON value)"),
        (b'{"a": 1}\n{}', "it is not valid JSON (line 2, column 1: more after the end)"),
        (b'{"a": "\t"}', "it is not valid JSON (line 1, column 8: Invalid control character)"),
        (b"[]", "it holds a list instead of an object"),
        (b"null", "it holds null instead of an object"),
        (b"[" * 100_000 + b"]" * 100_000, "it is nested too deeply"),
        (b'{"a": 1,\n "b": "\xe9"}', "it is not UTF-8 text (line 2)"),
        ('{"a": 1}'.encode("utf-16"), "it is not UTF-8 text (line 1)"),
        (b'{"hooks": null}', '"hooks" (line 1) is null instead of an object'),
        (b'{\n"hooks": []}', '"hooks" (line 2) is a list instead of an object'),
        (b'{"hooks": {"Stop": {}}}', '"hooks"."Stop" (line 1) is an object instead of a list'),
        (b'{"hooks": {"Stop": "say done"}}', '"hooks"."Stop" (line 1) is a string instead of a list'),
        (b'{"hooks": {},\n"hooks": {}}', '"hooks" is there twice (lines 1, 2)'),
        (b'{"hooks": {"Stop": [],\n\n"Stop": []}}', '"Stop" is there twice (lines 1, 3)'),
    ],
)
def test_what_does_not_parse_or_has_another_layout_is_refused_and_says_where(text: bytes, reason: str) -> None:
    assert refusal(text) == reason


def test_a_path_that_is_not_utf_8_is_refused() -> None:
    odd = hook("Stop", script=Path("/home/\udcff/hook.sh"))

    with pytest.raises(EditRefused, match="a path in our hooks cannot be written as UTF-8"):
        with_hooks(b"{}", [odd], OWNER_OF)


def test_an_event_of_another_layout_that_is_not_wanted_is_nobodys_business() -> None:
    data = b'{"hooks": {"Odd": 3, "Other": [null, 7, {"hooks": [null]}, {"hooks": 1}]}}'
    after = installed(data)

    assert [found.owner for found in hooks_of(after, OWNER_OF)] == ["ours"] * 3
    assert uninstalled(data, after) == data


def test_a_changed_command_matcher_or_time_limit_is_replaced_where_it_stands() -> None:
    data = b'{"hooks": {"Stop": [\n  {"hooks": [{"command": "first"}]}\n]}}\n'
    old = with_hooks(data, [hook("Stop", "x", timeout_s=9)], OWNER_OF)
    theirs_behind = old.replace(b"\n]}}", b',\n  {"hooks": [{"command": "last"}]}\n]}}')

    new = with_hooks(theirs_behind, [hook("Stop")], OWNER_OF)

    expected = [Hook(event="Stop", command="first"), hook("Stop"), Hook(event="Stop", command="last")]
    assert [found.hook for found in hooks_of(new, OWNER_OF)] == expected


def test_events_that_are_not_wanted_any_more_lose_our_hook_only() -> None:
    data = b'{"hooks": {"PreCompact": [{"hooks": [{"command": "mine"}]}], "Old": []}}'
    origin = origin_of(data, OWNER_OF)
    before = with_hooks(data, [hook("PreCompact"), hook("Old"), hook("Older")], OWNER_OF, origin)

    after = with_hooks(before, [hook("Stop")], OWNER_OF, origin)

    assert json.loads(after) == {
        "hooks": {
            "PreCompact": [{"hooks": [{"command": "mine"}]}],
            "Old": [],
            "Stop": json.loads(with_hooks(None, [hook("Stop")], OWNER_OF))["hooks"]["Stop"],
        }
    }
    assert without_hooks(after, OWNER_OF, origin) == data


def test_a_second_copy_of_our_hook_goes() -> None:
    once = installed(b"{}")
    group = json.loads(once)["hooks"]["Stop"][0]
    doubled = once.replace(b'"Stop": [', b'"Stop": [' + json.dumps(group).encode() + b",")

    assert Counter(found.hook for found in hooks_of(with_hooks(doubled, WANTED, OWNER_OF), OWNER_OF)) == Counter(WANTED)


def test_our_hook_is_found_among_the_users_in_one_group() -> None:
    """A person may move it there; the sibling and the group stay."""
    ours = hook("Stop").command
    data = json.dumps({"hooks": {"Stop": [{"hooks": [{"command": ours, "timeout": 5}, {"command": "mine"}]}]}}).encode()

    assert with_hooks(data, [hook("Stop")], OWNER_OF) == data
    assert without_hooks(data, OWNER_OF) == b'{"hooks": {"Stop": [{"hooks": [{"command": "mine"}]}]}}'


def test_a_wrong_hook_in_a_group_of_the_users_moves_out_of_it() -> None:
    ours = hook("Stop").command
    data = json.dumps({"hooks": {"Stop": [{"matcher": "x", "hooks": [{"command": "mine"}, {"command": ours}]}]}})

    found = hooks_of(with_hooks(data.encode(), [hook("Stop")], OWNER_OF), OWNER_OF)

    assert [item.hook for item in found] == [Hook(event="Stop", matcher="x", command="mine"), hook("Stop")]


def test_a_line_that_a_person_edited_has_to_do_and_stays() -> None:
    """With ours beside it each event would be told twice."""
    edited = f"sh {SCRIPT} claude-code Stop; notify-send done"
    data = json.dumps({"hooks": {"Stop": [{"hooks": [{"type": "command", "command": edited}]}]}}).encode()

    assert with_hooks(data, [hook("Stop")], OWNER_OF) == data
    assert without_hooks(data, OWNER_OF) == data
    assert hooks_of(data, OWNER_OF) == (
        FoundHook(hook=Hook(event="Stop", command=edited), owner="edited", group=0, number=0, siblings=1),
    )


def test_a_file_that_we_made_stays_when_something_was_added() -> None:
    added = installed(None).replace(b'{\n  "hooks"', b'{\n  "model": "opus",\n  "hooks"')

    assert without_hooks(added, OWNER_OF, Origin(missing=True)) == b'{\n  "model": "opus"\n}\n'


def test_what_is_known_of_a_file_holds_while_our_hooks_are_in_it() -> None:
    data = b'{"hooks": {"Stop": []}}'
    known = origin_of(data, OWNER_OF)

    assert known == Origin(empty=("hooks.Stop",))
    assert origin_of(installed(data), OWNER_OF, known) == known
    assert origin_of(b'{"hooks": {}}', OWNER_OF, known) == Origin(empty=("hooks",))
    assert origin_of(installed(None), OWNER_OF, Origin(missing=True)) == Origin(missing=True)
    assert origin_of(b"{}", OWNER_OF, Origin(missing=True)) == Origin()


def test_twice_the_same_key_does_not_hide_a_hook_of_ours() -> None:
    """Such a file is not edited for an install, but an uninstall takes out what it can."""
    once = json.dumps(json.loads(installed(None))["hooks"])

    assert without_hooks(f'{{"hooks": {once}, "hooks": {{"Stop": 1}}}}'.encode(), OWNER_OF) == b'{"hooks": {"Stop": 1}}'


def test_hooks_are_reported_in_their_order() -> None:
    found = hooks_of((GOLDEN / "others.after").read_bytes(), OWNER_OF)

    assert [(item.hook.event, item.hook.command.split()[0], item.owner) for item in found] == [
        ("PreToolUse", "~/bin/guard.sh", "others"),
        ("Stop", "say", "others"),
        ("Stop", "sh", "others"),
        ("Stop", "sh", "ours"),
        ("SessionStart", "bd", "others"),
        ("SessionStart", "other-product", "others"),
        ("SessionStart", "sh", "ours"),
        ("SessionEnd", "sh", "ours"),
    ]
    assert hooks_of(b" \n", OWNER_OF) == ()


def test_a_huge_file_is_edited_all_the_same() -> None:
    rules = [f"Bash(command {number}:*)" for number in range(160_000)]
    data = json.dumps({"permissions": {"allow": rules}, "limit": 0.4711}, indent=2).encode()
    data = data.replace(b"0.4711", b"9" * 5000)  # more digits than Python reads as a number
    after = installed(data)

    assert len(data) > 5_000_000
    assert after.startswith(data[:-2])
    assert uninstalled(data, after) == data


@given(data=commented_settings())
def test_comments_and_trailing_commas_stay_where_the_agent_reads_them(data: bytes) -> None:
    after = with_hooks(data, WANTED, OWNER_OF, rules=HookFileRules(comments=True))
    ours = Counter(found.hook for found in hooks_of(after, OWNER_OF) if found.owner == "ours")

    assert ours == Counter(WANTED)
    assert uninstalled(data, after) == data


@given(data=settings())
@hypothesis_settings(max_examples=40, deadline=None)
def test_a_rewrite_by_the_client_stays_when_our_hooks_leave(data: bytes) -> None:
    """Claude Code 2.1.328 rewrites its settings with sorted keys at times."""

    def rewritten(text: bytes) -> bytes:
        value = json.loads(text.removeprefix(b"\xef\xbb\xbf") or "{}")
        return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"

    if not data.strip():
        data = b"{}"
    try:
        plain, after = rewritten(data), rewritten(installed(data))
        origin = origin_of(data, OWNER_OF)
        left = without_hooks(after, OWNER_OF, origin)
    except EditRefused:
        assert b"\\ud" in data.lower()  # half a surrogate pair, which Python cannot write out again as UTF-8
        return
    assert left == plain
