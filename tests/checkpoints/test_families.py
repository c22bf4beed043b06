from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from e2lm_core.base.errors import CheckpointError
from e2lm_core.checkpoints.families import CheckpointChoice, choose_checkpoints, custom_family
from e2lm_core.checkpoints.family_catalogue import FAMILIES, family, tokens_and_window
from e2lm_core.imported.formats.published import read_curves
from tests.conftest import needs

E2LM, PYTHIA = family("e2lm"), family("pythia")


def place(key, model, name):
    return family(key).locate(family(key).model(model), name)


# --- tokens -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "tokens"),
    [
        (0, 0),
        (2_000, 2_000 * 256 * 4_096),  # 2.097 billion
        (6_000, 6_000 * 256 * 4_096),
        # The first phase ends after 1,627,604 / 256 = 6,357.8 steps.
        (8_000, (1_627_604 + (8_000 * 512 - 1_627_604 * 2)) * 4_096),
        (56_000, 205_992_138_069),
    ],
)
def test_e2lm_ramp(step, tokens):
    assert E2LM.tokens.tokens_seen(step) == tokens


def test_e2lm_tokens_are_those_of_the_published_curves():
    curves = read_curves(needs("reference") / "e2lm-curves-arch1.json")
    for model, iterations in curves.iteration.items():
        ours = [E2LM.tokens.tokens_seen(int(i)) / 1e9 for i in iterations]
        np.testing.assert_allclose(ours, curves.gtokens[model], rtol=0, atol=1e-8)


@given(st.integers(0, 200_000))
def test_a_ramp_never_falls_and_ends_at_its_last_batch(step):
    ramp = E2LM.tokens
    more = ramp.tokens_seen(step + 1) - ramp.tokens_seen(step)
    assert more + 1 >= 256 * 4_096
    assert more <= 1_024 * 4_096 + 1
    if step > 11_657:
        expected = Fraction(4_882_812) + (step - Fraction(1_627_604) * Fraction(11, 1_536)) * 1_024
        assert ramp.tokens_seen(step) == round(4_096 * expected)


# --- names --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "model", "name", "step", "tokens"),
    [
        ("e2lm", "dense-1b-arch2", "iter_0054000", 54_000, 197_603_530_069),
        ("pythia", "pythia-70m", "step512", 512, 512 * 2_097_152),
        ("pythia", "pythia-6.9b", "step143000", 143_000, 299_892_736_000),
        ("olmo1", "OLMo-1B-hf", "step1000-tokens4B", 1_000, 4 * 10**9),
        ("olmo2", "OLMo-2-1124-7B", "stage1-step928646-tokens3896B", 928_646, 3_896 * 10**9),
        ("pythia", "pythia-12b-deduped", "step1000", 1_000, 2_097_152_000),
        (
            "olmo2",
            "OLMo-2-1124-7B",
            "step150-tokens1B",
            150,
            10**9,
        ),  # its earliest have no stage in their names
        ("olmo3", "Olmo-3-1025-7B", "stage1-step1413814", 1_413_814, 5_929_965_715_456),
        ("olmoe", "OLMoE-1B-7B-0924", "step1200000-tokens5033B", 1_200_000, 5_033 * 10**9),
        ("datadecide", "DataDecide-c4-90M", "step29901-seed-default", 29_901, 29_901 * 160 * 2_048),
        ("datadecide", "DataDecide-dclm-baseline-25p-dolma1.7-75p-1B", "step0-seed-default", 0, 0),
        ("smollm2", "SmolLM2-135M", "step-240000", 240_000, 251_658_240_000),
        ("smollm2", "SmolLM2-360M", "step-160000", 160_000, 251_658_240_000),
        ("smollm2", "SmolLM2-1.7B", "step-125000", 125_000, 262_144_000_000),
        ("smollm3", "SmolLM3-3B", "stage2-step-3480000", 3_480_000, 3_480_000 * 2_359_296),
        ("fineweb", "ablation-model-c4", "step-001000-2BT", 1_000, 2 * 10**9),
    ],
)
def test_names_of_each_family(key, model, name, step, tokens):
    found = place(key, model, name)
    assert (found.step, found.tokens_seen) == (step, tokens)
    assert (found.subfolder or found.revision) == name
    assert found.early is (True if key == "e2lm" else None)


