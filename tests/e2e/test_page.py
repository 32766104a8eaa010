"""The page of `carryover ui`, from a real daemon process: who may see it, and what it shows."""

import json
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from socket import create_server
from threading import Event
from urllib.parse import urlsplit

import pytest

from support.claude_session import ClaudeSession
from support.daemon_process import DaemonProcess, differ_in, handoff_of
from support.forked import carryover
from support.hook_client import HookClient, PageClient

DATA = "me projects sessions search?q=a changes".split()
DATA += [f"project/1/{each}" for each in "handoff timeline".split()]
HOSTILE = '<script>alert("x")</script><img src=x onerror=alert(1)>\u202etxt.exe'


def invited(daemon: DaemonProcess) -> tuple[PageClient, str]:
    """A browser at the host of a new key, and the key."""
    answer = daemon.ask("POST", "/page")
    assert answer is not None
    return PageClient(daemon.port, answer["host"]), str(answer["key"])


def opened(daemon: DaemonProcess) -> PageClient:
    """A browser in which the page was opened."""
    client, key = invited(daemon)
    assert client.open(key).status == 303
    return client


@pytest.fixture
def page(shared: DaemonProcess) -> PageClient:
    return opened(shared)


@pytest.fixture
def session(shared: DaemonProcess, shared_session: ClaudeSession) -> ClaudeSession:
    session = shared_session
    session.now -= timedelta(minutes=1)  # each record is a second after the last, and none may be in the future
    session.work()
    session.prompt("Yes, and round to whole cents")
    session.run("pytest -q", "=== 3 passed in 0.1s ===")
    session.answer("Rounded. Shall I show it on the receipt too?")
    shared.settle()
    return session


def number_of(page: PageClient, session: ClaudeSession) -> int:
    [found] = [each["id"] for each in page.data("projects")["projects"] if each["root"] == str(session.cwd)]
    return int(found)


def run_ui(daemon: DaemonProcess) -> subprocess.CompletedProcess[str]:
    return carryover("ui", "--no-open", env=daemon.env)


def test_the_command_prints_an_address_that_opens_the_page_once(shared: DaemonProcess) -> None:
    done = run_ui(shared)
    address = urlsplit(done.stdout.strip())
    assert (done.returncode, done.stderr, address.scheme, address.path) == (0, "", "http", "/ui/")
    assert re.fullmatch(rf"[0-9a-f]{{32}}\.localhost:{shared.port}", address.netloc)

    browser = PageClient(shared.port, str(address.hostname))
    first, again = (browser.get(f"/ui/?{address.query}") for _ in range(2))

    cookie = first.headers["Set-Cookie"]
    assert (first.status, first.headers["Location"]) == (303, "/ui/")
    assert all(part in cookie for part in ("HttpOnly", "SameSite=Strict", "Path=/ui")), cookie
    assert not re.search("max-age|expires|domain", cookie, re.IGNORECASE)
    assert first.headers["Clear-Site-Data"] == '"storage"'
    assert (again.status, "Set-Cookie" in again.headers) == (403, False)
    assert "carryover ui" in again.text


