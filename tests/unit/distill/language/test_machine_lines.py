from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carryover.distill.language.machine_lines import is_code, is_drawn, is_header, kinds_of, printed_part

MACHINE = {
    "browser console": "index.js:17 The socket was closed",
    "browser console, inline": "(index):64 This tag should not be used",
    "shell": "$ make loaf",
    "shell with a host": "dev@box:~/bakery$ make loaf",
    "shell in a venv": "(.venv) dev$ make loaf",
    "PowerShell": r"PS C:\dev\bakery> dotnet run",
    "Python prompt": ">>> bake(3)",
    "quotation": "> the oven said so",
    "build step": "=> CACHED [2/4] RUN make",
    "screen": "│ ⏺ Loaf baked                         │",
    "border": "╭──────────────╮",
    "ISO time": "2026-03-01T06:10:02Z oven heating to 230",
    "time with a comma": "2026-03-01 06:10:02,113 oven heating",
    "time in brackets": "[06:10:02] oven heating",
    "C time": "[Sun Mar  1 06:10:02 2026] oven heating",
    "level": "ERROR oven: too hot",
    "level in brackets": "[warn] oven too hot",
    "level and colon": "info: listening on port 80",
    "npm": "npm ERR! code ELIFECYCLE",
    "compiler": "error: cannot bake without flour",
    "compiler with a code": "warning[E0502]: unused loaf",
    "place of a compiler": "  --> src/oven.rs:12:5",
    "shown line": "12 | let loaf = bake();",
    "place and message": "src/oven.ts:12:5 - error TS2304: no loaf",
    "traceback": "Traceback (most recent call last):",
    "Python frame": '  File "/home/dev/bakery/oven.py", line 12, in bake',
    "JavaScript frame": "    at Oven.bake (/home/dev/bakery/oven.js:12:5)",
    "exception": "KeyError: 'flour'",
    "Java exception": "java.lang.IllegalStateException: no flour",
    "cause": "Caused by: java.io.IOException: the door is open",
    "exit": "exit code 2",
    "killed": "Killed",
    "brace": "{",
    "pair": '  "loaf": "rye",',
    "object": '{"loaf": "rye", "kg": 2}',
    "tag": '<div class="loaf">',
    "XML": '<?xml version="1.0"?>',
    "diff": "diff --git a/oven.py b/oven.py",
    "hunk": "@@ -12,7 +12,7 @@",
    "diffed file": "+++ b/oven.py",
    "row": "| loaf | kg |",
    "mail": "From: Nadia <nadia@x.test>",
    "mail in German": "Betreff: Ofen",
    "mail in Japanese": "件名: オーブン",
    "status": "HTTP/1.1 404 Not Found",
    "request": "GET /loaves/12 HTTP/1.1",
    "HTTP header": "Content-Type: application/json",
    "curl": "curl -s https://x.test/loaves",
    "Python": "def bake(loaf):",
    "class": "class Oven:",
    "JavaScript": "const loaf = bake(3)",
    "SQL": "SELECT * FROM loaves",
    "statement": "    return loaf;",
    "assignment": "loaf = bake(3)",
    "environment": "OVEN_HEAT=230 DOOR=/dev/oven make",
    "pytest": "E       assert 3 == 4",
    "line across": "======================= 1 failed, 2 passed =======================",
    "mostly signs": "0x00007fff5fc01000 0x10 0x33 0x91 -- 0x1",
}


@pytest.mark.parametrize("line", MACHINE.values(), ids=MACHINE)
def test_what_a_machine_wrote_is_known_by_its_form(line: str) -> None:
    assert kinds_of([line]) == ["machine"]


PROSE = {
    "plain": "Please bake three loaves.",
    "bracket": "The loaf (rye) is burnt.",
    "arrow": "A heat > 200 is too much.",
    "link": "See https://x.test/loaves for it",
    "amount": "$5 per loaf is too cheap",
    "dots": "...and then sell it",
    "year": "2026 is the year of rye",
    "item": "- bake the rye",
    "item with a semicolon": "- добавь соль;",
    "heading": "# The oven",
    "de": "Backe bitte drei Brote; das Rezept ist alt.",
    "ru": "Сделай три хлеба, пожалуйста.",
    "ja": "パンを三つ焼いてください。",
    "zh": "请烤三个面包。",
    "ko": "빵 세 개를 구워 주세요.",
}
ORDERS = {
    "like a request": "Delete the old recipe and the tests",
    "like a request, small": "get rid of the loaf / bread page",
    "like a level": "Debug the oven",
    "like a level, small": "trace why the oven is cold",
    "like an error": "Error handling in the oven is missing",
    "like an import": "import the recipes (all of them)",
    "like a class": "class Oven needs a door (see the notes)",
    "like a statement": "let the oven cool for 10 min (at least)",
    "like SQL": "Select the loaves that are sold out (also old ones)",
    "like a place": "src/oven.py:12 should bake two loaves",
    "like a note": "Note: never open the door",
    "like a header": "Next: checkout",
    "like an end": "exit code should be 2",
    "like a kill": "Killed the fire, light it again",
    "like a rule": "from now on: rye only",
    "like curl": "curl the menu page and compare",
}


