"""The full-screen list: a query, filters, rows and a preview. Made of prompt_toolkit's widgets, so imported late."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final, NamedTuple, TypeVar

from prompt_toolkit.application import Application, get_app
from prompt_toolkit.data_structures import Point
from prompt_toolkit.document import Document
from prompt_toolkit.filters import Condition
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.key_binding.bindings.focus import focus_next, focus_previous
from prompt_toolkit.keys import Keys
from prompt_toolkit.layout import AnyContainer, ConditionalContainer, DynamicContainer, HSplit, Layout, VSplit, Window
from prompt_toolkit.layout.controls import FormattedTextControl
from prompt_toolkit.layout.dimension import Dimension
from prompt_toolkit.layout.processors import Processor, Transformation, TransformationInput
from prompt_toolkit.mouse_events import MouseEvent, MouseEventType
from prompt_toolkit.styles import Style
from prompt_toolkit.widgets import TextArea

from carryover.errors import UserError
from carryover.faces.cli.picker_rows import (
    AGENT_KEYS,
    FILTER_KEYS,
    HELP,
    LIST_KEYS,
    QUERY_KEYS,
    Row,
    keys_row,
    list_rows,
    with_places_lit,
)
from carryover.past.context import now_ms
from carryover.past.latest import Latest
from carryover.past.live_preview import Item, Preview, PreviewLine, WantedPreview
from carryover.past.live_search import LONGEST_QUERY, Filter, Listing, ListQuery, LiveSearch
from carryover.terminal.output import columns, cut_to_width, wrapped
from carryover.terminal.screen import ESCAPE_S, drawing
from carryover.text.harmless import harmless

_STYLE: Final = Style([("cursor-line", "nounderline reverse"), ("text-area.prompt", "bold")])
BEFORE_MATCH: Final = 2
"""How many rows before the match the preview begins."""
_PAGE: Final = 10

MOVES: Final = {"up": -1, "c-p": -1, "down": 1, "c-n": 1, "pageup": -_PAGE, "pagedown": _PAGE}
"""Keys that choose another row; from anywhere else they lead to the list."""
LIST_MOVES: Final = {**MOVES, "k": -1, "j": 1, "g": -10_000, "home": -10_000, "G": 10_000, "end": 10_000}
SCROLLS: Final = {"s-up": -1, "s-down": 1}
LIST_SCROLLS: Final = {"u": -_PAGE, "d": _PAGE}
_ACTIONS: Final = {"c": "continue", "r": "resume", "y": "copy"}

NOT_YET: Final = Listing(ListQuery("\n"), ())
"""Before the first answer; no query has a line break."""
_NOTHING: Final = [("", "Nothing that is recorded matches.")]
NO_PREVIEW: Final = Preview("", (PreviewLine(""),), 0)

HALF: Final = Dimension(min=1, preferred=200)
"""The height of the list and of what is below it: however much is found, so that nothing jumps while one types."""

HOMELESS: Final = {
    "continue": "This session belongs to no project, so no agent can take it over.",
    "copy": "This session belongs to no project, so it has no handoff.",
}

_Question = TypeVar("_Question")
_Answer = TypeVar("_Answer")


class Choice(NamedTuple):
    """What the user wants done with a row of the list."""

    does: str
    """show, continue, copy or resume."""
    item: Item
    agent: str = ""
    """The id of the agent that continues."""


class Rows(FormattedTextControl):
    """Rows of which one is chosen, with keys or the mouse; `chosen` is its number.

    >>> rows = Rows(KeyBindings(), moved=lambda: None)
    >>> rows.fill([[("bold", "one")], [("", "two")]])
    >>> rows.move(1)
    >>> rows.chosen
    1
    """

    def __init__(self, key_bindings: KeyBindings, moved: Callable[[], None]) -> None:
        super().__init__(
            focusable=True,
            show_cursor=False,
            key_bindings=key_bindings,
            get_cursor_position=lambda: Point(0, self.chosen),
        )
        key_bindings.add("q")(lambda event: event.app.exit(result=None))
        self.chosen = 0
        self.number = 0
        self._moved = moved
        for key, by in LIST_MOVES.items():
            key_bindings.add(key)(lambda _, by=by: self.move(by))

    def fill(self, rows: Sequence[Row], chosen: int = 0) -> None:
        """Shows these rows instead."""
        self.chosen = chosen
        self.number = len(rows)
        pieces: StyleAndTextTuples = []
        for number, row in enumerate(rows):
            use = partial(self._clicked, number)
            pieces += [(style, text, use) for style, text in (*row, ("", "\n" if number < len(rows) - 1 else ""))]
        self.text = pieces

    def move(self, by: int) -> None:
        """Chooses another row, stopping at the ends."""
        self.chosen = max(min(self.chosen + by, self.number - 1), 0)
        self._moved()

    def _clicked(self, number: int, event: MouseEvent) -> None:
        wheel = {MouseEventType.SCROLL_UP: -1, MouseEventType.SCROLL_DOWN: 1}
        if event.event_type in wheel:
            self.move(wheel[event.event_type])
        elif event.event_type is MouseEventType.MOUSE_UP:
            self.move(number - self.chosen)


class Styles(Processor):
    """Gives the lines of a preview their styles.

    styles = Styles()
    below = TextArea(read_only=True, input_processors=[styles])
    styles.lines = preview.lines  # before their text is put into `below`
    """

    def __init__(self) -> None:
        self.lines: Sequence[PreviewLine] = NO_PREVIEW.lines

    def apply_transformation(self, transformation_input: TransformationInput) -> Transformation:
        """Returns a line of the preview as it is drawn."""
        line = self.lines[transformation_input.lineno]
        return Transformation([*with_places_lit(line.text, line.places, "bold" if line.is_bold else "")])


class Screen:
    """The list on the terminal. It keeps its state from one choice to the next.

    screen = Screen(live, types=False)
    while (choice := screen.choice()) is not None:  # None: the user left
        print(choice.does, choice.item.session)
    """

    def __init__(self, live: LiveSearch, *, types: bool, message: str = "") -> None:
        """`types`: whether keys are typed into the query at first; `message` is shown until the first one."""
        self._live = live
        self._message = message
        self._width = 0
        self._sent_query: ListQuery | None = None
        self._listing = NOT_YET
        self._wanted: WantedPreview | None = None
        self._preview = NO_PREVIEW
        self._shows_keys = False
        self._moving: Item | None = None
        """What is to be continued, while an agent is being chosen."""
        self.query_field = TextArea(multiline=False, prompt="> ", focus_on_click=True)
        self.query_field.buffer.on_text_changed += self._shorten
        self._list = Rows(self._list_bindings(), self._to_list)
        self._agents = Rows(KeyBindings(), lambda: None)
        self._agent_ids: list[str] = []
        self._styles = Styles()
        self._below = TextArea(read_only=True, focusable=False, height=HALF, input_processors=[self._styles])
        self._filters = [filter_window(value) for value in (live.agent, live.project, live.day)]
        self._layout = self._new_layout()
        self._layout.focus(self.query_field if types else self._list)

    def choice(self) -> Choice | None:
        """Shows the screen until something is chosen; returns None if the user leaves."""
        with drawing():
            application = Application[Choice | None](
                layout=self._layout,
                key_bindings=self._bindings(),
                style=_STYLE,
                full_screen=True,
                mouse_support=True,
            )
            application.timeoutlen = application.ttimeoutlen = ESCAPE_S
            application.before_render += self._catch_up
            application.key_processor.before_key_press += self._clear_message
            self._sent_query = self._wanted = None  # what was not answered before is asked once more
            return application.run(pre_run=partial(end_at_signals, application))

    def _catch_up(self, application: Application[Any]) -> None:
        """Asks for what the screen lacks."""
        width = application.output.get_size().columns - 1
        if width != self._width:
            self._width = width
            self._fill_list(self._list.chosen)
        query = self._live.query(self.query_field.text)
        if query != self._sent_query:
            self._sent_query = query
            self._ask(application, self._live.listings, query, self._use_listing)
        item = self._item()
        wanted = WantedPreview(item, self._listing.terms, width) if item is not None else None
        if wanted is not None and wanted != self._wanted:
            self._ask(application, self._live.previews, wanted, self._use_preview)
        self._wanted = wanted

    def _ask(
        self,
        application: Application[Any],
        latest: Latest[_Question, _Answer],
        question: _Question,
        use: Callable[[_Answer], None],
    ) -> None:
        """Has `use` called with the answer as soon as it is there, unless a newer question came before."""

        async def answer() -> None:
            try:
                result = await latest.answer(question)
            except UserError as trouble:
                self._message = str(trouble)
            else:
                if result is not None:
                    use(result)
            application.invalidate()

        application.create_background_task(answer())

    def _use_listing(self, listing: Listing) -> None:
        """Lists the answer from its beginning on; with other filters the same row stays chosen if it is there."""
        row = self._item()
        is_same = self._listing.query.typed == listing.query.typed
        self._listing = listing
        self._fill_list(listing.items.index(row) if is_same and row in listing.items else 0)
        if not listing.items:
            self._use_preview(NO_PREVIEW)

    def _use_preview(self, preview: Preview) -> None:
        self._preview = preview
        if not self._shows_keys:
            self._show_below(preview.lines, preview.match)

    def _show_below(self, lines: Sequence[PreviewLine], match: int = 0) -> None:
        self._styles.lines = lines
        text = "\n".join(line.text for line in lines)
        start = Document(text).translate_row_col_to_index(match, 0)
        self._below.document = Document(text, start)
        self._below.window.vertical_scroll = max(match - BEFORE_MATCH, 0)

    def _item(self) -> Item | None:
        """The chosen row; None if the list is empty."""
        return self._listing.items[self._list.chosen] if self._listing.items else None

    def _fill_list(self, chosen: int) -> None:
        rows = list_rows(self._listing, self._width, now_ms())
        self._list.fill(rows or ([_NOTHING] if self._is_answered() else []), chosen)

    # What is drawn

    def _new_layout(self) -> Layout:
        note = Window(FormattedTextControl(lambda: [("bold", self._listing.note)]), height=1)
        agents = Window(self._agents, height=HALF, cursorline=True)
        title = Window(FormattedTextControl(self._title), dont_extend_width=True)
        count = Window(FormattedTextControl(self._count), width=lambda: Dimension(min=len(self._count())))
        rows: list[AnyContainer] = [
            self.query_field,
            VSplit([*self._filters, count], height=1, padding=2),
            ConditionalContainer(note, filter=Condition(lambda: bool(self._listing.note))),
            Window(self._list, height=HALF, cursorline=True),
            VSplit([Window(width=2, char="─"), title, Window(char="─")], height=1, padding=1),
            DynamicContainer(lambda: self._below if self._moving is None else agents),
            Window(FormattedTextControl(self._keys), height=1),
        ]
        return Layout(HSplit(rows), focused_element=self.query_field)

    def _count(self) -> str:
        """Says how much was found; `…` while the answer to this query is still to come."""
        more = "more than " if self._listing.more else ""
        number = f"{more}{len(self._listing.items):,} found" if self._listing.terms else ""
        return number if self._is_answered() else f"{number} …".strip()

    def _is_answered(self) -> bool:
        return self._listing.query == self._live.query(self.query_field.text)

    def _title(self) -> StyleAndTextTuples:
        """Returns the line between the list and what is below: the command that shows it, and whose it is."""
        title = self._preview.title
        if self._shows_keys:
            title = "keys"
        if self._moving is not None:
            title = "continue in"
        return [("bold", cut_to_width(title, self._width - len("──  ─")))]

    def _keys(self) -> StyleAndTextTuples:
        """Returns the available keys, as many as have room, or the message about the last key."""
        if self._message:
            return [("bold", cut_to_width(self._message, self._width))]
        parts = FILTER_KEYS
        if self._moving is not None:
            parts = AGENT_KEYS
        elif self._layout.has_focus(self.query_field):
            parts = QUERY_KEYS
        elif self._layout.has_focus(self._list):
            parts = LIST_KEYS
        return [("", keys_row(parts, self._width))]

    # What keys do

    def _bindings(self) -> KeyBindings:
        """Returns the keys that mean the same everywhere."""
        bindings = KeyBindings()
        for key in MOVES:
            bindings.add(key)(lambda _: self._to_list())
        for key, by in SCROLLS.items():
            bindings.add(key)(partial(self._scroll, by))
        bindings.add("enter")(self._enter)
        bindings.add("escape")(self._back)
        bindings.add("escape", Keys.Any)(lambda _: None)  # no other key has a meaning with Alt
        bindings.add("tab")(focus_next)
        bindings.add("s-tab")(focus_previous)
        bindings.add("f1")(lambda _: self._show_keys())
        bindings.add(Keys.BracketedPaste)(self._paste)
        bindings.add("c-c")(lambda event: event.app.exit(exception=KeyboardInterrupt()))
        return bindings

    def _list_bindings(self) -> KeyBindings:
        """Returns what letters mean on the list."""
        bindings = KeyBindings()
        for key, by in LIST_SCROLLS.items():
            bindings.add(key)(partial(self._scroll, by))
        for key, does in _ACTIONS.items():
            bindings.add(key)(partial(self._act, does))
        bindings.add("/")(lambda event: event.app.layout.focus(self.query_field))
        bindings.add("a")(lambda _: self._toggle_project())
        bindings.add("?")(lambda _: self._show_keys())
        return bindings

    def _clear_message(self, _: object) -> None:
        self._message = ""

    def _to_list(self) -> None:
        """Gives the list the focus, and closes what is open."""
        self._moving = None
        if self._shows_keys:
            self._shows_keys = False
            self._show_below(self._preview.lines, self._preview.match)
        self._layout.focus(self._list)

    def _back(self, event: KeyPressEvent) -> None:
        """Closes the agents or the keys, or ends the search; leaves if there is nothing to close or end."""
        is_open = self._moving is not None or self._shows_keys
        if not is_open and not self.query_field.text and self._layout.has_focus(self._list):
            event.app.exit(result=None)
        elif not is_open:
            self.query_field.text = ""
        self._to_list()

    def _show_keys(self) -> None:
        self._shows_keys = True
        rows = [row for key, does in HELP for row in wrapped(f"{key:<5}  {does}", self._width).split("\n")]
        self._show_below([PreviewLine(row) for row in rows])

    def _paste(self, event: KeyPressEvent) -> None:
        """Types what is pasted into the query, on one line: it is never a command."""
        self._to_list()
        self._layout.focus(self.query_field)
        self.query_field.buffer.insert_text(" ".join(harmless(event.data).split())[:LONGEST_QUERY])

    def _shorten(self, _: object) -> None:
        """Bounds the query: the whole text before each key is kept for an undo, so megabytes would fill the memory."""
        if len(self.query_field.text) > LONGEST_QUERY:
            self.query_field.text = self.query_field.text[:LONGEST_QUERY]

    def _scroll(self, by: int, _: KeyPressEvent) -> None:
        """Scrolls the preview, as the window follows its cursor."""
        shown = self._below.window.render_info
        if shown is None:
            return
        row = shown.last_visible_line() + by if by > 0 else max(shown.first_visible_line() + by, 0)
        self._below.buffer.cursor_position = self._below.document.translate_row_col_to_index(row, 0)

    def _toggle_project(self) -> None:
        if not self._live.toggle_project():
            self._message = "No session is recorded for this folder: all are listed."

    def _enter(self, event: KeyPressEvent) -> None:
        if self._moving is None:
            self._act("show", event)
        else:
            choice = Choice("continue", self._moving, self._agent_ids[self._agents.chosen])
            self._to_list()
            event.app.exit(result=choice)

    def _act(self, does: str, event: KeyPressEvent) -> None:
        item = self._item()
        if not self._is_answered():
            self._message = "Still searching."
        elif item is None:
            self._message = "Nothing is listed."
        elif does in HOMELESS and not item.root:
            self._message = HOMELESS[does]
        elif does == "continue":
            self._choose_agent(item)
        else:
            event.app.exit(result=Choice(does, item))

    def _choose_agent(self, item: Item) -> None:
        """Opens the list of agents that can take over; the session's own is the last."""
        self._agent_ids = sorted(self._live.agents, key=lambda agent: agent == item.agent)
        if not self._agent_ids:
            self._message = "No agent that takes a first prompt is on this machine. y copies the handoff."
            return
        self._agents.fill([[("", f"› {self._live.agents[agent]}")] for agent in self._agent_ids])
        self._moving = item
        self._layout.focus(self._agents)


def filter_window(value: Filter[Any]) -> Window:
    """Returns the widget of a filter, which the left and right keys change while it has the focus."""
    bindings = KeyBindings()
    bindings.add("left")(lambda _: value.move(-1))
    bindings.add("right")(lambda _: value.move(1))

    def text() -> StyleAndTextTuples:
        label = f"{value.name}: {value.label}"
        return [("reverse", f"‹ {label} ›")] if get_app().layout.has_focus(control) else [("", label)]

    def width() -> Dimension:
        (_, label, *_) = text()[0]
        half = get_app().output.get_size().columns // 2
        least = min(columns(label), half) if get_app().layout.has_focus(control) else 0
        return Dimension(min=least, preferred=columns(label))

    control = FormattedTextControl(text, focusable=True, show_cursor=False, key_bindings=bindings)
    return Window(control, width=width, dont_extend_width=True)


def end_at_signals(application: Application[Any]) -> None:
    """Has SIGTERM, or the end of the terminal, end the application in order: the terminal is given back as it was, and
    a temporary ledger is removed. prompt_toolkit (3.0) does not."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        ends = SystemExit(128 + number)
        asyncio.get_running_loop().add_signal_handler(number, partial(application.exit, exception=ends))
