"""The starter fleet against a hub on this machine: what it costs, what is refused, and the group that it makes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from huggingface_hub import constants

from e2lm_core.base.errors import CheckpointError, LimitError, StudioError, TaskError
from e2lm_core.checkpoints.catalogue import open_catalogue
from e2lm_core.checkpoints.hub import cache, download
from e2lm_core.checkpoints.hub.client import HubUnreachable
from e2lm_core.people import visitors
from e2lm_core.runs import evaluate, fleets, start, starter, state
from e2lm_core.runs.messages import starter as words
from e2lm_core.runs.queue.records import Progress
from e2lm_core.runs.results import load_measurements
from e2lm_core.runs.studio import Studio
from e2lm_core.scores.set_scores import signal_qualities
from e2lm_core.sets import collection
from tests.support.fake_hub import FakeHub, checkpoint
from tests.support.hub_fixtures import fake, sentence, serve_starter, studio

__all__ = ["fake", "studio"]  # fixtures
COUNT = len(starter.MODELS) * len(starter.STEPS)
EACH = sum(
    len(data) for name, data in checkpoint(0).items() if name not in ("README.md", "pytorch_model.bin")
)


@pytest.fixture(autouse=True)
def served(fake: FakeHub) -> None:
    serve_starter(fake)


def reread(studio: Studio) -> Studio:
    return replace(studio, catalogue=open_catalogue(studio.settings), _problems={})


def added(studio: Studio, *larger: str) -> Studio:
    starter.add_starter(studio, larger)
    return reread(studio)


def fetched(studio: Studio) -> Studio:
    now = added(studio)
    for one in starter.starter_checkpoints(now):
        download.download(one, now.settings)
    return now


def with_quota(studio: Studio, quota: int) -> Studio:
    return replace(studio, settings=studio.settings.model_copy(update={"hub_quota_bytes": quota}))


# --- before the download ----------------------------------------------------------------------------------


def test_eight_of_the_ten_steps_are_in_the_window_of_two_hundred_billion_tokens() -> None:
    tokens = [step * 2_097_152 for step in starter.STEPS]
    assert sum(step <= starter.EARLY_END_STEP for step in starter.STEPS) == words.MIN_EARLY
    assert max(t for t, s in zip(tokens, starter.STEPS, strict=True) if s <= starter.EARLY_END_STEP) < 2e11
    assert starter.EARLY_END_STEP * 2_097_152 < 2e11 < tokens[-2]


def test_a_look_asks_nobody_and_tells_the_least(studio: Studio, fake: FakeHub) -> None:
    plan = starter.plan_starter(studio, questions=30, ask_hub=False)
    assert (plan.checkpoints, plan.here, plan.is_listed) == (COUNT, 0, False)
    assert plan.fetch_bytes == 10 * 2 * (14_067_712 + 30_494_720)
    assert words.starter_notes(plan) == [
        "20 checkpoints of pythia-14m and pythia-31m, at least 891 MB of the 20 GB left.",
        "How long 30 questions take is known after a first run on this computer.",
        words.GIVES,
        words.NEVER,
    ]
    assert fake.seen == []


def test_the_hub_tells_the_bytes_and_nothing_is_added(studio: Studio, fake: FakeHub) -> None:
    plan = starter.plan_starter(studio, ("pythia-70m",))
    assert (plan.checkpoints, plan.fetch_bytes, plan.passing_bytes) == (COUNT, COUNT * EACH, 10 * EACH)
    assert (plan.is_listed, plan.missing) == (True, ())
    assert "at least" not in " ".join(words.starter_notes(plan))
    assert reread(studio).catalogue.checkpoints == studio.catalogue.checkpoints
    assert fake.fetched() == []


def test_the_time_is_the_planners(studio: Studio) -> None:
    small = studio.catalogue.models[0]
    rows = [
        Progress(name=c.name, done=20, total=20, computed=20, reused=0, seconds=2.0)
        for c in studio.catalogue.checkpoints_of(small)[:1]
    ]
    start.record_run(studio, "little", studio.catalogue.checkpoints_of(small)[:1], None, rows, 0.0)
    plan = starter.plan_starter(studio, questions=30, ask_hub=False)
    assert small.parameters == 100
    by_hand = 30 * 10 * (0.1 * 14_067_712 / 100 + 0.1 * 30_494_720 / 100)
    assert plan.seconds == pytest.approx(by_hand)
    assert plan.is_estimate
    assert "scaled from smaller models" in (words.starter_time(plan) or "")


# --- refused before anything is fetched -------------------------------------------------------------------


def test_a_quota_that_is_too_small_is_said_first(studio: Studio, fake: FakeHub) -> None:
    with pytest.raises(LimitError) as error:
        starter.add_starter(with_quota(studio, COUNT * EACH - 1))
    assert "The starter models need" in sentence(error)
    assert "E2LM_HUB_QUOTA_GB" in sentence(error)
    assert reread(studio).catalogue.checkpoints == studio.catalogue.checkpoints
    assert fake.fetched() == []
    starter.add_starter(with_quota(studio, COUNT * EACH))


def test_without_a_connection_nothing_is_changed(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    for act in (starter.plan_starter, starter.add_starter):
        with pytest.raises(HubUnreachable) as error:
            act(studio)
        assert "HF_HUB_OFFLINE" in sentence(error)
    assert starter.starter_checkpoints(reread(studio)) == ()
    with pytest.raises(CheckpointError, match="download them first"):
        starter.save_starter(studio)


def test_a_visitor_adds_nothing(studio: Studio) -> None:
    person = visitors.open_visitor_workspace(studio.settings, "0123456789ab").id
    settings = studio.settings.model_copy(update={"auth": "oidc"}).for_person(person)
    with pytest.raises(TaskError):
        starter.add_starter(replace(studio, settings=settings))


def test_another_model_is_no_larger_one(studio: Studio) -> None:
    with pytest.raises(CheckpointError, match="use pythia-70m and pythia-160m"):
        starter.plan_starter(studio, ("pythia-1b",))


# --- the download -----------------------------------------------------------------------------------------


def test_what_the_hub_lacks_is_named_and_the_others_come(studio: Studio, fake: FakeHub) -> None:
    del fake.repos["EleutherAI/pythia-31m"].refs["step8000"]
    plan = starter.add_starter(studio)
    assert plan.missing == ("pythia-31m at step 8,000",)
    assert "The hub does not have pythia-31m at step 8,000" in words.starter_notes(plan)[1]
    now = reread(studio)
    assert len(starter.save_starter(now).checkpoints) == COUNT - 1
    fake.repos["EleutherAI/pythia-31m"].refs["step8000"] = fake.repos["EleutherAI/pythia-31m"].refs["main"]
    assert len(starter.save_starter(added(now)).checkpoints) == COUNT, "it is asked for again"


def test_only_whole_ones_are_here_and_a_part_is_not_asked_for_twice(studio: Studio) -> None:
    now = added(studio)
    first, second = starter.starter_checkpoints(now)[:2]
    download.download(first, now.settings)
    part = cache.partial_folder(second, now.settings)
    part.mkdir(parents=True)
    (part / "model.safetensors.part").write_bytes(b"x" * 1_000)
    plan = starter.plan_starter(now)
    assert (plan.here, plan.fetch_bytes) == (1, (COUNT - 1) * EACH - 1_000)
    assert words.starter_cost(plan).startswith("1 of 20 checkpoints of pythia-14m and pythia-31m are on this")


def test_what_is_here_needs_no_hub(studio: Studio, monkeypatch: pytest.MonkeyPatch, fake: FakeHub) -> None:
    now = fetched(studio)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    plan = starter.add_starter(now)
    assert (plan.here, plan.fetch_bytes) == (COUNT, 0)
    assert words.starter_cost(plan) == "All 20 checkpoints of pythia-14m and pythia-31m are on this computer."


# --- the group --------------------------------------------------------------------------------------------


def test_the_group_changes_no_set_until_it_is_chosen(studio: Studio) -> None:
    before = state.fleet_of_set(studio, "little")
    now = fetched(studio)
    fleet = starter.save_starter(now)
    assert state.fleet_of_set(now, "little").digest == before.digest
    assert starter.save_starter(now) == fleet
    fleets.choose_fleet(now, "little", fleet)
    opened = state.fleet_of_set(now, "little")
    assert (opened.name, opened.models, opened.missing) == (starter.NAME, starter.MODELS, ())
    assert {(c.model.size, c.model.arch) for c in opened.checkpoints} == {("14m", "neox"), ("31m", "neox")}
    for model in starter.MODELS:
        own = [c for c in opened.checkpoints if c.model.name == model]
        assert [bool(c.early) for c in own] == [True] * 8 + [False] * 2
        assert [c.tokens_seen for c in own] == [2_097_152 * step for step in starter.STEPS]


def test_a_first_curve_and_an_edit_that_runs_alone(studio: Studio) -> None:
    now = fetched(studio)
    task = collection.open_set(now.settings, "little")
    fleets.choose_fleet(now, "little", starter.save_starter(now))
    checkpoints, _, _ = state.next_fleet(now, "little")
    ran = evaluate.evaluate(now, task, checkpoints)
    assert ran.computed == COUNT * len(task.questions)
    measured = load_measurements(now, task, *state.fleet_of_set(now, "little").run_arguments)
    assert [len(curve.checkpoints) for curve in measured.curves] == [10, 10]
    assert {q.points for q in signal_qualities(measured, "acc").values()} == {8}
    first = task.questions[0]
    edited = task.model_copy(
        update={"questions": (first.model_copy(update={"question": "And now?"}), *task.questions[1:])}
    )
    assert evaluate.evaluate(now, edited, checkpoints).computed == COUNT


def test_a_larger_size_joins_the_group_and_stays_in_it(studio: Studio) -> None:
    now = added(studio)
    starter.save_starter(now)
    now = added(now, "pythia-70m")
    assert starter.save_starter(now, ("pythia-70m",)).models == (*starter.MODELS, "pythia-70m")
    assert starter.save_starter(now).models == (*starter.MODELS, "pythia-70m")


def test_a_group_of_ones_own_is_not_written_over(studio: Studio) -> None:
    own = fleets.Fleet(name=starter.NAME, checkpoints=(studio.catalogue.checkpoints[0].name,))
    fleets.save_fleet(studio, own)
    with pytest.raises(StudioError, match="save that one under another name"):
        starter.save_starter(added(studio))
    assert fleets.find_fleet(studio, starter.NAME) == own
