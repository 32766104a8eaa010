"""The records that all parts exchange: events, and the envelope that carries them.

The type in memory is also the stored JSON. Times are UTC milliseconds. Missing values stay `None` or `"unknown"`:
nothing is guessed.
"""

# No annotations as text (`from __future__`): before it decodes, msgspec 0.22 would compile each of them.
import re
from collections.abc import Callable, Collection
from typing import Final, Literal

import msgspec

_ELSEWHERE: Final = "@"
_PLAIN_ID: Final = re.compile(r"[A-Za-z0-9._:][A-Za-z0-9._:-]*")
_IN_COMMAND: Final = re.compile(rf"{_PLAIN_ID.pattern}(?:{_ELSEWHERE}[A-Za-z0-9]*)?")


NOTE: Final = "note"
"""The agent id of a session that holds a text from outside, such as a web chat's answer. The text is neither the user's
word nor an agent's act, and no agent has this id."""

SHARED: Final = "Another person's words, from "
"""How the title of a note begins that holds what another person shared."""
PIN: Final = "pin-"
"""How the id of a note begins that holds the user's own word about the project, as a prompt whose command says what it
is: a `PinChange`."""
PinChange = Literal["pin", "done", "unpin"]
"""The user wants a text kept in sight, says that it is done, or takes it back."""


def session_in_other_cwd(conversation: str, folder_mark: str) -> str:
    """Returns the session id for a conversation's turns outside its first folder. Those turns are a separate session,
    which belongs to that folder's project.
    """
    return f"{conversation}{_ELSEWHERE}{folder_mark}"


def conversation_of(session: str) -> str:
    """Returns the agent's own id of the conversation that a session is part of."""
    return session.partition(_ELSEWHERE)[0]


def is_plain_id(conversation: str) -> bool:
    """Whether an id is safe on a command line: not an option, and without characters that a shell interprets. A
    transcript that was imported or planted may have any text as its session id.
    """
    return _PLAIN_ID.fullmatch(conversation) is not None


LAST: Final = "last"
"""Names the newest session of a project in place of an id."""


def id_in_command(session: str) -> str:
    """Returns the session's name in a command that people or agents run: its id or, if that is not plain, a plain
    prefix of it. Returns `ID` if even its first character is not plain.
    """
    found = _IN_COMMAND.match(session)
    return not_the_last(found[0]) if found is not None else "ID"


def not_the_last(name: str) -> str:
    """Returns an id or a prefix of one as it names that session even if an agent, or who wrote its transcript, called
    it `last`."""
    return name.removesuffix("t") if name == LAST else name


Actor = Literal["human", "model"]
Op = Literal["shell", "read", "edit", "write", "search", "web", "plan", "ask", "agent", "other"]
ResultStatus = Literal["ok", "error", "denied", "interrupted", "unknown"]
PlanState = Literal["pending", "active", "done"]


