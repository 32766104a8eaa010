"""What the page shows in a real browser, by keyboard alone, and that nothing that was recorded is ever markup.

One browser serves all tests; they are skipped where there is none. With axe-core (`make page-tools`) the views are
also judged for people who listen to them or enlarge them.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest
from msgspec.structs import replace

from page.browser import Page
from page.conftest import Opened, in_chromium
from page.pretend import CLAUDE, CODEX, HOSTILE
from support.claude_session import ClaudeSession
from support.daemon_process import daemon_below
from support.replayed import make_project, replay

pytestmark = [pytest.mark.asyncio(loop_scope="module"), in_chromium]
AXE: Final = Path(__file__).parents[2] / "build" / "page" / "node_modules" / "axe-core" / "axe.min.js"
SEEN: Final = HOSTILE.replace("\u202e", "").replace("\u202c", "")
"""The hostile text as it is shown, without what would turn the direction of its end."""
SOURCE: Final = f"#/project/1/source/{CODEX[0]}/{CODEX[1]}/13"
VIEWS: Final = {
    "#/": "Projects",
    "#/project/1": "shop",
    SOURCE: "shop",
    "#/project/1/timeline": "shop",
    "#/project/1/sessions": "shop",
    "#/sessions": "Sessions",
    f"#/session/{CODEX[0]}/{CODEX[1]}/14": SEEN[:20],
    f"#/turns/{CODEX[0]}/{CODEX[1]}": SEEN[:20],
    f"#/changes/{CODEX[0]}/{CODEX[1]}": SEEN[:20],
    "#/search?q=discount": "discount",
}
IDLE: Final = "!document.querySelector('[aria-busy]')"
MARKUP: Final = "document.querySelectorAll('main :is(script, img, b, iframe, form, style)').length"
FOCUSED: Final = "document.activeElement.textContent"


async def test_nothing_that_was_recorded_is_markup(opened: Opened) -> None:
    page = opened.page
    shown = ""
    for fragment, title in VIEWS.items():
        await page.go(fragment, title)
        await page.until(IDLE)
        await page.do("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
        assert await page.do(MARKUP) == 0
        links = "[...document.querySelectorAll('main a')]"
        assert await page.do(f"{links}.every((each) => each.href.startsWith(location.origin))")
        shown += await page.text("main")

    assert shown.count(SEEN) > 30
    assert "\u202e" not in shown


async def test_a_project_is_reached_and_its_lines_are_traced_by_keyboard_alone(opened: Opened) -> None:
    page = opened.page
    await page.press("Tab")
    assert await page.do(FOCUSED) == "Skip to the content"
    await page.press("Enter", "Tab")
    assert await page.do("document.activeElement.id") == "filter"
    await page.press("Tab")
    assert await page.do(FOCUSED) == "shop"
    await page.press("ArrowDown", "ArrowDown", "ArrowUp", "ArrowUp", "Enter")
    await page.until("document.activeElement.matches('h1') && document.activeElement.textContent === 'shop'")

    for _ in range(20):
        await page.press("Tab")
        if await page.do("document.activeElement.matches('a.line')"):
            break
    await page.press("ArrowDown", "Enter")
    await page.until(f"document.querySelector('#source .turn.chosen') && {IDLE}")
    assert await page.do("document.querySelector('a.line[aria-current]') === document.activeElement")
    assert "turn 12 of Codex CLI is shown beside" in await page.text("#status")
    assert (await page.do("document.querySelector('#source .chosen').ariaLabel")) == "Turn 12"
    await page.press("ArrowRight")
    assert await page.do("document.activeElement.id") == "source"
    await page.press("ArrowLeft")
    assert "no cap" in await page.do(FOCUSED)
    await page.press("Escape")
    await page.until("location.hash === '#/project/1'")
    assert "no cap" in await page.do(FOCUSED)


async def test_back_and_forward_lead_to_what_was_shown_and_to_the_entry_that_was_followed(opened: Opened) -> None:
    page = opened.page
    await page.go("#/project/1", "shop")
    await page.click("a.line")
    await page.until("document.querySelector('#source .turn')")
    await page.go("#/project/1/timeline", "shop")
    await page.until("document.querySelectorAll('.timeline li').length > 10")
    await page.do("[...document.querySelectorAll('.timeline a')].at(-1).focus()")
    followed, top = await page.do(FOCUSED), await page.do("scrollY")
    await page.press("Enter")
    await page.until("document.querySelector('.turn')")

    await page.back()
    await page.until("document.querySelector('.timeline li')")
    assert top > 0
    assert (await page.do(FOCUSED), await page.do("scrollY")) == (followed, top)
    await page.back()
    await page.until("document.querySelector('#source .turn.chosen')")
    await page.back()
    await page.until("document.querySelector('.lines') && !document.querySelector('#source .turn')")
    await page.forward()
    await page.until("document.querySelector('#source .turn.chosen')")


async def test_search_says_what_was_searched_in_place_of_an_unknown_word(opened: Opened) -> None:
    page, _ = opened
    await page.press("/")
    await page.type("recipt")
    await page.until("document.querySelector('main')?.textContent.includes(`these have 'receipt'`)")

    assert await page.text("#status") == "12 hits. No entry has 'recipt', these have 'receipt'."


async def test_search_takes_the_beginning_of_a_text_that_no_address_can_hold(opened: Opened) -> None:
    page, pretend = opened

    await page.go(f"#/search?q=discount{'%E6%96%87' * 3000}", "discount")
    await page.until("document.querySelector('mark')")

    assert pretend.searches[-1].startswith("discount文")


async def test_search_shows_the_hits_of_what_was_typed_last(opened: Opened) -> None:
    page, pretend = opened
    pretend.slow["disco"] = asyncio.Event()
    await page.press("/")
    await page.type("disco")
    await page.until("location.hash === '#/search?q=disco'")
    await page.type("unt")
    await page.until("document.querySelector('mark')?.textContent === 'discount'")
    pretend.slow["disco"].set()
    await page.do("new Promise((done) => setTimeout(done, 100))")

    assert await page.text("main h1") == "Hits for discount"
    assert await page.do("document.activeElement.id") == "words"
    assert await page.text("#status") == "12 hits."
    assert pretend.searches[-1] == "discount"
    await page.press("ArrowDown", "ArrowDown", "Enter")
    await page.until("document.querySelector('.turn.chosen h2')?.textContent.startsWith('Turn 2')")
    await page.back()
    await page.until("document.querySelector('main h1').textContent === 'Hits for discount'")


async def test_a_change_is_shown_and_moves_neither_focus_nor_what_is_open(opened: Opened) -> None:
    page, pretend = opened
    await page.go("#/project/1", "shop")
    await page.until("document.querySelector('.lines details')")
    await page.do("document.querySelector('.lines details').open = true")
    await page.do("document.querySelectorAll('a.line')[2].focus()")
    *sections, last = pretend.handoff.sections
    last = replace(last, lines=(*last.lines, "The receipt is done."), sources=(*last.sources, ()))
    pretend.handoff = replace(pretend.handoff, sections=(*sections, last))
    pretend.changed()

    await page.until("document.querySelector('.lines').textContent.includes('The receipt is done.')")
    assert "Newest prompt" in await page.do(FOCUSED)
    assert await page.do("document.querySelector('.lines details').open")
    assert await page.text("#status") == "The handoff was updated."


async def test_keys_are_listed_and_a_page_that_is_signed_out_says_so_until_it_is_let_in_again(opened: Opened) -> None:
    page = opened.page
    await page.press("?", shift=True)
    await page.until("document.querySelector('dialog[open] kbd')")
    await page.press("Escape")
    await page.go("#/constructor", "There is no such page")
    opened.pretend.locked = True
    await page.do("location.hash = '#/project/1/timeline'")
    await page.until("!document.getElementById('offline').hidden")

    assert "Run carryover ui." in await page.text("#offline")
    opened.pretend.locked = False
    await page.do("document.dispatchEvent(new Event('visibilitychange'))")
    await page.until("document.getElementById('offline').hidden && document.querySelector('.timeline')")
    page.troubles.clear()  # the console names the answer 403


async def test_agents_have_different_colours_as_long_as_there_are_some(opened: Opened) -> None:
    agents = ["aider", "zed", "codex", "another"]
    colours = await opened.page.do(f"import('/ui/api.js').then((api) => {agents}.map(api.agentColour))")

    assert len(set(colours)) == len(agents)


@pytest.mark.parametrize(
    ("width", "dark"),
    [
        (380, True),
        (1280, False),
        pytest.param(380, False, marks=pytest.mark.night),
        pytest.param(2560, True, marks=pytest.mark.night),
    ],
)
async def test_views_fit_their_window_and_axe_finds_nothing(opened: Opened, width: int, dark: bool) -> None:
    page = opened.page
    await page.show_as(width=width, dark=dark)
    if AXE.exists():
        await page.do(f"{AXE.read_text('utf-8')}; true")
    for fragment, title in VIEWS.items():
        await page.go(fragment, title)
        await page.until(IDLE)
        assert await page.do("document.documentElement.scrollWidth <= innerWidth"), fragment
        await page.do("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
        assert await _violations(page) == [], fragment
    await page.press("?", shift=True)
    await page.until("document.querySelector('dialog[open]')")
    assert await _violations(page) == []
    await page.press("Escape")


async def test_a_real_daemon_shows_a_line_beside_its_turn_and_what_is_added_appears(
    browser: Page, tmp_path: Path
) -> None:
    project, transcripts = tmp_path / "shop", tmp_path / ".claude" / "projects"
    make_project(project, os.environ)
    with daemon_below(tmp_path) as running:
        replay(transcripts.parent, project)
        running.settle()
        command = (sys.executable, "-m", "carryover.faces.cli.main", "ui", "--no-open")
        printed = await asyncio.to_thread(subprocess.check_output, command, env=running.env, text=True)
        await browser.show_as(width=1280)
        await browser.open(printed.strip())
        await browser.until("document.querySelector('.all-projects a')?.textContent === 'shop'")
        assert "key=" not in await browser.do("location.href")

        await browser.click(".all-projects a")
        await browser.until("document.querySelector('a.line')")
        await browser.click("a.line", "Do not cap")
        await browser.until("document.querySelector('#source .chosen .user')?.textContent.includes('Do not cap it.')")
        pin = (*command[:3], "pin", "Cents never float")
        await asyncio.to_thread(subprocess.check_output, pin, env=running.env, cwd=project)
        await browser.until("[...document.querySelectorAll('a.line')][0].textContent.includes('Cents never float')")
        assert "your word" in await browser.text("a.line")
        await browser.click("a.line", "Cents never")
        await browser.until("document.querySelector('#source .user')?.textContent.includes('Cents never')")
        session = ClaudeSession(transcripts, project)
        session.prompt(f"Round half to even, please. {HOSTILE}")
        session.answer(f"# {HOSTILE}\n\n```{HOSTILE}\n{HOSTILE}\n```\nDone. {HOSTILE}")
        await browser.until("document.querySelector('.lines').textContent.includes('Round half to even')")
        await browser.click("a.line", "half to")
        await browser.until("document.querySelector('#source .chosen .agent')?.textContent.includes('alert(1)')")
        assert await browser.do(MARKUP) == 0
        await browser.do("document.getElementById('words').focus()")
        await browser.type("even")
        await browser.until("document.querySelector('.hits mark')?.textContent === 'even'")
        await browser.load("about:blank")
    assert browser.troubles == []


async def test_a_million_signs_in_a_row_do_not_stop_the_page(opened: Opened) -> None:
    for run in (" ", "\n", "`", "*", "#"):
        script = f"import('./dom.js').then((dom) => dom.prose({json.dumps(run)}.repeat(1_000_000) + 'x').length)"

        assert await opened.page.do(script), run


async def test_a_name_reads_backwards_in_no_tooltip(opened: Opened) -> None:
    named = "dom.h('p', { title: 'a\\u202eb', 'aria-label': 'a\\u2066b', href: '#\\u202e' }, 'a\\u202eb').outerHTML"

    html = await opened.page.do(f"import('./dom.js').then((dom) => {named})")

    assert html == '<p title="ab" aria-label="ab" href="#\u202e">ab</p>'


async def _violations(page: Page) -> list[str]:
    if not AXE.exists():
        return []
    found = json.loads(await page.do("axe.run(document, { resultTypes: ['violations'] }).then(JSON.stringify)"))
    nodes = [(each["id"], node) for each in found["violations"] for node in each["nodes"]]
    return [f"{name}: {node['html'][:200]} {node['failureSummary']}" for name, node in nodes]


@pytest.mark.skipif(not AXE.exists(), reason="`make page-tools` brings axe-core")
async def test_axe_is_what_judged_the_views(opened: Opened) -> None:
    button = "document.querySelector('main').append(document.createElement('button'))"
    await opened.page.do(f"{AXE.read_text('utf-8')}; {button}; true")

    assert any(violation.startswith("button-name") for violation in await _violations(opened.page))


@pytest.mark.night
async def test_the_accessibility_tree_names_regions_and_controls(opened: Opened) -> None:
    page = opened.page
    await page.go(SOURCE, "shop")
    await page.until("document.querySelector('#source .turn')")
    await page.call("Accessibility.enable")
    nodes = (await page.call("Accessibility.getFullAXTree"))["nodes"]
    await page.call("Accessibility.disable")
    named = {(node["role"]["value"], node.get("name", {}).get("value", "")) for node in nodes if not node["ignored"]}

    assert {
        ("searchbox", "Search everything that was recorded"),
        ("navigation", "Main"),
        ("navigation", "Views of the project"),
        ("complementary", "Where the line comes from"),
        ("heading", "shop"),
        ("heading", "Task"),
        ("link", "Newest prompt (turn 14): Go on with the receipt, then run all tests. Claude Code turn 14"),
    } <= named
    assert [role for role, name in named if role in ("button", "link", "searchbox", "complementary") and not name] == []
    assert CLAUDE[1] not in "".join(name for _, name in named)
