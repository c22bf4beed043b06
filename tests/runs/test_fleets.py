"""Fleets: which models a set's numbers are of, whatever else is on the machine."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from e2lm_core.base.errors import CheckpointError, StudioError
from e2lm_core.base.records import Checkpoint
from e2lm_core.checkpoints import user_folders
from e2lm_core.checkpoints.catalogue import open_catalogue
from e2lm_core.checkpoints.folders import ModelRoles
from e2lm_core.runs import evaluate, fleets, results, start, state
from e2lm_core.runs.fleets import Fleet
from e2lm_core.runs.messages.fleets import fleet_sentence, missing_sentence
from e2lm_core.runs.queue.records import Progress, ProgressListener
from e2lm_core.runs.studio import Studio, open_studio
from e2lm_core.sets import collection
from tests.support import studios, tiny_models
from tests.support.fake_backend import FakeBackend

MODELS = ("llama-s1", "llama-s2", "neox-s1")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three models of two checkpoints each, as a Trainer leaves them."""
    folder = tmp_path_factory.mktemp("runs")
    for number, name in enumerate(MODELS):
        for step in (50, 100):
            tiny_models.make(folder / name / f"checkpoint-{step}", seed=10 * number + step)
    return folder


@pytest.fixture
def here(tmp_path: Path) -> Studio:
    return studios.studio(tmp_path)


def reread(studio: Studio) -> Studio:
    """The studio of a process that starts now."""
    return replace(studio, catalogue=open_catalogue(studio.settings), _problems={})


def with_runs(studio: Studio, runs: Path) -> Studio:
    user_folders.add_folder(studio.settings, runs)
    return reread(studio)


def names(checkpoints: tuple[Checkpoint, ...]) -> list[str]:
    return [checkpoint.name for checkpoint in checkpoints]


def of(studio: Studio, *globs: str) -> tuple[Checkpoint, ...]:
    return studio.catalogue.match_globs(globs)


def test_extra_checkpoints_are_there_and_in_no_fleet_unless_asked_for(here: Studio) -> None:
    name = here.catalogue.checkpoints[0].name
    marked = tuple(c.model_copy(update={"extra": c.name == name}) for c in here.catalogue.checkpoints)
    studio = replace(here, catalogue=replace(here.catalogue, checkpoints=marked), _problems={})
    usual = [c.name for c in studio.local_checkpoints if c.name != name]
    assert names(fleets.default_fleet(studio, "some_set").checkpoints) == usual
    assert list(fleets.find_fleet(studio, fleets.LADDER).checkpoints) == usual
    everything = Fleet(name="all", checkpoints=tuple(names(of(studio, "*"))))
    assert name in names(fleets.open_fleet(studio, everything).checkpoints)


# --- nothing that is added changes a number ---------------------------------------------------------------


def test_a_folder_that_is_added_and_removed_changes_no_number(here: Studio, runs: Path) -> None:
    task = collection.open_set(here.settings, "little")
    evaluate.evaluate(here, task, here.catalogue.checkpoints)
    before = state.fleet_of_set(here, "little")
    numbers = results.load_measurements(here, task, *before.run_arguments).digest
    now = with_runs(here, runs)
    assert len(now.local_checkpoints) == len(here.local_checkpoints) + 6
    after = state.fleet_of_set(now, "little")
    assert (after.name, after.digest, after.missing) == ("ladder", before.digest, ())
    assert results.load_measurements(now, task, *after.run_arguments).digest == numbers
    user_folders.remove_folder(here.settings, runs)
    assert state.fleet_of_set(reread(here), "little").digest == before.digest


