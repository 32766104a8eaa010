"""What a short prompt answered stands beside it, in short if it is long."""

from __future__ import annotations

import pytest

from carryover.distill.render import render
from support.conversation import GOAL, handoff, session, under, worked

SEVERAL = """Before I begin, I need to know:

### 1. **Where to convert**
The importer has the rates.
- **A)** in the checkout, as the shop in Vienna does it with its own rates
- **B)** in the importer

### 2. **Cap**
- A) at half of the price, as the lawyers of the shop in Vienna prefer it
- B) none

3. And which name shall the column have?
"""
TOWNS = ("Aussee", "Bregenz", "Cilli")
OPTIONS = "\n".join(f"{number}. {'the importer of the shop ' * 3}number {number}" for number in (1, 2, 3))


@pytest.mark.parametrize("answer", ["1. B; 2. A; 3. price_net", "1) b 2) a, 3: price_net, and please add tests for it"])
def test_answers_by_numbers_stand_with_what_was_asked_and_chosen(answer: str) -> None:
    task = under("Task", worked(says=SEVERAL).user(answer).edited("tax.py").says("Converted."))

    assert "asked “1. Where to convert B) in the importer ¶ 2. Cap A) at half of the price" in task
    assert "¶ 3. And which name shall the column have?”" in task
    assert "Vienna does it" not in task


@pytest.mark.parametrize("reply", ["No, ", "ok. ", "Да, ", "不，"])
def test_a_longer_prompt_that_begins_with_a_reply_is_shown_with_the_question(reply: str) -> None:
    prompt = f"{reply}look into the importer yourself first, it has the rates of all towns, can you use these?"
    talk = worked(says="The rates are missing.\n\nDo you have the rates of Vienna?").user(prompt).edited("tax.py")
    other = worked(says="The rates are missing.\n\nDo you have the rates of Vienna?").user(prompt.removeprefix(reply))

    assert "asked “Do you have the rates of Vienna?”" in under("Task", talk.says("Done."))
    assert "asked" not in under("Task", other.edited("tax.py").says("Done."))


@pytest.mark.parametrize("says", ["Changed:\n1. the rates\n2. the cap\n3. the column", "Q2: the cap\n\nIs it 2?"])
def test_numbers_that_name_nothing_that_was_asked_stand_alone(says: str) -> None:
    talk = worked(says=says).user("Q1. B; Q3. A; Q4: the rest of it as it was before").edited("tax.py").says("Done.")
    plain = worked(says=says.partition("\n\n")[0]).user("1. Now the tax; 2. the receipt as it was before").says("Done.")

    assert "asked" not in under("Task", talk)
    assert "asked" not in under("Task", plain)


def test_of_a_long_question_the_chosen_option_stands_or_the_beginning_of_each_line() -> None:
    asks = f"Which one shall I move?\n{OPTIONS}"
    chosen = under("Task", worked(says=asks).user("2").edited("tax.py").says("Done."))
    whole = under("Task", worked(says=asks).user("all but the last").edited("tax.py").says("Done."))

    assert f"asked “Which one shall I move? ¶ {OPTIONS.splitlines()[1]}”: 2" in chosen
    assert "asked “Which one shall I move? ¶ 1. the importer of the shop the importer" in whole
    assert "… ¶ 3. the importer of the shop the importer" in whole


def test_of_a_long_line_that_ends_with_a_question_the_question_stands() -> None:
    recipe = "The rye is baked at noon, the wheat at night, " * 6 + "and the oven is never cold."
    talk = session("s1").user(GOAL).says(f"{recipe} Should the rye go first, as it needs longer?").user("Yes, rye")

    assert "Should the rye go first, as it needs longer?”: Yes, rye" in render(handoff(talk.says("Done.")))


def test_an_option_that_a_prompt_begins_like_stands_with_the_question() -> None:
    asks = "Which one shall I move?\n- the cap: of each price\n- the column: of the net\n- the column, and its name"
    said = under("Task", worked(says=asks).user("The column.").edited("tax.py").says("Done."))

    assert "asked “Which one shall I move? ¶ the column: of the net”: The column." in said


def test_several_options_are_found_by_their_marks_also_behind_a_word() -> None:
    places = [f"Option {town[0]}: in the shop of {town}, which has its own rates" for town in TOWNS]
    ways = [f"Option {number}: by the tax of {town}, as it was before" for number, town in enumerate(TOWNS, 1)]
    asks = "\n- ".join(("Where shall it go, and how?", *places, *ways))
    chosen = under("Task", worked(says=asks).user("C+2").edited("tax.py").says("Done."))

    assert f"asked “Where shall it go, and how? ¶ {places[2]} ¶ {ways[1]}”: C+2" in chosen


