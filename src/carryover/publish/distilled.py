"""Makes a project's handoff, or gives the one that was made of the same facts before: a session that starts after a
publication gets what was published, without distilling it again. Blocks."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from carryover.agents import agent_names
from carryover.distill.handoff import Handoff, distill
from carryover.distill.view import ProjectView
from carryover.facts import FileFacts, GitFacts

MOST_KEPT: Final = 8

_kept: OrderedDict[bytes, Handoff] = OrderedDict()
_lock = threading.Lock()


def distilled(
    view: ProjectView,
    git: GitFacts | None,
    files: Mapping[str, FileFacts],
    *,
    resume: str,
    now_ms: int,
    own: str | None = None,
    startable: Sequence[str] = (),
) -> Handoff | None:
    """As `distill`, with the agents' names. What was made of the same arguments is given again.

    `now_ms` only bounds the time of the newest event, so a handoff that ends before it holds at every later time. The
    `startable` agents only matter to a handoff that ends at a usage limit.
    """
    names = agent_names()
    facts = _fingerprint(view, git, files, resume, own, names)
    with_agents = _fingerprint(facts, startable)
    with _lock:
        for key in (facts, with_agents):
            known = _kept.get(key)
            if known is not None and known.updated_ms <= now_ms:
                _kept.move_to_end(key)
                return known
    made = distill(view, git, files, resume=resume, now_ms=now_ms, own=own, startable=startable, agent_names=names)
    if made is not None and made.updated_ms < now_ms:
        with _lock:
            _kept[with_agents if made.limit is not None else facts] = made
            while len(_kept) > MOST_KEPT:
                _kept.popitem(last=False)
    return made


def _fingerprint(*facts: object) -> bytes:
    return hashlib.sha256(msgspec.msgpack.encode(facts)).digest()