@pytest.mark.parametrize(
    ("key", "model", "name"),
    [
        ("pythia", "pythia-70m", "main"),
        ("pythia", "pythia-70m", "step1000-old"),
        ("olmo2", "OLMo-2-0425-1B", "stage2-ingredient1-step1000-tokens3B"),
        ("olmo3", "Olmo-3-1025-7B", "stage2-step47684"),
        ("datadecide", "DataDecide-c4-90M", "step29901-seed-large-aux-2"),
        ("smollm3", "SmolLM3-3B", "it-SFT"),
        ("smollm3", "SmolLM3-3B", "lc-4k-to-32k-step-4000"),
        ("e2lm", "dense-1b-arch1", "iter_0002000/extra"),
    ],
)
def test_other_branches_are_no_checkpoints(key, model, name):
    assert place(key, model, name) is None


def test_what_is_known_before_a_hub_is_asked():
    e2lm = E2LM.known_locations(E2LM.model("dense-500m-arch1"))
    assert len(e2lm) == 27
    assert (e2lm[0].name, e2lm[-1].name) == ("iter_0002000", "iter_0054000")
    assert all(p.early and p.revision == "main" and p.subfolder == p.name for p in e2lm)
    pythia = PYTHIA.known_locations(PYTHIA.model("pythia-1b"))
    assert len(pythia) == 154
    assert [p.name for p in pythia[:12]] == ["step0", *(f"step{2**i}" for i in range(10)), "step1000"]
    assert family("olmo2").known_locations(family("olmo2").models[0]) == ()


def test_every_model_is_named_once_and_describes_itself():
    models = [(f, m) for f in FAMILIES for m in f.models]
    assert len({m.name for _, m in models}) == len({m.repo for _, m in models}) == len(models)
    for known, model in models:
        info = known.model_info(model)
        assert (info.family, info.name) == (known.key, model.name)
        assert info.counts_in_scores == (model.seed_of is None)
        assert info.size == info.size.lower()


@pytest.mark.parametrize(
    ("size", "layers", "width", "words"),
    [
        ("14m", 6, 128, 50_304),
        ("31m", 6, 256, 50_304),
        ("70m", 6, 512, 50_304),
        ("160m", 12, 768, 50_304),
        ("410m", 24, 1_024, 50_304),
        ("1b", 16, 2_048, 50_304),
        ("1.4b", 24, 2_048, 50_304),
        ("2.8b", 32, 2_560, 50_304),
        ("6.9b", 32, 4_096, 50_432),
        ("12b", 36, 5_120, 50_688),
    ],
)
def test_pythias_parameters_are_those_of_its_published_shapes(size, layers, width, words):
    """Of config.json: attention 4 w², MLP 8 w², biases and norms 13 w a layer, two embeddings, one last norm."""
    by_hand = layers * (12 * width**2 + 13 * width) + 2 * words * width + 2 * width
    models = [m for m in PYTHIA.models if m.size == size and m.seed_of is None]
    assert [m.parameters for m in models] == [by_hand] * (1 if size in ("14m", "31m") else 2)


def test_polypythias_have_nine_more_seeds_of_five_sizes_and_two_parts_apart():
    """45 trainings more than five models: 45 degrees of freedom of training noise."""
    seeds = [PYTHIA.model_info(model) for model in PYTHIA.models if model.seed_of is not None]
    again = [info for info in seeds if not info.is_partial_seed]
    assert Counter(info.size for info in again) == dict.fromkeys(("14m", "31m", "70m", "160m", "410m"), 9)
    assert sorted(info.name for info in seeds if info.is_partial_seed) == [
        f"pythia-160m-{part}-seed{seed}" for part in ("data", "weight") for seed in (1, 2, 3)
    ]
    for info in seeds:
        base = PYTHIA.model(str(info.seed_of))
        assert (base.seed_of, base.size, base.parameters) == (None, info.size, info.parameters)
        assert info.name.endswith(f"seed{info.seed}")
        assert len(PYTHIA.known_locations(PYTHIA.model(info.name))) == 154


@pytest.mark.parametrize(
    ("size", "layers", "width", "key_width", "inner"),
    [("135m", 30, 576, 192, 1_536), ("360m", 32, 960, 320, 2_560), ("1.7b", 24, 2_048, 2_048, 8_192)],
)
def test_smollm2s_parameters_are_those_of_its_published_shapes(size, layers, width, key_width, inner):
    """Of config.json: queries and outputs w², keys and values, three matrices of the MLP, norms; tied embeddings."""
    layer = 2 * width * (width + key_width) + 3 * width * inner + 2 * width
    (model,) = (m for m in family("smollm2").models if m.size == size)
    assert model.parameters == layers * layer + 49_152 * width + width


