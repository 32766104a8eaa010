"""Each picture of architecture/d2 was drawn from the source beside it, shows in any viewer, and loads nothing."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Final

import pytest

CHECKOUT: Final = Path(__file__).parents[2]
FOLDER: Final = CHECKOUT / "architecture" / "d2"
STYLE: Final = FOLDER / "style.d2"
SOURCES: Final = sorted(path for path in FOLDER.glob("*.d2") if path != STYLE)
RENDERER: Final = CHECKOUT / "build" / "d2" / "node_modules"
MOST_BYTES: Final = 150_000


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_each_picture_was_drawn_from_its_source_is_small_says_what_it_shows_and_loads_nothing(source: Path) -> None:
    text = source.with_suffix(".svg").read_text("utf-8")
    picture = ET.fromstring(text)
    title = picture.find("{http://www.w3.org/2000/svg}title")

    drawn_from = hashlib.sha256(source.read_bytes() + STYLE.read_bytes()).hexdigest()
    assert picture.get("data-source") == drawn_from, "run `make diagrams`"
    assert len(text.encode()) < MOST_BYTES
    assert title is not None
    assert f"# {title.text}" == source.read_text("utf-8").splitlines()[0]
    assert set(re.findall(r"https?://[^\"']*", text)) <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
    assert [url for url in re.findall(r"url\(['\"]?([^)'\"]*)", text) if not url.startswith(("data:", "#"))] == []


def test_each_picture_has_a_source_and_is_shown_in_a_document() -> None:
    patterns = ("*.md", "docs/*.md", "architecture/**/*.md")
    documents = "".join(path.read_text("utf-8") for pattern in patterns for path in CHECKOUT.glob(pattern))

    assert [path.name for path in FOLDER.glob("*.svg") if path.with_suffix(".d2") not in SOURCES] == []
    assert [path.stem for path in SOURCES if f"d2/{path.stem}.svg)" not in documents] == []


@pytest.mark.skipif(not RENDERER.is_dir() or shutil.which("node") is None, reason="`make diagrams` brings the renderer")
def test_the_renderer_draws_the_same_pictures_again(tmp_path: Path) -> None:
    subprocess.run(["node", FOLDER / "render.mjs", tmp_path], check=True)

    changed = [path.name for path in FOLDER.glob("*.svg") if (tmp_path / path.name).read_bytes() != path.read_bytes()]
    assert changed == [], "run `make diagrams`"
