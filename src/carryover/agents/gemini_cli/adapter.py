"""Defines AGENT: how Gemini CLI's transcripts are found, read and parsed, and its hooks understood.

Hooks seen in 0.26.0, 0.44.0 and 0.61.0. AfterAgent's text is not used: the transcript already has it, with the model's
own spacing.
"""

from __future__ import annotations

from functools import partial
from typing import Final

from carryover.adapter.contract import Agent, HookAction, HookProtocol, Reader
from carryover.adapter.hooks import ClaudeLikeHooks, root_above, session_start_answer
from carryover.adapter.lazily import lazily
from carryover.agents.gemini_cli import locate
from carryover.agents.gemini_cli.builder import Context
from carryover.agents.gemini_cli.spec import SPEC
from carryover.readers.by_kind import ReaderByKind
from carryover.readers.layouts import source_at, sources_below

_ACTIONS: Final[dict[str, HookAction]] = {
    "sessionstart": "session_start",
    "beforeagent": "prompt",
    "afteragent": "turn_end",
    "sessionend": "flush",
}
_SOURCE_OF: Final = partial(source_at, SPEC.id, locate.LAYOUTS)
_LAYOUT_ROOT: Final = partial(root_above, source_of=_SOURCE_OF, names=("tmp",))


def _readers() -> dict[str, Reader]:
    from carryover.agents.gemini_cli.reader import LinesReader, conversation_in
    from carryover.readers.rewritten import SnapshotReader

    return {locate.DOCUMENT: SnapshotReader(conversation_in), locate.LINES: LinesReader()}


AGENT: Final = Agent(
    spec=SPEC,
    reader=ReaderByKind(locate.kind_of, _readers),
    context_type=Context,
    source_of=_SOURCE_OF,
    sources=partial(sources_below, SPEC.id, locate.LAYOUTS),
    parse=lazily("carryover.agents.gemini_cli.parse", "parse_record"),
    hooks=HookProtocol(
        events=("SessionStart", "BeforeAgent", "AfterAgent", "SessionEnd"),
        read=ClaudeLikeHooks(layout_root=_LAYOUT_ROOT, actions=_ACTIONS).read,
        # Anything that is not JSON would be shown to the user as a message of the hook (0.61.0). The event's name does
        # not matter; what a prompt gets is put right after its last letter (0.26.0).
        answer=lambda text: session_start_answer(f"\n\n{text}"),
        layout_root=_LAYOUT_ROOT,
        drops=frozenset(("clear",)),  # 0.26.0, 0.61.0
        reads_page="run `cat {quoted}`",  # `read_file` refuses what git ignores (0.61.0)
        forgets=True,  # and with `-p` the first prompt, which is in the same message (0.61.0)
    ),
    exported=locate.source_of_export,
)
