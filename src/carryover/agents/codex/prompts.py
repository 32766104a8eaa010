"""Codex's prompts: what the user typed, what the client put around it or in its place, and what the app sends to a
thread on a schedule, with what an answer to that tells the app."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from html import unescape
from itertools import chain, takewhile
from typing import Final

import msgspec

from carryover import model
from carryover.agents.codex.rollout import Rollout
from carryover.records.fields import digest
from carryover.records.lenient import fields_of, items_of, number_of, text_of
from carryover.records.text import tagged
from carryover.text.pattern import later

_REQUEST: Final = later(r"^## My request(?: for Codex)?:", re.MULTILINE)
_BEFORE_REQUEST: Final = later(r"(?:#{1,2} [^\n]{1,100}:[^\S\n]*$|<[a-z][\w-]{1,100}[\s>])", re.MULTILINE)
"""The beginning of what the app or the editor extension puts before the request: a selection, the text of a window, of
a page or of a failed check, files. They have many headings, so what counts is that one begins the text."""
_SECTION: Final = later(
    r"^(# [^\n]{1,100}:|## (?:Prior|Referenced|Code review|Pull request|Auto resolve) [^\n]{1,60}:"
    r"|<in-app-browser-context[^\n]{0,100}>)[^\S\n]*$",
    re.MULTILINE,
)
"""The heading of one part of what comes before the request."""
_ON_ANSWERS: Final = "# Response annotations:"
_COMMENTED: Final = (_ON_ANSWERS, "# Diff comments:", "# Browser comments:")
"""Parts with what the user wrote, in the app's order; each is there once."""
_MENTIONED: Final = "# Files mentioned by the user:"
_NAMED: Final = ("# Context from my IDE setup:", _MENTIONED)
"""Parts that may come before comments. They quote nothing, unless they have a selection."""
_FILE: Final = later(r"^## ([^\n/\\]{1,120}): [^\n]{0,4096}[/\\]([^\n/\\]{1,120})$", re.MULTILINE)
"""A file that the user mentioned: its name or, of a long paste, the first words, then its path (0.65 to 0.145)."""
_PICTURES: Final = (".png", ".jpg", ".jpeg", ".gif", ".webp")
_MOST_MENTIONED: Final = 4
_PRIOR: Final = "## Prior conversation with Codex:"
"""The part with a conversation that continues in a new thread, such as a cloud task continued in the editor: JSON
(0.118)."""
_SELECTION: Final = "\n## Active selection of the file:"
_COMMENT: Final = later(r"^## (?:(?:User )?Comment|Requested annotation) \d{1,4}$", re.MULTILINE)
"""The beginning of a comment that the user left in the app; what was said in it ends it (June to September 2026)."""
_PICTURED: Final = later(
    r"^The next image (?:is untrusted page evidence|was attached by the user|shows [^\n]{1,40} at the time of Comment)",
    re.MULTILINE,
)
"""The beginning of what the app adds after the request: a line for each picture of a comment."""
_PIPED: Final = "\n\n<stdin>\n"
"""The beginning of what was piped into `codex exec` beside a prompt: a file's or a program's words."""
_SENT: Final = "<codex_delegation>"
_SPOKEN: Final = "<realtime_delegation>\n"
"""What the voice of the app or the terminal hands over of what the user said, escaped, with what was spoken below it
(source of 0.125 to 0.171). With a `<source>` it only ends the talk."""
_SENDER: Final = "another thread"
"""What another thread of the app sends to this one; its text is escaped."""
_IMPLEMENTS: Final = (
    "PLEASE IMPLEMENT THIS PLAN:\n",
    "A previous agent produced the plan below to accomplish the user's task. ",
)
"""Before a plan that was accepted, in the app and the editor extension (0.107, 0.126), and in the terminal with a new
thread (source of 0.125, 0.150)."""
_APPROVED: Final = later(r"Read the approved plan at [^\n]{1,4096}[/\\]approved-plan\.md and implement it\.")
"""The prompt of the terminal's new thread since a file of the client's has the plan (0.171)."""
_GOAL_IN_FILE: Final = later(
    r"Read the Codex goal objective file at [^\n]{1,4096}[/\\]goal-objective\.md before continuing\."
)
"""The objective of a goal that is long or has a paste: a file of the client's has the words (0.171)."""
_ACCEPTS: Final = "Implement the plan."
"""The prompt that accepts the plan put before the user last (0.115)."""
_CLIENTS: Final = (
    *("<environment_context>", "<user_instructions>", "<goal_context>", "<codex_internal_context"),
    *("<skill>\n", "<user_shell_command>\n", "<subagent_notification>\n", "<turn_aborted>\n", "<hook_prompt "),
)
"""How text begins that the client sends to the model in the user's role: the working folder, a skill, the output of a
command, a sub-agent or a hook."""
_INSTRUCTIONS: Final = later(r"# AGENTS\.md instructions[^\n]{0,4096}\n\n<INSTRUCTIONS>\n")
"""How such a text begins if it contains files of the project."""