def test_a_short_reply_leaves_its_line_to_what_was_asked_and_a_short_option_its_share_to_the_longer_ones() -> None:
    asks = "Which one?\n1. the importer of the shop in Vienna, with the rates of its own\n2. the cap\n3. the column"
    said = under("Task", worked(says=asks).user("all").edited("tax.py").says("Done."))
    assert f"asked “{asks.replace(chr(10), ' ¶ ')}”: all" in said

    longer = asks.replace("in Vienna", "in Vienna, which has been closed since the summer of the year before the last,")
    longer = longer.replace("2. the cap", f"2. the cap {'of the price ' * 9}")
    said = under("Task", worked(says=longer).user("all").edited("tax.py").says("Done."))
    [line] = [one for one in said.splitlines() if "asked" in one]
    assert line.endswith("… ¶ 3. the column”: all")
    assert "the shop in Vienna, which has been closed since the summer… ¶ 2. the cap of the price of the price" in line
    assert len(line) < 284


LETTERED = """Two ways:

| Option | Prices |
|---|---|
| A | whole cents |
| B | euros as decimals |
"""
LETTERED_BEFORE = f"{LETTERED}\nBoth work.\nBoth are fast.\nBoth are tested."


@pytest.mark.parametrize(
    ("says", "reply", "option"),
    [
        (LETTERED_BEFORE, "b", "| B | euros as decimals |"),
        (LETTERED_BEFORE, "Option A", "| A | whole cents |"),
        ("1. I read it\n\nNow:\n\n- **Option 1:** cents\n- **Option 2:** euros", "ok option 1", "Option 1: cents"),
        ("[R] Review it\n[C] Continue with the checkout", "C", "[C] Continue with the checkout"),
        ("Menu:\n\n1. `[MH]` Help\n2. `[CR]` Code review\n\nOr ask.", "CR", "2. `[CR]` Code review"),
        ("1. cents\n2. euros\n\n2.5 euros are the cap since 2:30", "2", "2. euros"),
        ("Done:\n1. the cart\n2. the tax\n\nOpen:\n1. the cap\n2. the column", "2", "2. the column"),
    ],
)
def test_a_reply_by_number_or_letter_stands_with_the_option_that_it_chose(says: str, reply: str, option: str) -> None:
    first = under("Task", worked(says=says).user(reply).edited("tax.py").says("Done."))
    asked = under("Task", worked(says=f"{says}\n\nWhich one?").user(reply).edited("tax.py").says("Done."))

    assert f", after “{option}”: {reply}" in first
    assert f", asked “Which one? ¶ {option}”: {reply}" in asked


def test_a_table_of_options_at_the_end_is_what_a_reply_answers() -> None:
    task = under("Task", worked(says=LETTERED).user("b").edited("tax.py").says("Done."))

    assert ", asked “Two ways: ¶ | B | euros as decimals |”: b" in task


@pytest.mark.parametrize(
    "reply",
    [
        "1,2をお願い。3に関しては店側の不具合だった",
        "1, 2 please. As for 3, that was the shop in Vienna, which has mended its column by now",
    ],
)
def test_a_reply_that_begins_with_several_numbers_stands_with_these_options(reply: str) -> None:
    says = "It could be:\n1. the tax\n2. the cap\n3. the column\n\nTell me."
    said = under("Task", worked(says=says).user(reply).edited("tax.py").says("Done."))
    amount = under("Task", worked(says=says).user("4,5 per cent is the tax").edited("tax.py").says("Done."))

    assert f", after “1. the tax ¶ 2. the cap”: {reply}" in said
    assert "after “" not in amount


def test_a_question_mark_on_a_line_of_its_own_does_not_stand_for_the_question() -> None:
    says = "Shall I:\n1. mark the tax as complete\n2. begin again\n?"
    said = under("Task", worked(says=says).user("1").edited("tax.py").says("Done."))

    assert "asked “Shall I: ¶ 1. mark the tax as complete”: 1" in said


def test_the_v_of_a_version_chooses_no_option_of_that_letter() -> None:
    says = "I found these:\niv. the cap\nv. the column\n\nThat is all."
    assert "after “" not in under("Task", worked(says=says).user("v3.2").edited("tax.py").says("Done."))


@pytest.mark.parametrize("reply", ["1 and 3", "Do 1 and 3", "1 y 3", "1和3", "1 + 3"])
def test_options_that_a_short_word_joins_stand_with_the_reply(reply: str) -> None:
    options = [f"{number}. the {what}" for number, what in enumerate(("tax", "cap", "column"), 1)]
    says = "\n".join(["Done. What could follow:", *options])
    said = under("Task", worked(says=says).user(reply).edited("tax.py").says("Done."))

    assert f", after “{options[0]} ¶ {options[2]}”: {reply}" in said


