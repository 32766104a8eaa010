"""A made-up exam from its cuts to its page: what stays hidden, what is refused, and what is kept."""

import hashlib
import json
import shutil
import stat
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from quality.exam import grades, paper
from quality.exam.__main__ import main
from quality.exam.arms import ARMS
from quality.exam.draw import Drawn
from quality.exam.questions import QUESTIONS, answers
from quality.fetch import file_of
from quality.manifest import Session, written
from quality.peers import DEJA_VU, DIGEST
from quality.test_peers import can_be_alone

pytestmark = pytest.mark.night

QUESTION_IDS = [each.id for each in QUESTIONS]
REPOSITORIES = {"open": ("made-up/cart", "made-up/mail", "made-up/maps"), "closed": ("made-up/shop", "made-up/till")}
NAMES = " ".join(f"src/part_{number}.py" for number in range(9))


def said(role: str, content: list[dict[str, Any]], **more: str) -> dict[str, Any]:
    return {"type": "message", "message": {"role": role, "content": content, **more}}


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def turn(number: int) -> list[dict[str, Any]]:
    call = {"type": "toolCall", "id": f"call_{number}", "name": "bash", "arguments": {"command": f"wc {NAMES}"}}
    return [
        said("user", [text(f"Go on with step {number}")]),
        said("assistant", [call]),
        said("toolResult", [text(f"counted {NAMES}")], toolCallId=f"call_{number}", toolName="bash"),
        said("assistant", [text(f"Step {number} is done.")]),
    ]


def conversation(repository: str) -> bytes:
    """A made-up session in the form that pi writes."""
    records = [{"type": "session", "version": 3, "cwd": f"/home/dev/{repository}"}]
    records += [record for number in range(1, 8) for record in turn(number)]
    lines = []
    for number, record in enumerate(records):
        parent = f"m{number - 1}" if number > 1 else None
        times = {"id": f"m{number}", "parentId": parent, "timestamp": f"2026-01-01T00:00:{number:02}.000Z"}
        lines.append(json.dumps({**record, **times}) + "\n")
    return "".join(lines).encode()


def make(folder: Path, half: str = "open", *more: str) -> int:
    """Makes an exam of as many cuts as there are repositories, in `folder`/exam."""
    sessions = []
    for repository in REPOSITORIES[half]:
        content = conversation(repository)
        facts = {"licence": "MIT", "agent": "pi", "version": "1.5.2", "language": "en", "prompts": 7}
        sha256 = hashlib.sha256(content).hexdigest()
        session = Session(repository, "0" * 40, "s.jsonl", "s.jsonl", sha256, len(content), **facts)  # type: ignore[arg-type]
        file = file_of(session, folder / "sessions")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        sessions.append(session)
    (folder / "sessions.tsv").write_text(written(sessions), encoding="utf-8")
    where = ["--sessions", str(folder / "sessions"), "--manifest", str(folder / "sessions.tsv"), "--half", half]
    cuts = ["--cuts", str(len(sessions)), "--seed", "7"]
    return main(["sheets", str(folder / "exam"), *where, *cuts, *more])


def take(exam: Path) -> None:
    for taker in exam.glob("takers/*"):
        (taker / "who.md").write_text("# Who?\nA made-up taker\n", encoding="utf-8")
    for file in exam.glob("takers/*/sheets/*.md"):
        answered = [
            f"{line}\nAnswer of {file.parts[-3]}." if line.startswith("## ") else line
            for line in file.read_text(encoding="utf-8").splitlines()
        ]
        file.write_text("\n".join(answered), encoding="utf-8")


def grade(exam: Path, points: dict[str, str] | None = None) -> None:
    """Gives the answers about each arm's texts so many points; 1 where nothing is said."""
    arms = {(sheet.cut, sheet.letter): sheet.arm for sheet in paper.read(exam / "key").sheets}
    for file in exam.glob("graders/*/grades.tsv"):
        (file.parent / "who.md").write_text("A made-up grader\n", encoding="utf-8")
        head, *rows = file.read_text(encoding="utf-8").splitlines()
        filled = [head]
        for row in rows:
            cut, letter = row.split("\t")[:2]
            point = (points or {}).get(arms[cut, letter], "1")
            filled.append("\t".join([cut, letter, *[point] * len(QUESTION_IDS), "0", "1", "3", ""]))
        file.write_text("\n".join(filled) + "\n", encoding="utf-8")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    assert make(folder) == 0
    return folder / "exam"


@pytest.fixture
def exam(made: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made, tmp_path / "exam")


