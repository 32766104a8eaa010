"""What `make learn` learns and writes: a signal that is there, the same bytes each time, nothing without the notes."""

from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from carryover.distill import learned as in_use
from carryover.distill.digest import Name
from carryover.distill.view import ProjectView
from carryover.distill.worth import described
from quality import learn
from quality.examples import TARGETS, Example, by_age, by_row, fold_of, held_by_best, learned, out_of_fold
from quality.fetch import is_any_there, sessions_folder
from quality.manifest import Session, half_of

SESSIONS = sessions_folder()
NOTES, MIRRORS = os.environ.get("NOTES", ""), os.environ.get("MIRRORS", "")
NOWHERE = ProjectView(root="", sessions=())
OPEN = [name for name in map("someone/shop{}".format, range(20)) if half_of(name) == "open"][:3]
CLOSED = next(name for name in map("someone/till{}".format, range(20)) if half_of(name) == "closed")


def examples(count: int = 24) -> list[Example]:
    """Cuts at which mostly names with a suffix are needed, whatever else is known of them."""
    chance = random.Random(1)
    made = []
    for number in range(count):
        names = {}
        for at in range(60):
            age, said_age, called_age = sorted(chance.randrange(100) for _ in range(3))
            said, called = chance.randrange(4), chance.randrange(4)
            seen = Name("", said + called + 1, said, called, 100 - age, 100 - said_age, 100 - called_age)
            name = f"name_{at}{'.py' if at % 2 else ''}"
            names[name] = by_row(described(name, seen, 100))
        needed = frozenset(name for name in names if chance.random() < (0.6 if name.endswith(".py") else 0.05))
        repository = f"someone/{number % 8}"
        made.append(Example(f"{number:02}", repository, TARGETS[number % 2], names, needed, NOWHERE))
    return made


def test_a_signal_in_the_data_is_learned_and_holds_in_repositories_that_were_not_seen() -> None:
    pytest.importorskip("numpy")
    made = examples()
    weights = learned(made, 0.3)
    scorers = out_of_fold(made, 0.3)

    assert weights["suffix"] + weights["dot"] > 2
    assert all(abs(weights[row]) < 0.5 for row in ("in words", "in calls", "length of the past"))
    for each in made:
        assert held_by_best(each, scorers[fold_of(each.repository)], 70) > held_by_best(each, by_age, 70)


def test_the_order_of_the_data_makes_no_difference() -> None:
    pytest.importorskip("numpy")
    made = examples()
    shuffled = [*made]
    random.Random(2).shuffle(shuffled)
    assert learned(made, 0.3) == learned(shuffled, 0.3)


def test_the_share_of_notes_is_what_counts_not_their_number() -> None:
    pytest.importorskip("numpy")
    calls, notes = examples()[::2], examples()[1::2]
    assert learned([*calls, *notes], 0.3) == learned([*calls, *notes, *notes], 0.3)
    assert learned([*calls, *notes], 0.0) == learned(calls, 0.3)
    assert learned([*calls, *notes], 0.3) != learned([*calls, *notes], 0.9)


def test_the_table_is_as_it_would_be_written_and_small() -> None:
    assert Path(in_use.__file__).read_text(encoding="utf-8") == learn.file_text(in_use.NAME, in_use.LINE)
    assert len(in_use.NAME) + len(in_use.LINE) <= learn.MOST_NUMBERS
    assert set(learn.MEANINGS) == {*in_use.NAME, *in_use.LINE}
    assert all(line.keys() == in_use.LINE.keys() for line in learn.LINES)


def test_a_row_that_nobody_explains_is_refused() -> None:
    with pytest.raises(ValueError, match="colour"):
        learn.file_text({"colour": 1.0}, in_use.LINE)