@pytest.mark.parametrize("line", [*PROSE.values(), *ORDERS.values()], ids=[*PROSE, *ORDERS])
def test_what_a_person_typed_is_prose_also_where_its_first_word_is_a_keyword(line: str) -> None:
    assert kinds_of([line]) == ["prose"]


def test_a_sentence_stays_a_persons_though_it_quotes_a_machine() -> None:
    assert kinds_of(["The method `bake(loaf)` should return a list of strings."]) == ["prose"]
    assert kinds_of(["return the list from bake(loaf) to me as it is, please."]) == ["prose"]


def test_a_fence_holds_all_up_to_its_end() -> None:
    lines = ["Look:", "```text", "bake it", "~~~", "```", "", "Then sell it"]

    assert kinds_of(lines) == ["prose", "machine", "machine", "machine", "machine", "blank", "prose"]
    assert kinds_of(["~~~", "bake it", "sell it"]) == ["machine", "machine", "machine"]


def test_three_rows_with_the_same_columns_are_a_table_and_two_are_none() -> None:
    rows = ["rye;2;brown", "spelt;3;white", "wheat;1;white"]

    assert kinds_of(["The stock", *rows, "is low"]) == ["prose", "machine", "machine", "machine", "prose"]
    assert kinds_of(["The stock", *rows[:2], "is low"]) == ["prose", "prose", "prose", "prose"]
    assert kinds_of(["a\tb\tc"] * 3) == ["machine"] * 3


@pytest.mark.parametrize(("line", "header"), [("Cc: all@x.test", True), ("Asunto: horno", True), ("from: me", False)])
def test_the_head_of_a_mail_is_known_by_its_names(line: str, header: bool) -> None:
    assert is_header(line) is header


@pytest.mark.parametrize(("line", "drawn"), [("│ rye │ 2 │", True), ("| rye | 2 |", True), ("rye | 2", False)])
def test_a_drawn_table_is_known_by_its_border(line: str, drawn: bool) -> None:
    assert is_drawn(line) is drawn


@given(st.lists(st.text(alphabet=st.characters(exclude_characters="\n"), max_size=60), max_size=12))
def test_every_line_has_a_kind_and_only_empty_ones_outside_a_fence_are_blank(lines: list[str]) -> None:
    kinds = kinds_of(lines)

    assert len(kinds) == len(lines)
    assert all(not line.strip() for line, kind in zip(lines, kinds, strict=True) if kind == "blank")


def test_a_heading_above_a_list_is_a_persons_though_it_begins_with_the_level_of_a_log() -> None:
    assert kinds_of(["CRITICAL - sizes (avoid limits):", "- always use depth=1", ""]) == ["prose", "prose", "blank"]
    assert kinds_of(["ERROR - cannot read:", "stock.py"]) == ["machine", "prose"]
    assert kinds_of(["ERROR - cannot read stock.py", "- always use depth=1"]) == ["machine", "prose"]


def test_headings_lists_and_code_are_not_printed_by_a_program() -> None:
    listed = "## Error handling\n- no error is lost\n**Errors**\n```py\nget(timeout=3)\n```\n"
    text = f"{listed}KeyError: 'door'\n```\nexit code 1\n```"

    assert printed_part(text) == "KeyError: 'door'\nexit code 1"


@pytest.mark.parametrize(
    "line", ['print(f"Max error: {error}")', "//catch (Exception ex)", "${date}|${level}", "x = 1;"]
)
def test_a_line_of_code_reports_no_error(line: str) -> None:
    assert (is_code(line), printed_part(line)) == (True, "")


def test_a_sentence_that_ends_in_a_semicolon_is_no_code() -> None:
    assert not is_code("Moreover, color the loaves (the crust, not the crumb) as follows;")
