"""Reads chats in which only roles show who speaks: Markdown with `user:` and `assistant:`, and messages in JSON with
`role` and `content`, in the forms of OpenAI and Anthropic, as a list or as lines, or as the steps of a trajectory
(ATIF). An agent may speak under its own name, as in what VS Code's `Copy All` gives, and in what Cursor exports. So
are chats that were copied from a web page, or saved by an extension of the browser.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from itertools import accumulate, pairwise
from typing import Final

import msgspec

from carryover.adapter.contract import Agent, Parsed, QuotedText, Record, Source
from carryover.adapter.spec import AgentSpec
from carryover.agents import adapters, agent_name, specs
from carryover.declared_source import SPEAKERS, Speaker
from carryover.decoders import decoder_of
from carryover.importing.calls import call_of, quoted_of
from carryover.importing.candidate import RANK, Candidate, OpenedDocument, texts_in
from carryover.importing.turns import TurnEvents, by_turn, open_blocks, turn_reader
from carryover.model import AssistantMessage
from carryover.records import rawjson
from carryover.records.fields import digest
from carryover.records.lenient import Fields, fields_of, first_text, is_true, items_of, text_of, time_of
from carryover.text.pattern import later
from carryover.transcript.files import read_beside
from carryover.transcript.recorder import SessionContext, usable_name
from carryover.transcript.turns import add_failure

FORMS: Final = (
    "chats with `user:` and `assistant:`, or `You said:` and `ChatGPT said:`, in Markdown, and lists of messages with "
    "`role` and `content` in JSON"
)
_UNNAMED: Final = AgentSpec(id="assistant", name="Assistant", binaries=(), folders=())
"""Stands for the program that answered, which such a chat does not name."""

_ITEMS: Final[dict[str, Speaker]] = {
    **dict.fromkeys(("function_call", "custom_tool_call"), "agent"),
    **dict.fromkeys(("function_call_output", "custom_tool_call_output", "function_call_result"), "tool"),
    "reasoning": "ignored",
}
"""Who makes an entry that is no message, in the form of OpenAI's Responses."""
_FOR_THE_MODEL: Final = ("observation", "demonstration")
"""SWE-agent's types of messages in the user's role that are a call's output or an example."""
_UNSPOKEN: Final = ("tool", "reasoning")
"""Roles that begin a turn only below a rule, as in a task that Roo Code exported."""
_ROLES_NAMED: Final = rf"(?P<role>user|human|assistant|ai|system|planner|{'|'.join(_UNSPOKEN)})(?: input| response)?"
_TIME: Final = r"(?:[ \t]*[(\[](?:[^()\[\]\n]|\([^()\n]{1,40}\)){1,60}[)\]])?"
_FORMS: Final = (
    r"#{1,6}[ \t]+(?:[^\w\s#*]{1,4}[ \t]+)?\**ROLE(?::?\**:?)TIME:?[ \t]*",
    r"\*\*ROLE(?::\*\*|\*\*:)TIME[ \t]*(?P<said>.*)",
    r"\*\*ROLE\*\*[ \t]*",
    r"ROLE:[ \t]*(?P<said>.*)",
)
"""The lines that begin a turn, one form for a whole document: what looks like another one is part of what was said."""
_STAMP: Final = later(
    r"\s*\d{1,4}[./-]\d{1,2}[./-]\d{1,4},?[^\S\n]\d{1,2}:\d\d(?::\d\d)?(?:[^\S\n]?[AP]M)?[ \t]*\n", re.IGNORECASE
)
"""The time below a heading of a web chat, in the form of the user's country."""
_RULE: Final = later(r"\n(?:---|\* \* \*)(?:\s+Powered by [^\n]{1,200})?\Z")
"""The rule that an exporter puts below a turn, and its name below the last."""
_BEGINS: Final = later(r"\**([^\s:*#>|`-][^:*#\n]{0,40}):\**[ \t]+\S")
"""The line that a chat begins with in which the user speaks under a name of their own."""
_NO_ANSWER: Final = "No response requested."
_FAILED: Final = later(r"(?:API Error: |You've hit your (?:[a-z]+ )?limit\b)[^\n]{0,400}")
"""What Claude Code writes in place of an answer (2.1.90 public), of which a copy does not say that it is no answer."""
_OUTPUT: Final = later(r"\s*(?:<returncode>-?\d{1,10}</returncode>\s*<output>|EXECUTION RESULT of \[)")
"""A command's output, which mini-SWE-agent and OpenHands send in the user's role."""
_LISTS: Final = ("messages", "conversation", "conversations", "history", "steps")
_ROLES: Final = ("role", "from", "source")
_SUBAGENT: Final = "assistant-subagent-"
"""The beginning of the role of a sub-agent, which a converter of Claude Code's and Codex's transcripts gives it."""
_CONTENTS: Final = ("content", "value", "message")
_TIMES: Final = ("timestamp", "created_at", "createdAt", "time")
_IDS: Final = ("tool_call_id", "source_call_id", "call_id", "callId", "tool_use_id", "id")
"""The id of a call; `id` alone may be that of the entry."""
_ARGUMENTS: Final = ("arguments", "input", "args")
"""The last is LangChain's."""
_ID_CHARS: Final = 400


