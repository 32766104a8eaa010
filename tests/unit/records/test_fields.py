from __future__ import annotations

import pytest

from carryover.records.fields import bounded, is_below, resolved, session_of_copy, subject_of, utc_ms
from carryover.records.uris import path_of

START_MS = 1_795_154_400_000


@pytest.mark.parametrize(
    ("path", "place", "below"),
    [
        ("/home/dev/shop/a.py", "/home/dev/shop", True),
        ("/home/dev/shop", "/home/dev/shop", True),
        ("/home/dev/shopping/a.py", "/home/dev/shop", False),
        ("C:\\dev\\shop\\lib\\a.cs", "C:\\dev\\shop", True),
        ("/Users/dev/.skills/web/a.md", "~/.skills", True),
        ("C:\\Users\\dev\\.skills\\a.md", "~/.skills", True),
        ("/root/.skills/a.md", "~/.skills", True),
        ("/home/dev/shop/.skills/a.md", "~/.skills", False),
        ("/srv/.skills/a.md", "~/.skills", False),
    ],
)
def test_what_is_below_a_place_also_in_a_home_folder_that_no_record_names(path: str, place: str, below: bool) -> None:
    assert is_below(path, place) == below


@pytest.mark.parametrize(
    ("path", "cwd", "place"),
    [
        ("a.py", "/home/dev/shop", "/home/dev/shop/a.py"),
        ("../a.py", "/home/dev/shop", "/home/dev/a.py"),
        ("/a/./b", None, "/a/b"),
        ("a.py", None, None),
        ("a.py", "shop", None),
        ("~/shop/a.py", "/home/dev/shop", "/home/dev/shop/a.py"),
        ("~/a.py", "C:\\Users\\dev\\shop", "C:\\Users\\dev\\a.py"),
        ("~/a.py", "/srv/shop", "/srv/shop/~/a.py"),
        ("~/a.py", None, None),
        ("lib/a.cs", "C:\\dev\\shop", "C:\\dev\\shop\\lib\\a.cs"),
        (".cfg\\a.md", "C:/dev/shop", "C:\\dev\\shop\\.cfg\\a.md"),
        ("..\\a.cs", "C:\\dev\\shop", "C:\\dev\\a.cs"),
        ("C:\\dev\\shop\\.cfg/a.md", "C:\\dev\\shop", "C:\\dev\\shop\\.cfg\\a.md"),
        ("D:\\x", "/home/dev", "D:\\x"),
        ("\\\\server\\share\\a", None, "\\\\server\\share\\a"),
    ],
)
def test_a_path_is_resolved_as_on_the_machine_that_wrote_it(path: str, cwd: str | None, place: str | None) -> None:
    assert resolved(path, cwd) == place


@pytest.mark.parametrize(
    ("timestamp", "at_ms"),
    [
        ("2026-11-20T06:00:00.000Z", START_MS),
        ("2026-11-20T06:00:00.123Z", START_MS + 123),
        ("2026-11-20T06:00:00Z", START_MS),
        ("2026-11-20T08:00:00+02:00", START_MS),
        ("2026-11-20T06:00:00", START_MS),
        ("1969-12-31T23:59:59Z", 0),
        ("yesterday", 0),
        ("", 0),
        (None, 0),
    ],
)
def test_times_are_utc_milliseconds_and_0_where_there_is_none(timestamp: str | None, at_ms: int) -> None:
    assert utc_ms(timestamp) == at_ms


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("short", "short"),
        ("exactly10c", "exactly10c"),
        ("two words here", "two …"),
        ("a few more words", "a few …"),
        ("oneverylongword", "…"),
        ("          x y", "…"),
    ],
)
def test_a_cut_falls_between_words(text: str, kept: str) -> None:
    assert bounded(text, 10) == kept


@pytest.mark.parametrize(
    ("script", "end"),
    [
        ('. .venv/bin/activate && python -c "\n{}" && python -m pytest -q', '" && python -m pytest -q'),
        ("python - <<'PY'\n{}PY\npytest -q", "\nPY\npytest -q"),
        ("git commit -m \"$(cat <<'EOF'\n{}EOF\n)\" && git push", '\nEOF\n)" && git push'),
    ],
)
def test_the_last_steps_of_a_long_command_are_kept(script: str, end: str) -> None:
    command = script.format("print('a cart')\n" * 100)

    kept = subject_of("shell", command)
    assert kept.startswith(command[:500]) and kept.endswith(f" …{end}") and len(kept) <= 1010
    assert subject_of("agent", command) == bounded(command, 1000)


def test_no_word_of_a_long_command_is_kept_without_the_one_before_it() -> None:
    command = f"deploy --note '{'a cart ' * 150}' --password {'x' * 40} --yes"
    assert subject_of("shell", command) == bounded(command, 1000)


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("file:///home/dev/my%20demo", "/home/dev/my demo"),
        ("file://localhost/home/dev", "/home/dev"),
        ("file:///c%3A/demo", "c:/demo"),
        ("/home/dev/a#b", "/home/dev/a#b"),
        ("src/a.py", "src/a.py"),
        ("vscode-remote://ssh-remote%2Bbox/home/dev", None),
        ("file://server/share", None),
        ("http://[", None),
        ("file://", ""),
        ("", ""),
    ],
)
def test_only_a_path_of_this_machine_is_one(uri: str, path: str | None) -> None:
    assert path_of(uri) == path


def test_copies_of_one_name_are_told_apart_by_their_first_lines_alone() -> None:
    copied, grown, other = (session_of_copy("notes", head) for head in (b"one\ntwo", b"one\nthree", b"two\none"))

    assert copied == grown != other
