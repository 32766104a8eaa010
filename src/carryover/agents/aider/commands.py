"""What the user typed: prompts, commands that ask the model, and commands that Aider runs itself (0.82.3, 0.86.2)."""

from __future__ import annotations

from typing import Final

from carryover.agents.aider.builder import Builder, mark_of
from carryover.model import SessionEnd, UserPrompt

BLANK: Final = "<blank>"

_ASKING: Final = frozenset(("/ask", "/code", "/architect", "/context"))
"""The words after these go to the model, and are written down once more without the command."""
_TEST: Final = "/test"
_SHELL: Final = {"/run": "", "/git": "git "}
_ENDS: Final = frozenset(("/exit", "/quit"))


def user_input(add: Builder, text: str) -> None:
    """One input of the user's. What is no prompt and runs nothing says nothing of the work."""
    _end_of_turn(add)
    if not text or text == BLANK:
        return
    mark = mark_of(text)
    context = add.context
    if mark in (context.repeated, context.answer):
        # The words of a command once more, or the architect's answer, handed to the editor model.
        add.change(repeated=0, answer=0, in_turn=True)
        return
    add.change(repeated=0, answer=0)
    if text.startswith("!"):
        add.start_call(add.call("run", "shell", text[1:].strip(), actor="human"))
    elif text.startswith("/"):
        _command(add, text)
    else:
        add.add(UserPrompt(text=text), "prompt")
        add.change(in_turn=True)


def _end_of_turn(add: Builder) -> None:
    """A new input: what ran before it has ended. `/test` and tests after an edit say nothing where they pass."""
    context = add.context
    call = context.call
    if call is not None and call.name == "test":
        known = bool(call.subject) and not context.interrupted
        add.close("ok" if known else "unknown", exit_code=0 if known else None)
    else:
        add.close("unknown")
        if context.auto_test and context.untested and context.test_command and not context.interrupted:
            passed = add.call("test", "shell", context.test_command, number=1)
            add.end_call(passed, "ok", exit_code=0)
    drop_edits(add)
    add.change(untested=False, interrupted=False, lint=None)


def drop_edits(add: Builder) -> None:
    """Ends the edits that the last answer asked for and that Aider has not applied: it will not any more."""
    for call in add.context.edits:
        add.end_call(call, "unknown", never_ran=True)
    add.change(edits=())


def _command(add: Builder, text: str) -> None:
    word, _, words = text.partition(" ") if " " in text.partition("\n")[0] else text.partition("\n")
    words = words.strip()
    if word in _ASKING and words:
        add.add(UserPrompt(text=words, command=word), "prompt")
        add.change(repeated=mark_of(words), in_turn=True)
    elif word == _TEST:
        add.start_call(add.call("test", "shell", words or add.context.test_command, actor="human"))
    elif word in _SHELL and words:
        add.start_call(add.call("run", "shell", _SHELL[word] + words, actor="human"))
    elif word == "/web" and words:
        add.ran(add.call("web", "web", words, actor="human"), "unknown")
    elif word in _ENDS:
        add.add(SessionEnd(reason=word[1:]), "end")