def transcript(name: str) -> bytes:
    """Three turns of a session: each looks at files, and all but the first at those of the one before."""
    lines: list[dict[str, object]] = []

    def add(kind: str, content: object) -> None:
        at = f"2026-11-20T06:{len(lines):02}:00.000Z"
        own = {"uuid": f"{name}-{len(lines)}", "sessionId": name, "cwd": "/home/dev/shop", "version": "2.1.328"}
        lines.append({"type": kind, "timestamp": at, **own, "message": {"role": kind, "content": content}})

    for turn in range(4):
        add("user", f"Now do part {turn} of it.")
        for call in range(3):
            files = " ".join(f"src/{name}_{turn - back}_{call}_{each}.py" for back in range(2) for each in range(3))
            add(
                "assistant", [{"type": "tool_use", "id": f"c{len(lines)}", "name": "Bash", "input": {"command": files}}]
            )
            add("user", [{"type": "tool_result", "tool_use_id": f"c{len(lines) - 1}", "content": files}])
        add("assistant", [{"type": "text", "text": f"Part {turn} of it is done."}])
    return "".join(json.dumps(line) + "\n" for line in lines).encode()


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with sessions, notes on others and mirrors, instead of the public ones."""
    sessions = []
    for number, repository in enumerate(OPEN):
        content = transcript(f"shop{number}")
        sha = hashlib.sha256(content).hexdigest()
        facts = {"licence": "MIT", "agent": "claude-code", "version": "2.1.328", "language": "en", "prompts": 4}
        sessions.append(Session(repository, "0" * 40, "s.jsonl", "session.jsonl", sha, len(content), **facts))  # type: ignore[arg-type]
        (tmp_path / "sessions" / sha[:16]).mkdir(parents=True)
        (tmp_path / "sessions" / sha[:16] / "session.jsonl").write_bytes(content)
    closed = [Session(CLOSED, "0" * 40, "s.jsonl", "session.jsonl", "f" * 64, 1, **facts)]  # type: ignore[arg-type]
    monkeypatch.setattr(learn, "read", lambda: [*sessions, *closed])
    put_notes(tmp_path, "till", "someone/kiosk", transcript("kiosk"))
    put_notes(tmp_path, "shut", CLOSED, transcript("shut"))
    return tmp_path


def put_notes(data: Path, name: str, repository: str, content: bytes) -> None:
    work, notes = data / name, data / "notes"
    work.mkdir()
    notes.mkdir(exist_ok=True)
    (work / "s.jsonl").write_bytes(content)
    git = ("git", "-C", str(work))
    for command in (("init", "--quiet"), ("add", "."), ("commit", "--quiet", "--message=one")):
        subprocess.run([*git, *command], check=True)
    commit = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    (data / "mirrors").mkdir(exist_ok=True)
    (data / "mirrors" / repository.replace("/", "+")).symlink_to(work / ".git")
    (notes / f"{name}.json").write_text(json.dumps({"id": name, "findings": ["See kiosk_1_0_0.py and new.py."]}))
    sources = notes / "sources.tsv"
    sha = hashlib.sha256(content).hexdigest()
    head = sources.read_text() if sources.exists() else "id\tuntil\tagent\trepository\tcommit\tpath\tsha256\n"
    sources.write_text(f"{head}{name}\t24\tclaude-code\t{repository}\t{commit}\ts.jsonl\t{sha}\n")


def learns(data: Path, monkeypatch: pytest.MonkeyPatch, *more: str) -> int:
    arguments = ("--folder", str(data / "sessions"), "--to", str(data / "learned.py"), "--jobs", "1", *more)
    monkeypatch.setattr(sys, "argv", ["learn", *arguments])
    return learn.main()


def test_the_file_is_written_whole_and_with_the_same_bytes_again(
    data: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("numpy")
    asked = ("--notes", str(data / "notes"), "--mirrors", str(data / "mirrors"))
    written = []
    for _ in range(2):
        assert learns(data, monkeypatch, *asked) == 0
        written.append((data / "learned.py").read_text(encoding="utf-8"))
    names: dict[str, dict[str, float]] = {}
    exec(written[0], names)
    printed = capfd.readouterr().out

    assert written[0] == written[1] == learn.file_text(names["NAME"], names["LINE"])
    assert names["NAME"].keys() == in_use.NAME.keys()
    assert "left out: shut: sessions of its repository are in the closed half" in printed
    assert "1 cuts with readers' notes" in printed


def test_without_notes_nothing_is_written_and_the_reason_is_printed(
    data: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("numpy")
    assert learns(data, monkeypatch) == 0
    assert "Readers' notes are missing" in capfd.readouterr().out
    assert not (data / "learned.py").exists()


def test_a_transcript_that_is_not_the_one_that_was_read_is_left_out(
    data: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("numpy")
    sources = data / "notes" / "sources.tsv"
    sources.write_text(sources.read_text().replace(hashlib.sha256(transcript("kiosk")).hexdigest(), "0" * 64))

    assert learns(data, monkeypatch, "--notes", str(data / "notes"), "--mirrors", str(data / "mirrors")) == 0
    assert "left out: till: it is not the file that was read" in capfd.readouterr().out
    assert not (data / "learned.py").exists()


def test_without_sessions_it_says_how_to_get_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert learns(tmp_path, monkeypatch) == 1
    assert "make takeover-fetch" in capfd.readouterr().out


@pytest.mark.night
@pytest.mark.timeout(1200)
@pytest.mark.skipif(not is_any_there(SESSIONS), reason="needs public sessions: `make takeover-fetch`")
@pytest.mark.skipif(not (NOTES and MIRRORS), reason="needs readers' notes: NOTES=DIR MIRRORS=DIR")
def test_the_numbers_in_use_are_those_that_the_data_give(tmp_path: Path) -> None:
    pytest.importorskip("numpy")
    asked = ("--folder", str(SESSIONS), "--notes", NOTES, "--mirrors", MIRRORS, "--to", str(tmp_path / "learned.py"))
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-m", "quality.learn", *asked], env=env, check=True)

    assert (tmp_path / "learned.py").read_bytes() == Path(in_use.__file__).read_bytes()
