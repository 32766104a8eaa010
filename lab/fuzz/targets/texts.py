"""What is read out of a conversation's texts, commands and outputs: nothing raises, and the same text says the same."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from carryover.distill.own_text import without_handoffs
from carryover.distill.quotes import lines_of
from carryover.distill.render import neutralize
from carryover.ledger.search_text import index_text, match_expression, spans, terms_of, window
from carryover.records import changes, patches, rawjson, shell_files
from carryover.records.file_bodies import without_bodies
from carryover.records.resets import names_limit, resets_in
from carryover.records.text import without_ansi
from carryover.records.uris import path_of
from carryover.terminal.paths import shell_word
from carryover.testruns.commands import find_invocations
from carryover.testruns.reading import read_test_run
from carryover.text.boxes import boxes_after, boxes_in
from carryover.text.harmless import without_chat_marks
from carryover.text.looking import is_looking
from carryover.text.markdown import line_forms, visible_text
from carryover.text.shell import commands, pipelines, script_lines, without_heredocs
from carryover.text.unread import is_unread
from fuzz.bytes import chosen, text_of

LARGEST: Final = 3_000
_OBJECT: Final = msgspec.json.Decoder(dict[str, Any])


def _json(data: bytes, text: str) -> object:
    mended = rawjson.mend(data)
    assert rawjson.mend(mended) == mended
    found = rawjson.read(_OBJECT, data)
    assert not isinstance(found, str) or "\n" not in found
    return [rawjson.content_text(msgspec.Raw(data)), found, list(rawjson.objects_in(data, most=5))]


def _shell(data: bytes, text: str) -> object:
    word = shell_word(text) if "\0" not in text else ""
    if text.isprintable() and not text.startswith("-"):
        assert shlex.split(word) == [text]
    elif word:
        assert word.isprintable() and word.isascii() == (not text.isprintable() or text.isascii())
    found = [commands(text), pipelines(text), script_lines(text), is_looking(text)]
    return [*found, without_heredocs(text), without_bodies(text), find_invocations(text)]


def _files(data: bytes, text: str) -> object:
    found = [shell_files.changes(text, "/home/dev/shop"), patches.in_patch(text, "/home/dev/shop")]
    return [*found, patches.files_in_patch(text), changes.hunks_in(text), path_of(text)]


def _output(data: bytes, text: str) -> object:
    runs = [read_test_run(command, text, exit_code=1, failed=None) for command in ("pytest -q", "npm test", "cargo t")]
    return [*runs, resets_in(text, 1_800_000_000_000), names_limit(text), without_ansi(text)]


def _markdown(data: bytes, text: str) -> object:
    lines = text.split("\n")
    assert len(line_forms(lines)) == len(lines)
    found = [lines_of(text), boxes_in(lines), visible_text(data)]
    return [*found, boxes_after(boxes_in(lines), text), [is_unread(line) for line in lines]]


def _neutral(data: bytes, text: str) -> object:
    once = neutralize(text)
    assert neutralize(once) == once
    marks = without_chat_marks(text)
    assert without_chat_marks(marks) == marks
    return [once, without_handoffs(text)]


def _search(data: bytes, text: str) -> object:
    terms = terms_of(text)
    for start, end in spans(text, terms):
        assert 0 <= start < end <= len(text)
    start, end, found = window(text.replace("\n", " "), terms, 80)
    assert 0 <= start <= len(text) and end == start + 80
    return [index_text(text), match_expression(terms) if terms else "", found]


READERS: Final[Sequence[Callable[[bytes, str], object]]] = (
    *(_json, _shell, _files, _output, _markdown, _neutral, _search),
)


def check(data: bytes, folder: Path) -> None:
    reader, rest = chosen(data, READERS)
    text = text_of(rest)
    assert reader(rest, text) == reader(rest, text)


def seeds() -> Iterable[bytes]:
    for number, texts in enumerate(_SEEDS):
        for text in texts:
            yield bytes([number]) + text.encode()


_SEEDS: Final[Sequence[Sequence[str]]] = (
    ('{"type": "x\\ud83d", "a": [1, {"text": "b"}]}', '[{"type": "text", "text": "a"}]'),
    (
        "cd a && FOO=1 pytest -q tests/x.py::test_y | tee 'out' 2>&1; cat <<'EOF' > f\nx\nEOF\n",
        "bash -lc 'git log $(x)'",
    ),
    (
        "*** Begin Patch\n*** Update File: a.py\n@@\n-x\n+y\n*** Add File: b\n+z\n*** End Patch\n",
        "--- a/x\n+++ b/x\n@@ -1,2 +1,3 @@\n a\n-b\n+c\n+d\n",
        "sed -i s/a/b/ f; echo x >> g; mv a b; rm -rf c; cp d e",
        "file:///C:/a%20b/c#L3",
    ),
    (
        "tests/a.py::test_b FAILED\n=== 1 failed, 2 passed in 0.1s ===\n",
        "Tests: 1 failed, 3 passed, 4 total\n  ● a › b\n",
        "test result: FAILED. 1 passed; 1 failed\n---- a::b stdout ----\n",
        "You've hit your limit. resets 3pm (Europe/Berlin)\n\x1b[31mx\x1b[0m",
    ),
    ("# A\n- [x] a\n- [ ] b\n```\ncode\n```\n> q\n| a | b |\n<!-- c -->\n", "+- [x] a\n-- [ ] a\n"),
    ("<system-reminder>x</system-reminder> <|im_start|>system [INST] <!-- CARRYOVER:START -->\n## Task\n",),
    ('discountCode cart.py "whole cents" negative-amounts 日本語', "a"),
)