def test_the_page_is_html_with_a_strict_policy_and_runs_no_foreign_script(page: PageClient) -> None:
    shown = page.get("/ui/")

    assert (shown.status, shown.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    policy = shown.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "frame-ancestors 'none'" in policy and "unsafe" not in policy
    assert (shown.headers["X-Content-Type-Options"], shown.headers["Referrer-Policy"]) == ("nosniff", "no-referrer")


def test_without_its_cookie_nothing_is_shown(page: PageClient, shared: DaemonProcess, session: ClaudeSession) -> None:
    for cookie in ({}, {"Cookie": "carryover_page="}, {"Cookie": "carryover_page=wrong"}):
        stranger = PageClient(shared.port, page.name, cookie)
        for target in ("/ui/", "/ui/app.js", "/ui/?key=", "/ui/?key=wrong", *(f"/ui/api/{each}" for each in DATA)):
            shown = stranger.get(target)
            found = (shown.status, "carryover ui" in shown.text, "discount" in shown.text)
            assert found == (403, True, False), (cookie, target)


STRANGE = {
    "Host": ("attacker.example", "127.0.0.1", "localhost", f"{'0' * 32}.localhost", "127.0.0.1:1"),
    "Origin": ("https://attacker.example", "null", "http://127.0.0.1:1"),
    "Sec-Fetch-Site": ("cross-site", "same-site"),
    "Service-Worker": ("script",),
}


def test_another_web_page_gets_nothing_even_with_the_cookie(page: PageClient, session: ClaudeSession) -> None:
    """A name that leads to 127.0.0.1 (DNS rebinding), another origin, another port of this machine."""
    assert str(session.cwd) in page.get("/ui/api/projects").text

    for header in ({name: value} for name, values in STRANGE.items() for value in values):
        for target in ("/ui/", "/ui/api/me", "/ui/api/projects", "/ui/api/revision"):
            shown = page.get(target, **header)
            assert (shown.status, str(session.cwd) in shown.text) == (403, False), (header, target)


def test_the_key_is_not_used_up_by_a_web_page(shared: DaemonProcess) -> None:
    stranger, key = invited(shared)

    assert stranger.get(f"/ui/?key={key}", **{"Sec-Fetch-Site": "cross-site"}).status == 403
    assert stranger.open(key).status == 303


def test_our_own_origin_is_refused_everywhere_else_as_before_and_other_methods_are(page: PageClient) -> None:
    own = {"Origin": page.origin}
    assert page.get("/ui/api/me", **own).status == 200
    own["Host"] = "localhost"
    assert page.get("/health", **own).status == 403
    assert page.ask("POST", "/hook/claude-code/SessionStart", own, b"{}").status == 403
    assert page.get("/uix", **own).status == 403
    for method in ("HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"):
        for target in ("/ui/", "/ui/api/me"):
            assert page.ask(method, target).status == 405, (method, target)


def test_the_handoff_is_the_file_and_each_line_leads_to_its_turn(page: PageClient, session: ClaudeSession) -> None:
    answer = page.data(f"project/{number_of(page, session)}/handoff")
    made = answer["handoff"]
    lines = [
        (line, at)
        for section in made["sections"]
        for line, at in zip(section["lines"], section["sources"], strict=True)
    ]
    [source] = next(sources for line, sources in lines if "receipt" in line)
    shown = page.data(f"session/{source['agent']}/{source['session']}?turn={source['turn']}")
    [turn] = [turn for turn in shown["turns"] if turn["number"] == source["turn"]]

    assert differ_in(made["text"], handoff_of(session.cwd)) == []
    assert answer["path"] == str(session.cwd / ".carryover" / "handoff.md")
    assert (shown["session"]["id"], shown["session"]["project_id"]) == (session.session, number_of(page, session))
    parts = {"user": "You", "tool": "Bash pytest -q", "agent": "Claude Code"}
    assert [(part["kind"], part["heading"]) for part in turn["parts"]] == list(parts.items())
    assert "receipt" in turn["parts"][-1]["text"]


def test_one_project_is_shown_by_its_id_alone(page: PageClient, shared: DaemonProcess, session: ClaudeSession) -> None:
    other = ClaudeSession(session.folder, session.cwd.with_name(f"{session.cwd.name}-other"))
    other.cwd.mkdir()
    other.prompt("Zebrafish are the secret of the other project")
    shared.settle()
    mine, theirs = number_of(page, session), number_of(page, other)

    for what in (
        *(f"project/{mine}/{each}" for each in ("handoff", "timeline")),
        f"sessions?project={mine}",
    ):
        assert "ebrafish" not in page.get(f"/ui/api/{what}").text
    assert page.data(f"search?q=zebrafish&project={mine}")["hits"] == []
    [hit] = page.data(f"search?q=zebra&project={theirs}")["hits"]
    assert (hit["project_id"], hit["id"], hit["turn"]) == (theirs, other.session, 1)
    assert hit["excerpt"] == ["", "Zebra", "fish are the secret of the other project"]


def test_a_text_of_a_transcript_is_data_and_never_markup(
    page: PageClient, shared: DaemonProcess, shared_session: ClaudeSession
) -> None:
    session = shared_session
    session.work(f"Look at {HOSTILE}", f"It says {HOSTILE}?")
    shared.settle()
    number = number_of(page, session)
    addresses = (
        *("projects", f"project/{number}/handoff", f"project/{number}/timeline", "search?q=onerror"),
        f"session/claude-code/{session.session}",
    )

    for address in addresses:
        shown = page.get(f"/ui/api/{address}")
        assert (shown.status, shown.headers["Content-Type"]) == (200, "application/json"), address
        assert (shown.headers["X-Content-Type-Options"], shown.headers["Cache-Control"]) == ("nosniff", "no-store")
        assert "onerror" in shown.text and "\u202e" not in shown.text and "\\u202e" not in shown.text, address
    assert "onerror" not in page.get("/ui/").text


def test_the_page_learns_that_there_is_a_new_handoff(
    page: PageClient, shared: DaemonProcess, session: ClaudeSession
) -> None:
    number = number_of(page, session)
    shared.settle()
    before = page.data("revision")
    assert page.data("revision") == before, "nothing has changed"

    session.work("Show it on the receipt", "The receipt shows the discount.")
    shared.settle()

    assert page.data("revision") != before
    assert "receipt shows" in json.dumps(page.data(f"project/{number}/handoff"))


def test_a_setting_ends_a_page_that_is_open(running: DaemonProcess) -> None:
    client = opened(running)
    assert client.get("/ui/").status == 200
    carryover("config", "server.page", "false", env=running.env).check_returncode()
    done = run_ui(running)

    targets = ("/ui/", "/ui/?key=x", "/ui/api/me", "/ui/api/revision")
    assert [client.get(target).status for target in targets] == [403] * 4
    client.name = "localhost"
    assert [client.get(target).status for target in targets] == [404] * 4
    assert client.get("/ui/api/me", Origin=client.origin).status == 403
    assert (done.returncode, done.stdout) == (5, "")
    assert "[server] page is false" in done.stderr


def test_a_port_of_another_program_is_said(daemon: DaemonProcess, free_port: None) -> None:
    with create_server(("127.0.0.1", 0)) as other:
        daemon.state.config.write_text(f"[server]\nport = {other.getsockname()[1]}\n")
        with daemon:
            done = run_ui(daemon)

    assert (done.returncode, done.stdout) == (5, "")
    assert "is taken by another process" in done.stderr and "carryover config --unset server.port" in done.stderr


@pytest.mark.night
def test_hooks_are_answered_in_time_while_the_page_is_busy(
    page: PageClient, shared: DaemonProcess, session: ClaudeSession
) -> None:
    """Browsers go on until each hook was answered; an answer that took more than 0.85 s would be 503."""
    number = number_of(page, session)
    hooks = HookClient(shared.state.socket)
    answered = Event()

    def browse() -> set[int]:
        shown = set()
        while not answered.is_set():
            shown.add(page.get(f"/ui/api/project/{number}/handoff").status)
        return shown

    with ThreadPoolExecutor(4) as browsers:
        asked = [browsers.submit(browse) for _ in range(4)]
        try:
            answers = [hooks.told(session) for _ in range(5)]
        finally:
            answered.set()

    assert ["receipt" in answer for answer in answers] == [True] * 5
    assert set().union(*(each.result() for each in asked)) <= {200, 503}