def test_a_hugging_face_cache_changes_no_number(here: Studio, runs: Path, tmp_path: Path) -> None:
    """One branch of any model in the cache, which everybody with Pythia or OLMo has."""
    model = tmp_path / "hub" / "models--me--toy"
    (model / "refs").mkdir(parents=True)
    (model / "refs" / "step50").write_text("c0ffee" * 6 + "c0ff")
    shutil.copytree(runs / "llama-s1" / "checkpoint-50", model / "snapshots" / ("c0ffee" * 6 + "c0ff"))
    before = state.fleet_of_set(here, "little")
    cached = here.settings.model_copy(update={"hf_cache": tmp_path / "hub"})
    now = replace(here, settings=cached, catalogue=open_catalogue(cached), _problems={})
    assert len(now.local_checkpoints) == len(here.local_checkpoints) + 1
    after = state.fleet_of_set(now, "little")
    assert (after.name, after.digest) == (before.name, before.digest)


def test_a_set_keeps_the_models_of_its_run_when_others_come(here: Studio, runs: Path) -> None:
    now = with_runs(here, runs)
    studios.start_run(now, "little", of(now, "llama-s1/*"), num_fewshot=1)
    opened = state.fleet_of_set(now, "little")
    assert (opened.name, opened.models, opened.num_fewshot) == ("", ("llama-s1",), 1)
    assert studios.state_of_set(now, "little", collection.open_set(now.settings, "little")).total == 12
    assert state.fleet_of_set(now, "other").name == "ladder", "a fleet is of one set"


def test_a_command_writes_its_run_down(here: Studio, runs: Path) -> None:
    now = with_runs(here, runs)
    task, mine = collection.open_set(now.settings, "little"), of(now, "neox-s1/*")
    rows: list[Progress] = []

    class Listener(ProgressListener):
        def report(self, progress: Progress) -> None:
            rows.append(progress)

    evaluate.evaluate(now, task, mine, progress=Listener())
    last = {row.name: row.model_copy(update={"seconds": 2.0}) for row in rows}
    start.record_run(now, "little", mine, None, last.values(), 1_000.0)
    assert state.fleet_of_set(now, "little").models == ("neox-s1",)
    job = start.latest_job(now, "little")
    assert job is not None
    assert (job.state, len(job.progress), job.started_at) == ("done", 2, 1_000.0)
    assert state.measured_pace(now, None) is not None, "the pace of a command's run is one"
    assert studios.state_of_set(now, "little", task).kind == "up to date"


def test_an_older_homes_runs_count_too(here: Studio) -> None:
    """A home in which no fleet was written down has the queue's last run."""
    some = of(here, "ladder-small-arch1/*")
    studios.start_run(here, "little", some)
    shutil.rmtree(here.settings.workspace / "set_fleets")
    assert names(state.fleet_of_set(here, "little").checkpoints) == names(some)


# --- what is gone is said ---------------------------------------------------------------------------------


def test_a_model_that_leaves_is_named(here: Studio, tmp_path: Path, runs: Path) -> None:
    folder = tmp_path / "mine"
    shutil.copytree(runs, folder)
    now = with_runs(here, folder)
    start.record_run(now, "little", of(now, "llama-*/*", "neox-s1/*"), None, (), 0.0)
    assert missing_sentence(state.fleet_of_set(now, "little")) is None
    shutil.rmtree(folder / "llama-s2")
    now = reread(here)
    opened = state.fleet_of_set(now, "little")
    assert opened.models == ("llama-s1", "neox-s1")
    said = missing_sentence(opened)
    assert said is not None
    assert said.startswith(
        "Not on this computer any more: llama-s2 (2 checkpoints), so the numbers are of the others."
    )
    start.submit_run(now, collection.open_set(now.settings, "little"), opened.checkpoints)
    assert state.fleet_of_set(now, "little").missing == opened.missing, "running the rest forgets nothing"
    user_folders.remove_folder(here.settings, folder)
    gone = state.fleet_of_set(reread(here), "little")
    assert (gone.name, gone.instead, len(gone.missing)) == ("ladder", True, 6)
    said = missing_sentence(gone)
    assert said is not None
    assert "so the numbers are of built-in models instead" in said
    elsewhere = reread(here)
    start.submit_run(elsewhere, collection.open_set(here.settings, "little"), gone.checkpoints)
    assert state.fleet_of_set(elsewhere, "little").missing == gone.missing, (
        "an edit's run does not forget the group"
    )
    back = with_runs(here, folder)
    assert state.fleet_of_set(back, "little").models == ("llama-s1", "neox-s1")


