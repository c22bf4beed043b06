"""Files of a Space, checked for secrets.

In a git checkout only tracked files are uploaded, with their content on the disk: notes and drafts next to
them are not.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import Record
from e2lm_core.deploy.space import dockerignore

README = "README.md"
# Files that the image is built with, but that are no part of it.
BUILT_WITH = ("Dockerfile", dockerignore.NAME)
_GIT_S = 30.0
_SECRET_NAME = re.compile(
    r"\.env(\..*)?|secrets\.toml|\.netrc|\.git|\.ssh|id_(rsa|ed25519|ecdsa)|token|.*\.(pem|key|p12|pfx|sqlite)",
    re.IGNORECASE,
)
# Patterns of tokens by their prefix, and of private keys. A match is never shown.
_SECRET_TEXT = {
    begin: re.compile(re.escape(begin) + rest)
    for begin, rest in {
        b"hf_": rb"[A-Za-z0-9]{30,}",
        **{b"gh%c_" % kind: rb"[A-Za-z0-9]{36}" for kind in b"opsu"},
        b"github_pat_": rb"\w{50,}",
        b"sk-": rb"[A-Za-z0-9_-]{32,}",
        b"AKIA": rb"[A-Z0-9]{16}",
        b"ASIA": rb"[A-Z0-9]{16}",
        **{b"xox%c-" % kind: rb"[\w-]{20,}" for kind in b"abp"},
        b"glpat-": rb"[\w-]{20}",
        b"-----BEGIN ": rb"[A-Z ]*PRIVATE KEY-----",
    }.items()
}


class File(Record):
    """A file of the Space.

    Attributes:
        path: Path in the Space.
        bytes: Size.
        git_sha1: SHA-1 of the content as a git blob.
        sha256: SHA-256 of the content.
        text: The content if it differs from the file on the disk; None if it does not.
    """

    path: str
    bytes: int
    git_sha1: str
    sha256: str
    text: str | None = None

    def same(self, git_sha1: str | None, sha256: str | None) -> bool:
        """Whether the hub has these bytes, by its digests of the file."""
        return sha256 == self.sha256 if sha256 else git_sha1 == self.git_sha1


def files(root: Path, readme: bytes, home: Path, secrets: Iterable[str] = ()) -> dict[str, File]:
    """Files of the Space by path.

    Args:
        root: Folder of the repository.
        readme: Content of the README.
        home: The studio's home, of which no file is uploaded.
        secrets: Texts that no file may hold.

    Raises:
        StudioError: A file holds a secret, is named like one, or lies in the home; the sentence does not show
            the secret.
    """
    known = _known_to_git(root)
    names = [*dockerignore.build_context(root), *(name for name in BUILT_WITH if (root / name).is_file())]
    found = {}
    hidden = [secret.encode() for secret in secrets if len(secret) >= 8]
    for name in names:
        if known is not None and name not in known:
            continue
        if (root / name).resolve().is_relative_to(home.resolve()):
            raise StudioError(
                f"{name} lies in the home of a studio, whose sets are not to be published: keep E2LM_HOME outside "
                f"{root.name}."
            )
        found[name] = _file(name, (root / name).read_bytes(), hidden, kept=False)
    found[README] = _file(README, readme, hidden, kept=True)
    return found


def require_public(variables: Mapping[str, str]) -> None:
    """Check that no variable looks like a secret, since everyone can read a Space's variables.

    Raises:
        StudioError: A variable's name or value looks like a secret.
    """
    for name, value in variables.items():
        if _holds_secret(value.encode()) or re.search(r"(TOKEN|SECRET|PASSWORD|KEY)$", name):
            raise StudioError(
                f"The variable {name[:60]} looks like a secret, and everyone can read a Space's variables: set it "
                "as a secret in the Space's settings."
            )


def _file(name: str, content: bytes, hidden: Iterable[bytes], kept: bool) -> File:
    if any(_SECRET_NAME.fullmatch(part) for part in name.split("/")):
        raise StudioError(f"{name} is named as secrets are: take it out, or name it in .dockerignore.")
    if _holds_secret(content) or any(secret in content for secret in hidden):
        raise StudioError(
            f"{name} holds what looks like a token or a key: take it out before it is published."
        )
    return File(
        path=name,
        bytes=len(content),
        git_sha1=hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest(),
        sha256=hashlib.sha256(content).hexdigest(),
        text=content.decode() if kept else None,
    )


def _holds_secret(content: bytes) -> bool:
    """Whether a text holds a token; its prefix is searched first, which is fast in many megabytes."""
    for begin, whole in _SECRET_TEXT.items():
        at = content.find(begin)
        while at >= 0:
            if whole.match(content, at):
                return True
            at = content.find(begin, at + 1)
    return False


def _known_to_git(root: Path) -> set[str] | None:
    """Files tracked by git; None outside a checkout, or without git."""
    if not (root / ".git").exists():
        return None
    try:
        listed = subprocess.run(
            ["git", "-C", str(root), "ls-files", "-z"], capture_output=True, timeout=_GIT_S, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return set(listed.stdout.decode("utf-8", "surrogateescape").split("\0"))