_TITLES: Final = (
    "Generate a concise UI title (20-40 characters) for this task.\n",
    "You are a helpful assistant. You will be presented with a user prompt, and your job is to provide a short title ",
)
"""How the only prompt begins of a thread in which the editor extension asks for a title (0.81 to 0.89)."""
_CONTRIBUTOR_GUIDE: Final = "Generate a file named AGENTS.md that serves as a contributor guide for this repository."
_INIT: Final = (f"{_CONTRIBUTOR_GUIDE}\n", f"{_CONTRIBUTOR_GUIDE}\r\n")
"""How the text begins that `/init` stands for (August 2025 to 2026); with the line end of Windows (September 2025)."""

_JOB: Final = later(
    r"\s*Automation: ([^\n]{1,200})\nAutomation ID: [^\n]{1,200}\nAutomation memory: [^\n]{1,400}\n"
    r"(?:Last run: [^\n]{1,80}\n)?"
)
"""What stands above the instructions of an automation that begins a thread each time (0.107; March to August 2026)."""
_HEARTBEAT: Final = "<heartbeat>"
_HEARTBEAT_ENDS: Final = "</heartbeat>"
"""Stand around the instructions of an automation that continues one thread, which are escaped; and, in an answer to
it, around what is for the app: whether to notify the user, and with which words (May to September 2026)."""
_DECIDES: Final = "<decision>"
_RELAYED: Final = later(
    r"\s*OpenClaw (?:runtime|assembled) context for this turn:\n[\s\S]*\n\nCurrent user request:\n"
    r"(?:[A-Z][\w ]{1,40} \(untrusted[^)\n]{0,40}\):\n```json\n(?:(?!```)[^\n]*\n)*```\n+)*"
)
"""What OpenClaw puts before a message when Codex is to answer it: skills, files of its workspace, which may hold the
same line, and facts of the chat (0.132, May 2026; source of September 2026)."""
_FROM_SESSION: Final = later(r"\[Inter-session message\] [^\n]*\n(?:This content was routed by OpenClaw [^\n]*\n)?")
_BY_OPENCLAW: Final = later(
    r"(?=Read HEARTBEAT\.md if (?:it )?exists\b|\[OpenClaw heartbeat poll\])"
    r"|\[cron:[0-9a-f-]{36} ?(?=[^\]\n]{0,200}\] )"
)
"""How a message begins that another session sends, or a schedule: a job's by its id and name."""
_NOW: Final = later(r"\nCurrent time: [A-Z][a-z]{2,8}day\b")
"""How its last lines begin."""


def handle_prompt(rollout: Rollout, text: str, attachments: int) -> None:
    """Adds a prompt, unless the client asks for a review with it or wrote it."""
    if text.startswith(_TITLES):
        rollout.change(is_internal=True, subagent_id=rollout.context.thread)
        return
    asked = scheduled_words(text)
    words = _typed(text) if asked is None else asked
    if rollout.context.review or words is None or not (text.strip() or attachments):
        return
    is_sent = _is_sent(text)
    # What the user types carries its client's mark (0.169); a sub-agent's prompts from its parent have none (0.171).
    is_steered = rollout.context.subagent_id is not None and rollout.text("client_id") != ""
    is_users = (rollout.context.subagent_id is None or is_steered) and not is_sent and asked is None
    for said in _said_before(text) if is_users else ():
        rollout.say(said, "before", digest(said.text))
    words, command = ("", "/init") if words.startswith(_INIT) else (words, None)
    body = model.UserPrompt(
        text=words,
        command=command,
        actor="human" if is_users else "model",
        scheduled=asked is not None,
        sender=_SENDER if is_sent else "",
        # Of what was shown without a word, that something was shown.
        attachments=attachments or int(not (command or words.strip())),
        # No record begins another turn for what is typed while one runs (0.140 to 0.169); a sub-agent's are no turns of
        # the user's.
        in_turn=not is_sent and asked is None and (is_steered or rollout.turn.counts.get("prompt", 0) > 0),
        # A stored prompt begins with the blank line after its front matter (0.48 to 0.105).
        stored=rollout.context.in_terminal and words.startswith("\n"),
        accepts_plan=is_users and (words.startswith(_IMPLEMENTS) or _APPROVED.fullmatch(words) is not None),
    )
    rollout.say(body, "prompt", digest(text))
    if is_users and words.strip() == _ACCEPTS:
        rollout.say(model.PlanProposal(call_id="", text="", accepted=True), "accepted", digest(text))


