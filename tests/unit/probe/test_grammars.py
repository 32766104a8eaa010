"""Single grammars and the pack stand in for each other, and without either nothing breaks."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

import pytest

from carryover.facts import FileFacts
from carryover.probe import source_code
from carryover.probe.source_code import _LANGUAGES, SINGLE, examine, grammar

SAMPLES = {
    "c": b"int add(int a) {\n  return a; // mark\n}\n",
    "cpp": b"class Cart {\n  int add(int a) {\n    return a; // mark\n  }\n};\n",
    "go": b"package a\n\nfunc (c *Cart) Add(a int) int {\n\treturn a // mark\n}\n",
    "java": b"class Cart {\n  int add(int a) {\n    return a; // mark\n  }\n}\n",
    "javascript": b"class Cart {\n  add(a) {\n    return a // mark\n  }\n}\n",
    "python": b"class Cart:\n    def add(self, a):\n        return a  # mark\n",
    "ruby": b"class Cart\n  def add(a)\n    a # mark\n  end\nend\n",
    "rust": b"impl Cart {\n    fn add(a: i32) -> i32 {\n        a // mark\n    }\n}\n",
    "tsx": b"function Cart(a: string) {\n  return <b>{a}</b> // mark\n}\n",
    "typescript": b"class Cart {\n  add(a: number): number {\n    return a // mark\n  }\n}\n",
}
BROKEN = b"((((\n"


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    grammar.cache_clear()
    yield
    grammar.cache_clear()


def without(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on the modules whose names begin so are not installed."""

    def imported(name: str) -> object:
        if name.startswith(module):
            raise ModuleNotFoundError(name)
        return import_module(name)

    monkeypatch.setattr(source_code, "import_module", imported)
    grammar.cache_clear()


def test_every_language_that_is_recognised_has_a_grammar_and_a_sample() -> None:
    assert SINGLE.keys() == set(_LANGUAGES.values()) == SAMPLES.keys()


@pytest.mark.parametrize("language", SAMPLES)
def test_both_kinds_give_the_same_facts(language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    line = SAMPLES[language].split(b"mark")[0].count(b"\n") + 1
    single = [examine(text, language, line) for text in (SAMPLES[language], BROKEN)]
    without(SINGLE[language][0], monkeypatch)

    assert [examine(text, language, line) for text in (SAMPLES[language], BROKEN)] == single
    assert single[0].parses and single[0].symbol
    assert not single[1].parses


def test_with_neither_a_file_is_handed_over_without_them(monkeypatch: pytest.MonkeyPatch) -> None:
    without("tree_sitter_", monkeypatch)

    assert grammar("python") is None
    assert examine(SAMPLES["python"], "python", 3) == FileFacts(exists=True)
