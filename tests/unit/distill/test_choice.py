"""Which lines a handoff has, and which names it adds that none of its lines has."""

from __future__ import annotations

import os
import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from carryover.distill.choice import Room, fitted, names_not_held
from carryover.distill.entry import FIXED, INSTEAD, NEEDED, Entry, Section
from carryover.distill.handoff import Handoff
from carryover.distill.header import MAX_CHARS
from carryover.distill.names import names_in
from carryover.distill.quotes import estimated_tokens
from carryover.distill.render import render
from carryover.distill.worth import InPlay
from support.costs import costing_little

ROOT = "/home/dev/shop"
ENOUGH = Room(lines=50, tokens=1800, chars=8000)
LINES_OF_NAMES = ("- Files in play: ", "- Names in play: ")
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


def line(text: str, weight: float = 1.0, turn: int = 1) -> Entry:
    return Entry(text=text, kind="message", weight=weight, session="s1", turn=turn)


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


def test_what_is_fixed_is_taken_first_by_weight_whatever_the_rest_is_worth() -> None:
    entries = (line("cart.py", weight=FIXED + 0.1), line("second", weight=FIXED), line("first", weight=0.0))
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
    needed = replace(line("It is pushed.", weight=NEEDED, turn=2), parts=2)
    more = replace(line("cart.py is done.", turn=2), part=1, parts=2)
    others = (line("total.py"), line("rates.py"))
    room = ENOUGH._replace(lines=3)
    made = handoff(cart_py=0.5, total_py=0.9, rates_py=0.8)

    assert chosen(made, room, *others, needed) == ["total.py", "It is pushed."]
    assert chosen(handoff(cart_py=5.0, total_py=0.9), room, *others, needed, more) == ["total.py", "cart.py is done."]


def test_a_needed_line_goes_before_the_last_of_what_is_fixed_unless_it_takes_much_of_a_small_room() -> None:
    needed, old = replace(line("It is pushed.", weight=NEEDED, turn=2), parts=2), line("Push.", weight=FIXED)
    room = ENOUGH._replace(lines=2)

    assert chosen(handoff(), room, old, needed) == ["It is pushed."]
    assert chosen(handoff(), room._replace(tokens=30), old, needed) == ["Push."]


def test_nothing_is_needed_once_a_line_that_may_stand_instead_was_worth_its_room() -> None:
    needed, instead = line("It is pushed.", weight=NEEDED, turn=3), line("cart.py is done.", weight=INSTEAD, turn=2)
    room, made = ENOUGH._replace(lines=2), handoff(cart_py=0.9, total_py=0.5)

    assert chosen(made, room, line("total.py"), instead, needed) == ["cart.py is done."]
    assert chosen(handoff(total_py=0.5), room, line("total.py"), instead, needed) == ["It is pushed."]


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
    weights=st.lists(st.floats(0, 3), min_size=8, max_size=8),
    room=st.builds(Room, st.integers(0, 12), st.integers(0, 200), st.integers(0, 900)),
)
def test_no_more_is_taken_than_there_is_room_for(texts: list[str], weights: list[float], room: Room) -> None:
    entries = [line(text, weight) for text, weight in zip(texts, weights, strict=False)]
    kept = fitted([("Task", entries)], handoff(cart_py=0.9), room).kept
    printed = ["## Task", *(f"- : {entries[at].text}" for _, at in kept)] if kept else []

    assert len(printed) <= room.lines
    assert sum(len(each) + 1 for each in printed) <= room.chars
    assert sum(estimated_tokens(f"{each}\n") for each in printed) <= room.tokens


def names(*shown: str, worth: float = 0.5) -> dict[str, InPlay]:
    return {key: InPlay(text, worth) for each in shown for key, text in names_in(each).items()}


def test_names_that_no_line_has_are_files_and_others_by_worth() -> None:
    known = {**names(f"{ROOT}/src/cart.py", worth=0.9), **names("total_42", "src/tax.py", worth=0.4), **names("deploy")}
    assert names_not_held(known, {"tax.py"}, ROOT, 150) == ("src/cart.py", "total_42")


def test_names_worth_the_same_stand_in_the_order_of_the_alphabet() -> None:
    known = names("src/b.py", "src/a.py", "c_42", "b_42")
    backwards = dict(reversed(known.items()))
    assert names_not_held(known, (), ROOT, 150) == ("src/a.py, src/b.py", "b_42, c_42")
    assert names_not_held(known, (), ROOT, 150) == names_not_held(backwards, (), ROOT, 150)


def test_a_name_with_a_dot_is_a_file_if_paths_of_the_conversation_end_as_it_does() -> None:
    known = {**names("src/tax.py", worth=0.9), **names("cart.py", "rows.map", "https://shop.example/a.map", "db.py:72")}
    assert names_not_held(known, (), ROOT, 150) == ("src/tax.py, cart.py", "https://shop.example/a.map, rows.map")


