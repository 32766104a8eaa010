"""Finds what is marked as secret, whatever its name: all values of a `Secret` of Kubernetes, Terraform's outputs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from carryover.redact.values import LINE_NUMBER, Span, is_dummy, is_filler
from carryover.text.pattern import later

_KIND: Final = later(r"\bkind\\{0,7}[\"']?:[ \t]*\\{0,7}[\"']?Secret(?!\w)")
_NUMBER: Final = rf"[ \t]{{0,8}}{LINE_NUMBER}"
_HEAD: Final = rf"^(?:{_NUMBER}|(?!{_NUMBER}))[+-]?+"
"""What tools print before a line: its number, a sign of a diff."""
_PART: Final = later(rf"(?m){_HEAD}-{{2,3}}[ \t\r]*$")
_VALUES: Final = later(
    rf"(?m){_HEAD}(?P<lead>[ \t]{{0,40}})[\"']?(?:data|stringData)[\"']?:[ \t]*(?:[\r{{][ \t\r]*)?\n"
    rf"(?P<lines>(?:{_HEAD}(?P=lead)[ \t][^\n]*(?:\n|\Z))+)"
)
_NAME: Final = r"[\"']?[\w.-]{1,253}[\"']?:[ \t]"
_LINE: Final = later(
    rf"(?m){_HEAD}[ \t]{{1,80}}+(?!\#)(?:{_NAME}[ \t]*|(?!{_NAME}))[\"']?+(?P<value>[^\s\"'][^\n]{{3,65536}})"
)
_ON_ONE_LINE: Final = later(r"\"(?:data|stringData)\\{0,7}\":[ \t]?\{(?P<pairs>[^{}\n]{1,65536})\}")
"""A Secret as JSON on one line, perhaps within a JSON string, as `kubectl apply` records it beside a Secret."""
_PAIR: Final = later(r":[ \t]?(?P<quote>\\{0,7}\")(?P<value>[^\n]{0,65536}?)(?<!\\)(?P=quote)")
_SENSITIVE: Final = later(
    r"\"sensitive\":\s{0,4}true,[^{}]{0,400}?\"value\":\s{0,4}\"(?P<value>(?:[^\"\\]|\\.){4,65536})\""
)
"""Terraform escapes more than JSON has to: `<`, `>` and `&`."""
_LEAST: Final = 4


def values_of_secrets(text: str, _: str) -> Iterator[Span]:
    """Yields the values below `data` and `stringData` of each manifest in `text` whose kind is Secret; of a block, each
    of its lines."""
    if "Secret" not in text or _KIND.search(text) is None:
        return
    start = 0
    for end in (*(part.start() for part in _PART.finditer(text)), len(text)):
        for values in _VALUES.finditer(text, start, end) if _KIND.search(text, start, end) else ():
            for line in _LINE.finditer(text, *values.span("lines")):
                value = line["value"].rstrip(" \t\r\"',")
                if not (value.endswith(":") or is_dummy(value) or is_filler(value)):
                    yield line.start("value"), line.start("value") + len(value), "secret"
        start = end
    yield from _on_one_line(text)


def _on_one_line(text: str) -> Iterator[Span]:
    done = 0
    for kind in _KIND.finditer(text):
        if kind.start() < done:
            continue
        begin, end = text.rfind("\n", 0, kind.start()) + 1, text.find("\n", kind.end())
        done = end if end >= 0 else len(text)
        for values in _ON_ONE_LINE.finditer(text, begin, done):
            for pair in _PAIR.finditer(text, *values.span("pairs")):
                if len(pair["value"]) >= _LEAST and not (is_dummy(pair["value"]) or is_filler(pair["value"])):
                    yield *pair.span("value"), "secret"


def values_marked_sensitive(text: str, _: str) -> Iterator[Span]:
    """Yields the strings that `terraform output -json` prints as sensitive."""
    for found in _SENSITIVE.finditer(text):
        if not is_dummy(found["value"]):
            yield *found.span("value"), "secret"
