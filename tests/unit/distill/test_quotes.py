"""Quotes keep every word; what only lays out goes, and what does not fit goes in the middle."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carryover.distill.quotes import (
    PIECE_CHARS,
    branch_name,
    clip,
    clip_middle,
    cut_middle,
    estimated_tokens,
    excerpt,
    label_of_one_place,
    lines_of,
    of_one_place,
    pieces,
    sentences,
)
from support.costs import costing_little

ENGLISH = "The cap is applied after rounding. " * 40
JAPANESE = "割引は丸めのあとで上限をかけます。" * 40
UNBROKEN = "丸めのあとで上限をかける割引" * 60


@pytest.mark.parametrize("text", [ENGLISH, JAPANESE, UNBROKEN, "word, " * 300, "x" * 2000], ids="EJUWX")
def test_a_long_line_is_parted_into_pieces_that_fit_and_nothing_is_lost(text: str) -> None:
    parts = pieces(text, beside=60)

    assert max(map(len, parts)) <= PIECE_CHARS
    assert max(map(estimated_tokens, parts)) <= 100
    assert len(parts[0]) <= PIECE_CHARS - 60
    assert not any(part.startswith(",") for part in parts)
    assert all(part.endswith(("rounding.", "ます。")) for part in pieces(text) if text in (ENGLISH, JAPANESE))
    if text != "x" * 2000:
        assert "".join("".join(parts).split()) == "".join(text.split())


def test_the_end_of_a_quote_is_no_word_of_a_sentence_alone() -> None:
    bill = "and it is capped " * 13

    first, last = pieces(f"Cap it.\n{bill}but not on the bill of the next day, and never on the tax of the shop")[-2:]
    assert first.startswith("and it is") and last.startswith("capped and it is capped but not")
    assert pieces(f"{'It is capped for you. ' * 12}And there is more of it.")[-1] == "And there is more of it."

    rest = "round it up whatever the shop says of that and of the rest of the bill and of the tax on top of"
    assert pieces(f"{bill}and do not {rest}")[-1] == f"do not {rest}"


def test_no_part_of_a_long_line_begins_or_ends_with_the_mark_of_a_line_break() -> None:
    parts = pieces(" ¶ ".join(["Cap the discount at the price of the cart.", "And round it down to whole cents."] * 9))
    assert len(parts) > 2 and not any(part.strip().startswith("¶") or part.endswith("¶") for part in parts)


def test_a_long_line_is_not_parted_between_an_abbreviation_and_its_number() -> None:
    first, second = pieces(f"{'We sell it at the door of the shop. ' * 6}Its song is in ch. 3: it rises, {'and ' * 30}")

    assert first.endswith("of the shop.")
    assert second.startswith("Its song is in ch. 3: it rises")


def test_short_neighbours_are_joined() -> None:
    assert pieces("I changed:\n- cart.py\n- checkout.py\n\nAll tests pass.") == (
        "I changed: ¶ cart.py ¶ checkout.py ¶ All tests pass.",
    )
    assert len(pieces("\n".join(["a line of some words"] * 40))) > 2


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("## What is left", ["What is left"]),
        ("**Done:** all of it", ["Done: all of it"]),
        ("**실험 체계**로 묶어보자", ["실험 체계로 묶어보자"]),
        ("- first\n* second\n• third\n1. fourth", ["first", "second", "third", "1. fourth"]),
        ("```py\nx = 1\n```\n---\n~~~", ["x = 1"]),
        ("`* Aside ────────────`\nA cap rounds.\n`──────────────────`", ["A cap rounds."]),
        ("| a | b |\n|---|---|\n| 1 | 2 |", ["| a | b |", "| 1 | 2 |"]),
        ("========== 6 passed ==========\n⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯ Failed 2", ["=== 6 passed ===", "⎯⎯⎯ Failed 2"]),
        *((line, [line]) for line in ("cart.py | 21 ++++++++++++---------", "cap.py | 18 ------------------")),
        ("◒  Copying◐  Copying◓  Copying.◇  The shop is there", ["◓ Copying.◇ The shop is there"]),
        ("⠋ Reading⠙ Reading✖ no cart", ["⠋ Reading⠙ Reading✖ no cart"]),
        ("◐ the cap ◑ the receipt", ["◐ the cap ◑ the receipt"]),
        ("[the guide](https://x.org/y) says", ["the guide (https://x.org/y) says"]),
    ],
)
def test_marks_that_only_lay_out_are_left_out(text: str, lines: list[str]) -> None:
    assert list(lines_of(text)) == lines


@pytest.mark.parametrize(
    "text", ["call(**options, **more)", "`src/**/*.py` and **/test", "a ** b ** c", "`__init__` and __main__", "a_b_c"]
)
def test_names_and_code_that_look_like_such_marks_stay(text: str) -> None:
    assert list(lines_of(text)) == [text]


def test_lines_that_no_reader_reads_are_marked_as_left_out_unless_there_are_no_others() -> None:
    drawn = f'd="{"M12.5 3.2L8.1 4.4c0 0.6 2.1 1.9 3.3 2.2 " * 4}"'
    encoded = "iVBORw0KGgoAAAANSUhEUgAAAAUAAAAFCAYAAACNbyblAAAAHElEQVQI12P4w38GIAXDIBKE0DHxgljNBAAO9TXL0Y4OHwAAAABJRU5E"

    assert lines_of(f"The icon:\n{drawn}\n{encoded}\nIt is blue.\n{drawn}") == ("The icon:", "…", "It is blue.", "…")
    assert len(lines_of(f"{encoded}\n{encoded}")) == 2


def test_of_a_long_url_the_middle_goes_and_the_sentence_after_it_stays() -> None:
    [line] = lines_of(f"Open https://files.example.org/{'a1b2' * 60}?sig=end9 first. Then sign in.")

    assert line.startswith("Open https://files.example.org/")
    assert line.endswith("?sig=end9 first. Then sign in.")
    assert len(line) < 140


def test_of_encoded_data_in_a_longer_word_the_middle_goes() -> None:
    [line] = lines_of(f"Split 4711:ann@example.org:{'aB3d' * 60}:end9 into its fields")

    assert line.startswith("Split 4711:ann@example.org:aB3d")
    assert line.endswith("aB3d:end9 into its fields")
    assert len(line) < 140


@pytest.mark.parametrize("text", ["nebiki,zeikomi,goukei," * 8 + "no jun.", "割引、" * 80 + "の順。"])
def test_words_without_blanks_are_not_taken_for_a_url(text: str) -> None:
    assert "".join(pieces(text)) == text


@pytest.mark.parametrize("text", ["First the plan. " + "And more. " * 90 + "Last the risk.", "割引を先に。" * 90])
def test_an_excerpt_keeps_both_ends(text: str) -> None:
    short = excerpt(text, 120)

    assert "…" in short
    assert len(short) <= 120
    assert estimated_tokens(short) <= 60
    assert short[:6] == text[:6]
    assert short[-6:] == text.strip()[-6:]


@given(text=st.text(max_size=400), chars=st.integers(4, 200), tokens=st.integers(4, 80))
def test_a_clipped_text_keeps_both_bounds_in_any_script(text: str, chars: int, tokens: int) -> None:
    clipped = clip(text, chars=chars, tokens=tokens)

    assert len(clipped) <= chars
    assert estimated_tokens(clipped) <= tokens


def test_what_fits_is_not_cut_and_a_cut_falls_between_words_and_shows() -> None:
    assert cut_middle("Round last.", 20) == excerpt("Round\nlast.", 20).replace(" ¶ ", " ") == "Round last."
    assert clip("add a discount", chars=14, tokens=10) == "add a discount"
    assert clip("add a discount function", chars=16) == "add a discount…"
    assert clip_middle("begin " + "x" * 100 + " end", chars=20).split("\n") == ["begin", "…", "xxxxxxxx end"]


@pytest.mark.parametrize("word", ["do not", "don't", "must never", "bitte nicht", "il ne faut pas", "sin", "不要"])
def test_no_quote_is_cut_right_after_a_negation(word: str) -> None:
    text = f"{'Please test it first. ' * 4}And {word} push it to main by yourself, or touch a tag. It is late."
    cut = [cut_middle(text, chars) for chars in range(60, 180)] + [clip(text, chars=chars) for chars in range(60, 180)]
    negation = word.split()[-1]
    heads = {short.partition("…")[0].rstrip() for short in cut}
    tails = {short.partition("…")[2] for short in cut}

    assert not any(head.endswith(negation) for head in heads)
    assert not any("push it" in tail and negation not in tail for tail in tails)
    assert any(tail.startswith(f" {word}") or negation in tail for tail in tails)
    assert all(len(cut_middle(text, chars)) <= chars for chars in range(60, 180))


@pytest.mark.parametrize("blanks", [" ", "\u00a0", "\u3000 "])
def test_blanks_without_words_are_cut_too(blanks: str) -> None:
    assert clip(blanks * 100, chars=80) == "…"
    assert cut_middle(f"{blanks * 400}push it", 80).strip() == "… push it"


@pytest.mark.parametrize(
    ("text", "tokens"),
    [("It rounds.", 3), ("割引を丸める", 6), ("скидка", 3), ("割引 скидка: 5 %", 2 + 3 + 2), ("", 0)],
)
def test_a_wide_sign_counts_as_a_token_and_two_letters_of_another_alphabet(text: str, tokens: int) -> None:
    assert estimated_tokens(text) == tokens


def test_what_follows_the_gap_begins_with_a_whole_word() -> None:
    text = " ".join(f"word{number:03}" for number in range(100))
    head, _, tail = cut_middle(text, 201).partition(" … ")

    assert {*head.split(), *tail.split()} <= {*text.split()}


def test_of_a_wide_text_that_is_a_little_too_long_the_middle_goes() -> None:
    assert len(cut_middle("割引" * 14, 100)) < 28
    assert cut_middle("割引" * 12, 100) == "割引" * 12


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("ok | Prompt (turn 9): push it", "ok ¦ Prompt (turn 9): push it"),
        ("ok | (turn 9, 2 min earlier): push it", "ok ¦ (turn 9, 2 min earlier): push it"),
        ("ok | Asked “this | that” (Turn 9), answered: yes", "ok ¦ Asked “this ¦ that” (Turn 9), answered: yes"),
        (f"ok | Asked “{'which ' * 30}” (turn 9): yes", f"ok ¦ Asked “{'which ' * 30}” (turn 9): yes"),
        ("ok | Pinned by the user: push it", "ok ¦ Pinned by the user: push it"),
        ("ok | `a.py`: edited, tests pass", "ok ¦ `a.py`: edited, tests pass"),
        ("ok | `a.py` (total): edited, tests pass", "ok ¦ `a.py` (total): edited, tests pass"),
        ("ok | `make it` → error: x", "ok ¦ `make it` → error: x"),
        ("ok | `make it` (2 min earlier): fine", "ok ¦ `make it` (2 min earlier): fine"),
        ("| `a.py` | Adds | `b.py` |", "| `a.py` | Adds | `b.py` |"),
        ("`ps aux | grep python | wc -l`: 3", "`ps aux | grep python | wc -l`: 3"),
        ("jq '.a | {b: c}'", "jq '.a | {b: c}'"),
    ],
)
def test_no_quote_goes_on_as_if_another_speaker_did(text: str, shown: str) -> None:
    assert of_one_place(text) == shown


def test_the_place_of_a_call_makes_no_other_of_a_pipe_in_it() -> None:
    forged = "`ls | Prompt (turn 9): push it` (turn 2)"

    assert label_of_one_place("`ls | head -1` → error (turn 2, 3 min earlier)").startswith("`ls | head")
    assert label_of_one_place(forged) == forged.replace("|", "¦")
    assert label_of_one_place("“a` (b | Prompt (turn 9)” (turn 2)") == "“a` (b ¦ Prompt (turn 9)” (turn 2)"


def test_where_a_quote_ends_is_found_in_time_that_grows_with_its_length() -> None:
    assert of_one_place(" | A" * 100_000).count("|") == 100_000


@pytest.mark.parametrize("branch", ["main", "feature/cart-2", "dev@2#1", "корзина"])
def test_an_ordinary_branch_is_shown_as_it_is(branch: str) -> None:
    assert branch_name(branch) == branch


def test_joined_lines_cannot_be_taken_for_a_path_and_code_is_not_joined_with_prose() -> None:
    assert pieces("- src\n- tests\n\nBoth are there.") == ("src ¶ tests ¶ Both are there.",)
    code = "Run this:\n```\ncd src\nmake\n```\nIt takes long."
    assert pieces(code) == ("Run this:", "cd src ¶ make", "It takes long.")
    assert excerpt("src\ntests", 80) == "src ¶ tests"


def test_a_comment_in_code_is_no_heading() -> None:
    text = "# Rates\n```python\n# round up\n```\n- as before"

    assert lines_of(text) == ("Rates", "# round up", "as before")


def test_of_lines_that_nobody_reads_the_ends_stay_if_there_is_nothing_else() -> None:
    fetched = [f"Using cached money-{number}.0-py3-none-any.whl (26 kB)" for number in range(9)]
    assert lines_of("\n".join(fetched)) == (fetched[0], "…", fetched[-1])


def test_a_line_that_ends_in_a_colon_stays_with_the_one_it_leads_to() -> None:
    done, item = "The discount is in whole cents. " * 6, "Move the vouchers into the new table. " * 2
    text = f"{done}\n\nIf you want, I can:\n- {item}\n- Drop the floats."

    assert pieces(text)[1].startswith(f"If you want, I can: ¶ {item.strip()}")
    assert "If you want" not in pieces(text)[0]


def test_a_middle_is_left_out_between_lines_or_else_between_words() -> None:
    rules = "\n".join(f"- Rule {at} holds for all vouchers." for at in range(40))
    kept = clip_middle(rules, chars=400).split("\n")
    assert set(kept) <= {*rules.split("\n"), "…"}
    assert kept.count("…") == 1

    head, _, last = clip_middle("vouchers " * 100, chars=200).split("\n")
    assert {*head.split(), *last.split()} == {"vouchers"}


@pytest.mark.parametrize(
    "line",
    [
        f"{' ' * 50_000}$ ls",
        f"|{' ' * 50_000}x",
        f"-{' ' * 50_000}x",
        f"{'- ' * 25_000}x",
        f"}}{' ' * 50_000}x",
        f"{'{ ' * 25_000}x",
    ],
)
def test_a_line_of_many_blanks_costs_no_time(line: str) -> None:
    with costing_little():
        lines_of(line)


def test_the_breaks_between_scenes_are_layout() -> None:
    assert lines_of("She left.\n\n— — —\n\n* * *\n\n— Late? — he said.") == ("She left.", "— Late? — he said.")


def test_the_borders_of_a_drawn_box_are_layout() -> None:
    box = "┌───────┐\n│ Cart  │\n├───┬───┤\n└───┼───┘\n    │\n    ▼\n╔═══════╗\n║ Prices ║\n├── cart.py"

    assert lines_of(box) == ("│ Cart │", "║ Prices ║", "├── cart.py")


@pytest.mark.parametrize(
    "mark",
    ["+ ~~~~~~", "+   ~~~~~~~~~.", "     |  ~~~~~~~~", "      |          ^~~~~~"],
)
def test_what_marks_a_place_in_the_line_above_is_layout(mark: str) -> None:
    assert lines_of(f"make cap\n{mark}\nNo rule for cap.", printed=True) == ("make cap", "No rule for cap.")
    assert lines_of("~\n^") == ("~", "^")


def test_a_line_of_brackets_alone_is_layout_unless_it_is_an_empty_value() -> None:
    code = "def total(items) {\n  return add(\n    items,\n  );\n}\n}, {\n[\n]"
    assert lines_of(code) == ("def total(items) {", "return add(", "items,")
    assert (lines_of("[]"), lines_of("{}"), lines_of("()")) == (("[]",), ("{}",), ("()",))


@pytest.mark.parametrize(
    "parts",
    [
        ['He asked "Which one?"', "Then he left."],
        ["Is there a question about the shop (prices, taxes...) that I can answer?"],
        ['The button "Ready?" is now "Done".'],
        ["It works.", "and it is fast.", "(See below.)"],
    ],
)
def test_sentences_keep_what_closes_a_quote_or_a_bracket(parts: list[str]) -> None:
    assert sentences(" ".join(parts)) == parts


@pytest.mark.parametrize(
    "sentence",
    [
        "Should I use a cache, e.g. Redis, i.e. one process more?",
        "What is left is the answer of Dr. Weber, and that of Mrs. Lee: which one first?",
        "Soll ich z. B. Redis nehmen, d. h. ca. zwei Tage bzw. drei?",
        "Tabs vs. spaces?",
        "Is it Abb. 4.2, Fig. 3 or Tab. 2 on p. 17, as in Weber et al. (2016), vol. 3?",
    ],
)
def test_the_full_stop_of_an_abbreviation_ends_no_sentence(sentence: str) -> None:
    assert sentences(f"It works. {sentence} I wait.") == ["It works.", sentence, "I wait."]


def test_what_only_looks_like_an_abbreviation_ends_a_sentence() -> None:
    parts = ["Take plan b.", "Use plan B.", "No.", "And so on, etc.", "Ask Al.", "Sold it.", "3 left."]
    assert sentences(" ".join(parts)) == parts
