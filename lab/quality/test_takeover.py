"""The measure itself: where sessions are cut, what counts as needed, and when an arm has no result."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from carryover.distill.quotes import estimated_tokens
from quality import closed_runs
from quality.arms import tail
from quality.cuts import PLACES, Cut, Place, chosen, places, wanted_after
from quality.facts import common_facts, facts, held, needed
from quality.happened import Happening, Kind, happenings
from quality.intervals import interval
from quality.takeover import Given, not_delivered, of_same_size, report


def past(*kinds: Kind) -> list[Happening]:
    return [Happening(number, kind, f"text_{number}") for number, kind in enumerate(kinds, start=1)]


def test_facts_are_names_paths_numbers_and_longer_words() -> None:
    assert facts("Run `pytest tests/unit/test_cart.py -k total_42` at port 8080, the src/Cart.tsx.") == {
        "pytest",
        "test_cart.py",
        "total_42",
        "8080",
        "cart.tsx",
    }


def test_needed_is_what_was_seen_before_and_is_neither_given_nor_common() -> None:
    calls = {"seen.py", "given.py", "common.py", "new.py"}
    assert needed({"seen.py", "given.py", "common.py"}, calls, {"given.py"}, {"common.py"}) == {"seen.py"}
    assert held({"seen.py", "other.py"}, "in lib/SEEN.py") == 0.5


def test_what_many_repositories_hold_is_common() -> None:
    by_repository = {f"someone/{number}": {"pytest", f"own_{number}"} for number in range(10)}
    assert common_facts(by_repository) == {"pytest"}


def test_a_session_is_cut_after_an_answer_in_mid_turn_and_after_a_prompt() -> None:
    session = past(
        "prompt", "answer", "call", "result", "answer", "prompt", "call", "result", "call", "answer", "prompt"
    )
    assert list(places(session)) == [("prompt", 6), ("mid-turn", 8), ("answer", 10)]


def test_no_record_is_cut_in_two() -> None:
    session = [Happening(1, "prompt", "a")] * 8 + [Happening(1, "call", "b")]
    assert list(places(session)) == []


def test_later_calls_count_up_to_the_prompt_after_the_next_two() -> None:
    before = [Happening(1, "result", "one.py two.py given.py")]
    ahead = [
        Happening(2, "prompt", "look at given.py"),
        Happening(3, "call", "cat one.py given.py"),
        Happening(4, "prompt", "next"),
        Happening(5, "prompt", "another thing"),
        Happening(6, "call", "cat two.py"),
    ]
    assert wanted_after(before, ahead, frozenset()) == {"one.py"}


def test_the_same_seed_gives_the_same_cuts() -> None:
    names = " ".join(f"name_{number}.py" for number in range(9))
    turn = [("prompt", names), ("call", names), ("result", "done"), ("answer", "it is done")]
    session = [Happening(n, k, t) for n, (k, t) in enumerate(turn * 9, start=1)]  # type: ignore[arg-type]
    quiet = [
        each if each.kind != "prompt" or each.record < 9 else Happening(each.record, "prompt", "go") for each in session
    ]
    first = list(chosen(quiet, 2, "seed", frozenset()))
    assert first == list(chosen(quiet, 2, "seed", frozenset()))
    assert {place for place, _, _ in first} == set(PLACES) - {"between"}


def test_the_tail_keeps_the_end_within_its_size() -> None:
    text = tail(past("prompt", "answer", "call"), 12)
    assert text.endswith("Assistant: text_2\nCall: text_3")
    assert estimated_tokens(text) <= 12


@pytest.mark.parametrize("text", ["x" * 200, "é" + "x" * 200, "漢" * 9 + "x" * 200, "x" * 200 + "漢" * 4])
def test_the_tail_is_as_long_as_it_may_be_in_any_script(text: str) -> None:
    assert estimated_tokens(tail([Happening(1, "answer", text)], 20)) == 20


def test_an_interval_is_the_same_each_time_and_wider_for_repositories_that_differ() -> None:
    alike = {"a": [0.5, 0.5], "b": [0.5]}
    unlike = {"a": [0.0, 0.0], "b": [1.0], "c": [0.5]}
    assert interval(alike, 1) == (0.5, 0.5)
    low, high = interval(unlike, 1)
    assert low < 0.5 < high
    assert interval(unlike, 1) == (low, high)


def given(arm: str, number: int, *, failed: str = "") -> Given:
    place: Place = "answer"
    cut = Cut("s", f"someone/{number}", "codex", place, number, frozenset({"a.py"}))
    return Given(arm, cut, held=0.5, tokens=9, seconds=0.1, failed=failed)


def test_an_arm_whose_texts_did_not_arrive_has_no_result() -> None:
    page = report(
        [
            given(arm, n, failed="Error" if arm == "broken" and n else "")
            for n in range(4)
            for arm in ("whole", "broken")
        ],
        1,
    )
    assert "| broken | 1 of 4 |" in page
    assert not re.search(r"\| broken \|.*0\.500", page)
    assert re.search(r"\| whole \|.*0\.500", page)


def test_a_handoff_that_is_not_delivered_fails_the_run_and_another_programs_does_not() -> None:
    ours = [given("Carryover, 600", n, failed="RuntimeError" if n else "") for n in range(4)]

    assert not_delivered([given("Carryover, 600", 1), given("a peer, ask", 1, failed="Error")]) == []
    assert not_delivered(ours) == ["Carryover, 600: 1 of 4 texts were delivered (RuntimeError)"]
    assert not_delivered([]) == ["no session could be cut"]


def test_the_closed_half_is_scored_once_for_a_version(tmp_path: Path) -> None:
    record = tmp_path / "closed_runs.tsv"
    record.write_text("version\tdate\tseed\tsessions\n")
    assert not closed_runs.refusal(record)
    closed_runs.add(1, 93, record)
    assert "once" in closed_runs.refusal(record)


def test_another_program_is_compared_at_the_size_of_its_text_at_each_cut(tmp_path: Path) -> None:
    file = written_session(tmp_path, "\\n".join(f"Add a total of column {number}." for number in range(99)))
    theirs = replace(given("continues 4.0.12, minimal", 0), tokens=400)
    (ours,) = of_same_size(theirs, file)
    (longer,) = of_same_size(replace(theirs, tokens=900), file)

    assert (ours.cut, ours.failed) == (theirs.cut, "")
    assert 0 < ours.tokens <= 400 < longer.tokens <= 900
    assert of_same_size(replace(theirs, failed="Error"), file) == []

    by_place, beside = report([given("Carryover, 600", 0), theirs, ours], 1).split("On the cuts that")
    assert "at its size" not in by_place
    assert "| continues 4.0.12, minimal; Carryover at its size |" in beside


def test_what_happened_is_read_by_the_adapters(tmp_path: Path) -> None:
    agent, found = happenings(written_session(tmp_path))
    assert agent == "pi"
    assert [(each.record, each.kind, each.text) for each in found] == [(2, "prompt", "Add a total")]


def written_session(folder: Path, prompt: str = "Add a total") -> Path:
    file = folder / "session.jsonl"
    message = '{"type":"message","id":"%s","parentId":null,"timestamp":"2026-01-01T00:00:0%dZ","message":%s}\n'
    said = '{"role":"user","content":[{"type":"text","text":"' + prompt + '"}],"timestamp":1}'
    start = '{"type":"session","version":3,"id":"s","timestamp":"2026-01-01T00:00:00.000Z","cwd":"/home/dev/shop"}\n'
    file.write_text(start + message % ("m1", 1, said), encoding="utf-8")
    return file
