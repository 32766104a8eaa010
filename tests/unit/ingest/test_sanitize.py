from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carryover.ingest import sanitize
from carryover.ingest.sanitize import HEAD_CHARS, TAIL_CHARS, RealPaths, bound_output, clean_body, clean_context
from carryover.model import (
    AgentSummary,
    Answer,
    AnyBody,
    AssistantMessage,
    Event,
    FileEdit,
    Question,
    QueuedPrompt,
    Retracted,
    SessionInfo,
    SummaryPart,
    ToolCall,
    ToolResult,
    UserPrompt,
)

TOKEN = "ghp_" + "Ab3dEf6hIj9kLm2nOp5qRs8tUv1wXy4zAb3d"
"""In the form of a token of GitHub; no one's."""
HIDDEN = "[redacted:github]"


def summary_with(text: str) -> AgentSummary:
    return AgentSummary(text="x", source="compaction", parts=(SummaryPart("next", "Next", text),))


def asking(text: str) -> Question:
    return Question(call_id="c", text="which?", options=("none", f"{text} or {text}"))


def editing(text: str) -> FileEdit:
    return FileEdit(path="/repo/src/app.py", change="modify", anchor=f"t = '{text}'")


def result(text: str, **more: Any) -> ToolResult:
    return ToolResult(
        call_id="c", name="Bash", op="shell", status="ok", **{"subject": f"echo {text}", "output": text} | more
    )


@pytest.mark.parametrize(
    ("body", "found"), [(UserPrompt, 1), (summary_with, 1), (asking, 2), (editing, 1), (result, 2)]
)
def test_secrets_are_hidden_in_every_text_of_an_event_and_counted(body: Any, found: int) -> None:
    counts: Counter[str] = Counter()

    assert clean_body(body(TOKEN), counts) == body(HIDDEN)
    assert counts == {"github": found}


def test_a_secret_in_a_tools_name_is_hidden_and_ids_stay() -> None:
    """A tool of an MCP server has the server's name in its own, which may be the address with a key in it."""
    call = ToolCall(call_id=f"call_{TOKEN}", name=f"mcp__shop_{TOKEN}__list", op="other", subject="x")

    assert clean_body(call, Counter()) == msgspec.structs.replace(call, name=f"mcp__shop_{HIDDEN}__list")


KEY = "pU3KGCUwux1tEyze1iN7LtkeP3IfyxlxF0SU1kk8nVw="
HEX = "5ec84d8dbc74254770f58904dba41ecc"


