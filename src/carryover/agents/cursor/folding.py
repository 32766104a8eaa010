"""Each kind of source has its fold; the path tells which."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from carryover.adapter.contract import Folded, Record, Source
from carryover.agents.cursor.context import Context
from carryover.agents.cursor.editor import fold as editor_fold
from carryover.agents.cursor.talk import fold as talk_fold
from carryover.agents.cursor.talk.context import TalkContext
from carryover.agents.cursor.transcript import line_fold
from carryover.agents.cursor.transcripts import Kind, kind_of
from carryover.records import rawjson

_TALKS: Final[dict[Kind, Callable[[Source, TalkContext, Record], tuple[TalkContext, Folded]]]] = {
    "chat": talk_fold.fold,
    "transcript": line_fold.fold,
    "text": talk_fold.fold,
}
"""The sources that hold one conversation each."""


def fold(source: Source, context: Context, record: Record) -> tuple[Context, Folded]:
    """Fold one record of any of Cursor's stores. Never raises: what is not understood is counted in `skipped`."""
    kind = kind_of(source.path)
    if kind in ("ide", "workspace"):
        editor, folded = editor_fold.fold(source, context.editor, record)
        return msgspec.structs.replace(context, editor=editor), folded
    if kind in _TALKS:
        talk, folded = _TALKS[kind](source, context.talk, record)
        return msgspec.structs.replace(context, talk=talk), folded
    return context, Folded(skipped=(rawjson.skipped(None, "unknown kind of source", None),))
