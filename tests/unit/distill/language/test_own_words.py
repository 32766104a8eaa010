from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from carryover.distill.language.own_words import OwnWords, own_words

LOG = (
    "2026-03-01 06:10:02 INFO heating\n2026-03-01 06:11:02 ERROR sensor lost\nretrying once\n"
    "2026-03-01 06:11:03 INFO door open"
)
LONG_LOG = "\n".join(f"2026-03-01 06:1{n}:02 INFO heating to {n}" for n in range(9))
JSON = '{\n  "loaf": "rye",\n  "kg": 2,\n  "note": "Never open the door before it is done."\n}'
STACK = "Traceback (most recent call last):\n  File \"oven.py\", line 3, in <module>\n    open_door()\nKeyError: 'door'"
DIFF = (
    "diff --git a/oven.py b/oven.py\nindex 83db48f..bf2a3c1 100644\n--- a/oven.py\n+++ b/oven.py\n@@ -1,2 +1,2 @@\n"
    "-heat = 200\n+heat = 230\n door = closed"
)
FENCE = "```py\ndef bake(loaf):\n    # Please always check the door\n    return loaf\n```"
MAIL = (
    "From: Nadia <nadia@x.test>\nTo: dev@x.test\nSubject: Menu\n\nHi,\nplease never show the price of rye again.\n"
    "And rename the shop.\n\nBest,\nNadia"
)
REPORT = (
    "I reworked the oven module and all of its tests pass, on this machine and on the other one too.\n\n"
    "- Moved `heat()` into its own file\n- Removed the old door check\n\nWant me to update the docs as well?"
)
SCREEN = (
    "╭──────────────────────╮\n│ ⏺ Loaf baked         │\n│   Always close it    │\n╰──────────────────────╯\n"
    "⏺ Bash(make loaf)\n  ⎿  baked"
)
TABLE = "| loaf | kg |\n|---|---|\n| rye | 2 |\n| spelt | 3 |"
HTML = '<div class="menu">\n  <p>Never open on Sunday.</p>\n</div>'
SHELL = "$ make loaf\nbaking the loaf\nall done"
QUOTE = "> The rye is too dark.\n> Make it lighter."
ENGLISH = (
    "The oven is the heart of the bakery and it has to be hot before the first loaf is in. Never open the door while it"
    " is heating, and do not let the fire go out."
)
HANDOFF = (
    "# [CARRYOVER] Last updated 2026-11-20T06:00:00Z from Codex\n# RESUME PROTOCOL: ask\n"
    "## Task\n- Never use tabs\n## Next action\n- bake\nFull history: `carryover show abc`"
)
PASTES = {
    "log": LOG,
    "long log": LONG_LOG,
    "JSON": JSON,
    "stack": STACK,
    "diff": DIFF,
    "code": FENCE,
    "screen": SCREEN,
    "table": TABLE,
    "markup": HTML,
    "shell": SHELL,
    "quotation": QUOTE,
}


def filled(text: str) -> str:
    """`text` without its empty lines."""
    return "\n".join(line for line in text.splitlines() if line.strip())


@pytest.mark.parametrize("paste", PASTES.values(), ids=PASTES)
@pytest.mark.parametrize(
    "asked",
    [
        pytest.param("The oven stops after a minute, find out why.", id="sentence"),
        pytest.param("Here is what it says now, make it better:", id="ends in a colon"),
        pytest.param("It stops after a minute.\nMake it go on, please.", id="two lines"),
    ],
)
def test_what_was_typed_before_a_paste_is_the_users(asked: str, paste: str) -> None:
    assert own_words(f"{asked}\n\n{paste}") == OwnWords(text=asked, pasted=filled(paste))


@pytest.mark.parametrize("paste", PASTES.values(), ids=PASTES)
def test_one_line_after_a_paste_is_the_users(paste: str) -> None:
    assert own_words(f"{paste}\n\nWhy is it like that?") == OwnWords(text="Why is it like that?", pasted=filled(paste))


