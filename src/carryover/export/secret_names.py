"""Recognises files meant for secrets by their names; their content is never quoted."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Final

_NAMES: Final = re.compile(
    r"""(?xi)
      \.env(?:\..+|rc)? | .+\.env
    | \.?(?:netrc|npmrc|pypirc|pgpass|htpasswd|dockercfg|git-credentials|vault-token|s3cfg)
    | id_(?:rsa|dsa|ecdsa|ed25519).* | .*\.(?:pem|key|p12|pfx|p8|jks|keystore|kdbx|asc|gpg|pgp|ppk|ovpn|tfstate|tfvars)
    | .*\.tfstate\.backup | .*[-_.]?(?:credentials?|secrets?|passwords?|passwd)(?:[-_.].*)?
    | (?:service[-_]?account|client[-_]?secret|gcp[-_]?key).*\.json | kubeconfig.*
    | (?:.*[-_.])?(?:token|passphrase|(?:api|access|private)[-_]?key)s?(?:\.\w+)?
    | auth\.json | cookies?\.(?:txt|json|sqlite) | .*[-_.]local(?:\.\w+)?
    | \.(?:my\.cnf|boto|dev\.vars) | \.?vault[-_]pass.* | wallet\.dat
    """
)
_FOLDERS: Final = frozenset((".ssh", ".gnupg", ".aws", ".kube", ".docker", "secrets", ".secrets", "credentials"))
_EXAMPLES: Final = re.compile(r"(?i)(?:example|sample|template|dist)(?:\.\w+)?$")
_CODE: Final = frozenset(
    ".py .pyi .js .jsx .ts .tsx .mjs .cjs .go .rs .java .kt .c .h .cc .cpp .cs .rb .php .swift .md .css .scss".split()
)


def is_secret_name(path: str) -> bool:
    """Whether the name or folder of the file at `path` marks it as one for secrets.

    Templates (`.env.example`) and source code about secrets (`secrets.py`) do not count.
    """
    where = PurePosixPath(path)
    if any(folder.lower() in _FOLDERS for folder in where.parts[:-1]) and where.suffix.lower() not in _CODE:
        return True
    if where.suffix.lower() in _CODE or _EXAMPLES.search(where.name):
        return False
    return _NAMES.fullmatch(where.name) is not None
