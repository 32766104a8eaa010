"""What an assistant's text records as decided, under a label or a heading: "Decision: amounts are Decimal"."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from carryover.distill.clip import clip
from carryover.distill.language import lexicon
from carryover.distill.language.answer import Part
from carryover.distill.language.concept import Concept
from carryover.distill.language.prose import Quote
from carryover.text import lazy_re as re

_MOST: Final = 4
_SHORTEST: Final = 3
_HEADING_WORDS: Final = 4
_LABEL: Final = re.compile(r"^\W{0,4}([^:：\n]{3,40}?)\W{0,3}[:：]\W{0,3}\s(?=\S)")
_LABEL_WORDS: Final = 3

_DECISION: Final = Concept(
    en=r"decisions? | decided | agreed (?:on|decisions?) | settled",
    de=r"entscheidung(?:en)? | entschieden | beschlossen | festgelegt",
    fr=r"décisions? | décidé\w*",
    es=r"decisi(?:ón|ones) | decidido",
    pt=r"decis(?:ão|ões) | decidido",
    it=r"decision[ei] | deciso",
    ru=r"решени[ея] | решено",
    ja=r"決定(?:事項)? | 決まったこと",
    zh=r"决定 | 決定 | 决策",
    ko=r"결정(?: ?사항)?",
)
_STILL_OPEN: Final = Concept(
    en=r"open | needed | pending | required | your | for you | to (?:make|take) | points?",
    de=r"offen\w* | nötig\w* | ausstehend\w* | deine? | ihre?",
    fr=r"à prendre | ouvertes? | en attente | votre | ta",
    es=r"pendientes? | abiertas? | tu | su",
    pt=r"pendentes? | abertas? | sua",
    it=r"aperte | da prendere | tua",
    ru=r"нужн\w+ | открыт\w+ | ваш\w*",
    ja=r"未 | 必要 | 待ち",
    zh=r"待 | 需要 | 未",
    ko=r"미 | 필요 | 대기",
)
"""A decision that somebody still has to make."""


def decided_in(parts: Sequence[Part]) -> list[tuple[Quote, str]]:
    """The statements labelled as decisions, and the items of a list under such a heading, each with the text that it is
    out of; the last ones, in the order of the text."""
    found = []
    under_heading = False
    for part in parts:
        text = part.text
        if part.kind == "heading" or (part.kind == "prose" and text.endswith((":", "："))):
            under_heading = _names_decisions(text.rstrip(":："), most=_HEADING_WORDS)
            continue
        if part.kind not in ("prose", "item"):
            continue
        label = _LABEL.match(text)
        if label is not None and _names_decisions(label[1], most=_LABEL_WORDS):
            text = text[label.end() :]
        elif not (under_heading and part.kind == "item"):
            continue
        if part.asks or part.is_conditional or part.is_code or lexicon.HEDGE.search(text) or part.words < _SHORTEST:
            continue
        found.append((Quote(clip(text, chars=240), "decision in the answer", 1.0, part.names), part.text))
    return found[-_MOST:]


def _names_decisions(label: str, *, most: int) -> bool:
    """Whether a label or heading of few words says that what follows was decided."""
    few = len(label.split()) <= most
    return few and _DECISION.search(label) is not None and _STILL_OPEN.search(label) is None