@pytest.mark.parametrize("paste", PASTES.values(), ids=PASTES)
def test_what_was_typed_around_a_paste_is_the_users(paste: str) -> None:
    words = own_words(f"Look at this.\n\n{paste}\n\nAdd a test for it.")

    assert (filled(words.text), words.pasted) == ("Look at this.\nAdd a test for it.", filled(paste))


def test_a_block_of_code_says_itself_where_it_ends() -> None:
    words = own_words(f"Rename the function:\n{FENCE}\nIt is called bake_loaf now.\nSo is its test.")

    assert words == OwnWords(
        text="Rename the function:\nIt is called bake_loaf now.\nSo is its test.", pasted=filled(FENCE)
    )


def test_what_was_typed_between_two_drawn_tables_is_the_users() -> None:
    table = "\n".join(["┌──────┐", *["│ rye  │"] * 6, "└──────┘"])
    asked = "Use the first one.\nIt is for rye.\nThe second one\nis for spelt.\nSort both."

    words = own_words(f"Two tables.\n\n{table}\n\n{asked}\n\n{table}\n\nKeep the rest.")

    assert (filled(words.text), words.pasted) == (f"Two tables.\n{asked}\nKeep the rest.", f"{table}\n{table}")


def test_code_inside_a_sentence_is_the_users() -> None:
    prompt = 'Take {"loaf": "rye"} into the shop, and let `bake(loaf)` return it.'

    assert own_words(prompt) == OwnWords(text=prompt)


@pytest.mark.parametrize(
    "paste",
    [pytest.param(LOG, id="log"), pytest.param(JSON, id="JSON"), pytest.param("KeyError: 'door'", id="one line")],
)
def test_a_prompt_that_is_all_pasted_has_no_words_of_the_user(paste: str) -> None:
    assert own_words(paste) == OwnWords(text="", pasted=paste)


def test_what_was_typed_before_a_mail_is_the_users() -> None:
    assert own_words(f"Do what she asks for.\n\n{MAIL}") == OwnWords(text="Do what she asks for.", pasted=filled(MAIL))


def test_a_last_line_of_its_own_after_a_mail_is_the_users() -> None:
    assert own_words(f"{MAIL}\n\nDo the first half only.") == OwnWords(
        text="Do the first half only.", pasted=filled(MAIL)
    )


def test_a_single_line_like_a_header_makes_no_mail() -> None:
    prompt = "Write to all customers.\n\nSubject: the new oven, with the date of its first day.\n\nKeep it short."

    assert own_words(prompt).text.endswith("Keep it short.")


def test_what_leads_to_another_agents_report_is_the_users() -> None:
    assert own_words(f"The other one says:\n\n{REPORT}") == OwnWords(text="The other one says:", pasted=filled(REPORT))


def test_a_short_paragraph_before_another_agents_report_is_the_users() -> None:
    assert own_words(f"Check whether this is true.\n\n{REPORT}") == OwnWords(
        text="Check whether this is true.", pasted=filled(REPORT)
    )


def test_a_last_line_of_its_own_after_another_agents_report_is_the_users() -> None:
    assert own_words(f"{REPORT}\n\nNo, undo the door check first.") == OwnWords(
        text="No, undo the door check first.", pasted=filled(REPORT)
    )


def test_a_list_without_an_offer_is_no_report() -> None:
    prompt = "Rework the oven.\n\n- Move `heat()` into its own file\n- Remove the door check\n\nIs that clear?"

    assert own_words(prompt) == OwnWords(text=prompt)


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param("Переведи это на русский:", id="ru"),
        pytest.param("これを日本語に訳してください。", id="ja"),
        pytest.param("把这段翻译成中文", id="zh"),
        pytest.param("이것을 한국어로 옮겨 줘", id="ko"),
        pytest.param("Das ist der Text, und der soll auf die Seite", id="de"),
        pytest.param("Mets ce texte dans la page avec les horaires", id="fr"),
    ],
)
def test_the_line_that_leads_to_another_language_is_the_users(asked: str) -> None:
    assert own_words(f"{asked}\n\n{ENGLISH}") == OwnWords(text=asked, pasted=ENGLISH)
    assert own_words(f"{ENGLISH}\n\n{asked}") == OwnWords(text=asked, pasted=ENGLISH)


