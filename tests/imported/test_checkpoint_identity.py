"""Step and tokens_seen from the names under which checkpoints are evaluated."""

from __future__ import annotations

import pytest

from e2lm_core.base.records import Checkpoint, ModelInfo
from e2lm_core.imported.checkpoint_identity import CheckpointResolver

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
    spot = CheckpointResolver().find(*names)
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
        ("/backups/step5000/pythia-410m",),  # a step above the model is the backup's
    ],
)
def test_nothing_is_guessed(names):
    assert CheckpointResolver().find(*names) is None


def test_the_catalogue_knows_its_own_checkpoints():
    model = ModelInfo(name="ladder-small-arch1", family="ladder", size="small", arch="arch1")
    known = Checkpoint(model=model, step=100, tokens_seen=777, early=True, subfolder="iter_0000100")
    places = CheckpointResolver([known])
    spot = places.find("/home/me/cache/ladder-small-arch1/iter_0000100")
    assert spot is not None
    assert (spot.model, spot.tokens_seen, spot.early) == (model, 777, True)
    assert places.schedule(model) == {100: "iter_0000100"}
    named = places.from_row("ladder-small-arch1", 100)
    assert (named.model, named.tokens_seen) == (model, 777)


def test_the_early_window_follows_from_the_tokens():
    early = CheckpointResolver().find("tiiuae/dense-1b-arch1", None, "iter_0002000")
    late = CheckpointResolver().find("tiiuae/dense-1b-arch1", None, "iter_0056000")
    assert early is not None
    assert late is not None
    assert (early.early, late.early) == (True, False)


def test_a_familys_schedule_is_known():
    spot = CheckpointResolver().find("EleutherAI/pythia-70m", "step1000")
    assert spot is not None
    schedule = CheckpointResolver().schedule(spot.model)
    assert len(schedule) == 154
    assert schedule[512] == "step512"
    assert CheckpointResolver().schedule(ModelInfo(name="mine", family="imported")) == {}


@pytest.mark.parametrize(
    ("names", "model", "seed_of", "step"),
    [
        (("allenai/DataDecide-c4-150M", "step5000-seed-default"), "DataDecide-c4-150M", None, 5_000),
        (
            ("allenai/DataDecide-c4-150M", "step5000-seed-14"),
            "DataDecide-c4-150M (seed 14)",
            "DataDecide-c4-150M",
            5_000,
        ),
        (
            ("allenai/DataDecide-c4-150M", "step5000-seed-large-aux-2"),
            "DataDecide-c4-150M (seed large-aux-2)",
            "DataDecide-c4-150M",
            5_000,
        ),
        (("EleutherAI/pythia-160m-seed3", "step1000"), "pythia-160m-seed3", "pythia-160m", 1_000),
        (("EleutherAI/pythia-160m-data-seed3", "step1000"), "pythia-160m-data-seed3", "pythia-160m", 1_000),
        (("/x/pythia-160m-seed3-step1000",), "pythia-160m-seed3", "pythia-160m", 1_000),
        (("/x/pythia-160m-lora-step1000",), "pythia-160m-lora", None, 1_000),
        (("/x/pythia-160m/seed-3/step1000",), "pythia-160m (seed 3)", "pythia-160m", 1_000),
        (("/seed-3/pythia-160m/step1000",), "pythia-160m", None, 1_000),
        (("/x/mine/seed-3/step1000",), "mine (seed 3)", "mine", 1_000),
        (("/x/mine/step1000-seed-3-tokens2B",), "mine (seed 3)", "mine", 1_000),
        (("/x/mine/step1000-tokens2B",), "mine", None, 1_000),
        (("/x/Seed-OSS-36B/step1000",), "Seed-OSS-36B", None, 1_000),
        (("/x/seedling/step1000",), "seedling", None, 1_000),
    ],
)
def test_another_seed_is_another_model(names, model, seed_of, step):
    spot = CheckpointResolver().find(*names)
    assert spot is not None
    assert (spot.model.name, spot.model.seed_of, spot.step) == (model, seed_of, step)


def test_polypythias_results_are_seeds_of_known_size():
    """Their folders: pythia-14m-seed8/step102000/EleutherAI__pythia-14m-seed8, and seed0 for the model itself."""
    places = CheckpointResolver()
    for pretrained, name, seed_of in (
        ("EleutherAI/pythia-14m-seed8", "pythia-14m-seed8", "pythia-14m"),
        ("EleutherAI/pythia-160m-weight-seed2", "pythia-160m-weight-seed2", "pythia-160m"),
        ("EleutherAI/pythia-14m", "pythia-14m", None),
    ):
        spot = places.find(pretrained, "step102000")
        assert spot is not None
        assert (spot.model.name, spot.model.seed_of, spot.tokens_seen) == (name, seed_of, 102_000 * 2_097_152)
        assert spot.model.parameters is not None


def test_a_seed_or_a_stage_is_never_the_catalogues_checkpoint_of_that_step():
    """Of one repository the catalogue may have two models: each result goes to the one whose place it names."""
    repo = "allenai/DataDecide-c4-150M"
    plain, mine = (ModelInfo(name=name, family="any") for name in ("c4", "c4-aux"))
    known = [
        Checkpoint(model=plain, step=5, tokens_seen=1, repo=repo, revision="step5-seed-default"),
        Checkpoint(model=mine, step=5, tokens_seen=2, repo=repo, revision="step5-seed-aux-2"),
    ]
    for order in (known, known[::-1]):
        places = CheckpointResolver(order)
        found = [places.find(repo, f"step5-seed-{seed}") for seed in ("default", "aux-2", "14")]
        assert [spot.model.name if spot else None for spot in found] == [
            "c4",
            "c4-aux",
            "DataDecide-c4-150M (seed 14)",
        ]
    # As the catalogue has them: at commits, which tell no seed; with one of the two, or both.
    pinned = [c.model_copy(update={"revision": f"{k}" * 40}) for k, c in enumerate(known)]
    for some in (pinned, pinned[::-1], pinned[1:]):
        found = [CheckpointResolver(some).find(repo, f"step5-seed-{seed}") for seed in ("default", "14")]
        assert [spot.model.name if spot else None for spot in found] == [
            "DataDecide-c4-150M",
            "DataDecide-c4-150M (seed 14)",
        ]
    own = pinned[0].model_copy(update={"model": ModelInfo(name="DataDecide-c4-150M", family="datadecide")})
    default = CheckpointResolver([pinned[1], own]).find(repo, "step5-seed-default")
    assert default is not None
    assert default.tokens_seen == 1
    stage = CheckpointResolver([Checkpoint(model=plain, step=5, repo="a/b", revision="stage1-step5")])
    other = stage.find("a/b", "stage2-step5")
    assert other is None or other.model.name != "c4"
