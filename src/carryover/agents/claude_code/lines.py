"""Claude Code's records as far as they are relied on, and what is remembered between two of them.

That includes the branch of a worktree in which a session works. `gitBranch` is the branch of the folder where the
session began, or of the worktree that it entered by the client's own tool; after `cd` into a worktree that a command
made, `cwd` is there and `gitBranch` as before (2.0.65 to 2.1.328).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, Self

import msgspec
from msgspec.structs import replace

from carryover import model
from carryover.agents.claude_code import records as claude_records
from carryover.model import PlanItem, SessionInfo
from carryover.records.fields import digest, folder_holding, resolved
from carryover.records.lenient import Fields
from carryover.records.rawjson import ABSENT
from carryover.text.pattern import later
from carryover.text.shell import commands
from carryover.transcript import recorder as base
from carryover.transcript.branches import SAID

_MOST_ASKED: Final = 10
_MOST_SAID: Final = 40
"""Prompts that can be taken back, and of each the newest events that are, beside the prompt."""
_SUMMARISES: Final = (
    "Context: This summary will be shown in a list to help users and Claude choose which conversations are relevant"
)
"""The beginning of the only prompt in a session that the plugin episodic-memory starts to have a conversation of any
project summarised. The plugin itself recognises these sessions by this sentence (SDK 2.0.77)."""
_MOST_TREES: Final = 20
_PREPARED: Final = later(r"^Preparing worktree \(.{1,40} '([^'\n]{1,200})'", re.MULTILINE)
"""What git prints; nothing like it if no branch is checked out."""


class ClaudeWorktree(msgspec.Struct, frozen=True, omit_defaults=True):
    """A worktree. Its path stays as it is and the branch does not: see `CONTEXT_NAMES`."""

    path: str
    branch: str = ""
    """The branch that was checked out in it; empty if that is not known yet."""
    instead_of: str = ""
    """What `gitBranch` is where it does not say so."""


def tree_added(command: str, cwd: str | None) -> ClaudeWorktree | None:
    """Returns the worktree that a command adds; None if it adds none, or no path is known."""
    for each in commands(command) if "worktree" in command else ():
        program, *given = each.words or ("",)
        if program != "git":
            continue
        folder = resolved(each.folder, cwd) if each.folder else cwd
        folder = resolved(given[1], folder) if given[:1] == ["-C"] and len(given) > 1 else folder
        given = given[2:] if given[:1] == ["-C"] else given
        if given[:2] != ["worktree", "add"]:
            continue
        named = [at for at, word in enumerate(given[:-1]) if word in ("-b", "-B")]
        name = given[named[0] + 1] if named else ""
        paths = [word for at, word in enumerate(given[2:], 2) if not word.startswith("-") and at - 1 not in named]
        path = resolved(paths[0], folder) if paths else None
        return ClaudeWorktree(path, name) if path is not None else None
    return None


def made_worktree(tree: ClaudeWorktree, output: str, branch: str | None) -> ClaudeWorktree | None:
    """Returns the worktree as the output of its command shows it, made where `gitBranch` was `branch`; None if no
    branch is known to be checked out in it."""
    printed = _PREPARED.search(output)
    new = printed[1] if printed is not None else tree.branch
    return msgspec.structs.replace(tree, branch=new, instead_of=branch or "") if new and new != branch else None


def with_tree(trees: tuple[ClaudeWorktree, ...], tree: ClaudeWorktree) -> tuple[ClaudeWorktree, ...]:
    """Returns the known worktrees with one more, in place of one at the same path."""
    return (*(other for other in trees if other.path != tree.path), tree)[-_MOST_TREES:]


def branch_at(trees: tuple[ClaudeWorktree, ...], cwd: str | None, branch: str | None) -> str | None:
    """Returns the branch in a folder where `gitBranch` is `branch`."""
    path = folder_holding(cwd, (tree.path for tree in trees)) if cwd is not None and trees else None
    tree = next((tree for tree in trees if tree.path == path), None)
    return tree.branch or branch if tree is not None and tree.instead_of == branch else branch


class Block(msgspec.Struct, frozen=True):
    """One entry of `message.content`: text, thinking, tool_use, tool_result, image..."""

    type: str
    text: str | None = None
    id: str | None = None
    name: str | None = None
    input: msgspec.Raw = ABSENT
    tool_use_id: str | None = None
    content: msgspec.Raw = ABSENT
    is_error: bool | None = None


class Message(msgspec.Struct, frozen=True):
    """The API message inside a `user` or `assistant` record."""

    content: str | list[Block]
    model: str | None = None
    stop_reason: str | None = None
    id: str | None = None
    usage: msgspec.Raw = ABSENT


class ClaudeLine(claude_records.Line, frozen=True, rename="camel"):
    """One record (seen: 2.0.65, 2.1.11-16, 2.1.111, 2.1.126, 2.1.328).

    Parts whose shape depends on the tool or the type stay raw until they are needed, so a bulky record costs one pass.
    """

    parent_uuid: msgspec.Raw = ABSENT
    message: Message | None = None
    is_meta: bool | None = None
    is_compact_summary: bool | None = None
    is_visible_in_transcript_only: bool | None = None
    origin: msgspec.Raw = ABSENT
    prompt_source: str | None = None
    row_source: str | None = None
    from_connector: bool | None = None
    from_another_session: bool | None = None
    tool_use_result: msgspec.Raw = ABSENT
    tool_denial_kind: str | None = None
    tool_denial_before_run: bool | None = None
    user_feedback: str | None = None
    is_aborted_mid_stream: bool | None = None
    is_api_error_message: bool | None = None
    request_id: str | None = None
    error: msgspec.Raw = ABSENT
    api_error_status: msgspec.Raw = ABSENT
    content: msgspec.Raw = ABSENT
    attachment: Fields | None = None
    """Context given to the model beside the conversation. Only `queued_command` holds the user's words."""
    operation: str | None = None
    custom_title: str | None = None
    ai_title: str | None = None