@pytest.fixture
def graded(exam: Path) -> Path:
    take(exam)
    assert main(["grading", str(exam)]) == 0
    grade(exam, {"handoff": "2", "tail": "0"})
    return exam


def test_no_taker_sees_a_cut_twice_and_each_sees_all_arms_equally_often() -> None:
    cuts = [f"{number:02}" for number in range(1, 7)]
    sheets = paper.assigned(cuts, ["one", "two", "three"], 7)
    assert Counter((sheet.taker, sheet.cut) for sheet in sheets).most_common(1)[0][1] == 1
    assert set(Counter((sheet.taker, sheet.arm) for sheet in sheets).values()) == {2}
    assert len({(sheet.cut, sheet.arm) for sheet in sheets}) == len({(s.cut, s.letter) for s in sheets}) == 18
    assert sheets == paper.assigned(cuts, ["one", "two", "three"], 7)
    assert sheets != paper.assigned(cuts, ["one", "two", "three"], 8)


def test_an_exam_goes_from_its_sheets_to_its_page(graded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["tally", str(graded)]) == 0
    page = capsys.readouterr().out
    assert "3 cuts of 3 repositories, the open half; 3 takers." in page
    assert "seed 7;" in page
    assert "| handoff | 1.000 [1.00, 1.00] | 3.00 | 0.00 | 1.00 | 3 | 0 |" in page
    assert "| handoff over tail | +1.000 [+1.00, +1.00] | 3 | 0 | 0 |" in page
    assert "2 graders. Krippendorff's alpha for ordered grades: 1.000 for all questions" in page


def test_only_the_key_names_arms_and_only_the_owner_reads_it(graded: Path) -> None:
    handed_out = [*graded.glob("takers/**/*.md"), *graded.glob("graders/**/*.*")]
    assert len(handed_out) > 30
    for file in handed_out:
        assert "handoff-8000" not in file.read_text(encoding="utf-8")
    for file in graded.glob("takers/*/texts/*.md"):
        assert "carryover" not in file.read_text(encoding="utf-8").casefold()
    assert stat.S_IMODE(graded.stat().st_mode) == 0o700


