"""The site has every document, its links lead somewhere, and no page loads anything from another host."""

from __future__ import annotations

import shutil
import tomllib
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import pytest

from website.__main__ import build
from website.pages import documents, problems, staged

CHECKOUT: Final = Path(__file__).parents[2]
POLICY: Final = (
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'self' data: blob: 'unsafe-inline'\">"
)


def _pages(entry: Any) -> list[str]:
    """The paths in a part of the navigation."""
    values = entry.values() if isinstance(entry, dict) else entry
    return [entry] if isinstance(entry, str) else [path for value in values for path in _pages(value)]


def test_each_document_is_in_the_navigation_once() -> None:
    settings = tomllib.loads((CHECKOUT / "zensical.toml").read_text("utf-8"))["project"]

    assert sorted(_pages(settings["nav"])) == [path.as_posix() for path in documents(CHECKOUT)]
    assert settings["theme"]["font"] is False


def test_a_link_to_a_file_that_is_no_page_leads_to_the_repository_and_a_bar_in_the_code_of_a_table_is_plain() -> None:
    table = "| `--mode a\\|b` | this \\| that |\n\nNot in a table: `a\\|b`\n"
    assert staged(table, Path("a.md"), set()) == table.replace("a\\|b", "a|b", 1)
    text = "[a](../LICENSE) [b](guide.md#install) [c](https://example.org/x) [d](#here)\n```\n[e](../LICENSE)\n```\n"
    site = {Path("docs/guide.md"), Path("docs/limits.md")}

    assert staged(text, Path("docs/limits.md"), site) == text.replace(
        "../LICENSE", "https://github.com/carryover-dev/carryover/blob/main/LICENSE", 1
    )


def test_what_is_wrong_with_a_page_is_named(tmp_path: Path) -> None:
    assert problems(tmp_path) == ["there is no index.html"]
    links = '<a href="b.html#there">b</a><a href="b.html#here">b</a><a href="c.html">c</a><a href="https://e.org">e</a>'
    loads = '<script src="https://e.org/x.js"></script><img src="gone.svg">'
    (tmp_path / "index.html").write_text(f"{POLICY}{links}{loads}")
    (tmp_path / "b.html").write_text('<p id="here">')

    assert problems(tmp_path) == [
        "b.html: may load from other hosts",
        "index.html: loads https://e.org/x.js",
        "index.html: b.html#there names no place there",
        "index.html: c.html leads nowhere",
        "index.html: gone.svg leads nowhere",
    ]


@pytest.mark.skipif(find_spec("zensical") is None, reason="`make site` installs the generator")
def test_the_site_is_built_without_a_problem(tmp_path: Path) -> None:
    shutil.copy(CHECKOUT / "zensical.toml", tmp_path)  # the paths in it are relative to where it really is
    for name in ("docs", "architecture", "packaging", *(path.name for path in CHECKOUT.glob("*.md"))):
        (tmp_path / name).symlink_to(CHECKOUT / name)

    assert build(tmp_path) == []
    assert "redacted" in (tmp_path / "build" / "site" / "search.json").read_text("utf-8")