_Call = tuple[str, str, Fields]
"""A call: its id, the tool, and its arguments."""
_Printed = tuple[str, str, bool]
"""What a call returned: the call's id, the text, and whether it failed."""


class _Step(msgspec.Struct, frozen=True):
    """What one speaker says and calls. A chat has no id: how it begins identifies it."""

    number: int
    """The line, or the place in the list, at which it ends."""
    speaker: Speaker
    text: str
    at_ms: int = 0
    model: str = ""
    calls: tuple[_Call, ...] = ()
    printed: list[_Printed] = []
    session: str = ""
    place: int = 0
    parts: tuple[str, ...] = ()
    """Of the user's text, those that are not certain to be for the model alone."""
    client: str = ""
    """The id of the agent whose client added to the messages, if anything shows that."""


def recognised(file: Candidate) -> OpenedDocument | None:
    """Returns a chat as a document, of the agent that the user says answered; None if it is not one: it needs two
    speakers, who take turns."""
    if file.in_folder or (found := _split_of(file)) is None:
        return None
    split, speaks = found
    spec = file.named or speaks or _UNNAMED
    reader = turn_reader(lambda data: _records(split(data)))
    parse = partial(_parse_step, quoted_of(spec), file.project)
    agent = Agent(spec=spec, reader=reader, context_type=SessionContext, parse=parse)
    return OpenedDocument(agent, Source(agent=spec.id, path=str(file.path), rank=RANK), agent_name(spec.id))


def _split_of(file: Candidate) -> tuple[Callable[[bytes], list[_Step]], AgentSpec | None] | None:
    """Returns the function that splits the chat's text into steps, and the agent that speaks under its own name, if
    one does; None if it is no chat."""
    if file.text.lstrip().startswith(("[", "{")):  # its messages may be far behind its beginning
        found = _messages_in(read_beside(file.path))
        if _take_turns([speaker for speaker, _ in found]):
            return _steps_of_messages, None
    lines = file.text.lstrip().split("\n")
    forms = (*_headings(), *_headings_by_name(file.text))
    starts = [_turn_starts(form, lines) for form in forms]
    fitting = [
        (begins[:2], place)
        for place, begins in enumerate(starts)
        if _take_turns([_speaker_at(forms[place], lines[at]) for at in begins])
    ]
    if not fitting:
        return None
    # The one whose first two turns begin first: what an answer quotes comes later.
    place = min(fitting)[1]
    return partial(_steps_of_markdown, forms[place]), _agent_in(file.text) if place >= len(_headings()) else None


def _web_agents() -> list[str]:
    """Returns the names of the programs that answer in chats on the web."""
    return [chat.name.split()[0].lower() for spec in specs() for chat in spec.web_chats]


