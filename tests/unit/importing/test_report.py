"""What is said of a file that gives no conversation: an empty handoff is never silent."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from carryover.actions.importing import ImportRequest, import_file
from carryover.errors import UserError
from carryover.importing.report import what_it_holds
from carryover.past.transcript import handoff_of_transcript
from carryover.paths import StateDir

META = {"id": "01a1f792-0000-7000-8000-000000000099", "timestamp": "2026-11-20T06:00:00Z", "cwd": "/home/dev/shop"}


def codex(*kinds: str) -> str:
    """A rollout of Codex with records of these types."""
    head = {"timestamp": "2026-11-20T06:00:00Z", "type": "session_meta", "payload": META}
    others = ({"timestamp": "2026-11-20T06:00:01Z", "type": kind, "payload": {"said": "secret"}} for kind in kinds)
    return "".join(json.dumps(record) + "\n" for record in (head, *others))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            codex("brand_new", "brand_new", "other_new"),
            "1 of its first 4 records understood, 3 not, by type: brand_new (2), other_new (1)",
        ),
        (codex("world_state"), "2 of its first 2 records understood, and none is a prompt, an answer or a call"),
    ],
)
def test_a_transcript_without_a_conversation_says_which_records_it_has(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "rollout.jsonl"
    path.write_text(text)

    with pytest.raises(UserError) as handoff:
        handoff_of_transcript(path, None, None)
    with pytest.raises(UserError) as taken:
        import_file(StateDir(tmp_path), ImportRequest(path, str(tmp_path)), store=False)

    assert "read as a transcript of Codex" in str(handoff.value)
    assert said in str(handoff.value)
    assert said.partition(", and none")[0] in str(taken.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"type": "turn", "a": 1}\n{"type": "turn"}\n{"kind": "end"}\n', "by type: turn (2), end (1)."),
        (b'{"name": "shop",\n "version": 1}\n', "one JSON document"),
        (b"\xef\xbb\xbf[{\n", "one JSON document"),
        (b"[project]\nname = 1\n", "text in which no line says who speaks"),
        (b"# Notes\n\nUser: ann\n", "text in which no line says who speaks"),
        (b"\x89PNG\0\0", "not text"),
    ],
)
def test_another_file_is_described_by_its_form_and_never_quoted(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)

    with pytest.raises(UserError) as handoff:
        handoff_of_transcript(path, None, None)
    with pytest.raises(UserError) as taken:
        import_file(StateDir(tmp_path), ImportRequest(path), store=False)

    assert said in str(handoff.value)
    assert said in str(taken.value)
    assert not {"shop", "ann", "name ="} & set(str(taken.value).split())


def test_a_transcript_that_lacks_its_beginning_is_named_by_what_is_left_of_it(tmp_path: Path) -> None:
    path = tmp_path / "rest.jsonl"
    path.write_text("".join(codex("world_state", "brand_new").splitlines(keepends=True)[1:]))

    assert "looks most like a transcript of Codex: 1 of its first 2 records understood, 1 not" in what_it_holds(path)