@pytest.mark.parametrize(
    ("command", "printed"),
    [
        ("wg genkey", f"{KEY}\n"),
        ("umask 077 && wg genkey | tee private.key", f"{KEY}\n"),
        ("kubectl get secret db -n shop -o jsonpath='{.data.password}' | base64 -d", "zzgEOzdmenCk"),
        ("kubectl get secrets/db -o go-template='{{index .data \"password\"}}'", "c3VubnktZGF5"),
        ("cat config/master.key", f"{HEX}\n"),
        ("ls config && cat config/credentials/production.key", f"database.yml\n{HEX}\n"),
        ("cat /run/secrets/db_password", "correcthorse\n"),
        ("aws secretsmanager get-secret-value --secret-id db --query SecretString --output text", "Tr0ub4dor"),
        ("vault kv get -field=password secret/shop", "sunnyday\n"),
        ("op read op://shop/db/password", "sunnyday"),
        ("security find-generic-password -s shop -w", "sunnyday\n"),
        ("openssl rand -hex 16", f"{HEX}\n"),
        ("python3 -c 'import secrets; print(secrets.token_hex(16))'", HEX),
        ("head -c 32 /dev/urandom | base64", KEY),
        ("terraform output -raw db_password", "sunnyday"),
        ("pulumi config get dbPassword", "sunnyday\n"),
        ("heroku auth:token", "01234567-89ab-4cde-8f01-23456789abcd\n"),
        ("cat .env | base64", "Q09OTj1zdW5ueS1kYXk="),
        ("base64 -w0 android/upload.jks", "MIIKSgIBAzCCCgQGCSqGSIb3DQEH"),
        ("base64 ./cert.pfx", "MIIKSgIBAzCCCgQGCSqGSIb3DQEH"),
        ("base64 < ~/.ssh/id_rsa", "LS0tMIIKSgIBAzCCCgQGCSqGSIb3DQEH"),
        ("cat serviceAccountKey.json | base64", "ewogICJ0eXBlIjogInNlcnZpY2Ui"),
        ("kubectl get secret db -o jsonpath={.stringData.conn}", "sunnyday"),
        ("aws ecr get-login-password --region eu-west-1", f"eyJwYXlsb2FkIjoi{KEY}"),
        ("gcloud secrets versions access latest --secret=db", "sunnyday"),
        ("az keyvault secret show --vault-name shop -n db --query value -o tsv", "sunnyday"),
        ("doppler secrets get DB --plain", "sunnyday"),
        ("secret-tool lookup service shop", "sunnyday"),
        ("bin/rails secret", f"{HEX}\n"),
        ("python3 -c 'from django.core.management.utils import *; print(get_random_secret_key())'", "sunnyday"),
        ("aws ssm get-parameter --name /db --with-decryption --query Parameter.Value --output text", "sunnyday"),
        ("argocd admin initial-password -n argocd", "sunnyday\n"),
        ("gopass show shop/db", "sunnyday\n"),
        ("bw get password shop", "sunnyday"),
        ("pwgen 16 1", "sunnyday\n"),
        ("node -e 'console.log(crypto.randomBytes(16).toString(\"hex\"))'", f"{HEX}\n"),
        ("cat ~/.vault_pass.txt", "sunnyday\n"),
        ("cat .vault-password", "sunnyday\n"),
        ("cat secrets/db_password", "sunnyday\n"),
        ("cat deploy_token.txt", "sunnyday\n"),
        ("docker exec ci cat /var/jenkins_home/secrets/initialAdminPassword", f"{HEX}\n"),
        ("echo $DB_PASSWORD", "sunnyday\n"),
        ('docker compose exec db sh -c "echo ${POSTGRES_PASSWORD}"', "sunnyday\n"),
        ("docker exec db printenv DB_PASS", "sunnyday\n"),
        ("python3 -c \"import os; print(os.environ['SECRET_KEY_BASE'])\"", f"{HEX}\n"),
        ("node -p 1 && node -e 'console.log(process.env.API_KEY)'", f"1\n{HEX}\n"),
        ("heroku config:get SECRET_TOKEN -a shop", f"{HEX}\n"),
        ("wp config get DB_PASSWORD", "sunnyday\n"),
        ("curl -s localhost/login -d @dev.json | jq -r .access_token", f"{HEX}\n"),
        ("curl -s localhost/login | jq -r '.data.token'", f"{HEX}\n"),
        ("yq .db.password values.yaml", "sunnyday\n"),
        ("grep ^DB_PASSWORD= .env | cut -d= -f2-", "sunnyday\n"),
        ("grep DB_PASSWORD .env | awk -F= '{print $2}'", "sunnyday\n"),
        ("awk -F= '/DB_PASSWORD/{print $2}' .env", "sunnyday\n"),
        ("sed -n 's/^DB_PASSWORD=//p' .env", "sunnyday\n"),
    ],
)
def test_what_a_command_prints_that_prints_a_secret_is_hidden(command: str, printed: str) -> None:
    counts: Counter[str] = Counter()
    cleaned: Any = clean_body(result("", subject=command, output=printed), counts)

    assert cleaned.output.splitlines()[-1] == "[redacted:password]"
    assert counts == {"password": 1}
    assert clean_body(cleaned, Counter()) == cleaned


@pytest.mark.parametrize(
    ("command", "line"),
    [
        ("sops -d secrets.yaml", "    conn: {}"),
        ("sops decrypt secrets.env", "CONN='{}'"),
        ("ansible-vault view vars.yml", 'shop_conn: "{}"'),
        ("vault kv get secret/shop", "conn        {}"),
        ("kubectl get secret db -o json | jq .data", '  "conn": "{}",'),
        ("kubectl get secret db -o yaml | grep conn", "  conn: {}"),
    ],
)
def test_what_a_store_of_secrets_shows_is_hidden_whatever_its_name(command: str, line: str) -> None:
    shown = f"user: dev\nport: 5432\n{line}\n{line}\n"
    cleaned: Any = clean_body(
        result("", subject=command, output=shown.format("k7Rw2xQe7LpZ4v", "tulpe-Zw13bel")), Counter()
    )

    mark = "[redacted:password]"
    assert cleaned.output == shown.format(mark, mark)


@pytest.mark.parametrize("body", [QueuedPrompt(text=""), Answer(call_id="c1", question="Which key?", text="")])
def test_a_key_that_is_queued_or_answers_a_question_is_hidden(body: QueuedPrompt | Answer) -> None:
    given = msgspec.structs.replace(body, text="0a1b2c3d" * 4)

    assert clean_body(given, {}) == msgspec.structs.replace(body, text="[redacted:secret]")


