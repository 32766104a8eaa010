"""Building a conversation for a test, in the words of the people in it."""

from typing import Any, Final, Self

from carryover import model
from carryover.distill.digest import Digest, Failure, Turn
from carryover.distill.fold import fold
from carryover.distill.handoff import Handoff, distill
from carryover.distill.render import render
from carryover.distill.trail import Past, past_of
from carryover.distill.view import ProjectView, SessionView
from carryover.facts import Facts
from carryover.model import AnyBody, Event, Op, ResultStatus

START_MS = 1_795_155_000_000
MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
GOAL = "Make the discount in cart.py return whole cents."
ROOT = "/home/dev/shop"
NO_FACTS: Final = Facts()


class Conversation:
    """A session's main thread, folded as it grows; every step is a minute after the one before."""

    def __init__(self, *, session: str = "s1", agent: str = "claude-code", at_ms: int = START_MS) -> None:
        self.session = session
        self.agent = agent
        self.cwd = ROOT
        self.started_ms = at_ms
        self.at_ms = at_ms
        self.digest = Digest()
        self.events: list[Event] = []
        self._count = 0

    def event(self, body: AnyBody) -> Self:
        self._count += 1
        self.at_ms += MINUTE_MS
        event = Event(
            key=f"{self.session}:{self._count}", session=self.session, at_ms=self.at_ms, body=body, cwd=self.cwd
        )
        self.digest = fold(self.digest, [event])
        self.events.append(event)
        return self

    def user(self, text: str, command: str | None = None) -> Self:
        return self.event(model.UserPrompt(text=text, command=command))

    def says(self, text: str, *, final: bool | None = True) -> Self:
        return self.event(model.AssistantMessage(text=text, final=final))

    def calls(self, subject: str, *, op: Op = "shell", name: str = "Bash") -> Self:
        return self.event(model.ToolCall(call_id=f"c{self._count}", name=name, op=op, subject=subject))

    def ran(
        self,
        subject: str,
        output: str = "",
        *,
        status: ResultStatus = "ok",
        op: Op = "shell",
        name: str = "Bash",
        never_ran: bool = False,
    ) -> Self:
        call_id = f"c{self._count}"
        self.event(model.ToolCall(call_id=call_id, name=name, op=op, subject=subject))
        return self.event(
            model.ToolResult(
                call_id=call_id,
                name=name,
                op=op,
                status=status,
                subject=subject,
                output=output,
                never_ran=never_ran,
                folder=self.cwd,
            )
        )

    def edited(self, path: str, *, line: int | None = None) -> Self:
        return self.event(model.FileEdit(path=f"{ROOT}/{path}", change="modify", line=line))

    @property
    def turn(self) -> Turn:
        assert self.digest.turn is not None
        return self.digest.turn

    @property
    def failure(self) -> Failure:
        [only] = self.digest.failures
        return only

    def view(self) -> SessionView:
        return SessionView(
            session=self.session, agent=self.agent, started_ms=self.started_ms, last_ms=self.at_ms, digest=self.digest
        )


def session(name: str, *, hours: int = 0, agent: str = "claude-code") -> Conversation:
    """A session that begins so many hours after the first one."""
    return Conversation(session=name, agent=agent, at_ms=START_MS + hours * HOUR_MS)


def worked(
    name: str = "s1", prompt: str = GOAL, *, says: str = "The discount is in cents.", hours: int = 0
) -> Conversation:
    """A session in which a file was changed and that was reported."""
    return session(name, hours=hours).user(prompt).edited("cart.py").says(says)


def project(*conversations: Conversation, root: str = ROOT) -> ProjectView:
    """The project these conversations were held in, newest first as the ledger gives them."""
    ordered = sorted(conversations, key=lambda conversation: -conversation.at_ms)
    return ProjectView(root=root, sessions=tuple(conversation.view() for conversation in ordered))


def handoff(
    *talks: Conversation, facts: Facts = NO_FACTS, later_ms: int = 0, view: ProjectView | None = None, **more: Any
) -> Handoff:
    """What is handed over so long after the newest of these conversations; `view`: with more than them."""
    now_ms = max(talk.at_ms for talk in talks) + later_ms
    made = distill(view or project(*talks), facts, resume="ask", now_ms=now_ms, **more)
    assert made is not None
    return made


def past(*talks: Conversation, view: ProjectView | None = None) -> Past:
    found = past_of(view or project(*talks), now_ms=max(talk.at_ms for talk in talks))
    assert found is not None
    return found


def section(*talks: Conversation, title: str, led_by: str | None = None) -> list[str]:
    """The lines of a section of the project's handoff."""
    text = render(handoff(*talks, led_by=led_by))
    lines = text.partition(f"\n## {title}\n")[2].partition("\n## ")[0].splitlines()
    return [line.removeprefix("- ") for line in lines if line.startswith("- ")]


def under(title: str, *talks: Conversation) -> str:
    """The lines of a section of the project's handoff, as one text."""
    return "\n".join(section(*talks, title=title))