class Body(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", omit_defaults=True):
    """The content of an event. The subclass name is the stored kind."""


class SessionInfo(Body, frozen=True, tag="session_info"):
    """Facts about the session, emitted when first known and whenever one changes. `None`: not known here.

    The order of the fields is part of the keys under which they are reported. Also part of contexts.
    """

    title: str | None = None
    agent_version: str | None = None
    model: str | None = None
    branch: str | None = None
    parent: str | None = None
    """The agent's own id of the session this one was forked or continued from."""


class UserPrompt(Body, frozen=True, tag="user_prompt"):
    """Words given to the agent, never truncated. `actor` is `human` only for what a person typed."""

    text: str
    actor: Actor = "human"
    command: str | None = None
    """The slash command of the prompt, with its leading `/`; `text` then holds the arguments only."""
    attachments: int = 0
    in_turn: bool = False
    """Whether a turn was running, which takes the words up and goes on."""
    sender: str = ""
    """The other session whose agent sent it, as the client names it; `actor` is `model` then."""

    stored: bool = False
    """Whether the client put the text of a stored prompt, which a person called by its name, in place of what was
    typed. Arguments may stand anywhere in it."""
    scheduled: bool = False
    """Whether the client sent it on a schedule; `actor` is `model` then, since nobody typed it."""
    accepts_plan: bool = False
    """Whether it is a plan that an agent wrote and the user accepted, below a line of the client's."""

    @property
    def begins_turn(self) -> bool:
        """Whether a person, or the client on a schedule, began a turn with it."""
        return self.scheduled or (self.actor == "human" and not self.in_turn)

    @property
    def typed(self) -> str:
        """The prompt as it was typed, with its command."""
        return f"{self.command} {self.text}".strip() if self.command else self.text


class QueuedPrompt(Body, frozen=True, tag="queued_prompt"):
    """Words a person typed while the agent worked. Once delivered, they come again as `UserPrompt`."""

    text: str
    change: Literal["added", "withdrawn"] = "added"


class AssistantMessage(Body, frozen=True, tag="assistant_message"):
    """Text that the model showed the user, never truncated. `final`: it ended the turn; `None` if unknown. `grows`: its
    record may come again, with calls. `goes_on`: it is of one answer with the text right before, but for a thought."""

    text: str
    final: bool | None = None
    aborted: bool = False
    grows: bool = False
    goes_on: bool = False


class Question(Body, frozen=True, tag="question"):
    """A tool's question to the user, with the choices offered."""

    call_id: str
    text: str
    options: tuple[str, ...] = ()


class Answer(Body, frozen=True, tag="answer"):
    """The user's answer to a `Question`."""

    call_id: str
    question: str
    text: str


class ToolCall(Body, frozen=True, tag="tool_call"):
    """The model asked its agent to run a tool. `subject` is the command, path, pattern or description."""

    call_id: str
    name: str
    op: Op
    subject: str = ""
    actor: Actor = "model"


class ToolResult(Body, frozen=True, tag="tool_result"):
    """How a tool call ended. `op`, `name` and `subject` repeat the call's.

    An adapter passes the whole `output`; ingest redacts it and keeps head and tail, counting what it left out in
    `dropped`. `exit_code` is `None` if the agent does not record one, which is not the same as 0.
    """

    call_id: str
    name: str
    op: Op
    status: ResultStatus
    subject: str = ""
    exit_code: int | None = None
    output: str = ""
    dropped: int = 0
    never_ran: bool = False
    """Whether the agent refused the call before running it (bad arguments, unknown tool), which tells nothing about the
    approach."""
    actor: Actor = "model"
    user_words: str = ""
    """Text that the user typed while refusing or interrupting the call."""
    folder: str | None = None
    """Absolute path of the folder in which a command was started, if what it means depends on that: see
    `matters_where`."""


class FileEdit(Body, frozen=True, tag="file_edit"):
    """An edit of a file that the agent reports as applied; without `call_id`, also one that an open call makes if it
    succeeds, which is part of a context."""

    path: str
    """Absolute path."""
    change: Literal["add", "modify", "delete", "rename"]
    call_id: str | None = None
    old_path: str | None = None
    added: int | None = None
    removed: int | None = None
    line: int | None = None
    """First changed line, 1-based, in the file just after the edit."""
    anchor: str | None = None
    """Text of the first changed line, to find the place again when lines have moved."""
    diff: str = ""
    """The lines that changed, as in a unified diff: after ` `, `+`, `-`; a hunk begins with `@@`, and with `+N` if its
    first line is known. What was too long ends with a line after `\\`. Empty where the record does not have them."""


class ChangedElsewhere(Body, frozen=True, tag="changed_elsewhere"):
    """A file that the client found changed by something else than its edits: the user, another program, a command."""

    path: str
    """Absolute path."""


class PlanItem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One step of a plan or one entry of a todo list."""

    text: str
    state: PlanState = "pending"


class PlanUpdate(Body, frozen=True, tag="plan_update"):
    """The agent's whole todo list after a change."""

    items: tuple[PlanItem, ...]


class PlanProposal(Body, frozen=True, tag="plan_proposal"):
    """A written plan put before the user. `accepted` is `None` until the user has decided."""

    call_id: str
    text: str
    accepted: bool | None = None
    file: str = ""
    """Path of the file in which the client keeps it; empty if the record names none."""


class BackgroundTask(Body, frozen=True, tag="background_task"):
    """A job or sub-agent that runs while the conversation continues."""

    task_id: str
    state: Literal["running", "done", "failed", "stopped"]
    label: str = ""
    report: str = ""
    """The job's final report, if the record has it."""
    unreported: bool = False
    """Whether the client does not report the job's end, so that only a status call could show it."""


SummaryKind = Literal["request", "errors", "pending", "current", "next", "other"]


class SummaryPart(msgspec.Struct, frozen=True, omit_defaults=True):
    """One section of a summary. `kind` is what the agent's own heading asks for, or `other`."""

    kind: SummaryKind
    heading: str
    text: str


class AgentSummary(Body, frozen=True, tag="agent_summary"):
    """A summary that the agent wrote at a compaction or when the user was away. Evidence, never a prompt."""

    text: str
    source: Literal["compaction", "away"]
    parts: tuple[SummaryPart, ...] = ()
    """The sections, as far as they begin with known headings of the agent."""


class TurnEnd(Body, frozen=True, tag="turn_end"):
    """A turn ended without a final answer. `message` is the agent's own text."""

    reason: Literal["interrupted", "error", "limit"]
    message: str = ""
    resets: str | None = None
    """When the limit ends, if the agent says so: as written, or in UTC if it was relative."""


class Retracted(Body, frozen=True, tag="retracted"):
    """The user retracted what was said: events with these `keys`, in the same session, no longer count."""

    keys: tuple[str, ...] = ()
    restored: tuple[str, ...] = ()
    """Keys of events that were retracted and count again: the user went back to a branch that was left."""
    since_ms: int | None = None
    """What was said in the session, or by the sub-agent whose event this is, from then (UTC ms) to this event no longer
    counts either, for an agent that names the place that the user went back to, and none of the records after it."""


class SessionStart(Body, frozen=True, tag="session_start"):
    """The session began. `reason` is the agent's own name for the reason."""

    reason: str


class SessionEnd(Body, frozen=True, tag="session_end"):
    """The session ended. `reason` is the agent's own name for the reason."""

    reason: str


_Said = SessionInfo | UserPrompt | QueuedPrompt | AssistantMessage | Question | Answer
_Done = ToolCall | ToolResult | FileEdit | ChangedElsewhere | PlanUpdate | PlanProposal | BackgroundTask | AgentSummary
_Ended = TurnEnd | Retracted | SessionStart | SessionEnd
AnyBody = _Said | _Done | _Ended


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened in one session of one agent."""

    key: str
    """Identity within the agent, stable over re-reads, copies and forks: the record's id and the part of the record."""
    session: str
    """The agent's own session id."""
    at_ms: int
    body: AnyBody
    secondary_key: str | None = None
    """A second key, for agents that write old records again under new ids: equal events of a session count once."""
    cwd: str | None = None
    """Absolute working directory; `None` if the record has none."""
    subagent_id: str | None = None
    """Id of the sub-agent this belongs to; `None` for the main conversation."""
    copied: bool = False
    """Whether a fork's transcript repeats it, under another key: it counts as long as no transcript of its own session
    was read."""


class StoredEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An event of a session, as the ledger has it. `retracted`: by the user."""

    at_ms: int
    subagent_id: str | None
    body: AnyBody
    retracted: bool = False


class TokensUsed(msgspec.Struct, frozen=True, kw_only=True):
    """What one answer of a model took, as its agent recorded it. The four numbers of tokens have no token in common."""

    key: str
    """Identity within the agent, the same in every record and every fork that repeats it. Of several records with the
    same key, the one with the most output counts: the others were written while the answer was still coming."""
    session: str
    """The agent's own session id; a sub-agent's tokens belong to the session that it works for."""
    at_ms: int
    model: str | None = None
    input: int = 0
    """Without what was read from the cache or written to it."""
    output: int = 0
    """With reasoning."""
    cache_read: int = 0
    cache_write: int = 0


class WindowUsed(msgspec.Struct, frozen=True, kw_only=True):
    """How much of a usage limit is used up, as the provider told the agent."""

    name: str
    """The agent's own name of the limit."""
    at_ms: int
    used_percent: float
    minutes: int | None = None
    """Length of the window."""
    resets_ms: int | None = None
    """When the window ends."""


class Pin(msgspec.Struct, frozen=True, kw_only=True):
    """The user's own word about a project: to be kept in sight or, with `is_done`, that something is done."""

    session: str
    """The session that holds it."""
    text: str
    is_done: bool
    at_ms: int


class Skipped(msgspec.Struct, frozen=True):
    """A record that was not understood well enough to use. Counted by type, never fatal; `reason` quotes no content."""

    record_type: str
    reason: str
    version: str | None = None


_OWN_TOOL: Final = r"(?is:(?:.*[^a-z])?carryover[^a-z]{1,3}(?:recall|turn|handoff))"


def is_own_tool(call: ToolCall | ToolResult) -> bool:
    """Whether a call is one of a tool of `carryover mcp`, whose answers hold what is recorded already. Agents put the
    server's name before the tool's (`mcp__carryover__recall`), or both into the subject (Cursor).
    """
    return call.op == "other" and any(re.fullmatch(_OWN_TOOL, text) for text in (call.name, call.subject))


def with_paths(body: AnyBody, changed: Callable[[str], str], ops: Collection[Op]) -> AnyBody:
    """Returns the body with `changed` applied to the paths of an edit, or of a call of one of the kinds `ops`, to the
    file of a plan and to the folder of a command."""
    if isinstance(body, FileEdit):
        named = {"path": body.path, "old_path": body.old_path}
    elif isinstance(body, ChangedElsewhere):
        named = {"path": body.path}
    elif isinstance(body, PlanProposal):
        named = {"file": body.file}
    elif isinstance(body, ToolCall | ToolResult) and body.op in ops:
        named = {"subject": body.subject}
    elif isinstance(body, ToolResult) and body.folder is not None:
        folder = changed(f"{body.folder}/.").removesuffix("/.")  # as of something in it
        return body if folder == body.folder else msgspec.structs.replace(body, folder=folder)
    else:
        return body
    new = {field: changed(path) if path is not None else None for field, path in named.items()}
    return body if new == named else msgspec.structs.replace(body, **new)