def test_a_prompt_that_is_nothing_but_a_key_is_hidden() -> None:
    counts: dict[str, int] = {}
    key = "0a1b2c3d" * 4
    prompts = [clean_body(UserPrompt(text=text), counts) for text in (f"{key}\n", f"Find {key}", f"{key}00112233")]

    assert [prompt.text for prompt in prompts if isinstance(prompt, UserPrompt)] == [
        "[redacted:secret]",
        f"Find {key}",
        f"{key}00112233",
    ]
    assert counts == {"secret": 1}


@pytest.mark.parametrize(
    ("text", "is_key"),
    [
        *(("0a1b2c3d" * 8, True), ("0x" + "0a1b2c3d" * 8, True), ("mQ7tZk2Vb9Xr4Lw8Ns5P", True)),
        *(("Vb9Xr4Lw8Ns5PmQ7tZk2+aB3dE6fG=", True), ("K7QW2ZP9XV4TB8MN3RJ6", True)),
        *(("0a1b2c3d" * 5, False), ("3f2a0c51-8d7e-4b6a-9c1f-5e2d7a90b418", False), ("src/Cart2/Discount3.py", False)),
        *(("tests/unit/cart2/test_discount3", False), ("fix/SHOP-1234-AddDiscount2", False), ("mQ7tZk2Vb9", False)),
        *(("agent/fix-cart-total-8f3k2d", False), ("worktree-agent-a1b2c3d4e5f6a7b8c", False)),
        ("DeepSeek-R1-Distill-Qwen-7B", False),
        *(("01K5W4ZP9XV4TB8MN3RJ6Q2H7D", False), ("MSG-4F2A-88B1-C0DE-9D1E", False)),
        ("my-shop-8f3k2d9x7q4m1z6w5v0t", True),
    ],
)
def test_so_is_one_of_random_letters_and_digits(text: str, is_key: bool) -> None:
    assert clean_body(UserPrompt(text=text), {}) == UserPrompt(text="[redacted:secret]" if is_key else text)


@pytest.mark.parametrize("path", ["/repo/config/master.key", "/repo/secrets/db_password", "/repo/token.txt"])
def test_a_file_that_holds_a_secret_is_hidden_where_it_is_read(path: str) -> None:
    body = result("", subject=path, output="     1\tcorrecthorse")
    cleaned: Any = clean_body(msgspec.structs.replace(body, op="read"), Counter())

    assert cleaned.output == "     1\t[redacted:password]"


@pytest.mark.parametrize(
    ("command", "printed"),
    [
        ("git rev-parse HEAD", f"{HEX}\n"),
        ("kubectl get secret db -o jsonpath='{.metadata.name}'", "db-password\n"),
        ("kubectl get secrets -n shop", "NAME   TYPE\ndb     Opaque\n"),
        ("wg show", "interface: wg0\n"),
        ("ls config/master.key", "config/master.key\n"),
        ("vault kv get -field=password secret/shop", "No value found at secret/data/shop\n"),
        ("kubectl get secret db -o jsonpath='{.data.password}'", "null"),
        ("cat config/master.key.example", f"{HEX}\n"),
        ("which pwgen", "/usr/bin/pwgen\n"),
        ("vault kv get secret/shop", "error: denied\n"),
        ('T=$(curl -s localhost/login | jq -r .token); curl -s localhost/me -H "A: $T" | jq -r .id', f"{HEX}\n"),
        ("jq -r '.[] | select(.token) | .id' sessions.json", f"{HEX}\n"),
        ("jq -r .usage.total_tokens run.json", "1048576\n"),
        ("git log --oneline | grep token | cut -d' ' -f1", "5ec84d8dbc\n"),
        ("grep TOKEN .env.example | cut -d= -f1", "API_TOKEN\n"),
        ("echo $TOKEN_LIFETIME_S", "1209600\n"),
        ("node -e 'console.log(process.env.API_KEY ? 1048576 : 0)'", "1048576\n"),
        ("grep -l token *.txt", "notes.txt\n"),
        ("echo $API_KEY", "unauthorized: the key has expired\n"),
        ("sops -d secrets.yaml", "image: registry/shop\nversion: 2.14.3\nregion: eu-central-1\n"),
    ],
)
def test_other_output_of_such_a_command_stays(command: str, printed: str) -> None:
    body = result("", subject=command, output=printed)

    assert clean_body(body, Counter()) == body


def test_prompts_and_answers_are_never_cut_but_output_is() -> None:
    """What the agent left out itself is added."""
    for body in (UserPrompt(text="p" * 200_000), AssistantMessage(text="a" * 200_000)):
        assert clean_body(body, Counter()) is body

    cleaned: Any = clean_body(result("x" * 10_000, dropped=50), Counter())
    assert cleaned.dropped == 4_050
    assert len(cleaned.output) < 6_100


