"""Results files: what was written comes back byte for byte, and nothing else is taken for one."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest

from e2lm_core.base.errors import StudioError
from e2lm_core.runs import evaluate
from e2lm_core.runs.shards import files
from e2lm_core.runs.shards.split import Shard, select_shard
from e2lm_core.runs.studio import Studio
from tests.support import studios
from tests.support.workers import stored


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    return studios.studio(tmp_path)


def written(studio: Studio, path: Path, shard: Shard | None = None) -> Path:
    task = studios.task()
    shard = shard or Shard()
    fleet = studio.catalogue.checkpoints
    mine = select_shard(fleet, shard)
    evaluate.evaluate(studio, task, mine)
    path.write_bytes(b"".join(files.shard_lines(studio, task, fleet, mine, shard)))
    return path


def test_what_was_written_comes_back_byte_for_byte(studio: Studio, tmp_path: Path) -> None:
    head, parts = files.read_shard(written(studio, tmp_path / "x.jsonl"))
    assert head.set == "little"
    assert head.checkpoints == head.fleet == tuple(c.name for c in studio.catalogue.checkpoints)
    found = {
        (*one.scope.model_dump().values(), key): (struct.pack("<d", ll), tokens)
        for one in parts
        for key, (ll, tokens) in one.results.items()
    }
    assert found == stored(studio.settings.database)


def test_no_text_and_no_path_is_in_it(studio: Studio, tmp_path: Path) -> None:
    text = written(studio, tmp_path / "x.jsonl").read_text()
    assert str(tmp_path) not in text
    assert "twice the number" not in text


def test_a_file_that_was_cut_or_altered_is_refused(studio: Studio, tmp_path: Path) -> None:
    path = written(studio, tmp_path / "x.jsonl", Shard(number=1, of=20))
    data = path.read_bytes()
    lines = data.splitlines(keepends=True)
    row = json.loads(lines[1])
    spoilt = {
        "no file": b"",
        "text": b"hello\n",
        "a list": b"[]\n",
        "cut within a line": data[:-40],
        "without its end": b"".join(lines[:-1]),
        "a line less": b"".join([lines[0], *lines[2:]]),
        "a line twice": b"".join([*lines[:2], *lines[1:]]),
        "something after it": data + b"{}\n",
        "a number": b"".join([lines[0], lines[1].replace(b'"rows": 24', b'"rows": 23'), *lines[2:]]),
        "another version": data.replace(b'"version": 1', b'"version": 2', 1),
        "another format": data.replace(b"e2lm-results", b"e2lm-resultz", 1),
        "no base64": data.replace(row["digests"][:8].encode(), b"!!!!!!!!", 1),
        "a head without a set": data.replace(b'"set": "little"', b'"set": null', 1),
    }
    for name, wrong in spoilt.items():
        assert wrong != data, name
        path.write_bytes(wrong)
        with pytest.raises(StudioError) as error:
            files.read_shard(path)
        assert str(error.value).count(".") >= 1, name
    with pytest.raises(StudioError, match="cannot be read"):
        files.read_shard(tmp_path)
