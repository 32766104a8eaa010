"""Takes out of prompts what a client or a habit puts into several of them, however short: what differs is what the
user said."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from itertools import zip_longest
from posixpath import commonprefix
from typing import Final, NamedTuple

from msgspec.structs import replace

from carryover.distill.digest import Digest, Turn
from carryover.distill.pastes import is_machine_line
from carryover.distill.view import ProjectView
from carryover.text.harmless import one_line
from carryover.text.pattern import later

_SHORTEST: Final = 40
"""A shorter paragraph may come in any two prompts, unless it is a heading."""
_BLOCK: Final = later(r"(?ms)^<([a-z]+[-_][\w-]*)\b[^<>\n]*>.*?</\1>|[^\n](?:(?!\n\s*\n|\n<[a-z]+[-_]).)*")
"""What stands between the tags of a client, or a paragraph."""
_TWICE: Final = 2
_GAP: Final = "…"
_SENT_AGAIN: Final = 0.9
"""Share of a prompt that both ends of the next one have, if that is the same prompt with more words."""
_Sent = tuple[int, str, str]


class _Block(NamedTuple):
    tag: str
    text: str
    key: str
    """What it is recognised by in other prompts; empty if it may repeat by chance."""


def without_said_again(view: ProjectView) -> ProjectView:
    """Returns the view without what stands in its prompts between tags that come in several beside different words, and
    with `…` for each paragraph that a newer prompt has. A prompt of nothing else stays whole. What was sent again
    before it was answered is no prompt."""
    digests = (_sent_once(session.digest) for session in view.sessions)
    sessions = (replace(one, digest=digest) for one, digest in zip(view.sessions, digests, strict=True))
    view = replace(view, sessions=tuple(sessions))
    turns = {turn.sent: turn for session in view.sessions for turn in session.digest.turns if turn.prompt}
    prompts = sorted(turns, key=lambda sent: (turns[sent].began, sent))
    blocks = {sent: _blocks(turns[sent].prompt) for sent in prompts}
    beside = {(one.tag, _outside(blocks[sent])) for sent in prompts for one in blocks[sent] if one.tag}
    tags = Counter(tag for tag, rest in beside if rest)
    keeps = {one.key: sent for sent in prompts for one in blocks[sent] if one.key}
    own: dict[_Sent, str] = {}
    for sent in prompts:
        said = [one for one in blocks[sent] if tags[one.tag] < _TWICE]
        kept = [one.text if keeps.get(one.key, sent) == sent else _GAP for one in said]
        if (_GAP in kept or said != blocks[sent]) and any(letter.isalnum() for text in kept for letter in text):
            own[sent] = "\n\n".join(kept)
    if not own:
        return view
    return replace(
        view,
        sessions=tuple(
            replace(one, digest=replace(one.digest, turns=tuple(_turn(turn, own) for turn in one.digest.turns)))
            for one in view.sessions
        ),
    )


def _sent_once(digest: Digest) -> Digest:
    """Returns the digest without the prompts that were changed and sent again before they were answered."""
    pairs = zip_longest(digest.turns, digest.turns[1:])
    again = [following is not None and _is_sent_again(turn, following) for turn, following in pairs]
    if not any(again):
        return digest
    turns = zip(digest.turns, again, strict=True)
    return replace(digest, turns=tuple(replace(turn, prompt="", chars=0) if was else turn for turn, was in turns))


def _is_sent_again(turn: Turn, following: Turn) -> bool:
    if turn.end not in ("", "interrupted") or not turn.prompt:
        return False
    begins = _alike(turn.prompt, following.prompt)
    ends = _alike(turn.prompt[begins:][::-1], following.prompt[begins:][::-1])
    return begins + ends >= _SENT_AGAIN * len(turn.prompt)


def _alike(some: str, others: str) -> int:
    """Returns how many characters two texts begin with alike."""
    return len(commonprefix((some, others)))


def _turn(turn: Turn, own: dict[_Sent, str]) -> Turn:
    prompt = own.get(turn.sent)
    if prompt is None:
        return turn
    return replace(turn, prompt=prompt, chars=turn.chars - len(turn.prompt) + len(prompt))


def _outside(blocks: list[_Block]) -> str:
    return "".join(block.text for block in blocks if not block.tag)


@lru_cache(maxsize=1024)  # every handoff compares the same prompts
def _blocks(prompt: str) -> list[_Block]:
    found = ((block[1] or "", block[0].strip()) for block in _BLOCK.finditer(prompt) if block[0].strip())
    return [_Block(tag, text, "" if tag else _key(text)) for tag, text in found]


def _key(text: str) -> str:
    key = one_line(text)
    # May be a request given to several commands, or hold the end of what is marked as pasted.
    is_quote = is_machine_line(text) or text.startswith(("```", "~~~")) or text.endswith("~~~")
    return key if (len(key) >= _SHORTEST or key.startswith("#")) and not is_quote else ""
