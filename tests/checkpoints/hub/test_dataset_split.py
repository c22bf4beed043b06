"""A data set by its name: the Parquet files of one commit, its first rows, and no loading script."""

from __future__ import annotations

import io

import pyarrow as arrow
import pyarrow.parquet as parquet
import pytest

from e2lm_core.base.errors import CheckpointError, LimitError, StudioError, TaskError
from e2lm_core.base.settings import Limits, Settings
from e2lm_core.checkpoints.hub import dataset_split
from e2lm_core.checkpoints.hub.client import RemoteFile
from e2lm_core.checkpoints.hub.dataset_split import choose_part, download_split, find_parts
from e2lm_core.sets import authoring
from e2lm_core.sets.formats.tables import parquet as tables
from tests.support.fake_hub import FakeHub
from tests.support.hub_fixtures import fake, settings

__all__ = ["fake", "settings"]  # fixtures

REPO = "allenai/ai2_arc"


def table(start: int, count: int, group_rows: int = 100) -> bytes:
    """Rows as ARC has them on the hub."""
    rows = [
        {
            "id": f"Mercury_{n}",
            "question": f"What is {n} and one?",
            "choices": {"text": [str(n + 1), str(n + 2), str(n)], "label": ["A", "B", "C"]},
            "answerKey": "A",
        }
        for n in range(start, start + count)
    ]
    buffer = io.BytesIO()
    parquet.write_table(arrow.Table.from_pylist(rows), buffer, row_group_size=group_rows)
    return buffer.getvalue()


def read(settings: Settings, limits: Limits | None = None, **part: str) -> tuple[list, str]:
    limits = limits or settings.limits
    with download_split(settings, REPO, **part) as split:
        data = tables.first_rows(split.paths, limits, split.origin, split.repo)
    preview = authoring.preview_import(settings, data, "arc.parquet")
    return list(preview.sound), split.origin


@pytest.mark.parametrize(
    ("path", "label"),
    [
        ("data/test-00000-of-00001.parquet", "test"),
        ("data/test-00000-of-00001-b0de1ba5ca8d7a2e.parquet", "test"),
        ("ARC-Easy/validation-00000-of-00002.parquet", "ARC-Easy/validation"),
        ("default/train/0000.parquet", "train"),
        ("ARC-Easy/test/0001.parquet", "ARC-Easy/test"),
        ("test.parquet", "test"),
    ],
)
def test_parts_are_known_by_their_paths(path: str, label: str) -> None:
    (part,) = find_parts([RemoteFile(path=path, bytes=1), RemoteFile(path="ai2_arc.py", bytes=1)])
    assert part.label == label


def test_a_part_is_chosen_or_asked_for() -> None:
    parts = find_parts(
        [
            RemoteFile(path=f"{subset}/{split}-00000-of-00001.parquet", bytes=1)
            for subset in "ab"
            for split in ("train", "test")
        ]
    )
    assert choose_part(parts, REPO, "a", "").label == "a/test"
    assert choose_part(parts, REPO, "b", "train").label == "b/train"
    with pytest.raises(CheckpointError, match="several subsets: choose one of a/test"):
        choose_part(parts, REPO, "", "test")
    with pytest.raises(CheckpointError, match="no part 'c': it has"):
        choose_part(parts, REPO, "c", "")


def test_the_first_rows_of_a_split_become_questions_that_name_their_commit(
    settings: Settings, fake: FakeHub
) -> None:
    commit = fake.repo(f"datasets/{REPO}").commit(
        "main",
        {
            "ai2_arc.py": b"raise SystemExit('a loading script ran')",
            "ARC-Easy/test-00000-of-00002.parquet": table(0, 250),
            "ARC-Easy/test-00001-of-00002.parquet": table(250, 250),
            "ARC-Easy/train-00000-of-00001.parquet": table(9_000, 5),
        },
    )
    questions, origin = read(settings)
    assert len(questions) == 500
    assert origin == f"{REPO}@{commit[:12]} ARC-Easy/test"
    assert {q.source for q in questions} == {origin}
    assert questions[300].question == "What is 300 and one?"
    assert questions[300].choices[questions[300].answer] == "301"
    assert not [path for _, path, _ in fake.seen if path.endswith(".py")]
    few = settings.limits.model_copy(update={"max_questions": 120})
    assert [q.id for q in read(settings, few)[0]] == [f"Mercury_{n}" for n in range(120)]


def test_without_parquet_the_hubs_own_conversion_is_read(settings: Settings, fake: FakeHub) -> None:
    repo = fake.repo(f"datasets/{REPO}")
    repo.commit("main", {"script.py": b"raise SystemExit", "data.json": b"{}"})
    with pytest.raises(CheckpointError, match="has no Parquet files: download one of its files"):
        read(settings)
    repo.commit("refs/convert/parquet", {"default/test/0000.parquet": table(0, 3)})
    assert len(read(settings)[0]) == 3


def test_what_is_too_large_or_broken_is_one_sentence(
    settings: Settings, fake: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = fake.repo(f"datasets/{REPO}")
    repo.commit("main", {"test.parquet": b"PAR1 no table PAR1"})
    with pytest.raises(StudioError, match="holds no Parquet tables of one form"):
        read(settings)
    repo.commit("main", {"test.parquet": table(0, 10)})
    monkeypatch.setattr(dataset_split, "MAX_BYTES", 100)
    with pytest.raises(LimitError, match="takes 0 MB, and at most 0 MB are read: choose another split"):
        read(settings)


def test_visitors_download_nothing(settings: Settings, fake: FakeHub) -> None:
    fake.repo(f"datasets/{REPO}").commit("main", {"test.parquet": table(0, 3)})
    with (
        pytest.raises(TaskError, match="Guests do not download data sets"),
        download_split(settings.for_person(None, readonly=True), REPO),
    ):
        raise AssertionError
    assert not fake.seen
