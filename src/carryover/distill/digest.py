"""The digest of one thread (a session's main conversation, or one of its sub-agents): its words and facts, bounded.
Every list is bounded, so that folding an event and making a handoff cost the same in turn 3 and in turn 10,000."""

# No annotations as text (`from __future__`): before it decodes, msgspec 0.22 would compile each of them.
from typing import Literal

import msgspec

from carryover.facts import Boxes
from carryover.model import Op, PlanItem, ResultStatus, SummaryPart
from carryover.testruns.run import TestRun

FOLD_VERSION = 54
"""Increased whenever `fold` would make another digest of the same events; older stored digests are rebuilt."""

MOST_RUNS = 12
JOB = "background"
"""Names a call that is the report of a job in the background."""
UNNAMED_JOB = "background job"
"""What a job is called whose record has no words for it."""

TurnEnding = Literal["", "answered", "interrupted", "error", "limit"]
"""How a turn ended; empty while it runs, and forever if the agent was killed."""


class Said(msgspec.Struct, frozen=True, omit_defaults=True):
    """A text from the agent, and when it was said (UTC ms). `final`: it certainly answered, whatever came after it."""

    text: str
    at_ms: int
    final: bool = False


class Heard(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A message that another agent's session sent."""

    sender: str
    text: str
    at_ms: int


class Reply(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the user said within a turn: the answer to a tool's question, the refusal of a call, or further words."""

    text: str
    """Empty if the user refused a call without a word."""
    to: str
    """The answered question, or the refused call; empty for words that were typed while the agent worked."""
    at_ms: int
    refused: bool = False
    allowed: bool = False
    """Whether the refused call succeeded later."""

    @property
    def is_added(self) -> bool:
        """Whether it was typed while the agent worked, unasked."""
        return not self.refused and not self.to


def not_typed(*, accepts_plan: bool) -> str:
    """What a part of a prompt that was not typed is called."""
    return "the agent's plan, accepted" if accepts_plan else "pasted"


class Turn(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A prompt, and what the agent did and said until the next one."""

    session: str
    number: int
    """Number of the prompt, counted from 1 in its session; 0 for events before the first prompt."""
    at_ms: int
    last_ms: int
    prompt: str = ""
    chars: int = 0
    """Length of the whole prompt, of which `prompt` may be an excerpt."""
    template: str = ""
    """Names the template that was taken out of `prompt`, or that is all of it."""
    attachments: int = 0
    accepts_plan: bool = False
    """Whether the prompt is a plan that an agent wrote and the user accepted."""
    resumes: bool = False
    end: TurnEnding = ""
    grows: bool = False
    """Whether the record of its last text may come again, with calls."""
    said: tuple[Said, ...] = ()
    heard: tuple[Heard, ...] = ()
    """The first and the newest messages of other sessions that it took up."""
    calls: int = 0
    changes: int = 0
    """Number of calls that may change something: edits, and commands that do more than look."""
    commits: tuple[str, ...] = ()
    committed_ms: int = 0
    """When the newest of its commits was made."""
    replies: tuple[Reply, ...] = ()
    branch: str = ""
    """The branch that was checked out at its newest change, or else at its prompt; empty if no record says it."""

    @property
    def began(self) -> tuple[int, int]:
        """Orders the turns of a session: in a document without times, all have the same."""
        return self.at_ms, self.number

    @property
    def sent(self) -> tuple[int, str, str]:
        """The length and both ends of the prompt: these identify it, however much of it was cut since."""
        return self.chars, self.prompt[:300], self.prompt[-100:]

    @property
    def is_template(self) -> bool:
        """Whether nothing of the prompt is the user's own."""
        return self.template != "" and self.prompt.endswith(self.template)

    @property
    def is_scheduled(self) -> bool:
        """Whether the client sent the prompt on a schedule (`forms.whole_form`)."""
        return self.template.startswith("scheduled ")

    @property
    def pasted(self) -> str:
        """What a part of the prompt that was not typed is called."""
        return not_typed(accepts_plan=self.accepts_plan)

    @property
    def answer(self) -> str:
        """The last message of the turn, if any."""
        return self.said[-1].text if self.said else ""


class Call(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A tool call that ended, with the beginning and end of its output."""

    name: str
    op: Op
    subject: str
    status: ResultStatus
    exit_code: int | None = None
    """Of one that ended in an error."""
    output: str = ""
    at_ms: int
    turn: int = 0
    folder: str | None = None
    """As of `ToolResult`."""
    job: str = ""
    """Id of the job that it began, once that has ended by itself."""


class Change(msgspec.Struct, frozen=True, array_like=True):
    """The lines that an edit added and took out, as checksums, and the turn that it was made in."""

    turn: int
    added: int
    removed: int


class EditedFile(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A file that was changed, described by its newest edit."""

    path: str
    change: Literal["add", "modify", "delete", "rename"]
    at_ms: int
    turn: int = 0
    session: str = ""
    edits: int = 1
    temporary: bool = False
    """Whether the session that created it deleted it again."""
    line: int | None = None
    anchor: str | None = None
    elsewhere_ms: int = 0
    """When it was found to have been changed since by something else, last."""
    changes: tuple[Change, ...] = ()
    """Its newest edits."""


class Revert(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An edit that put a file back as it was before turn `of`, or deleted a file of that turn."""

    path: str
    of: int
    turn: int
    at_ms: int


class SeenDocument(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A document that was read or edited, perhaps one that holds the plan of the work."""

    path: str
    at_ms: int
    turn: int
    turns: int = 1
    """Number of turns that read or edited it."""
    edited: int | None = None
    """The turn that edited it last."""
    boxes: Boxes | None = None
    """Its boxes as recorded; None if it has none or they are not known."""


class SeenRun(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A test run and when it ended; of one in the background, when it began."""

    run: TestRun
    at_ms: int
    command: str
    turn: int = 0
    session: str = ""
    folder: str = ""
    """Where its command was started; empty if that is not recorded."""


class Failure(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A call that failed. `solved`: the same thing succeeded later. `words`: what the agent said right after it."""

    tried: str
    why: str
    at_ms: int
    signature: str
    turn: int = 0
    times: int = 1
    solved: bool = False
    words: str = ""
    command: str = ""
    """The signature of the command of a job, by which a later call is the same."""
    begun: int = 0
    """Number of calls that its turn had begun by then."""


class OpenQuestion(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A tool's question to the user that has no answer yet."""

    text: str
    at_ms: int
    call_id: str
    options: tuple[str, ...] = ()
    turn: int = 0


class Pending(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A call, job or queued prompt that has not ended."""

    id: str
    text: str
    at_ms: int
    turn: int = 0
    op: Op = "other"
    unreported: bool = False
    """Of a job: whether the client does not report its end."""


class Ending(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How the newest turn was cut off."""

    reason: Literal["interrupted", "error", "limit"]
    message: str
    at_ms: int
    resets: str | None = None
    """When the limit ends, if the agent's message says so."""


class Proposal(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A written plan. `accepted` is None until the user has decided."""

    text: str
    at_ms: int
    turn: int = 0
    accepted: bool | None = None
    call_id: str = ""
    file: str = ""
    """Path of the file that has it, if it is recorded."""


class Summary(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A summary that the agent wrote for itself at a compaction, or for a user who was away."""

    text: str
    at_ms: int
    turn: int = 0
    parts: tuple[SummaryPart, ...] = ()


class Name(msgspec.Struct, frozen=True, array_like=True, gc=False):  # a handoff reads thousands, with no cycle
    """What a thread mentioned of one name. Places in time are numbers of the thread's events, counted from 1; 0 is
    never."""

    shown: str
    """As it was last written, with its folders."""
    mentions: int
    said: int
    called: int
    last: int
    last_said: int
    last_called: int


class Gist(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A digest without its calls and names, which are most of its bytes. A list of sessions needs no more."""

    prompts: int = 0
    turns: tuple[Turn, ...] = ()
    ending: Ending | None = None
    plan: tuple[PlanItem, ...] = ()
    plan_ms: int = 0
    plan_turn: int = 0
    proposal: Proposal | None = None
    decided: Proposal | None = None
    """The newest written plan, and the newest that the user has decided on."""
    summary: Summary | None = None
    recap: Summary | None = None
    touched: tuple[EditedFile, ...] = ()
    reverts: tuple[Revert, ...] = ()
    documents: tuple[SeenDocument, ...] = ()
    runs: tuple[SeenRun, ...] = ()
    failures: tuple[Failure, ...] = ()
    questions: tuple[OpenQuestion, ...] = ()
    open_calls: tuple[Pending, ...] = ()
    jobs: tuple[Pending, ...] = ()
    ended: tuple[Pending, ...] = ()
    """The jobs that have ended since the agent last said anything."""
    queued: tuple[Pending, ...] = ()
    last_ms: int = 0
    branch: str = ""
    """The branch that is checked out, as far as records say."""

    @property
    def turn(self) -> Turn | None:
        """The newest turn; None before the first."""
        return self.turns[-1] if self.turns else None

    @property
    def worked(self) -> bool:
        """Whether anything was changed, run or tested."""
        return bool(self.touched or self.runs or any(turn.changes for turn in self.turns))


class Digest(Gist, frozen=True, kw_only=True, omit_defaults=True):
    """A thread's events, folded. `Digest()` is the empty one."""

    calls: tuple[Call, ...] = ()
    names: dict[str, Name] = {}
    """The names mentioned so far, by the form in which they are compared; those worth most, if there are many."""
    heard: int = 0
    """The number of events whose names were read."""