def test_a_few_words_of_another_language_are_the_users() -> None:
    prompt = "Назови раздел так:\n\nthe oven of the week"

    assert own_words(prompt) == OwnWords(text=prompt)


def test_words_that_two_languages_share_tell_nothing() -> None:
    prompt = f"Add a menu as a page\n\n{ENGLISH}"

    assert own_words(prompt) == OwnWords(text=prompt)


def test_names_in_other_letters_are_the_users() -> None:
    prompt = "добавь кнопку Order в меню\n\nи переименуй CartPage в TillPage, чтобы всё было одинаково"

    assert own_words(prompt) == OwnWords(text=prompt)


def test_a_pasted_handoff_is_neither_typed_nor_pasted_and_costs_nothing_else() -> None:
    words = own_words(f"Here is where we were.\n\n{HANDOFF}\n\nGo on with the oven instead.")

    assert (filled(words.text), words.pasted) == ("Here is where we were.\nGo on with the oven instead.", "")


def test_a_handoff_alone_leaves_nothing() -> None:
    assert own_words(HANDOFF) == OwnWords(text="")


def test_a_line_of_the_protocol_in_a_log_costs_nothing_else() -> None:
    log = "2026-03-01 06:10:02 INFO start\n# RESUME PROTOCOL: ask\n2026-03-01 06:10:03 INFO ready"
    words = own_words(f"The start of a session prints this.\n\n{log}\n\nRemove that line.")

    assert (filled(words.text), words.pasted) == ("The start of a session prints this.\nRemove that line.", log)


def test_a_line_of_the_protocol_in_a_sentence_costs_nothing_else() -> None:
    prompt = "Why is there a line\n# RESUME PROTOCOL: ask\nin the file? Remove it."

    assert own_words(prompt) == OwnWords(text=prompt)


@pytest.mark.parametrize(
    "prompt",
    [
        pytest.param("Build the shop:\n- a cart with a limit\n- a till that rounds\n- a receipt", id="list"),
        pytest.param("Собери меню:\n- добавь соль;\n- убери торт;\n- проверь цены.", id="list with semicolons"),
        pytest.param("Build it:\n1. cart\n2. till", id="numbers"),
        pytest.param("Build the shop.\n\nThe till rounds to five cents.\n\nPrint no empty receipt.", id="paragraphs"),
        pytest.param("build the shop\nwith a cart", id="two lines"),
        pytest.param("Delete the old recipe and its tests", id="begins like a request"),
        pytest.param("Debug the oven\nand then put it back", id="begins like a log"),
    ],
)
def test_what_was_typed_in_several_lines_is_the_users(prompt: str) -> None:
    assert own_words(prompt) == OwnWords(text=prompt)


def test_ends_of_lines_are_read_as_windows_writes_them() -> None:
    assert own_words("Build the shop.\r\n\r\nNever print an empty receipt.\r\n") == OwnWords(
        text="Build the shop.\n\nNever print an empty receipt."
    )


def test_what_stands_in_a_template_of_a_command_is_the_users() -> None:
    steps = "\n".join(f"{n}. Weigh the flour of loaf {n}, always twice." for n in range(12))
    prompt = f"Your task is to bake.\n<user_input>\nAdd a rye loaf\n</user_input>\n{steps}"

    assert own_words(prompt) == OwnWords(text="Add a rye loaf")


TYPED = ("Bake it.", "Why?", "Do this:", "- rye", "испеки хлеб", "")
BLOCKS = st.sampled_from([*PASTES.values(), MAIL, REPORT, ENGLISH, *TYPED, "```", "KeyError: x"])


