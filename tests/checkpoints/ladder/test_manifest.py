"""The embedded ladder's manifest: read once, and nothing that leads out of its folder."""

from __future__ import annotations

import pytest

from e2lm_core.base.errors import CheckpointError
from e2lm_core.checkpoints.catalogue import open_catalogue
from e2lm_core.checkpoints.ladder.manifest import ladder_file, read_manifest
from tests.support.ladder_fixtures import MODELS, STEPS, built, edit_manifest, settings

__all__ = ["built", "settings"]  # fixtures


def test_it_is_read_once_as_long_as_it_is_unchanged(settings):
    manifest = read_manifest(settings.ladder)
    assert read_manifest(settings.ladder) is manifest
    assert [m.name for m in manifest.models] == list(MODELS)
    checkpoint = manifest.models[0].checkpoint("iter_0000100")
    assert (checkpoint.step, checkpoint.tokens_seen, checkpoint.early) == (STEPS[0], 25_600, True)
    assert manifest.model("nobody") is manifest.models[0].checkpoint("iter_9") is None
    edit_manifest(settings, lambda m: m.update({"context": 128}))
    assert read_manifest(settings.ladder).context == 128


def test_a_file_outside_the_ladder_is_refused(settings):
    assert ladder_file(settings.ladder, "a/b.xz") == settings.ladder / "a" / "b.xz"
    with pytest.raises(CheckpointError, match="outside"):
        ladder_file(settings.ladder, "../b.xz")


@pytest.mark.parametrize("content", ["{", "[]", '{"version": 2}', "\udcff"])
def test_manifest_that_is_something_else(settings, content):
    (settings.ladder / "manifest.json").write_bytes(content.encode("utf-8", "surrogateescape"))
    (problem,) = open_catalogue(settings).problems
    assert "is not a ladder's manifest" in problem
    assert "\n" not in problem


@pytest.mark.parametrize(
    ("key", "value"), [("name", "../../outside"), ("name", ".hidden"), ("file", "../../outside.xz")]
)
def test_manifest_cannot_lead_outside(settings, key, value):
    edit_manifest(settings, lambda m: m["models"][0]["checkpoints"][0].update({key: value}))
    assert open_catalogue(settings).problems
