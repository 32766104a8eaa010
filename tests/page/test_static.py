"""The page's files: no markup from text, nothing from elsewhere, nothing that the policy of the page forbids."""

from __future__ import annotations

import re

from page.pretend import STATIC

SCRIPTS = {path.name: path.read_text("utf-8") for path in STATIC.glob("*.js")}
STYLES = [path.read_text("utf-8") for path in STATIC.glob("*.css")]
INDEX = (STATIC / "index.html").read_text("utf-8")
MARKUP = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|createContextualFragment|setHTML|srcdoc"
RUNS_TEXT = r"\beval\(|new Function|setTimeout\([\"'`]|javascript:|import\("


def test_no_script_makes_markup_or_code_of_text() -> None:
    found = {name: re.findall(f"{MARKUP}|{RUNS_TEXT}|\\.style\\b", text) for name, text in SCRIPTS.items()}

    assert found == {name: [] for name in SCRIPTS}


def test_nothing_comes_from_elsewhere() -> None:
    addresses = {address for text in [*SCRIPTS.values(), INDEX] for address in re.findall(r"https?:[^\"'` ]*", text)}

    assert addresses == set()
    assert not any(re.search(r"url\(|@import", text) for text in STYLES)
    assert not re.search(r"<style|style=|\son\w+=|<script(?! type=\"module\" src=\"app\.js\">)", INDEX)


def test_every_script_is_asked_for_at_once() -> None:
    preloaded = re.findall(r'rel="modulepreload" href="(\w+\.js)"', INDEX)
    imported = {name for text in SCRIPTS.values() for name in re.findall(r'from "\./(\w+\.js)"', text)}

    assert sorted([*preloaded, "app.js"]) == sorted(SCRIPTS)
    assert imported == set(preloaded)


def test_the_page_stays_small() -> None:
    assert sum(len(text.splitlines()) for text in SCRIPTS.values()) < 1450
    assert sum(len(text.splitlines()) for text in STYLES) < 430
    assert sum(path.stat().st_size for path in STATIC.iterdir() if path.is_file()) < 110_000