@settings(max_examples=200, deadline=None)
@example([""])
@given(st.lists(BLOCKS | st.text(max_size=80), max_size=8))
def test_every_line_of_a_prompt_is_either_typed_or_pasted(blocks: list[str]) -> None:
    prompt = "\n".join(blocks)
    words = own_words(prompt)
    parts = [*words.text.split("\n"), *words.pasted.split("\n")]

    assert Counter(line.strip() for line in parts if line.strip()) == Counter(
        line.strip() for line in prompt.replace("\r\n", "\n").split("\n") if line.strip()
    )


LOG_LINE = 'INFO:     10.0.0.7:16671 - "POST /bake HTTP/1.1" 403 Forbidden'


@pytest.mark.parametrize(
    "said",
    [
        "tienes que comprobar si la puerta está cerrada y si no lo está pedir al panadero que la cierre antes",
        "so please see to it that I get a warning on the screen whenever the door of the oven is open",
    ],
)
def test_what_the_user_wrote_on_in_a_line_of_a_log_is_the_users(said: str) -> None:
    found = own_words(f"the baker was not logged in:\nINFO:     Oven is hot.\n{LOG_LINE} {said}")

    assert found.text == f"the baker was not logged in:\n{said}"
    assert found.pasted == f"INFO:     Oven is hot.\n{LOG_LINE}"


def test_a_long_line_of_a_log_alone_is_not_the_users() -> None:
    line = (
        "2026-03-01 06:11:02 ERROR sensor lost because the remote end did not answer within thirty seconds of the call"
    )

    assert own_words(line) == OwnWords(text="", pasted=line)


def test_a_paste_that_begins_on_the_users_first_line_begins_there() -> None:
    found = own_words("look at these errors: dev@box:~/bakery$ make loaf\nbaking\nno flour\nno salt")

    assert found == OwnWords(
        text="look at these errors:", pasted="dev@box:~/bakery$ make loaf\nbaking\nno flour\nno salt"
    )


@pytest.mark.parametrize(
    "prompt",
    [
        "Write a MENU.md that has:\n1. the price of each loaf\n2. errors and how they are handled\n\n"
        "It goes to the printer, so keep it to one page.\n\nIf there is one already, improve it.",
        "great, another more general task:\n\nthroughout the whole menu i want you to swap these two\n\n"
        "rye by spelt\n\nbut leave the order of the loaves as it is",
        "some updates:\n\nI see that the labels were printed on the wrong side, however they belong on the front.\n\n"
        "Look at #file:labels.md for the right one.\n\nThen print them again for all loaves of today.",
        "Set up the Bakery site with these requirements:\n\nSTRUCTURE (exists):\n\nThe menu is one page for print.\n\n"
        "Create:\n1. menu.py\n\nUse the same versions as before.",
        "Color the loaves as follows (the crust, not the crumb);\n\n* rye -> dark\n* spelt -> light",
        "The oven passes when:\n1. the error is below 0.5% near the door.\n2. at t = pi/20: p/p0 = 0.6366 within 0.5%.",
    ],
)
def test_a_request_that_goes_on_below_its_first_line_is_all_the_users(prompt: str) -> None:
    assert own_words(prompt) == OwnWords(text=prompt)


def test_a_document_that_the_user_fences_is_read_as_text() -> None:
    found = own_words("Please do this TODO:\n\n```md\n1. Weigh the flour.\n2. Heat the oven.\n```")

    assert found == OwnWords(text="Please do this TODO:\n\n1. Weigh the flour.\n2. Heat the oven.")


def test_a_last_line_of_output_is_not_taken_for_the_user_in_another_language() -> None:
    prompt = (
        "when my client asks the oven for the bread I get this error and I do not know what the problem is\n"
        ":7270/Oven/7125e019-c469-4dbd-93e5-426de6652523:1  Failed to load resource: net::ERR_FAILED"
    )

    assert own_words(prompt).text.startswith("when my client asks the oven")


def test_sentences_in_the_users_language_stay_among_those_in_another() -> None:
    own = "mira lo que dice el horno cuando abro la puerta de la cocina"
    english = "the oven was not hot and the door of it was open for all of the night"

    assert own_words(f"{own}\n\n{english}\n\n{own} otra vez").text == f"{own}\n\n\n{own} otra vez"
