"""Health is shown at once: what is known, and then what a new check finds."""

from __future__ import annotations

import pytest

from page.conftest import Opened, in_chromium
from page.pretend import MINUTE, NOW_MS, found_healthy

pytestmark = [pytest.mark.asyncio(loop_scope="module"), in_chromium]
NOTE = {"check": "path", "level": "note", "what": "An earlier finding.", "why": "It was so.", "do": "Nothing."}


async def test_what_is_known_is_shown_while_the_first_check_runs_and_the_rest_is_filled_in(opened: Opened) -> None:
    page, pretend = opened
    pretend.checked.clear()
    await page.go("#/health", "Health")

    assert "carryoverd 0.1.0 runs. Recorded: 5 projects by Claude Code" in await page.text("main")
    assert (
        await page.text("main > [aria-busy]")
        == "Checking hooks, settings, transcripts, pointers, the ledger and the disk …"
    )
    assert await page.do("document.activeElement.textContent") == "Health"
    pretend.checked.set()
    await page.until("document.querySelectorAll('.findings li').length === 2")
    assert await page.text("#status") == "✗ 1 problem. 1 thing left for you to do."
    assert await page.do("document.activeElement.textContent") == "Health"
    assert not await page.do("document.querySelector('[aria-busy]')")


async def test_an_earlier_check_is_shown_with_its_time_until_the_new_one_is_through(opened: Opened) -> None:
    page, pretend = opened
    pretend.known_health = found_healthy(NOW_MS - 3 * MINUTE, NOTE)
    pretend.checked.clear()
    await page.go("#/health", "Health")

    shown = await page.text("main")
    assert "✓ No problems found." in shown
    assert "An earlier finding." in shown
    assert "As checked 3 min ago." in shown
    pretend.checked.set()
    await page.until("document.querySelector('main .failed')?.textContent.startsWith('✗ 1 problem.')")
    assert "An earlier finding." not in await page.text("main")


async def test_a_check_that_fails_says_so_below_what_is_known(opened: Opened) -> None:
    page, pretend = opened
    pretend.checked.clear()
    await page.go("#/health", "Health")
    pretend.locked = True
    pretend.checked.set()

    await page.until("document.querySelector('main .failed')?.textContent === 'This page is no longer signed in.'")
    assert "carryoverd 0.1.0 runs." in await page.text("main")
    page.troubles.clear()  # the console names the answer 403
