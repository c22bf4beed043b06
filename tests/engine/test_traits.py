"""A model's window and BOS, remembered under a digest of what they depend on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from e2lm_core.base.errors import CheckpointError
from e2lm_core.base.settings import Settings
from e2lm_core.engine import traits
from e2lm_core.engine.traits import Traits, known_traits, remember_traits, traits_key
from tests.support import tiny_models

TRAITS = Traits(window=77, bos="none")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", device="cpu")


def test_remembered_by_this_process_and_by_the_next(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert known_traits("a", settings) is None
    remember_traits("a", TRAITS, settings)
    assert known_traits("a", settings) == TRAITS
    assert known_traits("b", settings) is None
    monkeypatch.setattr(traits, "_known", {})
    assert known_traits("a", settings) == TRAITS
    monkeypatch.setattr(traits, "_known", {})
    (settings.cache / "traits" / "a.json").write_text("{")
    assert known_traits("a", settings) is None


def test_a_cache_that_cannot_be_written_costs_nothing_else(settings: Settings) -> None:
    settings.cache.parent.mkdir(parents=True)
    settings.cache.write_text("a file where the folder should be")
    remember_traits("a", TRAITS, settings)
    assert known_traits("a", settings) == TRAITS


def test_the_key_follows_configuration_and_tokenizer_alone(settings: Settings, tmp_path: Path) -> None:
    folder = tiny_models.make(tmp_path / "m")
    checkpoint = tiny_models.checkpoint(folder)
    key = traits_key(checkpoint, settings)
    assert traits_key(tiny_models.checkpoint(tiny_models.make(tmp_path / "other", seed=1)), settings) == key
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"max_position_embeddings": 99}))
    changed = traits_key(checkpoint, settings)
    assert changed != key
    (folder / "tokenizer_config.json").write_text("{}")
    assert traits_key(checkpoint, settings) not in (key, changed)
    (folder / "config.json").unlink()
    with pytest.raises(CheckpointError, match=r"holds no config\.json"):
        traits_key(checkpoint, settings)
    with pytest.raises(CheckpointError, match="is not on this machine"):
        traits_key(checkpoint.model_copy(update={"directory": None}), settings)