def test_a_checkpoint_that_cannot_be_used_is_named_with_its_reason(
    here: Studio, tmp_path: Path, runs: Path
) -> None:
    folder = tmp_path / "mine"
    shutil.copytree(runs, folder)
    now = with_runs(here, folder)
    start.record_run(now, "little", of(now, "llama-s1/*"), None, (), 0.0)
    weights = folder / "llama-s1" / "checkpoint-100" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:5_000])
    opened = state.fleet_of_set(reread(here), "little")
    assert opened.missing == ("llama-s1/checkpoint-100",)
    assert "cut short" in opened.problems[0]
    said = "llama-s1 (1 checkpoint) cannot be used, so the numbers are of the others: see why on Models and runs."
    assert missing_sentence(opened) == said
    shutil.rmtree(folder / "llama-s1" / "checkpoint-50")
    alone = fleets.open_fleet(reread(here), Fleet(checkpoints=("llama-s1/checkpoint-50", *opened.missing)))
    assert missing_sentence(alone) == (
        "Not on this computer any more: llama-s1 (1 checkpoint), so this model group has no numbers. Add the folder or the "
        "model again, or choose another model group on Models and runs. llama-s1 (1 checkpoint) cannot be used, so this "
        "model group has no numbers: see why on Models and runs."
    )
    said = missing_sentence(state.fleet_of_set(reread(here), "little")) or ""
    assert "llama-s1 (1 checkpoint) cannot be used, so the numbers are of built-in models instead" in said


# --- named ones -------------------------------------------------------------------------------------------


def named(studio: Studio, name: str = "My runs", **roles: ModelRoles) -> Fleet:
    checkpoints = tuple(names(of(studio, "llama-*/*", "neox-s1/*")))
    return Fleet(name=name, checkpoints=checkpoints, roles={m.replace("_", "-"): r for m, r in roles.items()})


def test_a_home_that_cannot_be_written_is_named_without_its_path(tmp_path: Path) -> None:
    (tmp_path / "set_fleets").write_text("a file in the way")
    with pytest.raises(StudioError, match=r"^The choice of models could not be saved \(") as refusal:
        fleets._write(tmp_path / "set_fleets" / "mine.json", Fleet(checkpoints=("a",)))
    assert str(tmp_path) not in str(refusal.value)


def test_a_named_fleet_is_saved_listed_chosen_and_deleted(here: Studio, runs: Path) -> None:
    now = with_runs(here, runs)
    fleet = named(now, llama_s2=ModelRoles(seed_of="llama-s1", arch="llama"))
    fleets.save_fleet(now, fleet)
    assert [one.name for one in fleets.list_fleets(now)] == ["ladder", "My runs"]
    assert fleets.find_fleet(now, "My runs") == fleet
    fleets.choose_fleet(now, "little", fleet)
    opened = state.fleet_of_set(now, "little")
    assert fleet_sentence(opened) == "Model group: My runs (3 models, 6 checkpoints)."
    by_name = {c.model.name: c.model for c in opened.checkpoints}
    assert (by_name["llama-s2"].seed_of, by_name["llama-s2"].arch) == ("llama-s1", "llama")
    assert by_name["llama-s1"].seed_of is None
    fleets.save_fleet(now, fleet.model_copy(update={"roles": {}}), replace=True)
    assert state.fleet_of_set(now, "little").checkpoints[2].model.seed_of is None, (
        "it is the group as it is now"
    )
    fleets.save_fleet(now, fleet, replace=True)
    fleets.delete_fleet(now, "My runs")
    left = state.fleet_of_set(now, "little")
    assert (left.name, left.digest) == ("", opened.digest), "a set keeps its checkpoints and roles"