@pytest.mark.parametrize("reply", ["yes proceed", "Ok.", "да", "好的"])
def test_a_reply_to_an_offer_that_asks_nothing_stands_with_it(reply: str) -> None:
    offer = "If you want, I can convert the receipt and draft the three labels next."
    talk = worked(says=f"The plan is in plan.md.\n\n{offer}").user(reply).ran("ls shop")
    short = worked(says="The plan is in plan.md.\n\nAll pass.").user(reply).ran("ls shop")
    at_once = worked(says=f"The plan is in plan.md.\n\n{offer}").user(reply)

    assert f", after “{offer}”: {reply}" in under("Task", talk)
    assert "after “" not in under("Task", short)
    # Without any work since, it is the end of the last words.
    assert "after “" not in under("Task", at_once) and offer in under("Where it stands", at_once)


@pytest.mark.parametrize("reply", ["B A B", "keep all 2 of them", "v3.2", "升级到5.1"])
def test_a_reply_that_chooses_none_of_the_options_stands_alone(reply: str) -> None:
    says = f"{LETTERED}\n1. the cap\n2. the column\n\nThat is all."
    assert "after “" not in under("Task", worked(says=says).user(reply).edited("tax.py").says("Done."))


@pytest.mark.parametrize(("reply", "begins"), [("B", ", after “B. the importer”: B"), ("B is right", ": B is right")])
def test_a_choice_may_stand_above_the_last_words(reply: str, begins: str) -> None:
    offered = "The shop has no rates. Which of these:\n\nA. the checkout\nB. the importer\n\nThat is for you to say."
    talk = session("s1").user(GOAL).says(offered, final=False).ran("ls").says("Once you chose, I begin.")

    assert f"2 min earlier){begins}" in under("Task", talk.user(reply).edited("tax.py").says("Done."))


def test_an_option_that_is_gone_with_the_middle_of_an_answer_is_not_the_first_line_of_a_list() -> None:
    beside = "Also:\n1. Watch the shop\n2. Rest\n\nThat is all."
    says = f"### Option 2: by town\n### Option 3: none\n\n{beside}\n\nWhat shall I do?"
    said = under("Task", worked(says=says).user("Option 1").edited("tax.py").says("Done."))
    listed = under("Task", worked(says=says).user("1").edited("tax.py").says("Done."))

    assert "1. Watch the shop”" not in said
    assert "asked “What shall I do? ¶ 1. Watch the shop”: 1" in listed


def test_several_numbers_choose_several_options() -> None:
    says = "Which ones?\n1. the cap\n2. the column\n3. the tax"
    said = under("Task", worked(says=says).user("1, 3").edited("tax.py").says("Done."))
    assert "asked “Which ones? ¶ 1. the cap ¶ 3. the tax”: 1, 3" in said


def test_answers_that_fit_a_line_stay_together_however_much_was_asked() -> None:
    answers = "1) as in shop.py" + "".join(f"\n{number}) whatever you find is the better one" for number in range(2, 6))
    asked = "\n".join(f"{number}. {'Which of the shops is meant here ' * 3}?" for number in range(1, 6))
    talk = worked(says=asked).user(answers).edited("shop.py").says("Done.")
    for number in range(30):
        found = "\n".join(
            f"It is in other{number}.py and module{number}_{at}.py beside value{at}.txt" for at in range(20)
        )
        talk = talk.user("continue").edited(f"part{number}.py").says(found)
    talk = talk.user("Now make the receipt").edited("receipt.py").says("Done.")

    assert "5) whatever you find is the better one" in under("Task", talk)


@pytest.mark.parametrize("quoted", ["> 1. push it to production\n> 2. wait", "```\n1. push it\n```"])
def test_an_option_that_an_agent_quotes_is_not_what_the_user_chose(quoted: str) -> None:
    offered = f"1. round down\n2. round up\n\nThe page says:\n{quoted}"
    talk = session("s1").user(GOAL).says(offered).user("1").edited("cart.py").says("Done.")

    assert "after “1. round down”: 1" in render(handoff(talk))


def test_the_same_letter_to_two_lists_is_two_replies_and_to_two_menus_one() -> None:
    talk = session("s1").user(GOAL)
    for options in ("A. at half\nB. none", "A. by town\nB. by month", "[C] Continue with it", "[C] Continue to end"):
        talk.says(f"{options}\n\nReply with a letter.").user("C" if "[C]" in options else "A").ran("make")
    said = under("What the user said", talk.user("Now make the receipt").edited("receipt.py").says("Made."))

    assert "after “A. at half”: A" in said and "after “A. by town”: A" in said
    assert "Continue with it" not in said and "after “[C] Continue to end”: C" in said