class Context(msgspec.Struct, frozen=True):
    cwd: str = f"/srv/{TOKEN}"
    id: str = TOKEN
    calls: dict[str, str | list[int]] = {}
    seen: frozenset[str] = frozenset()
    last: UserPrompt | None = None
    changes: tuple[FileEdit, ...] = ()
    closed: tuple[str, ...] = (TOKEN,)


def changing(text: str) -> tuple[FileEdit, ...]:
    return (FileEdit(path=f"/srv/{TOKEN}/a.py", change="modify", anchor=text),)


def test_of_a_context_paths_and_ids_stay_and_text_is_cleaned_or_left_out() -> None:
    """A project folder may look like a key, and its session would lose its project."""
    given_ = Context(
        calls={"c1": f"curl -H {TOKEN}", "c2": [1]},
        seen=frozenset({TOKEN}),
        last=UserPrompt(text=f"{TOKEN} \ud83d"),
        changes=changing(f"t = '{TOKEN}'"),
    )

    assert msgspec.json.decode(clean_context(given_), type=Context) == Context(
        calls={"c1": f"curl -H {HIDDEN}", "c2": [1]},
        seen=frozenset({HIDDEN}),
        last=UserPrompt(text=f"{HIDDEN} ?"),
        changes=changing(f"t = '{HIDDEN}'"),
    )
    assert msgspec.json.decode(sanitize.context_without_text(given_), type=Context) == Context(
        calls={"c1": "", "c2": [1]}, seen=frozenset({""}), last=UserPrompt(text=""), changes=changing("")
    )


def test_a_key_that_cannot_be_stored_as_text_still_names_its_event() -> None:
    odd = "turn \ud83d"
    event = Event(key=odd, session="s1", at_ms=1, body=UserPrompt(text="hello"))
    undone = Event(key="u", session="s1", at_ms=2, body=Retracted(keys=(odd, "turn 2"), restored=(odd,)))
    entry = sanitize.clean_entry("made-up", undone)

    key = sanitize.clean_entry("made-up", event).key
    assert (entry.retracts[0], entry.restores) == (key, (key,))


SECRET = "key-" + "s" * 60


@pytest.mark.parametrize("n", [700, 1_000_000])
def test_long_output_keeps_its_head_and_tail_and_says_what_was_left_out(n: int) -> None:
    bounded, dropped = bound_output("h" * HEAD_CHARS + "m" * n + "t" * TAIL_CHARS, str)

    assert bounded == "h" * HEAD_CHARS + f"\n[... {n} characters left out ...]\n" + "t" * TAIL_CHARS
    assert dropped == n


@given(before=st.sampled_from([0, 1_470, HEAD_CHARS, 5_000, 90_000]), after=st.integers(0, 140_000))
def test_no_part_of_a_secret_is_kept_wherever_it_stands(before: int, after: int) -> None:
    bounded, _ = bound_output("x" * before + SECRET + "y" * after, lambda text: text.replace(SECRET, "[hidden]"))

    assert "key-" not in bounded
    assert "s" * 4 not in bounded
    assert len(bounded) < HEAD_CHARS + TAIL_CHARS + 60


def test_of_a_long_output_that_is_mostly_hidden_no_secret_is_kept_that_the_search_cuts_in_two() -> None:
    """A long list of tokens: little is left of the two parts that are searched, so what is cut there would be shown."""
    tokens = [f"T{at}={''.join(f'{at * 7 % 90 + 10}kQ{place}' for place in range(600))}" for at in range(60)]
    output = "\n".join(tokens)
    bounded, dropped = bound_output(output, lambda text: re.sub(r"(?m)^(T\d+)=\S+", r"\1=[hidden]", text))

    assert "kQ" not in bounded
    assert bounded.startswith("T0=[hidden]\nT1=[hidden]\n")
    assert bounded.endswith("\nT58=[hidden]\nT59=[hidden]")
    assert dropped > 100_000


NOW_MS = 1_795_200_000_000
DAY_MS = 86_400_000
TIMES = st.integers(-1, 10) | st.integers(NOW_MS - DAY_MS, NOW_MS + DAY_MS) | st.just(NOW_MS + 365 * DAY_MS)


def bounded(times: list[int], written_ms: int) -> list[int]:
    events = [Event(key=str(n), session="s1", at_ms=ms, body=UserPrompt(text="x")) for n, ms in enumerate(times)]
    found = sanitize.with_bounded_times(events, now_ms=NOW_MS, written_ms=written_ms)
    assert [event.key for event in found] == [event.key for event in events]
    return [event.at_ms for event in found]


