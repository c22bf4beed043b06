"""The catalogue of checkpoints, and what of it cannot be read."""

from __future__ import annotations

import pytest

from e2lm_core.base.errors import CheckpointError
from e2lm_core.base.settings import Settings
from e2lm_core.checkpoints.catalogue import open_catalogue
from tests.support.ladder_fixtures import (
    MODELS,
    STEPS,
    built,
    first,
    settings,
)

__all__ = ["built", "first", "settings"]  # fixtures


def test_catalogue_of_the_ladder(settings):
    catalogue = open_catalogue(settings)
    assert catalogue.problems == ()
    assert [m.name for m in catalogue.models] == list(MODELS)
    assert [c.step for c in catalogue.checkpoints_of(MODELS[1])] == list(STEPS)
    assert catalogue.checkpoints_of(catalogue.models[0])[0].name == "ladder-tiny-arch1/iter_0000100"
    assert [(c.tokens_seen, c.early) for c in catalogue.checkpoints_of(MODELS[0])] == [
        (25_600, True),
        (51_200, True),
        (76_800, False),
    ]
    web = catalogue.model(MODELS[1])
    assert (web.family, web.role, web.twin_of, web.counts_in_scores) == ("ladder", "web", MODELS[0], False)
    assert (catalogue.context, catalogue.trained_context, catalogue.early_window.end_step) == (64, 32, 200)
    assert catalogue.taught_file == settings.ladder / "facts.json"


def test_match(settings):
    catalogue = open_catalogue(settings)

    def names(*globs):
        return [c.name for c in catalogue.match_globs(globs)]

    assert len(names()) == 6
    assert names("*/iter_0000300") == [f"{m}/iter_0000300" for m in MODELS]
    assert names("ladder-tiny-arch1") == [f"ladder-tiny-arch1/iter_{s:07d}" for s in STEPS]
    assert names("*-web/iter_*", "*-web") == [f"{MODELS[1]}/iter_{s:07d}" for s in STEPS]
    with pytest.raises(
        CheckpointError, match=r"No checkpoint matches 'ladder-big/\*' \(there is, for instance"
    ):
        names("*", "ladder-big/*")


def test_unknown_model_names_the_nearest(settings):
    with pytest.raises(CheckpointError, match=r"no model 'ladder-tiny'.*for instance, ladder-tiny-arch1"):
        open_catalogue(settings).checkpoints_of("ladder-tiny")


def test_missing_ladder_is_a_problem_not_an_error(tmp_path):
    catalogue = open_catalogue(Settings(home=tmp_path, ladder=tmp_path / "nowhere"))
    assert catalogue.checkpoints == ()
    assert "The built-in mini models are missing" in catalogue.problems[0]
    with pytest.raises(CheckpointError, match="there are no checkpoints"):
        catalogue.match_globs(["*"])


def test_missing_packed_files_are_named(settings, first):
    first.packed.unlink()
    catalogue = open_catalogue(settings)
    assert "1 of 3 packed files of ladder-tiny-arch1 are missing" in catalogue.problems[0]
    assert len(catalogue.checkpoints) == 6
