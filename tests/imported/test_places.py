"""Step and tokens_seen from the names under which checkpoints are evaluated."""

from __future__ import annotations

import pytest

from e2lm_core.base.records import Checkpoint, ModelInfo
from e2lm_core.imported.places import Places

B = 10**9


@pytest.mark.parametrize(
    ("names", "model", "step", "tokens"),
    [
        (("EleutherAI/pythia-410m", "step133000"), "pythia-410m", 133_000, 133_000 * 2_097_152),
        (("EleutherAI/pythia-410m-deduped", "step1000"), "pythia-410m-deduped", 1_000, 2_097_152_000),
        (("EleutherAI/pythia-1.4b", "step0"), "pythia-1.4b", 0, 0),
        (("tiiuae/dense-1b-arch1", None, "iter_0002000"), "dense-1b-arch1", 2_000, 2_097_152_000),
        (("tiiuae/dense-3b-arch2", "main", "iter_0004000"), "dense-3b-arch2", 4_000, 4_194_304_000),
        (("/data/pythia-410m/step1000",), "pythia-410m", 1_000, 2_097_152_000),
        (("/data/pythia-410m-step1000/",), "pythia-410m", 1_000, 2_097_152_000),
        (("/mnt/dense-500m-arch2/iter_0004000",), "dense-500m-arch2", 4_000, 4_194_304_000),
        (("allenai/OLMo-1B-hf", "step1000-tokens4B"), "OLMo-1B-hf", 1_000, 4 * B),
        (("allenai/OLMo-2-0425-1B", "stage1-step1000-tokens3B"), "OLMo-2-0425-1B", 1_000, 3 * B),
        (
            ("HuggingFaceTB/SmolLM2-135M-intermediate-checkpoints", "step-160000"),
            "SmolLM2-135M",
            160_000,
            160_000 * 1_048_576,
        ),
        (
            ("HuggingFaceTB/SmolLM3-3B-checkpoints", "stage2-step-40000"),
            "SmolLM3-3B",
            40_000,
            40_000 * 2_359_296,
        ),
        (("HuggingFaceFW/ablation-model-c4", "step-001000-2BT"), "ablation-model-c4", 1_000, 2 * B),
        (("/x/my-model/iter_0002000",), "my-model", 2_000, None),
        (("/x/run7/checkpoint-500",), "run7", 500, None),
        (("/x/run7/global_step40",), "run7", 40, None),
        (("my-run-step300-tokens2.5B",), "my-run", 300, 2_500_000_000),
    ],
)
def test_names_tell_model_step_and_tokens(names, model, step, tokens):
    spot = Places().find(*names)
    assert spot is not None
    assert (spot.model.name, spot.step, spot.tokens_seen) == (model, step, tokens)


@pytest.mark.parametrize(
    "names",
    [
        ("gpt2",),
        ("EleutherAI/pythia-410m",),
        ("EleutherAI/pythia-410m", "main"),
        ("",),
        ("allenai/OLMo-2-0425-1B", "stage2-ingredient1-step1000-tokens3B"),  # another stage's own count
    ],
)
def test_nothing_is_guessed(names):
    assert Places().find(*names) is None


def test_the_catalogue_knows_its_own_checkpoints():
    model = ModelInfo(name="ladder-small-arch1", family="ladder", size="small", arch="arch1")
    known = Checkpoint(model=model, step=100, tokens_seen=777, early=True, subfolder="iter_0000100")
    places = Places([known])
    spot = places.find("/home/me/cache/ladder-small-arch1/iter_0000100")
    assert spot is not None
    assert (spot.model, spot.tokens_seen, spot.early) == (model, 777, True)
    assert places.schedule(model) == {100: "iter_0000100"}
    named = places.named("ladder-small-arch1", 100)
    assert (named.model, named.tokens_seen) == (model, 777)


def test_the_early_window_follows_from_the_tokens():
    early = Places().find("tiiuae/dense-1b-arch1", None, "iter_0002000")
    late = Places().find("tiiuae/dense-1b-arch1", None, "iter_0056000")
    assert early is not None
    assert late is not None
    assert (early.early, late.early) == (True, False)


def test_a_familys_schedule_is_known():
    spot = Places().find("EleutherAI/pythia-70m", "step1000")
    assert spot is not None
    schedule = Places().schedule(spot.model)
    assert len(schedule) == 154
    assert schedule[512] == "step512"
    assert Places().schedule(ModelInfo(name="mine", family="imported")) == {}
