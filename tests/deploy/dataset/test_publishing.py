"""A set published to a data set of a hub: made, found up to date, and written over nothing that was not seen."""

from __future__ import annotations

import hashlib
import io
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from pathlib import Path

import pyarrow.parquet as parquet
import pytest
import yaml

from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import Checkpoint, TaskSet
from e2lm_core.base.settings import Limits, Settings
from e2lm_core.commands.main import main
from e2lm_core.deploy.dataset import publishing
from e2lm_core.deploy.dataset.card import common_licence
from e2lm_core.export.card.sections import build_sections
from e2lm_core.runs import evaluate
from e2lm_core.runs.fleets import OpenFleet
from e2lm_core.sets import authoring, collection, selection_origin
from e2lm_core.sets.formats import reading
from tests.deploy.dataset.conftest import DatasetsHub, put, told
from tests.support import studios

REPO = "me/little"
TEST, DEV = publishing.PLACES["test"], publishing.PLACES["dev"]


def plan(settings: Settings, task: TaskSet, repo: str = REPO) -> publishing.PublishPlan:
    return publishing.plan_publish(settings, task, repo, publishing.dataset_files(task, "", {}))


def publish(
    settings: Settings, task: TaskSet, made: publishing.PublishPlan, *over: str | None, **more: bool
) -> str | None:
    return publishing.publish(settings, task, made, publishing.dataset_files(task, "", {}), *over, **more)


def test_a_new_data_set_is_made_and_read_back_as_the_set(settings: Settings, hub: DatasetsHub) -> None:
    task = collection.open_set(settings, "little")
    made = plan(settings, task)
    assert (made.creates, made.revision, len(made.changes)) == (True, None, 8)
    assert REPO not in hub.spaces
    commit = publish(settings, task, made, private=True)
    there = hub.spaces[REPO]
    assert (commit, there.visibility) == (there.commits[-1], "private")
    front = yaml.safe_load(there.files["README.md"].decode().split("---")[1])
    [config] = front["configs"]
    assert {part["split"]: part["path"] for part in config["data_files"]} == {"test": TEST, "dev": DEV}
    assert reading.read_confined(there.files[TEST], TEST, Limits()).questions == task.questions
    assert parquet.read_table(io.BytesIO(there.files[DEV])).column_names[:4] == [
        "id",
        "question",
        "choices",
        "answer",
    ]
    again = plan(settings, task)
    assert again.empty
    assert again.revision == commit
    assert publish(settings, task, again) is None


def test_the_rule_that_chose_goes_with_the_data_set(settings: Settings, hub: DatasetsHub) -> None:
    whole = collection.open_set(settings, "little")
    origin = selection_origin.origin_of_selection(whole, "margin > 0", None, [])
    collection.copy_set(settings, "little", "kept", selection_origin.origin_metadata(origin))
    task = authoring.delete_questions(settings, "kept", [whole.questions[0].id])
    publish(settings, task, plan(settings, task))
    assert plan(settings, task).empty
    files = hub.spaces[REPO].files
    assert b"| `chosen_by` | the rule that chose these questions |" in files["README.md"]
    read = reading.read_confined(files[TEST], TEST, Limits()).questions
    back = selection_origin.lift_origin(task.model_copy(update={"config": whole.config, "questions": read}))
    assert back.config.chosen_by == origin
    assert back.questions == task.questions


def test_nothing_is_written_over_before_its_difference_was_seen(settings: Settings, hub: DatasetsHub) -> None:
    task = collection.open_set(settings, "little")
    publish(settings, task, plan(settings, task))
    put_aside = task.questions[0]
    edited = task.questions[1].model_copy(update={"question": "Another?", "extra": {"more": 1}})
    changed = task.model_copy(
        update={"questions": (edited, *task.questions[2:], put_aside.model_copy(update={"id": "new"}))}
    )
    made = plan(settings, changed)
    assert [(c.split, c.id, c.what, c.fields) for c in made.changes] == [
        ("test", edited.id, "changed", ("question", "more")),
        ("test", "new", "added", ()),
        ("test", put_aside.id, "removed", ()),
    ]
    for over in (None, "0" * 40):
        with pytest.raises(StudioError, match=f"is there, at revision {made.revision}"):
            publish(settings, changed, made, over)
    assert publish(settings, changed, made, made.revision) == hub.spaces[REPO].commits[-1]
    assert (
        reading.read_confined(hub.spaces[REPO].files[TEST], TEST, Limits()).questions[0].question
        == "Another?"
    )


def test_who_wrote_meanwhile_is_not_overwritten_and_other_files_stay(
    settings: Settings, hub: DatasetsHub
) -> None:
    task = collection.open_set(settings, "little")
    revision = put(hub, REPO, {"notes.txt": b"mine"})
    made = plan(settings, task)
    assert made.revision == revision
    hub.spaces[REPO].commit({"notes.txt": b"mine, later"})
    with pytest.raises(StudioError, match="changed by another meanwhile"):
        publish(settings, task, made, revision)
    made = plan(settings, task)
    publish(settings, task, made, made.revision)
    assert hub.spaces[REPO].files["notes.txt"] == b"mine, later"


