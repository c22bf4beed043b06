"""A studio where people sign in, and the settings of one who has."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from e2lm_core.base.settings import Settings
from e2lm_core.people import accounts
from tests.support import german, studios

ISSUER = "https://id.example"


@pytest.fixture(autouse=True)
def refusals_are_german_too(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every error of access, shares and quotas that a test meets has German, but for those of administrators."""
    with german.all_translated(
        monkeypatch,
        lambda file, said: (
            file.endswith(("access.py", "sharing.py", "visitors.py"))
            or (file.endswith("quotas.py") and " quota " not in said)
            or (file.endswith("accounts.py") and "administrator" not in said)
        ),
    ):
        yield


@pytest.fixture
def home(tmp_path) -> Settings:
    chosen = studios.settings(tmp_path).model_copy(update={"auth": "oidc", "admins": ("sub:root",)})
    studios.write_example(chosen)
    return chosen


def person(home: Settings, name: str) -> Settings:
    """The settings of somebody whose page asks."""
    return home.for_person(accounts.sign_in(home, ISSUER, name, name, username=name).id, paths=False)
