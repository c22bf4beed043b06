"""No secret goes to a Space, by its name or by what is in it, and nothing of a home does."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from e2lm_core.base.errors import StudioError
from e2lm_core.deploy.space import uploads
from tests.support import studios

PLAIN = {"Dockerfile": "FROM x", "app.py": "x = 1", "sub/data.bin": "x"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, text in PLAIN.items():
        path = tmp_path / "root" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "root"


def test_files_with_their_digests(root: Path, tmp_path: Path) -> None:
    found = uploads.files(root, b"read me", tmp_path / "home")
    assert set(found) == {*PLAIN, "README.md"}
    told = subprocess.run(["git", "hash-object", root / "app.py"], capture_output=True, text=True, check=True)
    assert found["app.py"].git_sha1 == told.stdout.strip()
    assert found["app.py"].same(told.stdout.strip(), None)
    assert found["app.py"].same("of the pointer", found["app.py"].sha256)
    assert not found["app.py"].same(None, None)
    assert found["README.md"].text == "read me"


@pytest.mark.parametrize(
    "name",
    [".env", "sub/.env.local", ".streamlit/secrets.toml", "id_rsa", "a.pem", "studio.sqlite", ".netrc"],
)
def test_names_of_secrets_are_refused(root: Path, tmp_path: Path, name: str) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).touch()
    with pytest.raises(StudioError, match="named as secrets are") as error:
        uploads.files(root, b"", tmp_path / "home")
    assert name in studios.sentence(error)


@pytest.mark.parametrize(
    "secret",
    [
        "hf_" + "A1b2" * 9,
        "ghp_" + "a" * 36,
        "github_pat_" + "a" * 60,
        "sk-" + "proj-" + "x" * 40,
        "AKIA" + "A" * 16,
        "-----BEGIN " + "RSA PRIVATE KEY-----",
    ],
)
def test_texts_of_secrets_are_refused(root: Path, tmp_path: Path, secret: str) -> None:
    (root / "app.py").write_text(f"x = '{secret}'")
    with pytest.raises(StudioError, match=r"app\.py holds what looks like a token") as error:
        uploads.files(root, b"", tmp_path / "home")
    assert secret not in studios.sentence(error)
    (root / "app.py").write_text("")
    with pytest.raises(StudioError, match=r"README\.md holds"):
        uploads.files(root, secret.encode(), tmp_path / "home")


def test_the_token_itself_is_refused_whatever_its_shape(root: Path, tmp_path: Path) -> None:
    (root / "sub" / "data.bin").write_bytes(b"\0\1my-own-token\2")
    with pytest.raises(StudioError, match=r"data\.bin"):
        uploads.files(root, b"", tmp_path / "home", secrets=["my-own-token"])


def test_a_home_within_is_refused(root: Path) -> None:
    with pytest.raises(StudioError, match="lies in the home"):
        uploads.files(root, b"", root / "sub")


def test_variables_are_public() -> None:
    uploads.require_public({"E2LM_THREADS": "2", "E2LM_ADMINS": "me", "E2LM_HUB_TOKEN_FOR": "us"})
    for name in ("HF_TOKEN", "OAUTH_CLIENT_SECRET", "API_KEY", "DB_PASSWORD"):
        with pytest.raises(StudioError, match="looks like a secret"):
            uploads.require_public({name: "x"})