def test_sheets_that_are_missing_or_not_answered_are_named_and_nothing_is_mixed(
    exam: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    take(exam)
    (exam / "takers/1/sheets/01.md").unlink()
    sheet = exam / "takers/2/sheets/02.md"
    sheet.write_text(sheet.read_text(encoding="utf-8").replace("## Failures\nAnswer of 2.", "## Failures"), "utf-8")
    (exam / "takers/3/who.md").unlink()
    assert main(["grading", str(exam)]) == 1
    complaint = capsys.readouterr().err
    assert "takers/1, cut 01: not answered: Task, State" in complaint
    assert "takers/2, cut 02: not answered: Failures\n" in complaint
    assert "takers/3/who.md" in complaint
    assert not (exam / "graders/answers").exists()


def test_an_answer_must_not_say_whose_text_it_was(exam: Path, capsys: pytest.CaptureFixture[str]) -> None:
    take(exam)
    sheet = exam / "takers/1/sheets/01.md"
    sheet.write_text(sheet.read_text(encoding="utf-8") + "\nAs Carryover says.\n", encoding="utf-8")
    assert main(["grading", str(exam)]) == 1
    assert "takers/1, cut 01: it names Carryover" in capsys.readouterr().err


def test_an_answer_that_copies_the_text_is_refused(exam: Path, capsys: pytest.CaptureFixture[str]) -> None:
    take(exam)
    text_given = (exam / "takers/1/texts/01.md").read_text(encoding="utf-8")
    sheet = exam / "takers/1/sheets/01.md"
    sheet.write_text(sheet.read_text(encoding="utf-8") + text_given[:600].replace("\n", "\n\n"), encoding="utf-8")
    assert main(["grading", str(exam)]) == 1
    assert "takers/1, cut 01: it repeats more than 200 characters" in capsys.readouterr().err


def test_a_text_with_carriage_returns_arrives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bar = "12 %\r99 %\r\nok\n"
    monkeypatch.setattr("quality.exam.__main__.ARMS", dict.fromkeys(ARMS, lambda _: bar))
    assert make(tmp_path) == 0
    take(tmp_path / "exam")
    assert main(["grading", str(tmp_path / "exam")]) == 0, capsys.readouterr().err


def test_a_text_that_did_not_arrive_is_no_result(exam: Path, capsys: pytest.CaptureFixture[str]) -> None:
    take(exam)
    (exam / "takers/1/texts/01.md").write_text("another\n", encoding="utf-8")
    assert main(["grading", str(exam)]) == 1
    assert "takers/1, cut 01: the text is not the one that was made" in capsys.readouterr().err


def test_grades_that_are_missing_wrong_or_uneven_are_named_and_nothing_is_counted(
    graded: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = graded / "graders/1/grades.tsv"
    rows = table.read_text(encoding="utf-8").splitlines()
    rows[1] = rows[1].replace("\t3\t", "\t9\t")
    cells = rows[4].split("\t")
    rows[4] = "\t".join([*cells[:2], "-", *cells[3:]])
    table.write_text("\n".join(rows[:-1]) + "\n", encoding="utf-8")
    capsys.readouterr()
    assert main(["tally", str(graded)]) == 1
    said_so = capsys.readouterr()
    assert "graders/1/grades.tsv: 01 a: verdict is '9'" in said_so.err
    assert "graders/1/grades.tsv: 02: task is '-' for some answers and not for others" in said_so.err
    assert "graders/1/grades.tsv: 03 c is missing" in said_so.err
    assert said_so.out == ""


def test_one_grader_or_an_answer_changed_after_grading_is_no_result(
    graded: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (graded / "graders/2/grades.tsv").unlink()
    sheet = graded / "takers/1/sheets/01.md"
    sheet.write_text(sheet.read_text(encoding="utf-8") + "and more\n", encoding="utf-8")
    capsys.readouterr()
    assert main(["tally", str(graded)]) == 1
    complaint = capsys.readouterr().err
    assert "1 graders: it takes two" in complaint
    assert "takers/1, cut 01: the answer is not the one that graders were given" in complaint


@pytest.mark.parametrize("program", ["continues", "claude-handoff", "deja-vu"])
def test_only_sessions_that_each_arm_can_read_are_drawn(
    program: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert make(tmp_path, "open", "--arms", f"handoff,{program}") == 1
    assert "cuts in 0 sessions" in capsys.readouterr().err  # none of them reads pi's


@pytest.mark.skipif(not can_be_alone(), reason="namespaces are not permitted here")
def test_other_programs_are_asked_for_the_same_size_and_do_not_say_what_to_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for program in (DIGEST, DEJA_VU):
        file = program.package.program(tmp_path)
        file.parent.mkdir(parents=True)
        file.write_text('#!/bin/sh\necho "I said:\n## Asked\n$*\n\nThis is a compact slice of session 1: call me"\n')
        file.chmod(0o700)
    monkeypatch.setattr("quality.exam.arms.FOLDER", tmp_path)
    session = tmp_path / "session.jsonl"
    session.write_text("one\n")
    drawn = Drawn(paper.Cut("01", "id", "made-up/cart", "claude-code", "en", "answer", 1), session, [], [])
    assert "--fit 1800" in ARMS["claude-handoff"](drawn)
    assert "carryover" not in ARMS["claude-handoff"](drawn)
    assert ARMS["deja-vu"](drawn) == "## Asked\nhandoff\n"


def test_the_closed_half_is_kept_once_without_what_anybody_wrote(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert make(tmp_path, "closed", "--arms", "handoff,tail") == 0
    exam = tmp_path / "exam"
    take(exam)
    secret = "ghp_" + "aB3dE5gH7jK9mN1pQ3sT5vW7xY9zA1cD3eF5"
    sheet = exam / "takers/1/sheets/01.md"
    sheet.write_text(
        sheet.read_text(encoding="utf-8") + f"The token of ann@example.org is {secret}.\n", encoding="utf-8"
    )
    assert main(["grading", str(exam)]) == 0
    grade(exam)
    tally = ["tally", str(exam), "--results", str(tmp_path / "results")]
    assert main(tally) == 0
    [kept] = (tmp_path / "results").iterdir()
    files = {str(file.relative_to(kept)): file.read_text(encoding="utf-8") for file in kept.rglob("*.*")}
    assert {"exam.json", "cuts.tsv", "sheets.tsv", "who.tsv", "README.md", "grades/1.tsv", "grades/2.tsv"} == set(files)
    assert files["grades/1.tsv"].splitlines()[0].endswith("\tverdict")
    forbidden = (secret, "ann@example.org", "Step 2 is done")
    assert not [name for name, content in files.items() if any(text in content for text in forbidden)]
    assert main(tally) == 1
    assert "is there already" in capsys.readouterr().err


def test_an_answer_may_have_headings_of_its_own_and_a_grade_counts_in_halves() -> None:
    sheet = "## Task\nFix it.\n## Details\nNow.\n## State\nDone."
    assert answers(sheet)["task"] == "Fix it.\n## Details\nNow."
    assert grades.Grade({"task": 2, "state": 1}, 0, 0, 3).known == 0.75
