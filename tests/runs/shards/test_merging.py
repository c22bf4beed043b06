"""Taking results files in: once, twice, beside others, and where they contradict the store."""

from __future__ import annotations

from pathlib import Path

import pytest

from e2lm_core.base.errors import TaskError
from e2lm_core.base.records import Loglikelihood
from e2lm_core.runs import evaluate
from e2lm_core.runs.shards import files, merging
from e2lm_core.runs.shards.split import Shard, select_shard
from e2lm_core.runs.studio import open_studio
from tests.support import studios
from tests.support.fake_backend import FakeBackend
from tests.support.workers import stored


def share(folder: Path, shard: Shard) -> Path:
    """The results file of a machine of its own."""
    studio = studios.studio(folder / f"machine{shard.number}-of-{shard.of}")
    task, fleet = studios.task(), studio.catalogue.checkpoints
    mine = select_shard(fleet, shard)
    evaluate.evaluate(studio, task, mine)
    path = folder / f"{shard.number}-of-{shard.of}.jsonl"
    path.write_bytes(b"".join(files.shard_lines(studio, task, fleet, mine, shard)))
    return path


def test_all_shares_make_the_store_of_one_machine(tmp_path: Path) -> None:
    paths = [share(tmp_path, Shard(number=n, of=3)) for n in (1, 2, 3)]
    alone, here = studios.studio(tmp_path / "alone"), studios.studio(tmp_path / "here")
    evaluate.evaluate(alone, studios.task(), alone.catalogue.checkpoints)
    for path in paths:
        merged = merging.merge_shards(here, files.read_shard(path)[1])
        assert all(one.new == 24 == one.total and not one.sentence for one in merged)
    assert stored(here.settings.database) == stored(alone.settings.database)
    again = merging.merge_shards(here, files.read_shard(paths[0])[1])
    assert all(one.same == 24 == one.total for one in again)
    assert evaluate.evaluate(here, studios.task(), here.catalogue.checkpoints).computed == 0
    assert not merging.missing_shards([files.read_shard(path)[0] for path in paths])
    assert (
        "8 checkpoints of 40 in none"
        in merging.missing_shards([files.read_shard(p)[0] for p in paths[1:]])[0]
    )


def test_shares_of_different_runs_are_said(tmp_path: Path) -> None:
    heads = [files.read_shard(share(tmp_path, Shard(number=1, of=of)))[0] for of in (2, 3)]
    assert "different runs" in merging.missing_shards(heads)[0]


def test_a_dry_run_takes_nothing(tmp_path: Path) -> None:
    here = studios.studio(tmp_path / "here")
    merged = merging.merge_shards(
        here, files.read_shard(share(tmp_path, Shard(number=1, of=9)))[1], dry_run=True
    )
    assert all(one.new == 24 for one in merged)
    assert not stored(here.settings.database)


def test_a_conflict_is_said_and_nothing_of_that_checkpoint_is_taken(tmp_path: Path) -> None:
    _, parts = files.read_shard(share(tmp_path, Shard(number=1, of=9)))
    here = studios.studio(tmp_path / "here")
    first, second = parts[:2]
    key, (ll, tokens) = next(iter(first.results.items()))
    here.store.put(first.scope, [(key, Loglikelihood(ll - 0.5, tokens))])
    key2, (ll2, tokens2) = next(iter(second.results.items()))
    here.store.put(second.scope, [(key2, Loglikelihood(ll2 - 5e-6, tokens2))])
    before = here.store.get(first.scope, first.results)
    merged = merging.merge_shards(here, parts)
    assert (merged[0].conflict, merged[0].new) == (1, 23)
    assert merged[0].worst_nats == pytest.approx(0.5)
    assert "1 result of 24 differ" in (merged[0].sentence or "")
    assert here.store.get(first.scope, first.results) == before
    assert (merged[1].rounded, merged[1].new, merged[1].sentence) == (1, 23, None)
    assert here.store.get(second.scope, [key2])[key2].ll_nats == ll2 - 5e-6


def test_another_number_of_tokens_is_a_conflict_however_near_the_result(tmp_path: Path) -> None:
    _, (first, *_) = files.read_shard(share(tmp_path, Shard(number=1, of=9)))
    here = studios.studio(tmp_path / "here")
    key, (ll, tokens) = next(iter(first.results.items()))
    here.store.put(first.scope, [(key, Loglikelihood(ll, tokens + 1))])
    (merged,) = merging.merge_shards(here, [first])
    assert (merged.rounded, merged.conflict, merged.new) == (0, 1, 23)
    assert "or in their tokens" in (merged.sentence or "")
    assert here.store.get(first.scope, first.results) == {key: Loglikelihood(ll, tokens + 1)}


def test_a_visitor_who_may_only_read_merges_nothing(tmp_path: Path) -> None:
    _, parts = files.read_shard(share(tmp_path, Shard(number=1, of=9)))
    settings = studios.studio(tmp_path / "here").settings
    with pytest.raises(TaskError):
        merging.merge_shards(open_studio(settings.for_person(None, readonly=True), FakeBackend()), parts)