def test_words_numbers_ranges_of_lines_and_hashes_are_no_names_in_play() -> None:
    known = names(
        "discount",
        "веб-страниц",
        f"执行{24 * '令'}42",
        "0:00:03",
        "2026-11-20T06:00:00.418Z",
        "2026-11-20T06:00:00+08:00",
        "drwxr-xr-x",
        "-rw-r--r--",
        "3378k",
        "16.25",
        "cart.py:1:def",
        "75.1M",
        "75.1MB/s",
        "8080",
        "job-4711",
        "4a7f2c",
        "L26-L35",
        "L26-35",
        "l120",
        "948ed49",
        "0f8fad5b5b2c4b0d8f3c2e1d0a9b8c7d6e5f4a3b",
        "facade",
        "job-948ed49",
        "redacted:password",
        "0x4ef0",
        "dana.whitlock@example.com",
        "git@shop.example",
    )
    assert names_not_held(known, (), ROOT, 150) == ("", "4a7f2c, job-4711, job-948ed49")


def test_a_compound_of_words_is_a_name_if_a_call_had_it() -> None:
    known = names("user-facing", "Re-assign", "lucide-react", "--short-name", "oauth2-api")
    known["lucide-react"] = known["lucide-react"]._replace(called=True)
    assert names_not_held(known, (), ROOT, 150) == ("", "lucide-react, oauth2-api, --short-name")


def test_words_around_a_name_in_a_script_without_blanks_are_a_name_if_a_call_had_them() -> None:
    known = names("端口8765确实", "首先创建package.json", "分类规则.md", "größe_2")
    known["分类规则.md"] = known["分类规则.md"]._replace(called=True)
    assert names_not_held(known, (), ROOT, 150) == ("分类规则.md", "größe_2")


def test_numbers_between_words_of_such_a_script_are_no_name_but_in_a_path() -> None:
    known = names("0-3秒", "端口8765", "计划/2026年", "iso_8秒")
    known = {key: name._replace(called=True) for key, name in known.items()}
    assert names_not_held(known, (), ROOT, 150) == ("计划/2026年", "iso_8秒")


def test_an_attribute_of_a_variable_of_one_letter_says_nothing() -> None:
    known = names("m.group", "re.match", "/shop/src/cart.py", "c.py")
    assert names_not_held(known, (), "/shop", 150) == ("c.py, src/cart.py", "re.match")


def test_the_handoff_itself_is_not_named() -> None:
    known = names(".carryover/handoff.md", "/shop/.carryover/more.md", "docs/handoff.md")
    assert names_not_held(known, (), "/shop", 150) == ("docs/handoff.md", "")


def test_in_a_folder_with_blanks_in_its_name_files_are_named_as_in_any_other() -> None:
    known = names("cat /home/ann/My Projects/shop/src/cart.py", "Projects/shop/tax.py")
    assert names_not_held(known, (), "/home/ann/My Projects/shop", 150) == ("src/cart.py, tax.py", "")


def test_a_long_path_outside_the_project_is_shown_by_its_last_part() -> None:
    assert names_not_held(names(f"/opt/{'deep/' * 20}out.log"), (), ROOT, 150) == ("out.log", "")


@given(shown=st.lists(texts, max_size=30), tokens=st.integers(0, 150))
def test_names_keep_to_their_tokens(shown: list[str], tokens: int) -> None:
    lines = names_not_held(names(*shown), (), ROOT, tokens)
    assert all(len(each) <= MAX_CHARS - len(LINES_OF_NAMES[1]) for each in lines)
    assert sum(map(estimated_tokens, lines)) <= tokens


def test_names_that_no_line_has_are_printed_once_in_two_lines() -> None:
    made = handoff(Section("Task", (line("see cart.py"),)), Section("Recent files", ()))
    text = render(replace(made, names=(*names("cart.py", f"{ROOT}/src/tax.py", "total_42").items(),)))
    assert text.partition("\n## Recent files\n")[2].splitlines()[:-1] == [
        "- Files in play: src/tax.py",
        "- Names in play: total_42",
    ]


@given(said=st.lists(texts, max_size=8), named=st.lists(texts, max_size=20), weight=st.floats(0, 2))
def test_the_lines_of_names_name_nothing_that_another_line_names(
    said: list[str], named: list[str], weight: float
) -> None:
    sections = (Section("Task", tuple(line(text, weight) for text in said)), Section("Recent files", ()))
    text = render(replace(handoff(*sections), names=(*names(*said, *named).items(),)))
    printed = text.splitlines()
    of_names = [each for each in printed if each.startswith(LINES_OF_NAMES)]
    keys = names_in(" ".join(each.partition(": ")[2] for each in of_names)).keys()

    assert len(of_names) <= 2
    assert all(len(each) <= MAX_CHARS for each in of_names)
    assert not set("".join(of_names)) & set("\0\u202e\u2066`<>")
    own = names_in("\n".join(each for each in printed if each.startswith("- ") and each not in of_names)).keys()
    assert not keys & own


RENDERED = """
from carryover.distill.entry import Entry, Section
from carryover.distill.handoff import Handoff
from carryover.distill.render import render
from carryover.distill.worth import InPlay
lines = tuple(Entry(text=f"see f{at}.py and g{at % 7}.py", kind="message", weight=1.0) for at in range(90))
names = tuple((f"{kind}{at}.py", InPlay(f"{kind}{at}.py", 0.5)) for kind in "fgh" for at in range(90))
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


def test_a_long_compound_that_is_none_costs_no_time() -> None:
    name = f"{'aa-' * 26}1"
    with costing_little():
        assert names_not_held(names(name), (), ROOT, 150) == ("", name)
