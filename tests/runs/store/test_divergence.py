"""What is noted of a diverged checkpoint holds for its files as they are and for the dtype."""

from __future__ import annotations

from pathlib import Path

from e2lm_core.base.records import Checkpoint, ModelInfo
from e2lm_core.base.settings import Settings
from e2lm_core.runs.store import divergence


def test_a_note_holds_for_the_files_and_the_dtype(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home")
    folders = [tmp_path / name for name in ("a", "b")]
    for folder in folders:
        folder.mkdir()
        (folder / "model.safetensors").write_bytes(b"x")
        (folder / "config.json").write_text("{}")
    model = ModelInfo(name="mine", family="local")
    one, other = (Checkpoint(model=model, step=1_500, directory=folder) for folder in folders)
    assert divergence.divergence_sentence(one, settings) is None
    said = divergence.note_divergence(one, settings)
    assert said.startswith("Step 1,500 of mine gives log-likelihoods that are not numbers in float32")
    assert divergence.divergence_sentence(one, settings) == said
    assert divergence.divergence_sentence(other, settings) is None
    assert divergence.divergence_sentence(one, settings.model_copy(update={"dtype": "float16"})) is None
    (folders[0] / "model.safetensors").write_bytes(b"y")
    assert divergence.divergence_sentence(one, settings) is None


def test_where_nothing_can_be_written_it_is_said_all_the_same(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home")
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "cache").write_text("no folder")
    gone = Checkpoint(model=ModelInfo(name="mine", family="local"), step=1)
    assert "not numbers" in divergence.note_divergence(gone, settings)
    assert divergence.divergence_sentence(gone, settings) is None