class OpenClaudeCall(base.OpenCall, frozen=True, omit_defaults=True):
    """A tool call whose result has not come yet."""

    label: str = ""
    """The model's own label, for jobs that keep running in the background, or the state it asks for a task."""
    task_id: str = ""
    """The background job that it checks or stops."""
    asks_lines: bool = False
    """Whether a question of it has several lines, which may look like an answer."""
    ran: bool = False
    """Whether a record of progress shows that it began."""
    tree: ClaudeWorktree | None = None
    """The worktree that it adds."""


class WaitingPrompt(msgspec.Struct, frozen=True):
    """A text in the queue. `mark`: its digest, which stays the same where a secret is taken out of the text."""

    mark: str
    text: str


class AskedPrompt(msgspec.Struct, frozen=True, omit_defaults=True):
    """A prompt and what was said since: the keys of these events. `place`: the digest of the record before it."""

    place: str
    at_ms: int = 0
    keys: tuple[str, ...] = ()


class ClaudeContext(claude_records.Context, frozen=True, omit_defaults=True):
    """The state of one transcript file between two records."""

    emitted: SessionInfo = msgspec.field(default=SessionInfo(), name="told")
    """Stored under its first name."""
    calls: tuple[OpenClaudeCall, ...] = ()
    shell: OpenClaudeCall | None = None
    """The user's own `!command`, until its output comes."""
    tasks: dict[str, PlanItem] = msgspec.field(default_factory=dict)
    """The list of TaskCreate and TaskUpdate (2.1.328)."""
    waiting: tuple[WaitingPrompt, ...] = ()
    """The texts in the queue, oldest first."""
    scheduled: tuple[str, ...] = ()
    """Digests of the prompts that the model has scheduled. In the queue they look like the user's."""
    prompts: tuple[str, ...] = ()
    """Digests of the places of prompts, where a copy of the history may begin: see `is_copy`."""
    copied_ms: int = 0
    """The time of the newest such copy."""
    asked: tuple[AskedPrompt, ...] = ()
    """The newest prompts: one at the place of an earlier one takes that back, and all since."""
    caveat: str = ""
    """The newest record that says of a command below it that it is no request."""
    answered: bool = False
    """Whether the record below it came. A later one there is typed in its place, after a rewind (2.1.332)."""
    fired: str = ""
    """The newest record that says of the prompt below it that a timer sent it."""
    command: str = ""
    """The newest command that the client ran itself: its words may be the task of a fork."""
    skill: str = ""
    """The newest record with a skill that a sub-agent may carry out; `command` is its text."""
    trees: tuple[ClaudeWorktree, ...] = ()
    """Worktrees whose branch `gitBranch` may not say."""
    chained: str = ""
    """The session of the newest record with an id: the next one may go on from it under another."""
    is_internal: bool = False
    """Whether a plugin began the session for itself: nothing of it is the user's work."""
    ended: dict[str, model.ResultStatus] = msgspec.field(default_factory=dict)
    """How calls ended that no record has begun yet: a client may write a result before its call (2.1.114)."""


