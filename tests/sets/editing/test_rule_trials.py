"""Rules tried on a set keep their place, whoever tries them and however often."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from e2lm_core.base.settings import Settings
from e2lm_core.sets import authoring, selection_origin
from e2lm_core.sets.collection import copy_set, open_set
from e2lm_core.sets.editing import rule_trials
from tests.support import studios

MODELS = ("small-arch1", "large-arch1")


def record(settings: Settings, trial: tuple[str | None, ...], name: str = "little", models=MODELS) -> int:
    return rule_trials.record_trial(settings, name, trial, open_set(settings, name), models)


def next_number(settings: Settings, trial: tuple[str | None, ...], name: str = "little") -> int:
    return rule_trials.next_trial_number(settings, name, trial, open_set(settings, name), MODELS)


def trial_count(settings: Settings, name: str = "little") -> int:
    return next_number(settings, ("a rule that nobody tried",), name) - 1


def test_a_rule_keeps_its_place(tmp_path: Path) -> None:
    settings = studios.settings(tmp_path)
    studios.write_example(settings)
    first, second = ("margin > 0", "acc", None), ("margin > 0.1", "acc", None)
    assert trial_count(settings) == 0
    assert [record(settings, t) for t in (first, second, first)] == [1, 2, 1]
    assert record(settings, ("margin > 0", "bpb", None)) == 3
    assert trial_count(settings) == 3


def test_the_place_that_a_rule_would_have_is_told_without_noting_it(tmp_path: Path) -> None:
    settings = studios.settings(tmp_path)
    studios.write_example(settings)
    first, second = ("margin > 0", "acc", None), ("margin > 0.1", "acc", None)
    record(settings, first)
    assert [next_number(settings, t) for t in (second, first, second)] == [
        2,
        1,
        2,
    ]
    assert trial_count(settings) == 1


def test_two_who_try_at_once_both_count(tmp_path: Path) -> None:
    settings = studios.settings(tmp_path)
    studios.write_example(settings)
    with ThreadPoolExecutor(8) as pool:
        places = list(pool.map(lambda n: record(settings, (f"slope > {n}",)), range(40)))
    assert sorted(places) == list(range(1, 41))
    assert trial_count(settings) == 40


def test_a_file_that_cannot_be_read_is_no_obstacle(tmp_path: Path) -> None:
    settings = studios.settings(tmp_path)
    studios.write_example(settings)
    record(settings, ("slope > 0",))
    files = list((settings.workspace / "tried").iterdir())
    assert len(files) == 2  # of the questions' texts, and of the set's name
    for file in files:
        file.write_bytes(b"\xff\xfe")
    assert record(settings, ("slope > 0",)) == 1
    (settings.workspace / "tried").chmod(0o500)
    assert record(settings, ("slope > 1",)) >= 1
    (settings.workspace / "tried").chmod(0o700)


def test_copies_edits_and_fleets_count_on(tmp_path: Path) -> None:
    settings = studios.settings(tmp_path)
    studios.write_example(settings)
    copy_set(settings, "little", "mine")
    assert record(settings, ("slope > 0", "acc", None)) == 1
    assert record(settings, ("slope > 0", "acc", None), models=("another",)) == 2
    copy_set(settings, "little", "copied")
    assert trial_count(settings, "mine") == trial_count(settings, "copied") == 2
    assert record(settings, ("slope > 1", "acc", None), "copied") == 3
    assert record(settings, ("slope > 1", "acc", None)) == 3
    authoring.update_questions(settings, "copied", {"q1": {"question": "What is it now?"}})
    assert trial_count(settings, "copied") == 3
    assert record(settings, ("slope > 2", "acc", None), "copied") == 4
    assert trial_count(settings) == 3  # its questions are no longer these


def test_a_set_that_a_rule_made_counts_on_from_its_parent(tmp_path: Path) -> None:
    settings = studios.settings(tmp_path)
    studios.write_example(settings)
    record(settings, ("slope > 0", "acc", None))
    parent = open_set(settings, "little")
    origin = selection_origin.origin_of_selection(parent, "slope > 0", None, ())
    ids = [question.id for question in parent.questions[:2]]
    authoring.copy_with_questions(settings, "little", "chosen", ids, selection_origin.origin_metadata(origin))
    assert record(settings, ("slope > 1", "acc", None), "chosen") == 2


def chosen_of(settings: Settings, parent: str, name: str, rule: str, keep: slice) -> None:
    whole = open_set(settings, parent)
    origin = selection_origin.origin_of_selection(whole, rule, None, ())
    ids = [question.id for question in whole.questions[keep]]
    authoring.copy_with_questions(settings, parent, name, ids, selection_origin.origin_metadata(origin))


def test_the_same_rule_again_on_what_it_chose_is_another_trial(tmp_path: Path) -> None:
    settings = studios.settings(tmp_path)
    studios.write_example(settings)
    trial = ("easiest-half", "acc", None)
    assert record(settings, trial) == 1
    chosen_of(settings, "little", "half", "easiest-half", slice(4))
    assert record(settings, trial, "half") == 2
    chosen_of(settings, "half", "quarter", "easiest-half", slice(2))
    assert record(settings, trial, "quarter") == 3
    assert [record(settings, trial, name) for name in ("little", "half", "quarter")] == [1, 2, 3]


def test_all_ways_from_one_set_count_together(tmp_path: Path) -> None:
    settings = studios.settings(tmp_path)
    studios.write_example(settings)
    record(settings, ("slope > 0", "acc", None))
    chosen_of(settings, "little", "first", "slope > 0", slice(3))
    assert record(settings, ("margin > 0", "acc", None), "first") == 2
    record(settings, ("slope > 1", "acc", None))
    chosen_of(settings, "little", "second", "slope > 1", slice(1, 4))
    assert record(settings, ("margin > 0", "acc", None), "second") == 4
    assert trial_count(settings) == trial_count(settings, "second") == 4
