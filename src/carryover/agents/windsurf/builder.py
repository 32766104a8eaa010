"""Turns one record into events with keys, and the next context."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass

import msgspec

from carryover.adapter.contract import Parsed, Reemitted, ToolOutcome
from carryover.adapter.event_builder import EventBuilder, OpenCall, usable_folder
from carryover.model import AnyBody, Op, ResultStatus, SessionInfo
from carryover.records.changes import Change, as_edit
from carryover.records.fields import LATEST_MS, MAX_PATH_CHARS, SUBJECT_CHARS, bounded, is_absolute, resolved
from carryover.records.text import names_own_folder


class Context(msgspec.Struct, frozen=True, omit_defaults=True):
    """The state of one conversation between two records."""

    cwd: str | None = None
    """The workspace that its hooks ran in, or a folder known to be in it."""
    last_ms: int = 0
    """Time of the last record; records without a time come 1 ms later."""
    last: bytes | None = None
    """Key of the last event. Bytes, since text might be taken for a secret."""
    model: str | None = None


@dataclass(slots=True, kw_only=True)
class Builder(EventBuilder[Context]):
    """Builds the events of one record. `ident` is the prefix of their keys; `cwd` is the folder in the record."""

    session: str
    ident: str
    cwd: str | None = None

    def place(self, own_ms: int, noted_ms: int = 0) -> None:
        """Dates the record: its own time, or else just after the record before, or when the file was written."""
        after = self.context.last_ms + 1 if self.context.last_ms else 0
        self.at_ms = min(own_ms if own_ms > 0 else max(after, noted_ms), LATEST_MS)
        self.change(last_ms=max(self.at_ms, self.context.last_ms))

    def learn_folder(self, cwd: str | None) -> None:
        """Remembers the conversation's folder, unless one is known."""
        if self.context.cwd is None and (folder := usable_folder(cwd)) is not None:
            self.change(cwd=folder)

    def learn_model(self, model: str) -> None:
        """Emits the model if it has changed."""
        if model and (named := bounded(model, 200)) != self.context.model:
            self.change(model=named)
            self.add(SessionInfo(model=named), "model")

    def add(self, body: AnyBody, part: str) -> None:
        """Adds an event for a part of the record, unless no time is known."""
        if self.at_ms:
            cwd = self.cwd or self.context.cwd
            self.append(f"{self.session}/{self.ident}:{part}", body, session=self.session, cwd=cwd)
        elif not self.skipped:
            self.count_skipped("record", "no time")

    def ran(
        self,
        name: str,
        op: Op,
        subject: str,
        status: ResultStatus | None,
        output: str = "",
        *,
        exit_code: int | None = None,
        changes: tuple[Change, ...] = (),
    ) -> None:
        """Adds a tool call, how it ended (unless `status` is None), and its changes if it succeeded."""
        call = OpenCall(
            id=f"{self.session}/{self.ident}",
            name=name,
            op=op,
            subject=bounded(subject, SUBJECT_CHARS),
            handoff=names_own_folder(subject),
        )
        self.add(call.as_event(), "call")
        if status is not None:
            self.add(call.ended(ToolOutcome(status, output, exit_code)), "result")
        if status == "ok":
            for number, change in enumerate(changes):
                self.add(as_edit(change, call.id), f"edit{number}")

    def absolute(self, path: str) -> str | None:
        """Returns an absolute path without `..`; None if it can't be determined.

        Its folder becomes the conversation's if no better one is known.
        """
        found = resolved(path, self.context.cwd) if 0 < len(path) <= MAX_PATH_CHARS else None
        if found is not None and is_absolute(found) and found.startswith("/"):
            self.learn_folder(posixpath.dirname(found))
        return found

    def parsed(self, reemitted: Reemitted | None = None) -> tuple[Context, Parsed]:
        """Returns the next context and the result of the record."""
        if self.events:
            self.change(last=self.last_key)
        return self.context, self.built(reemitted)