def handle_goal(rollout: Rollout) -> None:
    """Handles a goal that the user has set or reworded (`/goal`): it begins turns without a prompt. Each change of its
    state repeats it; a model's has the turn in which it was set, a fork's no record before such a change (0.171)."""
    goal, known = fields_of(rollout.data.get("goal")), rollout.context.goal
    words = text_of(goal.get("objective")).strip()
    made, changed = (number_of(goal.get(name)) for name in ("createdAt", "updatedAt"))
    mark = digest(f"{made} {words}")
    rollout.change(goal=mark)
    is_new = mark != known if known else made == changed
    if words and is_new and not rollout.text("turnId") and rollout.context.subagent_id is None:
        is_in_file = _GOAL_IN_FILE.fullmatch(words) is not None
        body = model.UserPrompt(text="" if is_in_file else words, command="/goal", attachments=int(is_in_file))
        rollout.add(body, f"{mark}:goal")


def asks_meanwhile(rollout: Rollout) -> bool:
    """Adds the questions of a message that does not wait for its answer, which is what the user types next (0.171);
    returns whether it is such a message."""
    questions = [fields_of(one) for one in items_of(rollout.data.get("questions"))]
    for one in questions:
        options = tuple(filter(None, map(text_of, items_of(one.get("options")))))
        # Of no call: that has ended, with nothing but that it was accepted.
        asked = model.Question(call_id="", text=text_of(one.get("title")), options=options)
        rollout.say(asked, "asked", digest(asked.text))
    return bool(questions)


def _typed(text: str) -> str | None:
    """Returns a prompt without what the app or the editor extension puts before it; None if it is the client's own."""
    begins = text.lstrip()
    if begins.startswith(_CLIENTS) or _INSTRUCTIONS.match(begins):
        return None
    if begins.startswith((_SENT, _SPOKEN)):
        if "<source>" in text.partition("<input>")[0]:
            return None
        return unescape(text.partition("<input>")[2].rpartition("</input>")[0]).strip() or None
    if (relayed := _relayed(text)) is not None:
        return _FROM_SESSION.sub("", relayed, count=1).strip() or None
    if (asks := _request_in(begins)) is None:
        typed, piped, _ = text.partition(_PIPED)
        return typed if piped and text.rstrip().endswith("</stdin>") else text
    request = _PICTURED.split(begins[asks.end() :], maxsplit=1)[0].strip()
    shown = begins[: asks.start()]
    if request and not request.startswith(("/", *_IMPLEMENTS)):
        request = " ".join((*_mentioned(shown), request))
    return "\n".join(filter(None, (*_comments(shown), request)))


def _request_in(begins: str) -> re.Match[str] | None:
    """Returns the heading of the request: the last one, since what was selected is a file's or a page's, and may hold
    the same line. None if nothing of the app or the editor extension is before it."""
    found = list(_REQUEST.finditer(begins)) if _BEFORE_REQUEST.match(begins) else []
    return found[-1] if found else None


def _said_before(text: str) -> Iterator[model.UserPrompt | model.AssistantMessage]:
    """Yields the conversation that a prompt continues, which no other record has: "go on" says nothing without.
    Stops at a selection, which may hold the same heading."""
    begins = text.lstrip()
    asks = _request_in(begins) if _PRIOR in text else None
    parts = _SECTION.split(begins[: asks.start()]) if asks is not None else [""]
    for heading, part in zip(parts[1::2], parts[2::2], strict=True):
        if heading == _PRIOR:
            for one in map(fields_of, items_of(fields_of(part.strip()).get("conversation"))):
                words = _words_of(items_of(one.get("content")))
                if text_of(one.get("role")) == "user":
                    yield from read_prompt(words, "")
                elif words and text_of(one.get("role")) == "assistant":
                    yield model.AssistantMessage(text=words, final=True)
            return
        if not _quotes_nothing((heading, part)):
            return


def _words_of(pieces: Sequence[msgspec.Raw]) -> str:
    return "".join(text_of(fields_of(piece).get("text")) for piece in pieces).strip()


