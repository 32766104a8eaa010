from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from carryover.cli.demo.replay import make_project, replay
from carryover.cli.transcript import handoff_of_transcript
from carryover.errors import ExitCode, UserError

DISCOUNT = "c0de0000-0000-4000-8000-000000000001.jsonl"
CHECKOUT = "c0de0000-0000-4000-8000-000000000012.jsonl"


@pytest.fixture
def elsewhere(shop: Path, tmp_path: Path) -> Path:
    """The transcripts of a project that is not on this machine, in a folder that is no agent's."""
    gone = Path("/home/somebody/shop")
    for transcript in shop.parent.glob(".claude/projects/*/*.jsonl"):
        (tmp_path / transcript.name).write_text(transcript.read_text().replace(str(shop), str(gone)))
    return tmp_path


def sections(text: str) -> list[str]:
    return [line[3:] for line in text.splitlines() if line.startswith("## ")]


def test_a_transcript_gives_its_handoff_and_its_project(elsewhere: Path) -> None:
    made = handoff_of_transcript(elsewhere / CHECKOUT, None, None)

    assert made.root == "/home/somebody/shop"
    assert {"Task", "Recent files", "Next action"} <= set(sections(made.text))
    assert "Wire discount into checkout" in made.text
    assert "`checkout.py`" in made.text


def test_the_time_of_the_handoff_is_that_of_the_last_event_and_it_is_the_same_each_time(elsewhere: Path) -> None:
    first = handoff_of_transcript(elsewhere / DISCOUNT, None, None)

    assert first == handoff_of_transcript(elsewhere / DISCOUNT, "claude-code", None)


def test_neither_git_nor_the_files_of_the_project_are_asked(shop: Path, home: Path) -> None:
    """What they say today was not so at that line of the transcript, and elsewhere they are not there at all."""
    transcript = next(home.glob(f".claude/projects/*/{DISCOUNT}"))
    before = handoff_of_transcript(transcript, None, None).text
    (shop / "cart.py").write_text("def broken(:\n")

    assert "Git context" not in sections(before)
    assert handoff_of_transcript(transcript, None, None).text == before


def test_a_file_that_names_no_folder_says_so(tmp_path: Path) -> None:
    """Codex before 0.22 wrote none down."""
    header = {
        "id": "46daf41c-d9e5-440e-8a92-f528b46e43dd",
        "timestamp": "2025-08-01T10:00:00.000Z",
        "instructions": None,
    }
    content = [{"type": "input_text", "text": "Fix the failing discount test."}]
    lines = [header, {"type": "message", "role": "user", "content": content}]
    (tmp_path / "old.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))

    with pytest.raises(UserError, match="names no folder that was worked in") as caught:
        handoff_of_transcript(tmp_path / "old.jsonl", None, None)
    assert caught.value.code == ExitCode.NOTHING_FOUND


@pytest.mark.parametrize("until", [3, 7, 12, 20, 33, 37, 1000])
def test_up_to_a_line_is_as_if_the_file_ended_there(elsewhere: Path, until: int) -> None:
    transcript = elsewhere / DISCOUNT
    cut = elsewhere / "cut.jsonl"
    cut.write_bytes(b"".join(transcript.read_bytes().splitlines(keepends=True)[:until]))

    assert handoff_of_transcript(transcript, None, until) == handoff_of_transcript(cut, None, None)


def test_before_the_first_prompt_there_is_nothing_to_hand_over(elsewhere: Path) -> None:
    with pytest.raises(UserError, match="up to line 1") as raised:
        handoff_of_transcript(elsewhere / DISCOUNT, None, 1)

    assert raised.value.code == ExitCode.NOTHING_FOUND


@pytest.mark.parametrize("content", ["", "not a transcript\n", '{"type": "something else"}\n', "\x00\xff" * 50])
def test_a_file_that_no_agent_wrote_is_not_guessed_at(tmp_path: Path, content: str) -> None:
    path = tmp_path / "notes.txt"
    path.write_text(content)

    with pytest.raises(UserError, match="Name the agent with --agent") as raised:
        handoff_of_transcript(path, None, None)

    assert raised.value.code == ExitCode.NOTHING_FOUND


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"There is no file .*gone\.jsonl") as raised:
        handoff_of_transcript(tmp_path / "gone.jsonl", None, None)

    assert raised.value.code == ExitCode.NOTHING_FOUND


def test_nothing_of_the_users_is_read_or_made(home: Path, elsewhere: Path) -> None:
    """Another project's history in the home folder makes no difference, and no state folder appears."""
    other = home / "other"
    make_project(other, os.environ)
    alone = handoff_of_transcript(elsewhere / DISCOUNT, None, None)
    for _ in replay(home / ".claude", other):
        pass

    assert handoff_of_transcript(elsewhere / DISCOUNT, None, None) == alone
    assert not (home / ".carryover").exists()
