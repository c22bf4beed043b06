"""A studio where people sign in, and the settings of one who has."""

from __future__ import annotations

import pytest

from e2lm_core.base.settings import Settings
from e2lm_core.people import accounts
from tests.support import studios

ISSUER = "https://id.example"


@pytest.fixture
def home(tmp_path) -> Settings:
    chosen = studios.settings(tmp_path).model_copy(update={"auth": "oidc", "admins": ("sub:root",)})
    studios.write_example(chosen)
    return chosen


def person(home: Settings, name: str) -> Settings:
    """The settings of somebody whose page asks."""
    return home.for_person(accounts.sign_in(home, ISSUER, name, name, username=name).id, paths=False)
