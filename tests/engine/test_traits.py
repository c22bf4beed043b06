"""A model's window and BOS, remembered under a digest of what they depend on."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from e2lm_core.base.errors import CheckpointError
from e2lm_core.base.settings import Settings
from e2lm_core.checkpoints.catalogue import open_catalogue
from e2lm_core.engine import traits
from e2lm_core.engine.local import LocalBackend
from e2lm_core.engine.traits import Traits, known_traits, remember_traits, traits_key
from tests.conftest import ROOT, needs
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


@pytest.mark.slow
def test_what_is_brought_of_the_embedded_models_is_what_their_tokenizers_say(settings: Settings) -> None:
    settings = settings.model_copy(update={"ladder": needs("ladder")})
    backend, seen = LocalBackend(settings), set()
    for checkpoint in open_catalogue(settings).checkpoints:
        key = traits_key(checkpoint, settings) if checkpoint.packed is not None else None
        if key is not None and key not in seen:
            seen.add(key)
            assert known_traits(key, settings) == backend.read_traits(checkpoint)
    assert seen == set(json.loads(traits.SHIPPED.read_bytes()))


NEW_HOME = """
import sys
from e2lm_core.base.settings import Settings
from e2lm_core.runs.studio import open_studio
studio = open_studio(Settings.from_env())
assert [studio.backend.scope(one) for one in studio.local_checkpoints]
print([name for name in ("torch", "transformers") if name in sys.modules])
"""


def test_in_a_new_home_no_tokenizers_library_is_loaded_to_look_up_what_the_embedded_models_gave(
    tmp_path: Path,
) -> None:
    env = {"E2LM_HOME": str(tmp_path / "new"), "E2LM_LADDER": str(needs("ladder")), "PATH": "/usr/bin:/bin"}
    said = subprocess.run(
        [sys.executable, "-c", NEW_HOME], cwd=ROOT, env=env, capture_output=True, text=True, check=True
    )
    assert said.stdout.strip() == "[]"
