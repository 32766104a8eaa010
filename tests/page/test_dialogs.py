"""The list of keys in a small window and a usual one: all of its text can be read, and its button pressed."""

from __future__ import annotations

import pytest

from page.conftest import Opened, in_chromium

pytestmark = [pytest.mark.asyncio(loop_scope="module"), in_chromium]
in_both_windows = pytest.mark.parametrize(("width", "height"), [(360, 500), (1280, 700)])
CUT = """[...document.querySelectorAll('dialog *')].filter((each) => each.scrollWidth > each.clientWidth + 1
    && getComputedStyle(each).display !== 'inline').map((each) => each.outerHTML.slice(0, 90))"""
"""What is wider than its place in the dialog."""
OUTSIDE = """[...document.querySelectorAll('dialog .buttons button')].filter((each) => {
    const { left, right, top, bottom } = each.getBoundingClientRect();
    const seen = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
    return left < 0 || right > innerWidth || top < 0 || bottom > innerHeight || seen !== each;
}).map((each) => each.textContent)"""
"""Buttons that are not, or not in full, on the screen."""


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