def _mentioned(shown: str) -> list[str]:
    """Returns the names of the files that the user mentioned, as other agents write them: "change it in this one" says
    nothing without. A picture is counted as an attachment, and a long paste has no name. Stops at a selection, which
    may hold the same heading. A name with blanks could read like an order, so it is in quotation marks."""
    parts = _SECTION.split(shown)
    named = takewhile(_quotes_nothing, zip(parts[1::2], parts[2::2], strict=True))
    files = chain.from_iterable(_FILE.findall(part) for heading, part in named if heading == _MENTIONED)
    names = [name for name, last in files if name == last and not name.casefold().endswith(_PICTURES)]
    plain = (name.replace('"', "'") for name in names[:_MOST_MENTIONED])
    return [f'@"{name}"' if len(name.split()) > 1 else f"@{name}" for name in plain]


def _quotes_nothing(one: tuple[str, str]) -> bool:
    heading, part = one
    return heading in _NAMED and _SELECTION not in part


def _comments(shown: str) -> list[str]:
    """Returns what the user wrote in comments. Stops at a part that may quote text which looks like a comment."""
    parts = _SECTION.split(shown)
    said: list[str] = []
    to_come = iter(_COMMENTED)
    for heading, part in zip(parts[1::2], parts[2::2], strict=True):
        if _quotes_nothing((heading, part)):
            continue
        if heading not in to_come:
            break
        if heading == _ON_ANSWERS:
            said += _annotations(part)
        else:
            ends = (comment.rpartition("\nComment:\n") for comment in _COMMENT.split(part)[1:])
            said += [words.strip() for _, mark, words in ends if mark]
    return said


def _annotations(part: str) -> list[str]:
    """Returns what the user wrote about passages of answers: a JSON list. Empty if it can't be read."""
    listed = tagged(part, "response-annotations") or ""
    items = items_of(msgspec.Raw(listed.strip().encode("utf-8", "replace")))
    return [text_of(item.get("annotation")).strip() for item in map(fields_of, items)]


def scheduled_words(text: str) -> str | None:
    """Returns what an automation asks, with its name if it has one; None if no automation sent `text`."""
    if (job := _JOB.match(text)) is not None:
        return f"[{job[1].strip()}] {text[job.end() :].strip()}"
    relayed = _relayed(text) or ""
    if (begins := _BY_OPENCLAW.match(relayed)) is not None:
        words = _NOW.split(relayed[begins.end() :], maxsplit=1)[0].strip()
        return f"[{words}".removeprefix("[] ") if begins[0] else words
    block = text.strip()
    if not (block.startswith(_HEARTBEAT) and block.endswith(_HEARTBEAT_ENDS)):
        return None
    asked = unescape(tagged(block, "instructions") or tagged(block, "automation_id") or "").strip()
    return asked or None  # a user's own element may have that name


def without_decision(answer: str) -> str:
    """Returns an answer without its decision whether to notify; if it says nothing else, the words of that."""
    before, mark, block = answer.rpartition(_HEARTBEAT)
    if not mark or _DECIDES not in block or not block.rstrip().endswith(_HEARTBEAT_ENDS):
        return answer
    return before.rstrip() or unescape(tagged(block, "message") or "").strip()


def _relayed(text: str) -> str | None:
    """Returns the message in a prompt of OpenClaw's; None if it is none."""
    before = _RELAYED.match(text)
    return text[before.end() :].strip() if before is not None else None


def _is_sent(text: str) -> bool:
    """Whether another thread or session sent it."""
    return text.lstrip().startswith(_SENT) or _FROM_SESSION.match(_relayed(text) or "") is not None


def _is_others(text: str) -> bool:
    """Whether another thread or an automation sent it."""
    return _is_sent(text) or scheduled_words(text) is not None


def typed_of(messages: Sequence[Sequence[str]]) -> list[str]:
    """Returns what the user typed in each message, as the contract's `typed`."""
    texts = (text.lstrip() for parts in messages for text in parts)
    if not any(text.startswith(_CLIENTS) or _INSTRUCTIONS.match(text) for text in texts):
        return []
    own = ([_typed(text) for text in parts if not _is_others(text)] for parts in messages)
    return ["\n".join(filter(None, parts)) for parts in own]


def read_prompt(text: str, _after: str) -> tuple[model.UserPrompt, ...]:
    """Returns the events in the text of a `user` message; none if the client wrote it."""
    words = _typed(text)
    if not (words and words.strip()) or _is_others(text):
        return ()
    return (model.UserPrompt(text="", command="/init") if words.startswith(_INIT) else model.UserPrompt(text=words),)