class ClaudeBuilder(claude_records.Builder[ClaudeLine, ClaudeContext], kw_only=True):
    """Builds the events of one transcript line."""

    call_id: str = ""
    """The call that the block is about: the mark of events without one of their own."""
    said_below: bytes = b""
    """The parent of a prompt, if that is not the record's."""
    below_caveat: bool = False
    """Whether the record is the one that a caveat speaks of."""

    def handle(self, handle: Callable[[Self], None]) -> None:
        """Handles the record. Claude Desktop goes on in the same file under another session's id (2.1.161)."""
        if self.line.uuid and self.subagent_id is None:
            before = self.context.chained
            if before not in ("", self.session) and bytes(self.line.parent_uuid) not in (b"", b"null"):
                self.learn_news(parent=before)
            if before != self.session:
                self.change(chained=self.session)
        if self.is_below(self.context.caveat):
            self.below_caveat = not self.context.answered
            self.change(answered=True)
        is_idle = not self.context.calls  # else another terminal wrote it: a rewind ends the calls first
        handle(self)
        if not self.context.asked and any(map(_is_plugins, self.events)):
            self.change(is_internal=True)
        if self.context.is_internal:
            self.events = []
        if self.subagent_id is None:
            said = [event for event in self.events if isinstance(event.body, SAID)]
            if is_idle and self.line.type != "assistant":
                self._take_back()
            if said:
                self._note_said([event.key for event in said], any(map(_is_typed, said)))

    def _take_back(self) -> None:
        """Takes back a prompt, and all that followed, once a later record has its parent: the user went back by
        `/rewind`, or by Escape before an answer, and did something else (2.1.88 to 2.1.332)."""
        asked = self.context.asked
        here = _place(bytes(self.line.parent_uuid)) if asked else ""
        back = next((at for at, one in enumerate(asked) if here and one.place == here), None)
        is_newest = all(one.at_ms < self.at_ms for one in asked) and self.at_ms != self.context.copied_ms
        if back is None or not self.timed or not is_newest:  # no rewind, or a copy
            return
        gone = tuple(key for one in asked[back:] for key in one.keys)
        # A terminal left open writes a recap by itself, after another one has carried on from the same place.
        if self.line.subtype != "away_summary" or len(gone) == 1:
            self.add(model.Retracted(keys=gone), "left")
            self.change(asked=asked[:back])

    def _note_said(self, keys: list[str], is_prompt: bool) -> None:
        """Notes what was said, with the prompt that led to it."""
        asked = self.context.asked
        if is_prompt:
            place = _place(self.said_below or bytes(self.line.parent_uuid))
            asked = (*asked, AskedPrompt(place, self.at_ms))[-_MOST_ASKED:]
        if asked:
            first, *others = (*asked[-1].keys, *keys)
            newest = replace(asked[-1], keys=(first, *others[-_MOST_SAID:]))
            self.change(asked=(*asked[:-1], newest))

    def is_below(self, uuid: str) -> bool:
        """Whether the record's parent is the one with that id."""
        return uuid != "" and bytes(self.line.parent_uuid) == f'"{uuid}"'.encode()

    def branch_here(self) -> str | None:
        """Returns the branch that is checked out in the record's folder, as far as records say."""
        return branch_at(self.context.trees, self.cwd, claude_records.Builder.branch_here(self))

    def second_key(self, key: str, mark: str) -> str | None:
        """Returns a key of time, place and mark.

        After a resume, Claude Code 2.0.28 and 2.1.11 append old turns again with the same time and content under new
        uuids.
        """
        place = f"{self.at_ms}/{self.line.type}/{self.subagent_id or ''}/{key}"
        return f"{place}/{mark or self.call_id}" if self.timed else None


def _place(parent: bytes) -> str:
    return digest(parent) if parent not in (b"", b"null") else ""


def _is_plugins(event: model.Event) -> bool:
    body = event.body
    return isinstance(body, model.UserPrompt | model.QueuedPrompt) and body.text.startswith(_SUMMARISES)


def _is_typed(event: model.Event) -> bool:
    body = event.body
    return isinstance(body, model.UserPrompt) and body.actor == "human" and not body.in_turn
