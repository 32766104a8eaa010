"""Every key that the help of the page names, in a real browser and without a mouse."""

from __future__ import annotations

from typing import Final

import pytest

from page.browser import Page
from page.conftest import Opened, in_each_browser
from page.pretend import CODEX

pytestmark = [pytest.mark.asyncio(loop_scope="module"), in_each_browser]
IDLE: Final = "!document.querySelector('[aria-busy]')"
FOCUSED: Final = "document.activeElement.textContent"
TESTED_HERE: Final = {"/", "?", "1 2 3 …", "a … z", "↑ ↓", "Enter", "→", "←", "Esc", "Alt ←"}
PLACE: Final = """[...document.querySelectorAll('main [data-arrows] :is(a, summary)')]
    .filter((each) => each.checkVisibility()).indexOf(document.activeElement)"""
ABOVE: Final = {
    "#/": "filter",
    "#/project/1": "",
    "#/project/1/timeline": "",
    "#/search?q=discount": "words",
}
"""Views with lines, and the id of what is above the first one."""


async def begin_at(page: Page, fragment: str) -> None:
    """Shows a view as it is after its address was opened: nothing has the focus."""
    await page.do(f"location.hash = '{fragment}'")
    await page.until(f"{IDLE} && document.querySelector('main [data-arrows] :is(a, summary)')")
    await page.do("document.activeElement.blur()")


async def test_the_help_names_the_keys_that_are_tested_here(opened: Opened) -> None:
    page = opened.page
    await page.press("?", shift=True)
    await page.until("document.querySelector('dialog[open] kbd')")

    named = await page.do("[...document.querySelectorAll('dialog kbd')].map((each) => each.textContent)")
    assert set(named) == TESTED_HERE
    await page.press("Escape")
    await page.until("!document.querySelector('dialog')")


@pytest.mark.parametrize("fragment", ABOVE)
async def test_the_first_arrow_key_takes_the_first_line(opened: Opened, fragment: str) -> None:
    page = opened.page
    for key in ("ArrowUp", "ArrowDown"):
        await begin_at(page, fragment)
        await page.press(key)
        assert await page.do(PLACE) == 0, key
    await page.press("ArrowDown", "ArrowDown", "ArrowUp")
    assert await page.do(PLACE) == 1
    await page.press("ArrowUp", "ArrowUp")
    place, above = await page.do(f"[{PLACE}, document.activeElement.id]")
    assert (place, above) == ((-1, ABOVE[fragment]) if ABOVE[fragment] else (0, ""))


async def test_an_arrow_key_scrolls_what_is_no_list(opened: Opened) -> None:
    page = opened.page
    await page.do(f"location.hash = '#/session/{CODEX[0]}/{CODEX[1]}/14'")
    await page.until(f"{IDLE} && document.querySelector('.turn')")
    top = await page.do("scrollY")

    await page.press("ArrowDown")
    await page.until(f"scrollY > {top}")


async def test_numbers_are_the_tabs(opened: Opened) -> None:
    page = opened.page
    await begin_at(page, "#/project/1")
    keys = await page.do(
        "[...document.querySelectorAll('.tabs a')].map((tab) => tab.getAttribute('aria-keyshortcuts'))"
    )
    assert keys[:3] == ["1", "2", "3"]
    await page.press("2")
    await page.until("document.querySelector('.timeline li') && location.hash === '#/project/1/timeline'")
    await page.press("1")
    await page.until("document.querySelector('a.line') && location.hash === '#/project/1'")
    await begin_at(page, "#/")
    await page.press("2")
    await page.until("document.querySelector('.top nav a:nth-of-type(2)').hash === location.hash")


async def test_a_letter_filters_and_escape_empties_and_then_leaves(opened: Opened) -> None:
    page = opened.page
    await begin_at(page, "#/")
    await page.type("ledger-s")
    await page.until("document.querySelectorAll('.rows li').length === 1")
    assert await page.do("document.getElementById('filter').value") == "ledger-s"

    await page.press("Escape")
    await page.until("document.querySelectorAll('.rows li').length > 1 && document.activeElement.id === 'filter'")
    await page.press("Escape")
    assert await page.do(FOCUSED) == "Projects"
    await page.type("ledger-s")
    await page.press("Enter")
    await page.until("document.activeElement.matches('h1') && document.activeElement.textContent === 'ledger-sync'")


async def test_a_line_is_opened_its_turn_read_and_left_and_back_leads_to_the_list(opened: Opened) -> None:
    page = opened.page
    await begin_at(page, "#/")
    await page.press("ArrowDown", "Enter")
    await page.until(f"{IDLE} && document.querySelector('a.line')")
    await page.press("ArrowDown", "Enter")
    await page.until("document.querySelector('#source .turn.chosen')")

    await page.press("ArrowRight")
    assert await page.do("document.activeElement.id") == "source"
    await page.press("ArrowLeft")
    assert await page.do("document.activeElement.matches('a.line[aria-current]')")
    await page.press("Escape")
    await page.until("location.hash === '#/project/1'")
    await page.press("ArrowLeft", alt=True)
    await page.until("document.querySelector('#source .turn.chosen')")
    await page.press("ArrowLeft", alt=True)
    await page.until("location.hash === '#/project/1' && !document.querySelector('#source .turn')")
    await page.press("ArrowLeft", alt=True)
    await page.until("document.activeElement.matches('.rows a')")


async def test_keys_of_an_input_method_are_its_own(opened: Opened) -> None:
    """With them, whoever writes Japanese or Chinese chooses words, takes them or takes them back."""
    page = opened.page
    await begin_at(page, "#/")
    left_alone = await page.do("""["filter", "words"].flatMap((id) => ["Enter", "Escape", "ArrowDown"].map((key) =>
        document.getElementById(id).dispatchEvent(
            new KeyboardEvent("keydown", { key, isComposing: true, bubbles: true, cancelable: true }))))""")
    assert left_alone == [True] * 6


@pytest.mark.night
async def test_search_is_reached_emptied_and_left(opened: Opened) -> None:
    page = opened.page
    await begin_at(page, "#/project/1")
    await page.press("/")
    await page.type("discount")
    await page.until("document.querySelector('.hits mark')")

    await page.press("Escape")
    await page.until("!document.querySelector('.hits') && document.getElementById('words').value === ''")
    await page.press("Escape")
    assert await page.do("document.activeElement.matches('h1')")
