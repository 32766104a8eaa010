from __future__ import annotations

import pytest

from carryover.distill.language.answer import Part, parts_of

ANSWER = """\
# The oven

It is built. **It is hot.**

**What is left**
- [x] the door
- [ ] the `light`
2) the bell

| loaf | kg |
|------|----|
| rye  | 2  |

---
```sh
make fire

make loaf
```
## Shall I go on?
"""


def test_an_answer_is_parted_into_headings_sentences_items_rows_and_code() -> None:
    assert [(part.kind, part.text, part.line) for part in parts_of(ANSWER)] == [
        ("heading", "The oven", 0),
        ("prose", "It is built.", 2),
        ("prose", "It is hot.", 2),
        ("heading", "What is left", 4),
        ("item", "the door", 5),
        ("item", "the `light`", 6),
        ("item", "the bell", 7),
        ("table", "rye · 2", 11),
        ("code", "make fire\n\nmake loaf", 14),
        ("prose", "Shall I go on?", 19),
    ]


def test_the_row_that_names_the_columns_of_a_table_is_none_of_it() -> None:
    rows = [part.text for part in parts_of("| way | cost |\n|:--|--:|\n| gas | 2 |\n| steam | 3 |")]

    assert rows == ["gas · 2", "steam · 3"]
    assert [part.text for part in parts_of("| gas | 2 |\n| steam | 3 |")] == ["gas · 2", "steam · 3"]


def test_code_without_an_end_goes_to_the_end() -> None:
    assert [(part.kind, part.text) for part in parts_of("Look:\n~~~\nmake fire\n```")] == [
        ("prose", "Look:"),
        ("code", "make fire\n```"),
    ]


@pytest.mark.parametrize(
    ("line", "numbered", "checked", "crossed"),
    [
        ("- rye", False, False, False),
        ("1. rye", True, False, False),
        ("(2) rye", True, False, False),
        ("B) rye", True, False, False),
        ("① rye", True, False, False),
        ("- [x] rye", False, True, False),
        ("✅ rye", False, True, False),
        ("- [ ] rye", False, False, True),
        ("- ❌ rye", False, False, True),
        ("3. ⚠️ rye", True, False, True),
    ],
)
def test_items_are_known_as_numbered_done_or_open_by_their_marks(
    line: str, numbered: bool, checked: bool, crossed: bool
) -> None:
    parts = parts_of(line)

    assert [(p.kind, p.numbered, p.checked, p.crossed) for p in parts] == [("item", numbered, checked, crossed)]


def part(sentence: str) -> Part:
    return Part("prose", sentence, 0)


@pytest.mark.parametrize(
    ("sentence", "fails"),
    [
        ("The steam oven failed.", True),
        ("All loaves rose without errors.", False),
        ("3 passed, 0 failed.", False),
        ("No failures so far, but the bell crashed.", True),
    ],
)
def test_that_nothing_failed_tells_of_no_failure(sentence: str, fails: bool) -> None:
    assert part(sentence).fails is fails


@pytest.mark.parametrize(
    ("sentence", "unproved"),
    [
        ("I couldn't verify it on a cold day.", True),
        ("The steam oven couldn't take the trays.", False),
    ],
)
def test_what_could_not_be_checked_is_distinguished_from_what_could_not_be_done(sentence: str, unproved: bool) -> None:
    assert part(sentence).only_unproved is unproved


@pytest.mark.parametrize(
    ("sentence", "courtesy"),
    [
        ("Let me know if you need anything else.", True),
        ("Sag gern Bescheid, wenn du noch etwas brauchst.", True),
        ("Let me know if `oven.py` should be split.", False),
        ("The oven is hot.", False),
    ],
)
def test_politeness_that_names_something_is_more_than_that(sentence: str, courtesy: bool) -> None:
    assert part(sentence).is_courtesy is courtesy


@pytest.mark.parametrize(
    ("text", "works"),
    [
        ("It runs.", True),
        ("It is yours to run.", False),
        ("The script is there to build the docs.", False),
        ("The build passes.", True),
    ],
)
def test_what_something_is_for_does_not_say_that_it_works(text: str, works: bool) -> None:
    [part] = parts_of(text)

    assert part.works is works