@cache
def _headings() -> tuple[re.Pattern[str], ...]:
    """Returns the lines that begin a turn: by roles, then by the names that are in a chat copied from a web page, which
    calls its user by one name, so that another one in an answer begins no turn."""
    agents = "|".join(("assistant", *_web_agents()))
    by_name = (rf"(?P<role>{user}|{agents})" for user in ("you", "user", "human"))
    roles = (_ROLES_NAMED, rf"(?P<role>you|{agents}) said", *by_name)
    patterns = [form.replace("ROLE", role).replace("TIME", _TIME) for role in roles for form in _FORMS]
    patterns.insert(len(_FORMS), r"## (?P<role>prompt|response):[ \t]*")
    return tuple(later(pattern, re.IGNORECASE) for pattern in patterns)


def _agent_in(text: str) -> AgentSpec | None:
    """Returns the agent that speaks under its own name."""
    begins = ((spec, rf"^(?:\**{re.escape(spec.name)}:|\*\*{re.escape(spec.name)}\*\*$)") for spec in specs())
    return next((spec for spec, begin in begins if re.search(begin, text, re.MULTILINE)), None)


def _headings_by_name(text: str) -> Iterator[re.Pattern[str]]:
    """Yields the forms of such a chat: the names alone in bold (Cursor's export), or the user's own name first."""
    if (spec := _agent_in(text)) is None:
        return
    name = re.escape(spec.name)
    yield re.compile(rf"\*\*(?P<role>User|{name})\*\*")
    first = next((line for line in text.lstrip().split("\n") if line.strip() and not line.startswith("#")), "")
    if user := _BEGINS.match(first):
        yield re.compile(rf"(\**)(?P<role>{re.escape(user[1])}|User|{name}):\1(?:[ \t]+(?P<said>.*))?")


def _speaker_at(form: re.Pattern[str], line: str) -> Speaker:
    begin = form.fullmatch(line.rstrip())
    if begin is None:
        return "ignored"
    role = begin["role"].lower()
    if role in _UNSPOKEN:
        return "ignored"
    is_agent = role in ("response", *_web_agents()) or _agent_in(f"{begin['role']}:") is not None
    return SPEAKERS.get(role, "agent" if is_agent else "user")


def _take_turns(speakers: Sequence[Speaker]) -> bool:
    spoken = [speaker for speaker in speakers if speaker in ("user", "agent")]
    return ("user", "agent") in pairwise(spoken)


def _turn_starts(form: re.Pattern[str], lines: Sequence[str]) -> list[int]:
    """Returns where turns begin, outside of code: below a blank line or, if the document begins with one, anywhere; all
    below rules if those of the agent are.

    Code around a role leaves an odd fence in the text before it and in the one behind it. If only one text has an odd
    fence, no role is in code, however that fence shifts those that follow. Else a role is in code if a block around it
    ends.
    """
    found: list[int] = []
    ruled: set[int] = set()
    above = ""
    first = next((line for line in lines if line.strip()), "")
    is_bare = form.fullmatch(first.rstrip()) is not None
    for at, line in enumerate(lines):
        below_blank = is_bare or at == 0 or lines[at - 1].strip() in ("", "---")
        begin = form.fullmatch(line.rstrip()) if below_blank else None
        if begin is not None and (above == "---" or begin["role"].lower() not in _UNSPOKEN):
            found.append(at)
            ruled |= {at} if above == "---" else set()
        above = line.strip() or above
    if ruled.issuperset(at for at in found if _speaker_at(form, lines[at]) == "agent"):
        found = [at for at in found if at in ruled or at == found[0]]
    texts = (lines[start:end] for start, end in pairwise([0, *found, len(lines)]))
    if sum(any(open_blocks(text)[-1:]) for text in texts) < 2:
        return found
    depths = open_blocks(lines)
    least = list(accumulate(reversed(depths), min))[::-1]  # of the blocks open at a line, those that are never closed
    return [at for at in found if depths[at] == least[at]]


