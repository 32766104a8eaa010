"""The lists of the page in a real browser: what is on a screen, how it is filtered, and where its lines lead."""

from __future__ import annotations

from typing import Final

import pytest
from msgspec.structs import replace

from page.conftest import Opened, in_chromium
from page.pretend import MINUTE, NOW_MS

pytestmark = [pytest.mark.asyncio(loop_scope="module"), in_chromium]
NAMES: Final = "[...document.querySelectorAll('.rows .name a')].map((each) => each.textContent)"
ON_SCREEN: Final = """[...document.querySelectorAll('.rows li')].filter((each) => {
    const place = each.getBoundingClientRect();
    return place.top >= 0 && place.bottom <= innerHeight;
}).length"""


async def show_sixty(opened: Opened) -> None:
    """Lists sixty projects, of which some are of today, some of this week and some older."""
    page, pretend = opened
    shop = replace(pretend.projects[0], waits_for="", asks="")
    ages = [n * MINUTE if n < 5 else n * 4 * 60 * MINUTE for n in range(60)]
    pretend.projects = [
        replace(shop, id=n + 1, name=f"project-{n}", about=f"Round the total {n}", last_ms=NOW_MS - age)
        for n, age in enumerate(ages)
    ]
    pretend.projects[7] = replace(pretend.projects[7], waits_for="you", asks="Euro or cents?")
    pretend.changed()
    await page.until("document.querySelectorAll('.rows li').length === 60")


async def test_thirty_projects_are_on_a_screen_in_groups_by_age(opened: Opened) -> None:
    page = opened.page
    await show_sixty(opened)

    assert await page.do(ON_SCREEN) >= 30
    headings = await page.do("[...document.querySelectorAll('.rows h2')].map((each) => each.firstChild.textContent)")
    assert headings[-2:] == ["This week", "Older"], "what was an hour ago may have been yesterday"
    assert (await page.text("main .head p")) == "1 project waits for you"
    row = await page.do("document.querySelectorAll('.rows li')[7].innerText.split(/\\s*\\n\\s*/)")
    assert row == ["project-7", "Euro or cents?", "Waits for you", "Claude Code", "1 day ago"]


async def test_a_history_that_is_being_read_says_how_far_it_is(opened: Opened) -> None:
    page, pretend = opened
    await show_sixty(opened)
    pretend.unread = 300
    pretend.changed()
    await page.until("document.querySelector('main').innerText.includes('40 of 340 transcripts read')")

    pretend.unread = 0
    pretend.changed()
    await page.until("!document.querySelector('main').innerText.includes('340')")


async def test_projects_are_filtered_as_one_types_by_name_words_and_state(opened: Opened) -> None:
    page = opened.page
    await show_sixty(opened)
    await page.do("document.getElementById('filter').focus()")
    await page.type("total 31")
    await page.until(f"{NAMES}.join() === 'project-31'")
    assert await page.text("#status") == "1 project of 60."

    opened.pretend.projects[40] = replace(opened.pretend.projects[40], about="Round the total 31, too")
    opened.pretend.changed()
    await page.until(f"{NAMES}.join() === 'project-31,project-40'")
    assert await page.do("document.activeElement.id") == "filter", "what changes does not disturb who types"
    await page.do("document.getElementById('filter').select()")
    await page.type("waits FOR")
    await page.until(f"{NAMES}.join() === 'project-7'")
    await page.type("x")
    assert await page.text(".rows") == "No project has these words."


async def test_sessions_are_listed_by_day_and_go_on_as_one_scrolls(opened: Opened) -> None:
    page = opened.page
    await page.go("#/sessions", "Sessions")
    await page.until("document.querySelectorAll('.rows li').length === 100")
    assert await page.do(ON_SCREEN) >= 25

    await page.do("scrollTo(0, document.body.scrollHeight)")
    await page.until("document.querySelectorAll('.rows li').length === 200")
    await page.do("document.querySelector('.more').click()")
    await page.until("document.querySelectorAll('.rows li').length === 250 && !document.querySelector('.more')")
    ids = await page.do("[...document.querySelectorAll('.rows li')].map((each) => each.dataset.key)")
    assert len(set(ids)) == 250


async def test_sessions_are_filtered_by_agent_and_day_and_the_address_keeps_it(opened: Opened) -> None:
    page = opened.page
    await page.go("#/project/1/sessions", "shop")
    await page.until("document.querySelector('.rows li')")
    all_days = await page.do("[...document.querySelectorAll('.rows h2')].map((each) => each.textContent)")
    await page.do("document.getElementById('agent').focus()")
    await page.choose("agent", "codex")
    await page.until("document.querySelectorAll('.rows li').length === 125 || document.querySelector('.more')")
    await page.until("[...document.querySelectorAll('.rows .agent')].every((each) => each.textContent === 'Codex CLI')")
    assert await page.do("location.hash") == "#/project/1/sessions?agent=codex"
    assert await page.do("document.activeElement.id") == "agent"

    day = await page.do(f"new Date({NOW_MS} - 36 * 3600_000).toLocaleDateString('sv')")
    await page.choose("day", day)
    await page.until("document.querySelectorAll('.rows h2').length <= 2")
    assert await page.do("document.querySelectorAll('.rows li').length") in (11, 12, 13), "one in two hours"
    assert await page.text(".rows section:last-of-type h2") in all_days
    await page.back()
    await page.until("document.getElementById('day').value === ''")
    assert await page.do("document.getElementById('agent').value") == "codex"


async def test_a_session_leads_to_its_turns_and_files_and_each_of_them_back(opened: Opened) -> None:
    page = opened.page
    await page.go("#/project/1/sessions", "shop")
    await page.press("ArrowDown", "Enter")
    await page.until("document.querySelector('.conversation .turn')")
    assert await page.do("[...document.querySelectorAll('.tabs a')].map((each) => each.textContent)") == [
        *("Conversation", "Turns", "Files"),
    ]

    await page.press("2")
    await page.until("document.querySelector('.turn-rows li')")
    turn = await page.do("document.querySelector('.turn-rows li').innerText.split(/\\s*\\n\\s*/)")
    assert turn[:5] == [
        "12",
        "1, and no cap. Show the discount on the receipt too.",
        "✓ Tests pass",
        "7 calls",
        "2 files +12 −3",
    ]
    await page.press("ArrowDown", "Enter")
    await page.until("document.querySelector('.turn.chosen')?.dataset.turn === '12'")
    await page.press("3")
    await page.until("document.querySelectorAll('.changed[open] ins').length > 2")
    assert "Go on with the receipt" in await page.text(".changed")
    await page.click(".changed a", "Turn 14")
    await page.until("document.querySelector('.turn.chosen')?.dataset.turn === '14'")
    await page.click(".path a", "Sessions")
    await page.until("location.hash === '#/project/1/sessions' && document.querySelector('.rows li')")
