from __future__ import annotations

import pytest

from carryover.redact import redact

PASSWORD = "[redacted:password]"
TOKEN = "[redacted:token]"
SECRET = "[redacted:secret]"


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("DB_PASSWORD=hunter2", f"DB_PASSWORD={PASSWORD}"),
        ("export API_KEY=abcdef  # mine", f"export API_KEY={SECRET}  # mine"),
        ("PGPASSWORD=abc psql -h db", f"PGPASSWORD={PASSWORD} psql -h db"),
        ("PASSWORD=a&b(c)d,e!", f"PASSWORD={PASSWORD}"),
        ('PASSWORD="two words"', f'PASSWORD="{PASSWORD}"'),
        ("PASSWORD=123456", f"PASSWORD={PASSWORD}"),
        ("SECRET=changeme", f"SECRET={SECRET}"),
        ("SECRET_KEY_BASE=abcdef0123", f"SECRET_KEY_BASE={SECRET}"),
        ("GITHUB_TOKEN_2=abcdef0123", f"GITHUB_TOKEN_2={TOKEN}"),
        ("  - POSTGRES_PASSWORD=postgres", f"  - POSTGRES_PASSWORD={PASSWORD}"),
        ("docker run -e TOKEN=abcdef img", f"docker run -e TOKEN={TOKEN} img"),
        ('docker run -e "TOKEN=abcdef" img', f'docker run -e "TOKEN={TOKEN}" img'),
        ("A=1\\nTOKEN=abcdef\\nB=2", f"A=1\\nTOKEN={TOKEN}\\nB=2"),
        ("+API_TOKEN=abcdef", f"+API_TOKEN={TOKEN}"),
        ("    12→API_TOKEN=abcdef", f"    12→API_TOKEN={TOKEN}"),
        ("CREDENTIALS=abc123def", f"CREDENTIALS={SECRET}"),
        ("MY_PRIVATE_KEY=abcdef", f"MY_PRIVATE_KEY={SECRET}"),
    ],
)
def test_env_style_assignments(text: str, hidden: str) -> None:
    assert redact(text)[0] == hidden


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("password: hunter2", f"password: {PASSWORD}"),
        ("  password: postgres\n", f"  password: {PASSWORD}\n"),
        ("POSTGRES_PASSWORD: postgres", f"POSTGRES_PASSWORD: {PASSWORD}"),
        ("client_secret = supersecret123", f"client_secret = {SECRET}"),
        ('"password": "hunter2",', f'"password": "{PASSWORD}",'),
        ('"password": "hun\\"ter2", "a": 1', f'"password": "{PASSWORD}", "a": 1'),
        ('{\\"password\\": \\"hun\\\\\\"ter2\\", \\"a\\": 1}', f'{{\\"password\\": \\"{PASSWORD}\\", \\"a\\": 1}}'),
        ("'password' => 'letmein',", f"'password' => '{PASSWORD}',"),
        ("<password>hunter2</password>", f"<password>{PASSWORD}</password>"),
        ("//registry.example/:_authToken=abcdef-0123", f"//registry.example/:_authToken={TOKEN}"),
        ("Server=db;Uid=sa;Pwd=Passw0rd!;", f"Server=db;Uid=sa;Pwd={PASSWORD};"),
        ('passphrase = "correct horse battery staple"', f'passphrase = "{PASSWORD}"'),
        ("https://h/x?access_token=abcdef123&y=1", f"https://h/x?access_token={TOKEN}&y=1"),
        ("**Password:** hunter2", f"**Password:** {PASSWORD}"),
        ("API Key: abc123def456", f"API Key: {SECRET}"),
    ],
)
def test_config_files_and_messages(text: str, hidden: str) -> None:
    assert redact(text)[0] == hidden


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ('const clientSecret = "mysupersecret";', f'const clientSecret = "{SECRET}";'),
        ('password: str = "hunter2"', f'password: str = "{PASSWORD}"'),
        ("let token: &str = \"abcd1234efgh\";", f'let token: &str = "{TOKEN}";'),
        ('token := "abcd1234efgh"', f'token := "{TOKEN}"'),
        ('os.environ["API_TOKEN"] = "abcdefg"', f'os.environ["API_TOKEN"] = "{TOKEN}"'),
        ("connect(password='hunter2', port=1)", f"connect(password='{PASSWORD}', port=1)"),
        ("mysql --password=correct db", f"mysql --password={PASSWORD} db"),
        ("tool --password hunter2 --verbose", f"tool --password {PASSWORD} --verbose"),
    ],
)  # fmt: skip
def test_literals_in_code_and_on_command_lines(text: str, hidden: str) -> None:
    assert redact(text)[0] == hidden


@pytest.mark.parametrize(
    "text",
    [
        "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        '"SecretAccessKey": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",',
    ],
)
def test_an_aws_secret_is_known_by_its_name_though_it_looks_like_a_path(text: str) -> None:
    hidden, counts = redact(text)

    assert hidden == text.replace("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "[redacted:aws]")
    assert counts == {"aws": 1}


@pytest.mark.parametrize(
    "text",
    [
        'credentials: "include"',
        'color_token: "#dcdccc"',
        '"token": "string"',
        'message_password = "Use a good one, please"',
        "secretName: db-login",
        "password: abc(1)",
        "token = lexer->next_token2",
        "tests_pass=12345",
        "use --password to give one",
    ],
)
def test_a_secret_name_alone_hides_nothing(text: str) -> None:
    assert redact(text) == (text, {})


@pytest.mark.parametrize(
    "name", ["db_pass", "mail-pass", "dbpass", "userpass", "passwd", "passphrase", "passcode", "gh_pat"]
)
def test_short_names_count_by_what_is_around_them(name: str) -> None:
    assert "hunter2x9" not in redact(f"{name}=hunter2x9")[0]


@pytest.mark.parametrize("name", ["pass", "bypass", "pat", "gh-pat"])
def test_and_mean_nothing_elsewhere(name: str) -> None:
    assert redact(f"{name}=hunter2x9") == (f"{name}=hunter2x9", {})