def test_what_cannot_be_published(
    settings: Settings, hub: DatasetsHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = collection.open_set(settings, "little")
    with pytest.raises(StudioError, match="is no data set's name"):
        plan(settings, task, "little")
    with pytest.raises(StudioError, match="nothing to publish"):
        plan(settings, task.model_copy(update={"questions": ()}))
    put(hub, REPO, {TEST: b"PAR1 of something else"})
    with pytest.raises(StudioError, match="holds something else"):
        plan(settings, task)
    with pytest.raises(StudioError, match="refuses"):
        publish(settings, task, plan(settings, task, "you/little"))
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(StudioError, match="set HF_TOKEN"):
        plan(settings, task)


def test_the_card_and_its_picture_lie_beside_the_questions(
    settings: Settings, hub: DatasetsHub, tmp_path: Path
) -> None:
    """Curves, scores, waivers and digests; published again, nothing is new; after another run the picture is."""
    studio = studios.studio(tmp_path / "run")
    task, fleet = collection.open_set(settings, "little"), studio.catalogue.checkpoints
    evaluate.evaluate(studio, task, fleet)

    def files(checkpoints: Sequence[Checkpoint]) -> dict[str, bytes]:
        found = build_sections(studio, task, OpenFleet("", checkpoints), with_relevance=False)
        return publishing.dataset_files(task, found.text, found.files)

    ours = files(fleet)
    made = publishing.plan_publish(settings, task, REPO, ours)
    assert set(made.uploads) == {"README.md", "curves.svg", TEST, DEV}
    publishing.publish(settings, task, made, ours)
    there = hub.spaces[REPO].files
    said = there["README.md"].decode()
    assert there["curves.svg"] == ours["curves.svg"]
    assert ElementTree.fromstring(there["curves.svg"]).tag.endswith("svg")
    for part in ("](curves.svg)", "| SQ |", "random answers give", "## Licences", "Waived by its author"):
        assert part in said
    for path in (TEST, DEV, "curves.svg"):
        assert f"| `{path}` | `{hashlib.sha256(there[path]).hexdigest()}` |" in said
    assert publishing.plan_publish(settings, task, REPO, files(fleet)).empty
    again = publishing.plan_publish(settings, task, REPO, files(fleet[:8]))
    assert (set(again.uploads), again.changes) == ({"README.md", "curves.svg"}, ())


def test_a_licence_is_named_where_all_have_one(settings: Settings) -> None:
    task = collection.open_set(settings, "little")
    assert common_licence(task) is None
    all_of = [q.model_copy(update={"license": "CC0-1.0"}) for q in task.questions]
    assert common_licence(task.model_copy(update={"questions": tuple(all_of), "dev": ()})) == "cc0-1.0"
    assert common_licence(task.model_copy(update={"questions": tuple(all_of)})) is None


def test_the_command_shows_first_and_does_it_with_yes(
    settings: Settings,
    hub: DatasetsHub,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    ladder = studios.real_ladder(tmp_path / "tiny", (100, 200), ("ladder-small-arch1",))
    for name, value in studios.environment(settings.model_copy(update={"ladder": ladder})).items():
        monkeypatch.setenv(name, value)

    def run(*words: str, code: int = 0) -> str:
        with pytest.raises(SystemExit) as end:
            main(["publish", "little", REPO, "--no-relevance", *words])
        out, err = capsys.readouterr()
        assert (end.value.code or 0) == code, err
        return err if code else out

    assert "would be made, with 8 questions. Add --yes." in run()
    assert REPO not in hub.spaces
    assert "is published, at revision" in run("--yes")
    assert "is up to date" in run()
    monkeypatch.setenv("E2LM_HOME", str(tmp_path / "other"))
    with pytest.raises(SystemExit):
        main(["sets", "copy", "little", "mine"])
    with pytest.raises(SystemExit):
        main(["question", "edit", "mine", "q1", "--set", "note=x"])
    capsys.readouterr()
    with pytest.raises(SystemExit):
        main(["publish", "mine", REPO, "--no-relevance", "--json"])
    document = told(capsys.readouterr()[0])
    assert [(c["id"], c["what"], c["fields"]) for c in document["changes"]] == [("q1", "changed", ["note"])]
    assert document["commit"] is None


def test_a_title_names_the_published_set(settings: Settings) -> None:
    task = collection.create_set(settings, "forces", [studios.question(1)], title="Über *Kräfte*")
    text = publishing.dataset_files(task, "", {})["README.md"].decode()
    assert yaml.safe_load(text.split("---")[1])["pretty_name"] == "Über *Kräfte*"
    assert "\n# Über \\*Kräfte\\*\n" in text
