"""Interactive search on the terminal: draws it, reads keys, and runs what was chosen."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from carryover.errors import ExitCode, UserError
from carryover.faces.cli.picker_screen import RunCommand, end_at_sigterm, screen_width, show, turned, with_mouse
from carryover.model import LAST
from carryover.past.context import now_ms
from carryover.past.live_search import LiveSearch, Wanted
from carryover.past.search_rows import (
    Row,
    Rows,
    filter_row,
    keys_row,
    list_rows,
    note_row,
    other_rows,
    title_row,
    turn_rows,
)
from carryover.past.search_state import (
    KEYS,
    Chosen,
    SearchState,
    answered,
    clicked,
    moved,
    pressed,
    previewed,
    scrolled,
    typed,
)
from carryover.terminal.screen import drawing

if TYPE_CHECKING:
    from prompt_toolkit.formatted_text import StyleAndTextTuples
    from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
    from prompt_toolkit.layout import Layout, Window
    from prompt_toolkit.mouse_events import MouseEvent

    from carryover.past.search_records import Asked, Preview

ESCAPE_S: Final = 0.05
"""How long after Esc another key may come, as it does with Alt."""
WHEEL_ROWS: Final = 3
USUAL_HEIGHT: Final = 10
"""Rows of the preview, before it was drawn."""
MOST_ROWS: Final = 200
"""No terminal has more rows."""

Answer = TypeVar("Answer")


def search_on_screen(opened: AbstractContextManager[LiveSearch], run_command: RunCommand) -> int:
    """Lets the user search until they leave or start an agent; returns the exit code."""
    with opened as live:
        screen = _Screen(live)
        while (chosen := screen.choice()).does == "show":
            show(_arguments(live, chosen), run_command)
        arguments = _arguments(live, chosen)
    # Only now that a temporary ledger is gone: the agent may take the place of this process.
    return run_command(arguments) if arguments else ExitCode.OK


def _arguments(live: LiveSearch, chosen: Chosen) -> list[str]:
    """Returns the arguments of `carryover` for what was chosen; none to leave."""
    if chosen.item is None:
        return []
    hit = chosen.item.hit
    session = hit.session if hit.session != LAST else f"{hit.agent}:{LAST}"
    if chosen.does == "continue":
        return ["to", f"--session={session}", "--", chosen.agent, hit.root or ""]
    if chosen.does == "resume":
        return ["resume", "--run", "--", session]
    turn = live.turn(chosen.item)
    of_turn = ["--turn", str(turn)] if turn else []
    of_subagent = ["--full"] if hit.subagent_id is not None else []
    return ["show", *of_turn, *of_subagent, "--", session]


class _Screen:
    """The state, drawn again after each key and each answer."""

    def __init__(self, live: LiveSearch) -> None:
        self._live = live
        self._state = SearchState(filters=live.filters, kinds=live.kinds, agents=live.agents)
        self._asked: Asked | None = None
        self._wanted: Wanted | None = None
        self._made: tuple[Preview, int, Rows] | None = None
        self._below: Window | None = None

    def choice(self) -> Chosen:
        """Shows the screen until a key chooses something."""
        from prompt_toolkit.application import Application

        with drawing():
            application = Application[Chosen](
                layout=self._layout(), key_bindings=self._bindings(), full_screen=True, mouse_support=True
            )
            application.ttimeoutlen = ESCAPE_S
            application.timeoutlen = ESCAPE_S
            application.before_render += self._catch_up
            self._live.searches.on_answer = application.invalidate
            self._live.previews.on_answer = application.invalidate
            return application.run(pre_run=partial(end_at_sigterm, application))

    def _catch_up(self, _: object) -> None:
        """Asks for what the state lacks, and puts into it what was answered."""
        if self._asked != self._state.asked:
            self._asked = self._state.asked
            self._live.searches.request(self._asked)
        self._take(self._live.searches.take(), answered)
        if self._state.listing is not None and self._state.item is not None:
            wanted = Wanted(self._state.item, self._state.listing.terms)
            if self._wanted != wanted:
                self._wanted = wanted
                self._live.previews.request(wanted)
        self._take(self._live.previews.take(), previewed)

    def _take(self, answer: Answer | UserError | None, put: Callable[[SearchState, Answer], SearchState]) -> None:
        if isinstance(answer, UserError):
            self._state = replace(self._state, said=str(answer))
        elif answer is not None:
            self._state = put(self._state, answer)

    def _layout(self) -> Layout:
        from prompt_toolkit.filters import Condition
        from prompt_toolkit.layout import ConditionalContainer, HSplit, Layout, Window
        from prompt_toolkit.layout.controls import FormattedTextControl
        from prompt_toolkit.layout.dimension import Dimension

        def row(draw: Callable[[SearchState, int], Row]) -> Window:
            def drawn() -> StyleAndTextTuples:
                return [*draw(self._state, screen_width())]

            return Window(FormattedTextControl(drawn), height=1)

        half = Dimension(min=1, preferred=MOST_ROWS)  # however much is found, so that nothing jumps while one types
        is_typing = Condition(lambda: self._state.mode == "query" and not self._state.shows_keys)
        has_note = Condition(lambda: self._state.listing is not None and bool(self._state.listing.note))
        query = Window(FormattedTextControl(self._query, focusable=True), height=1, always_hide_cursor=~is_typing)
        self._below = Window(with_mouse(self._rows_below, self._mouse_below), height=half)
        rows = [
            query,
            row(filter_row),
            ConditionalContainer(row(note_row), filter=has_note),
            Window(with_mouse(self._rows_listed, self._mouse_in_list), height=half),
            row(title_row),
            self._below,
            row(keys_row),
        ]
        return Layout(HSplit(rows), focused_element=query)

    def _query(self) -> StyleAndTextTuples:
        before, after = self._state.query
        return [("bold", "> "), ("", before), ("[SetCursorPosition]", ""), ("", f"{after} ")]

    def _rows_listed(self) -> StyleAndTextTuples:
        pieces: StyleAndTextTuples = []
        for number, row in enumerate(list_rows(self._state, screen_width(), now_ms())):
            if number == self._state.at:
                pieces.append(("[SetCursorPosition]", ""))
            pieces += [*row, ("", "\n")]
        return pieces

    def _rows_below(self) -> StyleAndTextTuples:
        """Returns the rows of the turn, or of what else is to be chosen or read, from the one on that is at the top."""
        known = self._below.render_info if self._below is not None else None
        height = known.window_height if known is not None else USUAL_HEIGHT
        if self._state.shows_keys or self._state.mode == "agents":
            below = other_rows(self._state, screen_width())
            top = below.top(0, height)
        elif self._state.shown is not None:
            below = self._turn_rows(self._state.shown, screen_width())
            top = below.top(self._state.scrolled, height)
            self._state = replace(self._state, scrolled=top - below.first)  # not beyond the ends
        else:
            return []
        return [piece for row in below.rows[top : top + MOST_ROWS] for piece in (*row, ("", "\n"))]

    def _turn_rows(self, preview: Preview, width: int) -> Rows:
        """Returns the rows of a turn, which are made once for each width."""
        if self._made is None or self._made[0] is not preview or self._made[1] != width:
            self._made = (preview, width, turn_rows(preview, width))
        return self._made[2]

    def _mouse_in_list(self, event: MouseEvent) -> None:
        from prompt_toolkit.mouse_events import MouseEventType

        if event.event_type is MouseEventType.MOUSE_UP:
            self._state = clicked(self._state, event.position.y)
        else:
            self._state = moved(self._state, turned(event))

    def _mouse_below(self, event: MouseEvent) -> None:
        self._state = scrolled(self._state, WHEEL_ROWS * turned(event))

    def _bindings(self) -> KeyBindings:
        from prompt_toolkit.key_binding import KeyBindings
        from prompt_toolkit.keys import Keys

        bindings = KeyBindings()
        for key in KEYS:
            sequence = ("escape", key[-1]) if key.startswith("alt-") else (key,)
            bindings.add(*sequence)(partial(self._press, key))
        bindings.add("escape", Keys.Any)(_ignored)
        bindings.add(Keys.Any)(self._type)
        bindings.add(Keys.BracketedPaste)(self._paste)
        bindings.add("c-c")(_interrupted)
        return bindings

    def _press(self, key: str, event: KeyPressEvent) -> None:
        outcome = pressed(self._state, key)
        if isinstance(outcome, Chosen):
            event.app.exit(result=outcome)
        else:
            self._state = outcome

    def _type(self, event: KeyPressEvent) -> None:
        self._press(event.data, event)

    def _paste(self, event: KeyPressEvent) -> None:
        self._state = typed(self._state, event.data)


def _ignored(_: KeyPressEvent) -> None:
    """Does nothing: no other key has a meaning with Alt."""


def _interrupted(event: KeyPressEvent) -> None:
    event.app.exit(exception=KeyboardInterrupt())