@pytest.mark.parametrize(
    ("model", "checkpoint", "step", "tokens"),
    [
        ("pythia-70m", "step1000", 1_000, 2_097_152_000),
        ("Pythia-410m-deduped", "checkpoint-2000", 2_000, 2 * 2_097_152_000),
        ("dense-1b-arch1", "iter_2000", 2_000, 2_097_152_000),
        ("OLMo-2-0425-1B", "stage1-step1000-tokens3B", 1_000, 3 * 10**9),
        ("OLMo-2-0425-1B", "stage2-ingredient1-step1000-tokens3B", 1_000, None),
        ("Olmo-3-1025-7B", "stage3-step1000", 1_000, None),
        ("my-model", "step1000", 1_000, None),
        ("pythia-70m-step1000", "step1000", 1_000, None),
    ],
)
def test_a_local_folder_of_a_familys_name_has_its_tokens(model, checkpoint, step, tokens):
    assert tokens_and_window(model, checkpoint, step)[0] == tokens


def test_two_names_of_one_step_count_once():
    found = E2LM.locate_all(E2LM.models[0], ["iter_2000", "iter_0002000", "README.md", "iter_0004000"])
    assert [p.name for p in found] == ["iter_0002000", "iter_0004000"]


@given(st.text(max_size=40))
def test_reading_a_name_never_fails(name):
    for known in FAMILIES:
        known.locate(known.models[0], name)


def test_unknown_names_are_one_sentence():
    with pytest.raises(CheckpointError, match=r"no family 'gpt': there are e2lm, pythia, .* and 'any'"):
        family("gpt")
    with pytest.raises(CheckpointError, match="pythia has no model 'pythia-2b': it has pythia-14m"):
        PYTHIA.model("pythia-2b")


# --- any repository -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"repo": "https://example.org/x"}, "not a repository's name"),
        ({"repo": "../x"}, "not a repository's name"),
        ({"name": ".."}, "cannot name a model"),
        ({"pattern": "step"}, "must say once where the step stands"),
        ({"pattern": "{step}-{step}"}, "must say once"),
        ({"pattern": "{step}" + "*" * 4}, "too long"),
        ({"tokens": 0}, "above 0 or 'name'"),
        ({"tokens": "name"}, "must agree"),
        ({"pattern": "{step}-{tokens}B"}, "must agree"),
        ({"where": "branch"}, "'revision' or a 'subfolder'"),
    ],
)
def test_any_repository_that_cannot_be_used(change, sentence):
    with pytest.raises(CheckpointError, match=sentence) as caught:
        custom_family(**{"repo": "owner/model", "pattern": "step{step}", **change})
    assert "\n" not in str(caught.value)


def test_any_repository():
    mine = custom_family("owner/model", "ckpt/{step}", "subfolder", tokens=10, name="mine", early_tokens=100)
    found = mine.locate_all(mine.models[0], ["ckpt/5", "ckpt/10", "ckpt/11"])
    assert [(p.subfolder, p.tokens_seen, p.early) for p in found] == [
        ("ckpt/5", 50, True),
        ("ckpt/10", 100, True),  # the window ends with these tokens, not before them
        ("ckpt/11", 110, False),
    ]


# --- choosing -----------------------------------------------------------------------------------------


def test_every_second_of_e2lm_is_the_competition_s():
    chosen = choose_checkpoints(E2LM.known_locations(E2LM.models[0]), CheckpointChoice(every=2))
    assert [p.step for p in chosen] == list(range(4_000, 54_000, 4_000))


def test_choosing_by_name_tokens_and_window():
    places = PYTHIA.known_locations(PYTHIA.models[0])
    assert [
        p.step for p in choose_checkpoints(places, CheckpointChoice(names=("step[12]", "step143000")))
    ] == [
        1,
        2,
        143_000,
    ]
    chosen = choose_checkpoints(places, CheckpointChoice(min_tokens=10**9, max_tokens=5 * 10**9))
    assert [p.step for p in chosen] == [512, 1_000, 2_000]
    with pytest.raises(CheckpointError, match="no known early window"):
        choose_checkpoints(places, CheckpointChoice(early_only=True))
    with pytest.raises(CheckpointError, match=r"No checkpoint fits nope \(there are step0 to step143000\)"):
        choose_checkpoints(places, CheckpointChoice(names=("nope",)))
    assert (
        len(choose_checkpoints(E2LM.known_locations(E2LM.models[0]), CheckpointChoice(early_only=True))) == 27
    )


def test_tokens_that_are_not_known_cannot_be_chosen_by():
    unknown = custom_family("owner/model", "step{step}")
    with pytest.raises(CheckpointError, match="is not known"):
        choose_checkpoints(unknown.locate_all(unknown.models[0], ["step1"]), CheckpointChoice(max_tokens=5))
