"""Loads tree-sitter grammars on first use: a language's own package, or else the language pack.

tree-sitter-language-pack is installed by default and takes 184 MB for some 170 languages. Versions below 1.0 contain
the grammars, later ones download them. The single packages (the extra `lean`) take 13 MB for the languages named here,
and the pack can then be left out. Files of a language without either are handed over without function and syntax.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tree_sitter import Language

PACK: Final = "tree_sitter_language_pack"

SINGLE: Final = {
    "c": ("tree_sitter_c", "language"),
    "cpp": ("tree_sitter_cpp", "language"),
    "go": ("tree_sitter_go", "language"),
    "java": ("tree_sitter_java", "language"),
    "javascript": ("tree_sitter_javascript", "language"),
    "python": ("tree_sitter_python", "language"),
    "ruby": ("tree_sitter_ruby", "language"),
    "rust": ("tree_sitter_rust", "language"),
    "tsx": ("tree_sitter_typescript", "language_tsx"),
    "typescript": ("tree_sitter_typescript", "language_typescript"),
}
"""Language, as the pack names it → the module of its single package and the function in it that returns the grammar."""


@cache
def grammar(language: str) -> Language | None:
    """Returns the grammar of a language in `SINGLE`; None if no package for it is installed or usable."""
    for load in (_single, _from_pack):
        try:
            return load(language)
        except (ImportError, AttributeError, LookupError, TypeError, ValueError):
            continue  # not installed; built for another version of tree-sitter
    return None


def _single(language: str) -> Language:
    from tree_sitter import Language

    module, function = SINGLE[language]
    return Language(getattr(import_module(module), function)())


def _from_pack(language: str) -> Language:
    found: Language = import_module(PACK).get_language(language)
    return found
