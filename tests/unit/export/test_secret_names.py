from __future__ import annotations

import pytest

from carryover.export.material import is_secret_name


@pytest.mark.parametrize(
    "path",
    [
        ".env",
        "app/.env.local",
        "prod.env",
        ".envrc",
        "id_rsa",
        "deploy/id_ed25519.pub",
        "certs/server.PEM",
        "app.key",
        "keys/upload.jks",
        ".npmrc",
        ".netrc",
        "credentials",
        "google-credentials.json",
        "config/secrets.yaml",
        "my_secret.txt",
        "client_secret_1234.json",
        "service-account-prod.json",
        "terraform.tfstate",
        "prod.tfvars",
        "kubeconfig",
        "github-token",
        ".aws/config",
        "secrets/prod/db.txt",
        "token.txt",
        "tokens.json",
        "api_key",
        "access-key.csv",
        "private_key.txt",
        "config.local.json",
        ".claude/settings.local.json",
        "config/database.local.yml",
        "composer/auth.json",
        "cookies.txt",
        ".my.cnf",
        ".vault_pass.txt",
    ],
)
def test_a_file_made_to_hold_secrets_is_known_by_its_name(path: str) -> None:
    assert is_secret_name(path)


@pytest.mark.parametrize(
    "path",
    [
        "cart.py",
        ".env.example",
        "secrets.py",
        "src/credentials.ts",
        "docs/secrets.md",
        "secretary.txt",
        "keyboard.json",
        "tokens.css",
        "tokenizer.json",
        "config.local.ts",
        "CLAUDE.local.md",
        "locale.json",
        "author.json",
    ],
)
def test_a_template_and_code_about_secrets_are_none(path: str) -> None:
    assert not is_secret_name(path)
