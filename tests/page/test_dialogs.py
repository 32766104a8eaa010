"""Dialogs in a small window and a usual one: all of their text can be read, and their buttons pressed."""

from __future__ import annotations

import pytest

from page.browser import Page
from page.conftest import Opened, in_chromium
from page.pretend import CODEX

pytestmark = [pytest.mark.asyncio(loop_scope="module"), in_chromium]
in_both_windows = pytest.mark.parametrize(("width", "height"), [(360, 500), (1280, 700)])
PROJECT = "#/project/1"
SESSION = f"#/session/{CODEX[0]}/{CODEX[1]}/14"
DIALOGS = [
    *((PROJECT, label) for label in ("Continue", "Note", "Pause", "Forget")),
    *((SESSION, label) for label in ("Continue", "Copy", "Forget")),
]
AGENTS = [f"agent-{number}" for number in range(19)]
LONG = "\n".join(f"Session {number}: {'round the total to whole cents ' * 8}" for number in range(60))
CUT = """[...document.querySelectorAll('dialog *')].filter((each) => each.scrollWidth > each.clientWidth + 1
    && getComputedStyle(each).display !== 'inline').map((each) => each.outerHTML.slice(0, 90))"""
"""What is wider than its place in the dialog."""
OUTSIDE = """[...document.querySelectorAll('dialog .buttons button')].filter((each) => {
    const { left, right, top, bottom } = each.getBoundingClientRect();
    const seen = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
    return left < 0 || right > innerWidth || top < 0 || bottom > innerHeight || seen !== each;
}).map((each) => each.textContent)"""
"""Buttons that are not, or not in full, on the screen."""


async def opens(page: Page, fragment: str, label: str) -> None:
    """Opens a dialog by the keyboard, and waits for what it asks the daemon."""
    await page.go(fragment, "shop" if fragment == PROJECT else "script")
    await page.until("document.querySelector('.head button')")
    buttons = "[...document.querySelectorAll('.head button')]"
    await page.do(f"{buttons}.find((each) => each.textContent.startsWith('{label}')).focus()")
    await page.press("Enter")
    answer = {"Continue": "carryover to", "Note": "", "Pause": ""}.get(label, "Session 59")
    await page.until(f"document.querySelector('dialog[open]').textContent.includes('{answer}')")


@in_both_windows
async def test_a_dialog_with_much_to_say_shows_its_buttons_and_cuts_no_text(
    opened: Opened, width: int, height: int
) -> None:
    page, pretend = opened
    pretend.startable, pretend.printed = AGENTS, LONG
    await page.show_as(width=width, height=height)
    for fragment, label in DIALOGS:
        await opens(page, fragment, label)
        assert await page.do("document.querySelector('dialog').scrollTop") == 0, label
        assert await page.do(OUTSIDE) == [], label
        assert await page.do(CUT) == [], label
        await page.do("document.querySelector('dialog').scrollTo(0, 1e6)")
        assert await page.do(OUTSIDE) == [], label
        await page.press("Escape")
        await page.until("!document.querySelector('dialog')")
        assert (await page.do("document.activeElement.textContent")).startswith(label)


@in_both_windows
async def test_what_came_of_it_is_scrolled_to_and_the_focus_stays_in_the_dialog(
    opened: Opened, width: int, height: int
) -> None:
    page, pretend = opened
    pretend.printed = pretend.done = LONG
    await page.show_as(width=width, height=height)
    await opens(page, PROJECT, "Forget")
    assert await page.do("document.activeElement.textContent") == "Cancel"
    await page.click("dialog button", "Forget for good")
    await page.until("document.querySelector('dialog .outcome .good')")
    shown = "document.querySelector('dialog .outcome').getBoundingClientRect()"
    footer = "document.querySelector('dialog .buttons').getBoundingClientRect()"
    assert await page.do(f"{shown}.top < {footer}.top && {shown}.top >= 0")
    assert await page.do("document.activeElement.textContent") == "Close"
    for _ in range(5):
        await page.press("Tab")
        assert await page.do("document.activeElement === document.body || !!document.activeElement.closest('dialog')")
    await page.press("Escape")
    await page.until("!document.querySelector('dialog')")


@in_both_windows
async def test_the_keys_are_shown_from_the_first_on(opened: Opened, width: int, height: int) -> None:
    page = opened.page
    await page.show_as(width=width, height=height)
    await page.press("?", shift=True)
    await page.until("document.querySelector('dialog[open]')")

    assert await page.do("document.querySelector('dialog').scrollTop") == 0
    assert (await page.do(OUTSIDE), await page.do(CUT)) == ([], [])
    await page.press("Escape")
    await page.until("!document.querySelector('dialog')")


async def test_the_agent_that_is_chosen_has_the_focus_and_a_long_title_is_shortened(opened: Opened) -> None:
    page = opened.page
    await opens(page, SESSION, "Continue")

    assert await page.do("document.activeElement.checked && document.activeElement.value") == "codex"
    assert len(await page.text("dialog h2")) < 100
    await page.press("ArrowDown")
    await page.until("document.querySelector('.command').textContent.startsWith('carryover to gemini-cli')")
    await page.press("Escape")


async def test_a_button_that_was_pressed_has_the_focus_again_if_it_did_not_work(opened: Opened) -> None:
    page, pretend = opened
    pretend.works = False
    pretend.ran.clear()
    await opens(page, PROJECT, "Pause")
    await page.press("Tab")
    assert await page.do("document.activeElement.textContent") == "Pause"
    await page.press("Enter")
    await page.until("document.querySelector('dialog button[disabled]')")
    await page.do("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    pretend.ran.set()

    await page.until("document.querySelector('dialog .outcome').textContent === '✗ It did not work.'")
    await page.until("!document.querySelector('dialog button[disabled]')")
    assert await page.do("document.activeElement.textContent") == "Pause"
    await page.press("Escape")
    await page.until("!document.querySelector('dialog')")
