from __future__ import annotations

import sys
from importlib import metadata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.requirements import Requirement

from carryover.probe.source_code import (
    GRAMMARS,
    LANGUAGES,
    PACKED,
    Effort,
    grammar,
    language_of,
    symbol_at,
)
from support.costs import costing_little

PLENTY = Effort(1 << 40)
FIXTURES = Path(__file__).parent / "fixtures" / "source_code"
SOURCES = {file.stem: file.read_text(encoding="utf-8") for file in sorted(FIXTURES.glob("*.txt"))}
"""By language, with the symbol expected on each line behind `»`; none: no symbol."""
READABLE = [name for name in SOURCES if grammar(name) is not None]
"""Without the extra `languages`, those that an installation reads anyway."""


def source_of(language: str) -> bytes:
    lines = SOURCES[language].split("\n")
    return "\n".join(line.partition("»")[0].rstrip() for line in lines).encode()


@pytest.mark.parametrize("language", READABLE)
def test_every_line_knows_the_definition_it_is_in(language: str) -> None:
    lines = SOURCES[language].strip("\n").split("\n")
    expected = [line.partition("»")[2].strip() or None for line in lines]

    source = source_of(language)

    assert [symbol_at(source, language, number, PLENTY) for number in range(1, len(lines) + 1)] == expected


@pytest.mark.parametrize(
    ("path", "language"),
    [
        ("src/cart.py", "python"),
        ("a.mjs", "javascript"),
        ("a.mts", "typescript"),
        ("a.tsx", "tsx"),
        ("a.h", "cpp"),
        ("A.CPP", "cpp"),
        ("C:\\shop\\cart.rb", "ruby"),
        ("Rakefile", "ruby"),
        ("README.md", None),
        ("Makefile", None),
        ("py", None),
        ("", None),
    ],
)
def test_the_language_is_known_by_the_name(path: str, language: str | None) -> None:
    assert language_of(path) == language


@given(
    language=st.sampled_from(sorted(READABLE)),
    junk=st.binary(max_size=60),
    cut=st.integers(0, 900),
    line=st.integers(1, 40),
)
def test_no_bytes_break_the_reading(language: str, junk: bytes, cut: int, line: int) -> None:
    source = source_of(language)
    torn = source[:cut] + junk + source[cut:]

    assert symbol_at(torn, language, line, PLENTY) == symbol_at(torn, language, line, PLENTY)


@pytest.mark.parametrize("unit", [b"(((", b"/*", b"#if\n"])
def test_hostile_files_cost_time_in_proportion_to_their_length(unit: bytes) -> None:
    with costing_little():
        symbol_at(unit * (80_000 // len(unit)), "cpp", 1, PLENTY)


def without(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on the modules whose names begin so are not installed."""
    for name in (*(module for module, _ in GRAMMARS.values()), "tree_sitter_language_pack"):
        if name.startswith(module):
            monkeypatch.setitem(sys.modules, name, None)


def test_every_language_that_is_recognised_has_a_grammar_and_a_sample() -> None:
    assert GRAMMARS.keys() == set(LANGUAGES.values())
    assert SOURCES.keys() == GRAMMARS.keys() | set(PACKED.values())


@pytest.mark.parametrize("language", GRAMMARS)
def test_the_grammar_of_a_language_is_one_that_an_installation_brings(language: str) -> None:
    module, _ = GRAMMARS[language]
    required = {Requirement(text).name for text in metadata.requires("carryoverd") or () if "extra ==" not in text}

    assert grammar(language) is not None
    assert module.replace("_", "-") in required


@pytest.mark.parametrize(
    ("language", "source", "line"),
    [
        ("python", b"x = " + b"[" * 3000 + b"]" * 3000, 1),
        ("javascript", b"x = " + b"[" * 3000 + b"]" * 3000, 1),
        ("javascript", b"```\n" * 60_000, 100),
    ],
    ids=["lists in Python", "lists in JavaScript", "templates"],
)
def test_nodes_within_nodes_without_an_end_are_read_at_once(language: str, source: bytes, line: int) -> None:
    """Not after minutes, nor so deep that Python gives up: a repository may hold any file."""
    assert symbol_at(source, language, line, PLENTY) is None


def test_a_receiver_without_an_end_is_read_at_once() -> None:
    """Not after hours: Go's name of what a method belongs to is as long as a repository likes."""
    source = b"package a\n\nfunc (" + b"a" * 300_000 + b" RatesOfAllTaxes) M() {\n\tx := 1\n}\n"

    assert symbol_at(source, "go", 4, PLENTY) == "RatesOfAllTaxes.M"


def test_names_that_hold_what_they_name_are_bounded() -> None:
    """Each computed name holds all that is within it: of 150 KB, the names together had 600 MB."""
    source = b"({[" * 3_000 + b"\nclass A { b() {} }\n" + b"]: function () {} })" * 3_000

    assert len(symbol_at(source, "javascript", 2, PLENTY) or "") < 50_000


def test_without_a_grammar_or_effort_a_file_is_handed_over_without_them(monkeypatch: pytest.MonkeyPatch) -> None:
    assert symbol_at(source_of("python"), "python", 3, PLENTY) is not None
    assert symbol_at(source_of("python"), "python", 3, Effort(0)) is None
    without("tree_sitter_", monkeypatch)

    assert grammar("python") is None
    assert grammar("kotlin") is None, "the extra is not installed either"
    assert symbol_at(source_of("kotlin"), "kotlin", 2, PLENTY) is None
    assert symbol_at(source_of("python"), "python", 3, PLENTY) is None
