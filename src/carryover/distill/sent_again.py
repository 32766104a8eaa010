"""Leaves out prompts that were changed and sent again before they were answered."""

from __future__ import annotations

from itertools import zip_longest
from posixpath import commonprefix
from typing import Final

from msgspec.structs import replace

from carryover.distill.digest import Digest, Turn
from carryover.distill.view import ProjectView

_SENT_AGAIN: Final = 0.9
"""Share of a prompt that both ends of the next one have, if that is the same prompt with more words."""


def without_sent_again(view: ProjectView) -> ProjectView:
    """Returns the view with an empty prompt in place of each one that was changed and sent again."""
    digests = (_sent_once(session.digest) for session in view.sessions)
    sessions = (replace(one, digest=digest) for one, digest in zip(view.sessions, digests, strict=True))
    return replace(view, sessions=tuple(sessions))


def _sent_once(digest: Digest) -> Digest:
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
