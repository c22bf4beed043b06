"""Rules tried on a set keep their place, whoever tries them and however often."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from e2lm_core.base.settings import Settings
from e2lm_core.sets.editing import rule_trials
from tests.support import studios


def trial_count(settings: Settings) -> int:
    return rule_trials.next_trial_number(settings, "little", ("a rule that nobody tried",)) - 1


def test_a_rule_keeps_its_place(tmp_path: Path) -> None:
    settings = studios.settings(tmp_path)
    studios.write_example(settings)
    first, second = ("margin > 0", "acc", None), ("margin > 0.1", "acc", None)
    assert trial_count(settings) == 0
    assert [rule_trials.record_trial(settings, "little", t) for t in (first, second, first)] == [1, 2, 1]
    assert rule_trials.record_trial(settings, "little", ("margin > 0", "bpb", None)) == 3
    assert trial_count(settings) == 3


def test_the_place_that_a_rule_would_have_is_told_without_noting_it(tmp_path: Path) -> None:
    settings = studios.settings(tmp_path)
    studios.write_example(settings)
    first, second = ("margin > 0", "acc", None), ("margin > 0.1", "acc", None)
    rule_trials.record_trial(settings, "little", first)
    assert [rule_trials.next_trial_number(settings, "little", t) for t in (second, first, second)] == [
        2,
        1,
        2,
    ]
    assert trial_count(settings) == 1


def test_two_who_try_at_once_both_count(tmp_path: Path) -> None:
    settings = studios.settings(tmp_path)
    studios.write_example(settings)
    with ThreadPoolExecutor(8) as pool:
        places = list(
            pool.map(lambda n: rule_trials.record_trial(settings, "little", (f"slope > {n}",)), range(40))
        )
    assert sorted(places) == list(range(1, 41))
    assert trial_count(settings) == 40


def test_a_file_that_cannot_be_read_is_no_obstacle(tmp_path: Path) -> None:
    settings = studios.settings(tmp_path)
    studios.write_example(settings)
    rule_trials.record_trial(settings, "little", ("slope > 0",))
    (file,) = (settings.workspace / "tried").iterdir()
    file.write_bytes(b"\xff\xfe")
    assert rule_trials.record_trial(settings, "little", ("slope > 0",)) == 1
    (settings.workspace / "tried").chmod(0o500)
    assert rule_trials.record_trial(settings, "little", ("slope > 1",)) >= 1
    (settings.workspace / "tried").chmod(0o700)