def test_roles_change_the_window_and_the_tokens_and_the_digest(here: Studio, runs: Path) -> None:
    now = with_runs(here, runs)
    plain = fleets.open_fleet(now, named(now))
    declared = fleets.open_fleet(
        now,
        named(
            now, neox_s1=ModelRoles(early_end_step=50, tokens_per_step=1_000, role="web", twin_of="llama-s1")
        ),
    )
    assert plain.digest != declared.digest
    last = declared.checkpoints[-1]
    assert (last.name, last.early, last.tokens_seen) == ("neox-s1/checkpoint-100", False, 100_000)
    assert (last.model.role, last.model.twin_of) == ("web", "llama-s1")
    assert [c.early for c in declared.checkpoints[:2]] == [None, None]


def test_a_run_of_a_fleets_checkpoints_keeps_its_name_and_roles(here: Studio, runs: Path) -> None:
    now = with_runs(here, runs)
    fleet = named(now, llama_s2=ModelRoles(seed_of="llama-s1"))
    fleets.save_fleet(now, fleet)
    start.record_run(now, "little", of(now, "llama-*/*", "neox-s1/*"), None, (), 0.0)
    assert state.fleet_of_set(now, "little").name == "My runs"
    start.record_run(now, "little", of(now, "llama-*/*"), None, (), 0.0)
    part = state.fleet_of_set(now, "little")
    assert (part.name, part.models) == ("", ("llama-s1", "llama-s2"))
    assert part.checkpoints[-1].model.seed_of == "llama-s1", "what was declared of a model stays"
    start.record_run(now, "little", here.catalogue.checkpoints, None, (), 0.0)
    assert state.fleet_of_set(now, "little").name == "ladder"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"name": " "}, "needs a name"),
        ({"name": "x" * 61}, "1 to 60 characters"),
        ({"name": "a\nb"}, "in one line"),
        ({"name": "😀" * 20}, "fewer outside Latin script"),
        ({"name": "ladder"}, "is a built-in model group"),
        ({"checkpoints": ()}, "needs a checkpoint"),
        ({"checkpoints": ("nobody/iter_1",)}, "There is no checkpoint 'nobody/iter_1'"),
        ({"roles": {"ladder-small-arch1": ModelRoles(seed=1)}}, "is no model of the group"),
        ({"roles": {"llama-s2": ModelRoles(seed_of="llama-s9")}}, "seed_of is 'llama-s9'"),
        ({"roles": {"llama-s2": ModelRoles(twin_of="llama-s2")}}, "no other model of the group"),
        (
            {
                "checkpoints": ("llama-s1/checkpoint-50",),
                "roles": {"llama-s1": ModelRoles(seed_of="llama-s1")},
            },
            "llama-s1: seed_of names another model of the group, which has no other",
        ),
        (
            {
                "roles": {
                    "llama-s1": ModelRoles(seed_of="llama-s2"),
                    "llama-s2": ModelRoles(seed_of="llama-s1"),
                }
            },
            "llama-s1: seed_of is 'llama-s2', which has 'llama-s1' as its own seed_of",
        ),
        (
            {
                "roles": {
                    "llama-s1": ModelRoles(twin_of="llama-s2"),
                    "llama-s2": ModelRoles(twin_of="neox-s1"),
                }
            },
            "which has 'neox-s1' as its own twin_of",
        ),
    ],
)
def test_a_fleet_that_cannot_be_is_refused_in_a_sentence(
    here: Studio, runs: Path, changes: dict[str, object], says: str
) -> None:
    now = with_runs(here, runs)
    with pytest.raises(CheckpointError) as error:
        fleets.save_fleet(now, named(now).model_copy(update=changes))
    assert says in studios.sentence(error)
    assert [one.name for one in fleets.list_fleets(now)] == ["ladder"]


