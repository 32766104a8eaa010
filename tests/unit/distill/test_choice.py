"""Which lines a handoff has, and which files of earlier calls it adds that none of its lines has."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from carryover.distill.choice import Room, files_not_held, fitted
from carryover.distill.entry import ORDER, Entry, Rank, Section, fixed_rank
from carryover.distill.handoff import Handoff
from carryover.distill.header import MAX_CHARS
from carryover.distill.names import names_in
from carryover.distill.quotes import estimated_tokens
from carryover.distill.render import render
from carryover.distill.worth import InPlay

ROOT = "/home/dev/shop"
ENOUGH = Room(lines=50, tokens=1800, chars=8000)
FILES_IN_PLAY = "- Files in play: "
hostile = st.sampled_from(
    [
        "x" * 500,
        "y" * 79,
        "a\0b.py",
        "\u202ecart.py",
        "</system-reminder>",
        "```",
        "[CARRYOVER]",
        "src/../../etc/passwd",
    ]
)
words = st.one_of(
    hostile, st.sampled_from(["src/cart.py", "total_42", "/tmp/out.log", "Deploy-It"]), st.text(max_size=20)
)
texts = st.lists(words, max_size=12).map(" ".join)


def line(text: str, rank: Rank | None = None, turn: int = 1, *, needed: bool = False) -> Entry:
    return Entry(text=text, kind="message", rank=rank, session="s1", turn=turn, needed=needed)


def test_all_newest_quotes_have_a_line_before_one_has_a_second_or_an_older_one_a_first() -> None:
    first, second, older = [
        [fixed_rank(row, line, back) or () for row in ORDER] for line, back in ((0, 0), (1, 0), (0, 1))
    ]

    assert max(first) < min(filter(None, second)) and max(first) < min(filter(None, older))


def handoff(*sections: Section, **worths: float) -> Handoff:
    """A handoff in which names have the worth that is given for them; `_` stands for a dot."""
    return Handoff(
        updated_ms=1_795_155_746_000,
        agent="Codex",
        resume="ask",
        session="c0de0000-0000-4000-8000-000000000001",
        head=None,
        sections=sections,
        turns=(("s1", 3), ("s1", 2), ("s1", 1)),
        root=ROOT,
        names=tuple((name.replace("_", "."), InPlay(name.replace("_", "."), worth)) for name, worth in worths.items()),
    )


def chosen(made: Handoff, room: Room, *entries: Entry) -> list[str]:
    kept = fitted([("Task", entries)], made, room).kept
    return [entries[at].text for _, at in sorted(kept)]


def test_only_the_first_line_of_a_quote_is_charged_for_its_speaker() -> None:
    quote = replace(line("cart.py"), label="Codex answered before all the others (turn 1, 3 min earlier)", parts=2)
    second, other = replace(quote, text="tax.py", part=1), line("bill.py")
    room = ENOUGH._replace(lines=3)  # with the heading

    assert chosen(handoff(cart_py=2.0, tax_py=0.5, bill_py=0.3), room, quote, second, other) == ["cart.py", "tax.py"]


def test_what_is_fixed_is_taken_first_by_rank_whatever_the_rest_is_worth() -> None:
    entries = (line("cart.py"), line("second", (0, 2)), line("first", (0, 1)))
    room = ENOUGH._replace(lines=3)  # with the heading

    assert chosen(handoff(cart_py=1.0), room, *entries) == ["second", "first"]
    assert chosen(handoff(cart_py=1.0), ENOUGH._replace(lines=2), *entries) == ["first"]


def test_what_can_be_looked_at_again_is_worth_half() -> None:
    seen, said = replace(line("cart.py tax.py"), again=True), line("bill.py due.py")
    room = ENOUGH._replace(lines=2)

    assert chosen(handoff(cart_py=0.9, bill_py=0.5), room, seen, said) == [said.text]
    assert chosen(handoff(cart_py=0.9, bill_py=0.3), room, seen, said) == [seen.text]
    assert chosen(handoff(cart_py=0.9, bill_py=0.5), room, replace(seen, again=False), said) == [seen.text]


def test_a_needed_line_is_taken_only_if_nothing_of_its_quote_was_worth_its_room() -> None:
    needed = replace(line("It is pushed.", turn=2, needed=True), parts=2)
    more = replace(line("cart.py is done.", turn=2), part=1, parts=2)
    others = (line("total.py"), line("rates.py"))
    room = ENOUGH._replace(lines=4)
    made = handoff(cart_py=0.5, total_py=0.9, rates_py=0.8, bill_py=0.7)

    assert chosen(made, room, *others, line("bill.py"), needed) == ["total.py", "rates.py", "It is pushed."]
    assert chosen(handoff(cart_py=5.0, total_py=0.9, rates_py=0.8), room, *others, needed, more) == [
        "total.py",
        "rates.py",
        "cart.py is done.",
    ]


def test_a_needed_line_gives_way_to_what_is_fixed_and_takes_little_of_a_small_room() -> None:
    needed, fixed = line("It is pushed.", turn=2, needed=True), line("Push.", (0,))
    others = (line("total.py"), line("rates.py"))
    made = handoff(total_py=0.9, rates_py=0.8)

    assert chosen(made, ENOUGH._replace(lines=2), needed, fixed) == ["Push."]
    assert chosen(made, ENOUGH._replace(lines=4), needed, fixed, *others) == ["It is pushed.", "Push.", "total.py"]
    assert chosen(made, Room(4, 30, 900), needed, fixed, *others) == ["Push.", "total.py", "rates.py"]


def test_of_several_needed_lines_one_is_enough_and_the_first_is_taken_if_none_was_worth_its_room() -> None:
    needed, other = line("It is pushed.", turn=3, needed=True), line("cart.py is done.", turn=2, needed=True)
    room, made = ENOUGH._replace(lines=4), handoff(cart_py=0.9, total_py=0.5, rates_py=0.5)
    others = (line("total.py"), line("rates.py"))

    assert chosen(made, room, *others, needed, other) == ["total.py", "rates.py", "cart.py is done."]
    assert chosen(handoff(total_py=0.5, rates_py=0.5), room, *others, needed, other) == [
        "total.py",
        "rates.py",
        "It is pushed.",
    ]


def test_lines_with_names_worth_more_are_taken_first() -> None:
    entries = (line("see old.py"), line("see new.py"))
    assert chosen(handoff(old_py=0.1, new_py=0.9), ENOUGH._replace(lines=2), *entries) == ["see new.py"]


def test_of_two_lines_with_the_same_names_the_second_gives_way_to_another() -> None:
    entries = (line("see best.py"), line("and best.py"), line("see next.py"))
    assert chosen(handoff(best_py=0.9, next_py=0.3), ENOUGH._replace(lines=3), *entries) == [
        "see best.py",
        "see next.py",
    ]


def test_of_lines_without_names_the_newest_are_taken_first() -> None:
    entries = (line("the first", turn=1), line("the third", turn=3), line("the other", turn=2))
    assert chosen(handoff(), ENOUGH._replace(lines=3), *entries) == ["the third", "the other"]


def test_a_repeated_line_is_printed_once() -> None:
    made = handoff(Section("Task", (line("see cart.py"), line("see cart.py"))), cart_py=0.9)
    assert render(made).count("see cart.py") == 1


def test_what_is_held_are_the_names_of_the_lines_that_were_taken() -> None:
    fit = fitted([("Task", (line("see cart.py"), line("z" * 9000)))], handoff(cart_py=0.9), ENOUGH)
    assert fit.held == {"cart.py"}


@given(
    texts=st.lists(texts, max_size=8),
    ranks=st.lists(st.none() | st.tuples(st.integers(0, 3)), min_size=8, max_size=8),
    room=st.builds(Room, st.integers(0, 12), st.integers(0, 200), st.integers(0, 900)),
)
def test_no_more_is_taken_than_there_is_room_for(texts: list[str], ranks: list[Rank | None], room: Room) -> None:
    entries = [line(text, rank) for text, rank in zip(texts, ranks, strict=False)]
    kept = fitted([("Task", entries)], handoff(cart_py=0.9), room).kept
    printed = ["## Task", *(f"- : {entries[at].text}" for _, at in kept)] if kept else []

    assert len(printed) <= room.lines
    assert sum(len(each) + 1 for each in printed) <= room.chars
    assert sum(estimated_tokens(f"{each}\n") for each in printed) <= room.tokens


def names(*shown: str, worth: float = 0.5, called: bool = True) -> dict[str, InPlay]:
    return {key: InPlay(text, worth, called) for each in shown for key, text in names_in(each).items()}


def test_files_that_calls_had_and_no_line_has_are_named_by_worth() -> None:
    known = {**names("src/bill.py", worth=0.4), **names(f"{ROOT}/src/cart.py", worth=0.9), **names("src/tax.py")}
    assert files_not_held(known, {"tax.py"}, ROOT, 100) == "src/cart.py, src/bill.py"


def test_what_was_only_said_or_printed_is_not_named() -> None:
    known = {**names("src/cart.py"), **names("src/tax.py", "total_42", called=False)}
    assert files_not_held(known, (), ROOT, 100) == "src/cart.py"


def test_files_worth_the_same_stand_in_the_order_of_the_alphabet() -> None:
    known = names("src/b.py", "src/a.py")
    assert files_not_held(known, (), ROOT, 100) == "src/a.py, src/b.py"
    assert files_not_held(dict(reversed(known.items())), (), ROOT, 100) == "src/a.py, src/b.py"


def test_a_name_without_folders_is_a_file_if_paths_in_calls_end_as_it_does() -> None:
    known = {**names("src/tax.py", "cart.py", "rows.map", "db.py:72", "m.group"), **names("b/a.map", called=False)}
    assert files_not_held(known, (), ROOT, 100) == "cart.py, src/tax.py"


@pytest.mark.parametrize(
    "name",
    [
        "console.error",
        "Get-Content",
        "--name-only",
        "text-gray-500",
        "4a7f2c",
        "2026-11-20T06:00:00.418Z",
        "toolu_01Ab29.txt",
        "https://shop.example/cart.py",
        "src/components",
        "origin/main...HEAD",
        "better-auth/next-js",
        "s/total/sum/g",
    ],
)
def test_words_of_a_call_that_are_no_files_are_not_named(name: str) -> None:
    assert files_not_held(names(name, f"{ROOT}/src/cart.py"), (), ROOT, 100) == "src/cart.py"


@pytest.mark.parametrize(
    "path",
    [
        "/home/dev/.claude/projects/-home-dev-shop/tool-results/out.py",
        "/tmp/scratch.py",
        f"{ROOT}/node_modules/left/index.py",
        "node_modules/left/index.py",
        "../other/cart.py",
    ],
)
def test_what_programs_keep_for_themselves_and_scratch_files_are_not_named(path: str) -> None:
    assert files_not_held(names(path, f"{ROOT}/src/tax.py"), (), ROOT, 100) == "src/tax.py"


def test_what_is_called_like_a_log_or_ends_the_names_of_files_is_not_named() -> None:
    known = names("console.log", f"{ROOT}/shop.log", ".test.ts", ".nvmrc.ts", "src/tax.test.ts")
    assert files_not_held(known, (), ROOT, 100) == ".nvmrc.ts, shop.log, src/tax.test.ts"


def test_the_handoff_itself_is_not_named() -> None:
    known = names(".carryover/handoff.md", "/shop/.carryover/more.md", "docs/handoff.md")
    assert files_not_held(known, (), "/shop", 100) == "docs/handoff.md"


def test_in_a_folder_with_blanks_in_its_name_files_are_named_as_in_any_other() -> None:
    known = names("cat /home/ann/My Projects/shop/src/cart.py", "Projects/shop/tax.py")
    assert files_not_held(known, (), "/home/ann/My Projects/shop", 100) == "src/cart.py, tax.py"


def test_a_file_outside_of_the_project_is_named_in_full() -> None:
    assert files_not_held(names("/etc/shop/cart.conf"), (), ROOT, 100) == "/etc/shop/cart.conf"


@given(shown=st.lists(texts, max_size=30), tokens=st.integers(0, 100))
def test_files_keep_to_their_tokens(shown: list[str], tokens: int) -> None:
    files = files_not_held(names(*shown), (), ROOT, tokens)
    assert len(files) <= MAX_CHARS - len(FILES_IN_PLAY)
    assert estimated_tokens(files) <= tokens


def test_files_that_no_line_has_are_printed_once() -> None:
    made = handoff(Section("Task", (line("see cart.py"),)), Section("Recent files", ()))
    text = render(replace(made, names=(*names("cart.py", f"{ROOT}/src/tax.py", "total_42").items(),)))
    assert text.partition("\n## Recent files\n")[2].splitlines()[:-1] == ["- Files in play: src/tax.py"]


@given(said=st.lists(texts, max_size=8), named=st.lists(texts, max_size=20), rank=st.none() | st.just((0,)))
def test_the_line_of_files_names_nothing_that_another_line_names(
    said: list[str], named: list[str], rank: Rank | None
) -> None:
    sections = (Section("Task", tuple(line(text, rank) for text in said)), Section("Recent files", ()))
    text = render(replace(handoff(*sections), names=(*names(*said, *named).items(),)))
    printed = text.splitlines()
    of_files = [each for each in printed if each.startswith(FILES_IN_PLAY)]
    keys = names_in(" ".join(each.partition(": ")[2] for each in of_files)).keys()

    assert len(of_files) <= 1
    assert all(len(each) <= MAX_CHARS for each in of_files)
    assert not set("".join(of_files)) & set("\0\u202e\u2066`<>")
    own = names_in("\n".join(each for each in printed if each.startswith("- ") and each not in of_files)).keys()
    assert not keys & own


RENDERED = """
from carryover.distill.entry import Entry, Section
from carryover.distill.handoff import Handoff
from carryover.distill.render import render
from carryover.distill.worth import InPlay
lines = tuple(Entry(text=f"see f{at}.py and g{at % 7}.py", kind="message") for at in range(90))
names = tuple((f"{kind}{at}.py", InPlay(f"src/{kind}{at}.py", 0.5, True)) for kind in "fgh" for at in range(90))
print(render(Handoff(updated_ms=1, agent="Codex", resume="ask", session="s1", head=None, root="/r", names=names,
    sections=(Section("Task", lines), Section("Recent files", ())))))
"""


def test_the_choice_does_not_depend_on_how_python_hashes_text() -> None:
    first, second = (
        subprocess.run(
            [sys.executable, "-c", RENDERED],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    )
    assert first == second
    assert b"Files in play: " in first


def test_no_room_is_kept_for_files_where_no_call_had_one() -> None:
    without = handoff(Section("Progress log", tuple(line(f"Painted wall {n}", (0,)) for n in range(60))))
    said = replace(without, names=tuple(names("total_42", called=False).items()))
    assert render(said) == render(without)
    assert render(replace(said, names=tuple(names("src/cart.py").items()))) != render(without)
