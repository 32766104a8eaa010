"""Gets the current handoff of a project: from the daemon that has it at hand, or else made here."""

from __future__ import annotations

import msgspec

from carryover.daemon.client import HANDOFF_S, ask_daemon
from carryover.daemon.handed_over import Answer, HandedOver, Wanted
from carryover.errors import UserError
from carryover.past.context import state_dir, warn_once
from carryover.paths import StateDir

__all__ = ["HandedOver"]


def handoff_to_print(root: str, session: str | None = None, tokens: int | None = None) -> HandedOver:
    """Returns the current handoff of the project at `root`; nothing is written into the project.

    The work of `session` (an id, a unique prefix of one, or `last`) leads, or else the newest. `tokens` is its budget
    if that is another than the file's. While Carryover is paused, nothing is read. Raises UserError: NOTHING_FOUND if
    there is nothing to hand over, REFUSED if the project is excluded, or if Carryover was paused before anything was
    recorded.
    """
    wanted = Wanted(root=root, session=session, tokens=tokens)
    state = state_dir()
    answer = _of_daemon(state, wanted) if not state.paused.exists() else Answer()
    for note in answer.notes:
        warn_once(note)
    if answer.error is not None:
        raise UserError(*answer.error)
    return answer.made or _made_here(wanted)


def _made_here(wanted: Wanted) -> HandedOver:
    from carryover.daemon.handoffs import printed
    from carryover.past.handoff_here import handoff_here

    return printed(handoff_here(wanted))


def _of_daemon(state: StateDir, wanted: Wanted) -> Answer:
    """Returns the daemon's answer; one without anything if none runs, it is another version's, or it takes too long."""
    from urllib.parse import quote

    asked = quote(msgspec.json.encode(wanted))
    try:
        answer = ask_daemon(state.socket, "POST", f"/handoff?wanted={asked}", timeout_s=HANDOFF_S)
        return msgspec.convert(answer or {}, Answer)
    except (UserError, TimeoutError, msgspec.ValidationError):
        return Answer()
