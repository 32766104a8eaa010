"""What is searched for before a pattern of a command line must be in all that the pattern matches."""

from __future__ import annotations

import pytest

from carryover.redact import command_lines, redact


def test_a_quick_pattern_is_a_part_of_the_one_that_it_stands_for() -> None:
    quick = [place for place in command_lines._PLACES if place.part is not None]

    assert quick
    assert all(place.part.pattern in place.pattern.pattern for place in quick if place.part is not None)


@pytest.mark.parametrize(
    "line",
    [
        "curl -u dev:{}",
        "curl\t-u dev:{}",
        "curl --proxy-user dev:{} https://host",
        "wget --http-password={}",
        "mysqldump -p{} shop",
        "mariadb-dump -u dev -p{}",
        "sshpass -p {} ssh host",
        "docker login --password {}",
        "gh secret set NAME --body {}",
        "openssl rsa -passin pass:{}",
        "redis-cli -a {}",
        "redis-cli --pass {}",
        "htpasswd -cb file dev {}",
        "htpasswd -5b file dev {}",
        "smbclient //host -U dev%{}",
        "sqlcmd -S host -P {}",
        "lftp -u dev,{}",
        "aws configure set default.aws_session_token {}",
        "aws configure set aws_secret_access_key {}",
        '<add key="Shop.Password" value="{}" />',
        "//host/:_auth={}",
    ],
)
def test_a_password_given_to_a_program_is_hidden(line: str) -> None:
    assert "q7Wz-4mK" not in redact(line.replace("{}", "q7Wz-4mK"))[0]


@pytest.mark.parametrize("host", ["db.example.com:5432", "*:*", "localhost:15432"])
def test_a_line_of_pgpass_is_hidden(host: str) -> None:
    assert redact(f"{host}:shop:owner:s3cretpw\n")[0] == f"{host}:shop:owner:[redacted:password]\n"