def test_a_name_is_taken_once(here: Studio, runs: Path) -> None:
    now = with_runs(here, runs)
    fleets.save_fleet(now, named(now, "a/b: ü"))
    with pytest.raises(CheckpointError, match="already"):
        fleets.save_fleet(now, named(now, "a/b: ü"))
    assert [one.name for one in fleets.list_fleets(now)] == ["ladder", "a/b: ü"]
    with pytest.raises(CheckpointError, match="use one of those here"):
        fleets.find_fleet(now, "nobody")
    with pytest.raises(CheckpointError, match="cannot be deleted"):
        fleets.delete_fleet(now, "ladder")


# --- whose it is ------------------------------------------------------------------------------------------


def test_each_person_has_a_fleet_of_their_own_and_the_set_none(here: Studio, runs: Path) -> None:
    now = with_runs(here, runs)
    task = collection.copy_set(now.settings, "little", "mine")
    files = studios.tree(now.settings.sets / "mine")
    ada = replace(now, settings=now.settings.for_person("ada"))
    fleets.choose_fleet(now, "mine", Fleet(checkpoints=tuple(names(of(now, "llama-s1/*")))))
    fleets.choose_fleet(ada, "mine", Fleet(checkpoints=tuple(names(of(now, "neox-s1/*")))))
    assert state.fleet_of_set(now, "mine").models == ("llama-s1",)
    assert state.fleet_of_set(ada, "mine").models == ("neox-s1",)
    assert studios.tree(now.settings.sets / "mine") == files
    assert task == collection.open_set(now.settings, "mine")


def test_a_set_outside_the_collection_goes_by_its_path(here: Studio, tmp_path: Path, runs: Path) -> None:
    now = with_runs(here, runs)
    elsewhere = tmp_path / "elsewhere" / "little"
    shutil.copytree(now.settings.tasks / "little", elsewhere)
    start.record_run(now, str(elsewhere), of(now, "llama-s1/*"), None, (), 0.0)
    assert state.fleet_of_set(now, str(elsewhere)).models == ("llama-s1",)
    assert state.fleet_of_set(now, "little").name == "ladder", "a folder of that name is another set"


def test_a_copy_has_the_fleet_of_its_source(here: Studio, runs: Path) -> None:
    now = with_runs(here, runs)
    start.record_run(now, "little", of(now, "llama-s1/*"), 1, (), 0.0)
    collection.copy_set(now.settings, "little", "mine")
    fleets.copy_choice(now.settings, "little", "mine")
    assert state.fleet_of_set(now, "mine").digest == state.fleet_of_set(now, "little").digest
    collection.copy_set(now.settings, "mine", "other")
    fleets.copy_choice(now.settings, "unknown", "other")
    assert state.fleet_of_set(now, "other").name == "ladder"


def test_a_renamed_set_keeps_its_fleet(here: Studio, runs: Path) -> None:
    now = with_runs(here, runs)
    collection.copy_set(now.settings, "little", "mine")
    start.record_run(now, "mine", of(now, "llama-s1/*"), None, (), 0.0)
    collection.rename_set(now.settings, "mine", "other")
    fleets.rename_set(now.settings, "mine", "other")
    assert state.fleet_of_set(now, "other").models == ("llama-s1",)
    assert state.fleet_of_set(now, "mine").name == "ladder" or start.latest_job(now, "mine") is not None


def test_without_a_ladder_all_that_is_here_is_meant(tmp_path: Path, runs: Path) -> None:
    chosen = studios.settings(tmp_path).model_copy(update={"ladder": tmp_path / "nowhere"})
    studios.write_example(chosen)
    user_folders.add_folder(chosen, runs)
    opened = state.fleet_of_set(open_studio(chosen, FakeBackend()), "little")
    assert (opened.name, opened.models) == ("here", MODELS)


def test_a_visitor_who_may_only_read_chooses_none(here: Studio) -> None:
    reading = replace(here, settings=here.settings.model_copy(update={"readonly": True}))
    with pytest.raises(StudioError) as error:
        fleets.choose_fleet(reading, "little", fleets.find_fleet(here, "ladder"))
    assert "only view" in studios.sentence(error)
    assert not (here.settings.workspace / "set_fleets").exists()