@given(times=st.lists(TIMES, max_size=12), written_ms=TIMES)
def test_every_time_is_one_that_can_be_and_the_same_when_bounded_again(times: list[int], written_ms: int) -> None:
    once = bounded(times, written_ms)

    assert all(0 < at_ms <= NOW_MS + sanitize.TOLERANCE_MS for at_ms in once)
    assert bounded(once, written_ms) == once


@given(good=st.lists(st.integers(NOW_MS - DAY_MS, NOW_MS), max_size=12).map(sorted), written_ms=TIMES, data=st.data())
def test_records_in_order_stay_in_order_whichever_of_them_lie_ahead_or_have_no_time(
    good: list[int], written_ms: int, data: st.DataObject
) -> None:
    times = [data.draw(st.sampled_from((at_ms, 0, NOW_MS + 365 * DAY_MS))) for at_ms in good]
    found = bounded(times, written_ms)

    assert found == sorted(found)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A project, reached over `link` too."""
    root = tmp_path / "disk" / "shop"
    (root / "src").mkdir(parents=True)
    (tmp_path / "link").symlink_to(root)
    return root


def test_a_file_reached_over_a_link_to_the_project_has_its_real_path(tmp_path: Path, shop: Path) -> None:
    """One that is a link itself keeps its own name, and what is in no project stays as it is recorded."""
    paths = RealPaths([str(shop)])
    (tmp_path / "shared.md").write_text("rules\n")
    (shop / "AGENTS.md").symlink_to(tmp_path / "shared.md")

    for name in ("src/cart.py", "gone/cart.py", "AGENTS.md"):
        assert paths.of(f"{tmp_path}/link/{name}") == f"{shop}/{name}"
    for path in ("src/a.py", "", "C:\\shop\\a.py", "/nul\0here/a.py", "/other/shop/a.py", f"{tmp_path}/shared.md"):
        assert paths.of(path) == path


def test_edits_and_the_calls_that_make_them_are_renamed_and_nothing_else(tmp_path: Path, shop: Path) -> None:
    paths, linked, real = RealPaths([str(shop)]), f"{tmp_path}/link/a.py", f"{shop}/a.py"

    def bodies(path: str) -> list[AnyBody]:
        return [
            FileEdit(path=path, change="modify"),
            FileEdit(path=path, change="rename", old_path=path),
            ToolCall(call_id="c", name="Edit", op="edit", subject=path),
            ToolResult(call_id="c", name="Write", op="write", status="ok", subject=path),
        ]

    def renamed(body: AnyBody) -> AnyBody:
        return paths.of_event(Event(key="k", session="s", at_ms=1, body=body)).body

    assert list(map(renamed, bodies(linked))) == bodies(real)
    for body in (ToolCall(call_id="c", name="Bash", op="shell", subject=linked), UserPrompt(text=linked)):
        assert renamed(body) is body


def test_the_folder_of_a_command_is_a_real_one_the_projects_own_too(tmp_path: Path, shop: Path) -> None:
    paths = RealPaths([str(shop)])

    def folder_of(folder: str) -> str | None:
        body = ToolResult(call_id="c", name="Bash", op="shell", status="ok", subject="pytest", folder=folder)
        renamed = paths.of_event(Event(key="k", session="s", at_ms=1, body=body)).body
        return renamed.folder if isinstance(renamed, ToolResult) else None

    assert [folder_of(f"{tmp_path}/link{below}") for below in ("", "/src")] == [str(shop), f"{shop}/src"]
    assert [folder_of(folder) for folder in ("/elsewhere", "/")] == ["/elsewhere", "/"]


def test_a_title_keeps_the_users_words_alone() -> None:
    title = "<system-reminder>Be brief.</system-reminder> Fix the cart"

    assert clean_body(SessionInfo(title=title), {}) == SessionInfo(title="Fix the cart")
    assert clean_body(SessionInfo(title="<command-name>/clear</command-name>"), {}) == SessionInfo()


@pytest.mark.parametrize("before", range(950, 1_001, 10))
def test_of_a_title_as_long_as_a_book_the_beginning_is_kept_and_no_part_of_a_secret(before: int) -> None:
    """Each list of sessions reads it."""
    long = f"{'x' * (before - 1)} {TOKEN} {'and on ' * 100_000}"
    body = clean_body(SessionInfo(title=long, branch=long, model="m" * 1_000), {})

    assert isinstance(body, SessionInfo) and body.title is not None and body.branch == body.title
    assert (len(body.title), len(body.model or "")) == (1_000, 1_000)
    assert TOKEN[:6] not in body.title