def _steps_of_markdown(form: re.Pattern[str], data: bytes) -> list[_Step]:
    steps = []
    for turn in by_turn(partial(_turn_starts, form), data):
        first, _, rest = turn.data.decode().partition("\n")
        begin = form.fullmatch(first.rstrip())
        speaker = _speaker_at(form, first)
        if begin is not None and speaker != "ignored":
            # The rule alone is left of a turn whose text the client wrote, which opencode does not export.
            said = f"\n{begin.groupdict().get('said') or ''}\n{rest}".rstrip()
            stamp = _STAMP.match(said)
            said = _RULE.sub("", said[stamp.end() if stamp else 0 :]).strip()
            steps.append(_Step(turn.number, speaker, said, parts=(said,)))
    return steps


def _records(steps: Sequence[_Step]) -> list[Record]:
    begins = next((step.text for step in steps if step.speaker == "user" and step.text), "")
    session = f"chat-{digest(begins[:_ID_CHARS])}"
    client, texts = _typed([step.parts for step in steps if step.speaker == "user"])
    typed = iter(texts)
    words: str | None = ""
    records = []
    for place, step in enumerate(steps, 1):
        words = next(typed) if step.speaker == "user" else words
        if words is not None:
            text = words if step.speaker == "user" else step.text
            placed = msgspec.structs.replace(step, text=text, parts=(), session=session, place=place, client=client)
            records.append(Record(number=step.number, data=msgspec.json.encode(placed)))
    return records


def _typed(sent: Sequence[Sequence[str]]) -> tuple[str, Sequence[str | None]]:
    """Returns the agent whose client sent the messages, if anything shows that, and what the user typed in each."""
    clients = ((ident, agent.typed(sent)) for ident, agent in adapters().items() if agent.typed is not None)
    return next((found for found in clients if found[1]), ("", ["\n".join(parts) for parts in sent]))


def _parse_step(
    quoted: QuotedText, folder: str | None, _source: Source, context: SessionContext, record: Record
) -> tuple[SessionContext, Parsed]:
    step = decoder_of(_Step).decode(record.data)
    quoted = quoted_of(adapters()[step.client].spec) if step.client in adapters() else quoted
    prefix = f"atif/{step.session}///{step.place}/"  # as a trajectory, which chats were made into at first
    turn = TurnEvents(context=context, prefix=prefix, session=step.session, at_ms=step.at_ms or context.last_ms)
    turn.change(last_ms=turn.at_ms)
    turn.learn(model=step.model)
    if step.speaker == "user":
        for number, body in enumerate(quoted.prompt(step.text, "") if step.text.strip() else ()):
            turn.add(body, f"prompt{number}")
    elif _FAILED.fullmatch(step.text.strip()) and not step.calls:
        add_failure(turn, "end", step.text.strip())
    elif step.text.strip() not in ("", _NO_ANSWER):
        turn.add(AssistantMessage(text=step.text), "said")
    calls = {ident: call_of(ident, name, given, folder) for ident, name, given in step.calls}
    for number, opened in enumerate(calls.values()):
        turn.add(opened.as_event(), f"call{number}")
    applied = set[str]()
    for number, (call_id, text, failed) in enumerate(step.printed):
        outcome = quoted.outcome(calls[call_id].op, text)
        if failed:
            outcome = msgspec.structs.replace(outcome, status="error")
        turn.add(calls[call_id].ended(outcome), f"result{number}")
        applied |= {call_id} if outcome.status in turn.applied else set()
    for opened in calls.values():
        if opened.id in applied:
            turn.add_edits(opened, edit=f"edit/{opened.id}/")
    return turn.finish()


def _messages_in(data: bytes) -> list[tuple[Speaker, Fields]]:
    """Returns the messages in a JSON document or in JSON lines, each with its speaker; empty if it holds others."""
    raw = msgspec.Raw(data.removeprefix(b"\xef\xbb\xbf").strip())
    whole = fields_of(raw)
    listed = items_of(raw) or next(filter(None, (items_of(whole.get(name)) for name in _LISTS)), [])
    listed = listed or [msgspec.Raw(line) for line in bytes(raw).splitlines() if line.strip()]
    messages = [fields_of(one) for one in listed]
    spoken = [(speaker, message) for message in messages if (speaker := _speaker_of(message)) is not None]
    return spoken if 2 * len(spoken) >= len(messages) else []


