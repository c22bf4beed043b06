"""Catalogue of known public model families.

Tested in tests/checkpoints/test_families.py and tests/imported/test_checkpoint_identity.py.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from functools import lru_cache

from e2lm_core.base.errors import CheckpointError
from e2lm_core.base.sentences import Sentence
from e2lm_core.checkpoints.families import Family, FamilyModel
from e2lm_core.checkpoints.names import Ramp

STEP = re.compile(r"(?:^|[-_./])(?:global_step|iter|step|checkpoint|ckpt)[-_]?(\d{1,12})(?![0-9])", re.I)
# A step, or a stage and a step, may follow a model's name: anything else there makes it another model.
_BEHIND = re.compile(rf"(?:[-_.](?:stage|ingredient)\d+)*(?={STEP.pattern})", re.I)
# Models that a family's list lacks but that follow its names and token rule; the closest pattern first.
_ALIKE = (
    ("dense-*-arch*", "e2lm"),
    ("pythia-*", "pythia"),
    ("datadecide-*", "datadecide"),
    ("olmoe-*", "olmoe"),
    ("olmo-3-*", "olmo3"),
    ("olmo-2-*", "olmo2"),
    ("olmo-*b-*", "olmo1"),
    ("smollm2-*", "smollm2"),
    ("smollm3-*", "smollm3"),
    ("ablation-model-*", "fineweb"),
)
_PYTHIA = {
    "14m": 14_067_712,
    "31m": 30_494_720,
    "70m": 70_426_624,
    "160m": 162_322_944,
    "410m": 405_334_016,
    "1b": 1_011_781_632,
    "1.4b": 1_414_647_808,
    "2.8b": 2_775_208_960,
    "6.9b": 6_857_302_016,
    "12b": 11_846_072_320,
}
# PolyPythias (van der Wal et al. 2025, arXiv 2503.09543): these sizes from nine other seeds each, and one of them with the
# order of the data alone, or the initial weights alone, from three.
_POLYPYTHIAS = (
    *((size, "seed", seed) for size in ("14m", "31m", "70m", "160m", "410m") for seed in range(1, 10)),
    *(("160m", kind, seed) for kind in ("data-seed", "weight-seed") for seed in range(1, 4)),
)
# DataDecide's sizes with the number of sequences of 2,048 tokens in a batch (Magnusson et al. 2025, table 2).
_BATCHES = {
    **dict.fromkeys(("4M", "6M", "8M", "10M", "14M", "16M"), 32),
    "20M": 64,
    "60M": 96,
    "90M": 160,
    "150M": 192,
    "300M": 320,
    "530M": 448,
    "750M": 576,
    "1B": 704,
}
_RECIPES = (
    *(f"dolma1_7{end}" for end in ("", "-no-code", "-no-math-code", "-no-reddit", "-no-flan")),
    *("dolma1_6plus", "c4", "fineweb-pro", "fineweb-edu"),
    *(
        f"falcon{e}"
        for e in ("", "-and-cc", *(f"-and-cc-qc-{of}" for of in ("10p", "20p", "orig-10p", "tulu-10p")))
    ),
    *(
        f"dclm-baseline{end}"
        for end in ("", *(f"-qc-{of}" for of in ("7p-fw2", "7p-fw3", "fw-3p", "fw-10p", "10p", "20p")))
    ),
    *(f"dclm-baseline-{of}p-dolma1.7-{100 - of}p" for of in (25, 50, 75)),
)


def family(key: str) -> Family:
    """The public model family of that key.

    Raises:
        CheckpointError: There is no such family.
    """
    for known in FAMILIES:
        if known.key == key:
            return known
    keys = ", ".join(f.key for f in FAMILIES)
    raise CheckpointError(
        Sentence(
            "There is no family {key}: there are {keys}, and 'any' with a repository.",
            key=repr(key),
            keys=keys,
        )
    )


@lru_cache(maxsize=16_384)  # a table names the same models in each of its rows
def split_model_name(path_part: str) -> tuple[Family, FamilyModel, str] | None:
    """Family and model that a part of a path names, and the rest after the name, such as `-step1000`."""
    lowered = path_part.lower()
    best: tuple[Family, FamilyModel, str] | None = None
    for family in FAMILIES:
        for model in family.models:
            for name in {model.name, model.repo.split("/")[1]}:
                rest = path_part[len(name) :]
                ends = not rest or _BEHIND.match(rest) is not None
                longer = best is None or len(name) > len(path_part) - len(best[2])
                if lowered.startswith(name.lower()) and ends and longer:
                    best = (family, model, rest)
    if best is not None:
        return best
    base = STEP.split(path_part)[0]
    for glob, key in _ALIKE:
        if fnmatchcase(base.lower(), glob):
            its = next(family for family in FAMILIES if family.key == key)
            return its, FamilyModel(name=base, repo="a/b"), path_part[len(base) :]
    return None


def tokens_and_window(model: str, checkpoint: str, step: int) -> tuple[int | None, bool | None]:
    """Tokens seen at a checkpoint, and whether it is early, by the rule of its model's family.

    Args:
        model: Name of the model's folder.
        checkpoint: Name of the checkpoint's folder.
        step: Training step.

    Returns:
        Tokens seen and whether the checkpoint is early; None for either if no family knows the model or its
        rule does not tell.
    """
    found = split_model_name(model)
    if found is None or found[2]:
        return None, None
    family, its, _ = found
    place = family.locate(its, checkpoint)
    if place is not None:
        return place.tokens_seen, place.early
    if "stage" in checkpoint:  # a later stage counts its steps anew
        return None, None
    tokens = family.tokens_at(its, step)
    return tokens, family.is_early(tokens)


def _pythia(size: str, parameters: int, name_end: str = "") -> FamilyModel:
    name = f"pythia-{size}{name_end}"
    return FamilyModel(name=name, repo=f"EleutherAI/{name}", size=size, arch="neox", parameters=parameters)


def _polypythia(size: str, kind: str, seed: int) -> FamilyModel:
    other = _pythia(size, _PYTHIA[size], f"-{kind}{seed}")
    return other.model_copy(update={"seed": seed, "seed_of": f"pythia-{size}"})


def _olmo(name: str, size: str) -> FamilyModel:
    return FamilyModel(name=name, repo=f"allenai/{name}", size=size)


def _smollm2(size: str, parameters: int, tokens_per_step: int) -> FamilyModel:
    return FamilyModel(
        name=f"SmolLM2-{size}",
        repo=f"HuggingFaceTB/SmolLM2-{size}-intermediate-checkpoints",
        size=size.lower(),
        parameters=parameters,
        tokens_per_step=tokens_per_step,
    )


def _fineweb(corpus: str) -> FamilyModel:
    name = f"ablation-model-{corpus}"
    return FamilyModel(name=name, repo=f"HuggingFaceFW/{name}", size="1.8b", role="web")


def _datadecide(recipe: str, size: str) -> FamilyModel:
    name = f"DataDecide-{recipe}-{size}"
    batch = _BATCHES[size] * 2_048
    return FamilyModel(name=name, repo=f"allenai/{name}", size=size.lower(), tokens_per_step=batch)


FAMILIES: tuple[Family, ...] = (
    Family(
        key="e2lm",
        title="E2LM (the competition's models)",
        where="subfolder",
        pattern="iter_{step:07}",
        steps=tuple(range(2_000, 54_001, 2_000)),
        tokens=Ramp(sequence_length=4_096, batches=(256, 512, 768, 1_024), ramp_samples=4_882_812),
        early_tokens=200 * 10**9,
        models=tuple(
            FamilyModel(name=f"dense-{size}-{arch}", repo=f"tiiuae/dense-{size}-{arch}", size=size, arch=arch)
            for size in ("500m", "1b", "3b")
            for arch in ("arch1", "arch2")
        ),
        note=Sentence(
            "The public checkpoints end at 54,000: 13 of the competition's 14 points, none after the early "
            "window."
        ),
    ),
    Family(
        key="pythia",
        title="Pythia",
        where="revision",
        pattern="step{step}",
        steps=(0, *(2**i for i in range(10)), *range(1_000, 143_001, 1_000)),
        tokens=2_097_152,
        models=(
            *(_pythia(size, parameters) for size, parameters in _PYTHIA.items()),
            *(_pythia(s, n, "-deduped") for s, n in _PYTHIA.items() if s not in ("14m", "31m")),
            *(_polypythia(*of) for of in _POLYPYTHIAS),
        ),
        note=Sentence(
            "Other seeds of 14m to 410m are models of their own (PolyPythias). They measure training noise beside the "
            "model that they are seeds of, so add that one too."
        ),
    ),
    Family(
        key="olmo1",
        title="OLMo",
        where="revision",
        pattern="step{step}-tokens{tokens}B",
        tokens="name",
        models=(
            _olmo("OLMo-1B-hf", "1b"),
            _olmo("OLMo-1B-0724-hf", "1b"),
            _olmo("OLMo-7B-hf", "7b"),
            _olmo("OLMo-7B-0424-hf", "7b"),
            _olmo("OLMo-7B-0724-hf", "7b"),
        ),
        note=Sentence("Tokens are whole billions, as the names give them."),
    ),
    Family(
        key="olmo2",
        title="OLMo 2",
        where="revision",
        pattern="stage1-step{step}-tokens{tokens}B",
        also=("step{step}-tokens{tokens}B",),
        tokens="name",
        models=(
            _olmo("OLMo-2-0425-1B-early-training", "1b"),
            _olmo("OLMo-2-0425-1B", "1b"),
            _olmo("OLMo-2-1124-7B", "7b"),
            _olmo("OLMo-2-1124-13B", "13b"),
            _olmo("OLMo-2-0325-32B", "32b"),
        ),
        note=Sentence(
            "The first stage alone (the earliest branches have no stage in their names): the second restarts its "
            "steps on other data. Tokens are whole billions."
        ),
    ),
    Family(
        key="olmo3",
        title="Olmo 3",
        where="revision",
        pattern="stage1-step{step}",
        tokens=None,
        models=(
            FamilyModel(
                name="Olmo-3-1025-7B", repo="allenai/Olmo-3-1025-7B", size="7b", tokens_per_step=4_194_304
            ),
            FamilyModel(
                name="Olmo-3-1125-32B", repo="allenai/Olmo-3-1125-32B", size="32b", tokens_per_step=8_388_608
            ),
        ),
        note=Sentence("The first stage alone: later ones restart their steps on other data."),
    ),
    Family(
        key="olmoe",
        title="OLMoE",
        where="revision",
        pattern="step{step}-tokens{tokens}B",
        tokens="name",
        models=(_olmo("OLMoE-1B-7B-0924", "7b"), _olmo("OLMoE-1B-7B-0125", "7b")),
        note=Sentence("Tokens are whole billions, as the names give them."),
    ),
    Family(
        key="datadecide",
        title="DataDecide",
        where="revision",
        pattern="step{step}-seed-default",
        tokens=None,
        models=tuple(_datadecide(recipe, size) for recipe in _RECIPES for size in _BATCHES),
        note=Sentence(
            "25 mixtures of data in 14 sizes, the default seed: another is added with `any` and a pattern such as "
            "step{step}-seed-large-aux-2."
        ),
    ),
    Family(
        key="smollm2",
        title="SmolLM2",
        where="revision",
        pattern="step-{step}",
        tokens=None,
        models=(
            _smollm2("135M", 134_515_008, 1_048_576),
            _smollm2("360M", 361_821_120, 1_572_864),
            _smollm2("1.7B", 1_711_376_384, 2_097_152),
        ),
    ),
    Family(
        key="smollm3",
        title="SmolLM3",
        where="revision",
        pattern="stage*-step-{step}",
        tokens=2_359_296,
        models=(FamilyModel(name="SmolLM3-3B", repo="HuggingFaceTB/SmolLM3-3B-checkpoints", size="3b"),),
        note=Sentence("Every 40,000 steps; the steps go on through the three stages."),
    ),
    Family(
        key="fineweb",
        title="FineWeb ablations",
        where="revision",
        pattern="step-{step:06}-{tokens}BT",
        tokens="name",
        models=tuple(_fineweb(c) for c in ("fineweb-v1", "fineweb-edu", "c4", "refinedweb", "the-pile")),
        note=Sentence("One architecture on one corpus each. Tokens are whole billions."),
    ),
)
