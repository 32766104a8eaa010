"""The pages of the documentation site: the documents of this repository, staged where Zensical reads them, and what is
checked of the pages that it writes."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

REPOSITORY: Final = "https://github.com/carryover-dev/carryover"
DOCUMENTS: Final = ("*.md", "docs/*.md", "architecture/**/*.md", "packaging/README.md")
FURTHER: Final = ("docs/*.svg", "architecture/d2/*.svg", "architecture/site/*.*")
"""What pages show, beside their text."""

_LINK: Final = re.compile(r"(?<=\]\()([^)#\s]+)(?=[)#])")
_CODE_IN_TABLE: Final = re.compile(r"^\|.*$", re.MULTILINE)
_FENCES: Final = re.compile(r"(^```.*?^```$)", re.DOTALL | re.MULTILINE)
_LOADS: Final = {("script", "src"), ("img", "src"), ("link", "href"), ("iframe", "src"), ("source", "src")}
_POLICY: Final = "default-src 'self' data: blob: 'unsafe-inline'"


def documents(checkout: Path) -> list[Path]:
    """The documents that are pages, as paths in the checkout."""
    return sorted(path.relative_to(checkout) for pattern in DOCUMENTS for path in checkout.glob(pattern))


def stage(checkout: Path, folder: Path) -> None:
    """Writes the pages' sources below `folder`, by the same paths as in the checkout."""
    pages = documents(checkout)
    files = [path.relative_to(checkout) for pattern in FURTHER for path in checkout.glob(pattern)]
    for path in [*pages, *files]:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        text = (checkout / path).read_text("utf-8")
        (folder / path).write_text(staged(text, path, {*pages, *files}) if path in pages else text, "utf-8")


def staged(text: str, page: Path, site: set[Path]) -> str:
    """Returns a document as Zensical needs it: links to files that are not on the site lead to the repository, and a
    bar in the code of a table has no backslash."""

    def target(link: re.Match[str]) -> str:
        path = Path(os.path.normpath(page.parent / link[0]))
        return link[0] if "://" in link[0] or path in site else f"{REPOSITORY}/blob/main/{path.as_posix()}"

    def plain(row: re.Match[str]) -> str:
        return re.sub(r"`[^`]*`", lambda code: code[0].replace("\\|", "|"), row[0])

    parts = _FENCES.split(text)
    outside = (_CODE_IN_TABLE.sub(plain, _LINK.sub(target, part)) for part in parts[::2])
    return "".join(part for pair in zip(outside, [*parts[1::2], ""], strict=True) for part in pair)


def problems(site: Path) -> list[str]:
    """Returns what is wrong with the pages below `site`: links that lead nowhere, and what comes from another host."""
    pages = {path: _Page(path) for path in sorted(site.rglob("*.html"))}
    if site / "index.html" not in pages:
        return ["there is no index.html"]
    return [problem for page in pages.values() for problem in _problems(page, pages, site)]


class _Page(HTMLParser):
    """The links, anchors and loads of one page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.policy = ""
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.anchors |= {given[name] for name in ("id", "name") if name in given}
        self.loads += [value for name, value in given.items() if (tag, name) in _LOADS]
        self.links += [given["href"]] if tag == "a" and "href" in given else []
        if given.get("http-equiv") == "Content-Security-Policy":
            self.policy = given["content"]


def _problems(page: _Page, pages: dict[Path, _Page], site: Path) -> Iterator[str]:
    name = page.path.relative_to(site)
    if page.policy != _POLICY:
        yield f"{name}: may load from other hosts"
    for link in page.loads:
        if urlsplit(link).netloc:
            yield f"{name}: loads {link}"
    for link in page.links + page.loads:
        parts = urlsplit(link)
        if parts.scheme or parts.netloc or (name.name == "404.html"):
            continue
        to = (page.path.parent / unquote(parts.path)).resolve() if parts.path else page.path
        if not to.is_file():
            yield f"{name}: {link} leads nowhere"
        elif to in pages and parts.fragment and unquote(parts.fragment) not in pages[to].anchors:
            yield f"{name}: {link} names no place there"