def _speaker_of(message: Fields) -> Speaker | None:
    if text_of(message.get("message_type")) in _FOR_THE_MODEL:
        return "ignored"
    if (item := _ITEMS.get(text_of(message.get("type")))) is not None:
        return item
    if "role" not in message and ("args" in message or "extras" in message):
        return None  # an event of OpenHands: its prompts would stand twice, and what commands printed as words
    has_content = any(name in message for name in (*_CONTENTS, "tool_calls"))
    role = first_text(message, *_ROLES).lower()
    return ("ignored" if role.startswith(_SUBAGENT) else SPEAKERS.get(role)) if has_content else None


def _steps_of_messages(data: bytes) -> list[_Step]:
    steps: list[_Step] = []
    calls: dict[str, _Step] = {}
    for number, (speaker, message) in enumerate(_messages_in(data), 1):
        texts = texts_in(_content_of(message))
        text = "\n".join(texts)
        asked = tuple(_calls_in(message, number)) if speaker == "agent" else ()
        if speaker in ("user", "agent") and (text or asked):
            at_ms = time_of(next((of[name] for of in _dated(message) for name in _TIMES if name in of), None))
            own = (
                ()
                if text_of(message.get("tool_call_id")) or is_true(message.get("isMeta"))
                else tuple(text for text in texts if not _OUTPUT.match(text))
            )
            model = text_of(message.get("model"))
            steps.append(_Step(number, speaker, text, at_ms, model, asked, [], parts=own))
            calls |= dict.fromkeys((ident for ident, _, _ in asked), steps[-1])
        for printed in _printed_in(speaker, message):
            if printed[0] in calls:
                calls[printed[0]].printed.append(printed)
    return steps


def _dated(message: Fields) -> tuple[Fields, Fields]:
    """Returns what may have a message's time."""
    return message, fields_of(message.get("_metadata"))


def _content_of(message: Fields) -> msgspec.Raw:
    return next((message[name] for name in _CONTENTS if name in message), rawjson.ABSENT)


def _calls_in(message: Fields, number: int) -> Iterator[_Call]:
    """Yields the calls in a message: blocks of `tool_use`, the entry itself, or `tool_calls`. Arguments may be an
    object, or a text that holds one."""
    own = [message] if text_of(message.get("type")) in _ITEMS else []
    listed = map(fields_of, items_of(message.get("tool_calls")))
    for place, raw in enumerate([*_blocks(message, "tool_use"), *own, *listed]):
        function = fields_of(raw.get("function")) or raw
        name = usable_name(first_text(function, "name", "function_name")) or "?"
        given = next((function[name] for name in _ARGUMENTS if name in function), None)
        text = text_of(given)
        arguments = fields_of(given) or fields_of(text) or {"input": msgspec.Raw(msgspec.json.encode(text))}
        yield usable_name(first_text(raw, *_IDS)) or f"{number}/{place}/{name}", name, arguments


def _printed_in(speaker: Speaker, message: Fields) -> Iterator[_Printed]:
    """Yields what calls returned: a message of the tool, blocks of `tool_result` in one of the user, or the observation
    in a step of a trajectory."""
    observed = map(fields_of, items_of(fields_of(message.get("observation")).get("results")))
    for raw in ([message] if speaker == "tool" else []) + [*_blocks(message, "tool_result"), *observed]:
        output = raw.get("output")
        text = "\n".join(texts_in(_content_of(raw))) or text_of(output) or text_of(fields_of(output).get("text"))
        yield first_text(raw, *_IDS), text, is_true(raw.get("is_error"))


def _blocks(message: Fields, kind: str) -> Iterator[Fields]:
    blocks = (fields_of(block) for block in items_of(_content_of(message)))
    yield from (block for block in blocks if text_of(block.get("type")) == kind)
