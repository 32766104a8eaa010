"""What a successor is told: the user's request, and for each arm what it gets to know of the session before."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from carryover.distill.handoff import MAX_TOKENS
from carryover.distill.quotes import estimated_tokens
from quality.arms import carryover, tail
from quality.happened import happenings
from quality.successor.tasks import Task, TaskError

ARMS: Final = ("nothing", "handoff", "handoff-8000", "tail", "tail-8000")
"""`tail` is as long as `handoff`, and `tail-8000` as long as `handoff-8000` may be."""
USUAL: Final = ARMS[:4]
TOKENS: Final = 8000

_BEFORE: Final = "An earlier session worked on this, in this folder. You can't see it; this is what is known of it:"


def request_of(task: Task, file: Path) -> str:
    """Returns what the user asked for, in the session's words unless the task has its own. Raises TaskError."""
    if task.request:
        return task.request
    prompts = [each for each in happenings(file)[1] if each.kind == "prompt"]
    if task.asked:
        chosen = [each.text for each in prompts if each.record in task.asked]
    else:
        chosen = [each.text for each in prompts if each.record <= task.until][-1:]
    if len(chosen) < max(1, len(task.asked)):
        raise TaskError(f"{task.name}: the session has no such prompt")
    return "\n\n".join(chosen)


def text_of(arm: str, file: Path, until: int) -> str:
    """Returns what an arm says of the session up to record `until`; empty if there is nothing to say."""
    match arm:
        case "nothing":
            return ""
        case "handoff":
            return _handoff(file, until, MAX_TOKENS)
        case "handoff-8000":
            return _handoff(file, until, TOKENS)
        case "tail":
            return _tail(file, until, estimated_tokens(_handoff(file, until, MAX_TOKENS)))
        case "tail-8000":
            return _tail(file, until, TOKENS)
        case _:
            raise ValueError(arm)


def prompt_of(request: str, text: str) -> str:
    """Returns the prompt that the agent is started with."""
    return f"{request}\n\n{_BEFORE}\n\n{text}\n" if text else f"{request}\n"


def _handoff(file: Path, until: int, tokens: int) -> str:
    """Returns a handoff from its first heading on.

    Its head tells an agent to ask first whether to go on, and some agents' adapters skip what begins with it.
    """
    _, heading, rest = carryover(file, until, tokens).partition("\n## ")
    return f"{heading}{rest}".lstrip("\n")


def _tail(file: Path, until: int, tokens: int) -> str:
    return tail([each for each in happenings(file)[1] if each.record <= until], tokens)
