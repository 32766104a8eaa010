"""A real daemon calls a session the same in lists, in the timeline and in its heading: by what the user asked."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from demo.replay import make_project
from page.browser import Page
from page.conftest import in_chromium
from support.claude_session import ClaudeSession
from support.daemon_process import daemon_below

pytestmark = [pytest.mark.asyncio(loop_scope="module"), in_chromium]
ASKED = "Number the vouchers of each shop"
FORM = f"## User Input\n```text\n{ASKED}\n```\n## Outline\n" + "Check what the template says.\n" * 60
NAMES = "[...document.querySelectorAll('{}')].map((each) => each.textContent)"


async def test_a_session_has_one_title_and_it_is_the_request(browser: Page, tmp_path: Path) -> None:
    project = tmp_path / "shop"
    make_project(project, os.environ)
    with daemon_below(tmp_path) as running:
        session = ClaudeSession(tmp_path / ".claude" / "projects", project)
        session.prompt("yes to all")
        session.prompt(FORM)
        session.answer("They have numbers now.")
        session.prompt("ok, thanks")
        running.settle()
        command = (sys.executable, "-m", "carryover.faces.cli.main", "ui", "--no-open")
        printed = await asyncio.to_thread(subprocess.check_output, command, env=running.env, text=True)
        await browser.show_as(width=1280)
        await browser.open(printed.strip())

        await browser.until("document.querySelector('.all-projects .words')")
        assert await browser.text(".all-projects .words") == ASKED
        await browser.go("#/sessions", "Sessions")
        await browser.until("document.querySelector('.all-sessions .name')")
        assert await browser.do(NAMES.format(".all-sessions .name")) == [ASKED]
        await browser.click(".all-sessions .name a")
        await browser.until("document.querySelector('.turn')")
        assert (await browser.text("h1"), await browser.do("document.title")) == (ASKED, f"{ASKED} · Carryover")
        await browser.click(".tabs a", "Turns")
        await browser.until("document.querySelector('.turn-rows .name')")
        assert await browser.do(NAMES.format(".turn-rows .name")) == ["yes to all", ASKED, "ok, thanks"]
        await browser.go("#/project/1/timeline", "shop")
        await browser.until("document.querySelector('.entry.session')")
        assert await browser.text(".entry.session .what a") == ASKED
        assert "User Input" not in await browser.text("main")
        await browser.go("#/search?q=numbers", "numbers")
        await browser.until("document.querySelector('.hit')")
        assert set(await browser.do(NAMES.format(".hit .title"))) == {ASKED}
        await browser.load("about:blank")
    assert browser.troubles == []
