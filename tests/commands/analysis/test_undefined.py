"""Each dash of a table has its reason below the table, with what would define it."""

from __future__ import annotations

import pytest

from e2lm_core.base import formatting
from e2lm_core.base.settings import Settings
from e2lm_core.checkpoints import user_folders
from e2lm_core.runs import evaluate
from e2lm_core.runs.studio import open_studio
from e2lm_core.sets import collection
from tests.commands.conftest import Cli
from tests.support import studios
from tests.support.own_models import write_runs

SEEDS = ("mine-s1", "mine-s2")
ALONE = ("--checkpoints", "mine-*/*")


@pytest.fixture(scope="module", params=[{"size": "1m", "arch": "llama"}, None], ids=["shape", "nothing"])
def here(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A researcher's two models of one size and shape, three checkpoints each, with nothing else declared."""
    folder = tmp_path_factory.mktemp("own")
    settings = studios.settings(folder, ladder=studios.real_ladder(folder / "ladder", steps=(100,)))
    studios.write_example(settings)
    notes = dict.fromkeys(SEEDS, request.param)
    user_folders.add_folder(settings, write_runs(folder / "runs", notes), {})
    studio = open_studio(settings)
    chosen = studio.catalogue.match_globs(["mine-*/*"])
    evaluate.evaluate(studio, collection.open_set(settings, "little"), chosen)
    studio.store.database.close()
    return settings


def reasons_of(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith(f"{formatting.DASH} ")]


def test_score_says_of_every_dash_why_and_what_would_define_it(call: Cli) -> None:
    text = call("score", "little", *ALONE)
    metrics = "acc, acc_norm, margin, norm_prob and bpb"
    notes = reasons_of(text)
    by_place = dict(note.removeprefix("– ").split(": ", 1) for note in notes)
    assert "has 3 points of this curve, and SQ needs at least 8" in by_place[f"sq of {metrics}"]
    assert "early_end_step in checkpoints.json" in by_place[f"sq of {metrics}"]
    asked = by_place[f"rc and decision_accuracy of {metrics}"]
    assert asked.startswith(
        "mine-s1 and mine-s2 have one size and architecture: are they seeds of one model?"
    )
    assert "Declare seed_of in checkpoints.json" in asked
    assert "role: web and twin_of" in by_place["cs of acc, acc_norm and norm_prob"]
    assert by_place[f"score of {metrics}"] == "it needs SQ, RC and CS."
    assert "run more" in by_place["snr of acc, acc_norm, norm_prob and bpb"]


@pytest.mark.parametrize("command", ["ranks", "parting"])
def test_undeclared_seeds_are_asked_about(call: Cli, command: str) -> None:
    text = call(command, "little", *ALONE)
    assert "mine-s1 and mine-s2 have one size and architecture: are they seeds of one model?" in text
    assert "Nothing here yet" not in text


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("parting", "little"), "of mine-s1 above chance"),
        (("compare", "little", "little"), "rc"),
        (("questions", "little"), "contrast: No web-only twin was run"),
        (("plan", "little", "--workers", "2", "--pace", "0.1"), "cost: it needs the price of an hour"),
    ],
)
def test_no_table_has_a_dash_without_a_reason(call: Cli, arguments: tuple[str, ...], says: str) -> None:
    text = call(*arguments, *ALONE)
    notes = reasons_of(text)
    table = [line for line in text.splitlines() if line not in notes]
    has_dash = any(word == formatting.DASH for line in table for word in line.split())
    assert bool(notes) == has_dash or says == "rc", text
    if has_dash:
        assert any(says.removeprefix("of ") in note for note in notes), text
