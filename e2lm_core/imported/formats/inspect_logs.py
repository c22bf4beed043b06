"""Reader of Inspect logs (means only).

An `.eval` is a zip whose `header.json` is the log without its samples; a run that was cut short has none.
Inspect packs members with Zstandard, which Python's zipfile does not read before 3.14: pyarrow unpacks them.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pyarrow as arrow

from e2lm_core.base.errors import TaskError
from e2lm_core.base.json_values import to_json_number
from e2lm_core.base.records import Json
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.untrusted import safejson
from e2lm_core.base.untrusted.safejson import object_at, value_at
from e2lm_core.imported.checkpoint_identity import CheckpointResolver
from e2lm_core.imported.formats import harness_results
from e2lm_core.imported.formats.harness_results import ResultsFile

KIND = Sentence("Inspect log")
MAX_HEADER_BYTES = 16 * 2**20
MAX_PACKED = 500
_HEADER = "header.json"
_ZSTANDARD, _LOCAL_BYTES = 93, 30  # PKWARE's APPNOTE, 4.4.5 and 4.3.7
_NOT_METRICS = frozenset({"stderr", "std", "var", "ci_lower", "ci_upper"})
_CORRECT = {"accuracy": "acc"}
_STDERR, _MEANS = "stderr", ("accuracy", "mean")


def is_log(content: Any) -> bool:
    """Whether parsed JSON is a log of Inspect."""
    return (
        isinstance(content, dict)
        and isinstance(content.get("eval"), dict)
        and {"version", "status"} <= set(content)
        and "model" in content["eval"]
    )


def header(data: bytes, name: str) -> Json:
    """Log in an `.eval` file, without its samples.

    Raises:
        TaskError: The file has no header, or one that is too large, damaged, no log of Inspect, or packed in
            a way that Python cannot read.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if _HEADER not in archive.namelist():
                raise TaskError(
                    Sentence(
                        "{name} has no {header}: Inspect had not ended when it was copied.",
                        name=name,
                        header=_HEADER,
                    )
                )
            member = archive.getinfo(_HEADER)
            if member.file_size > min(MAX_HEADER_BYTES, MAX_PACKED * max(member.compress_size, 1)):
                raise TaskError(
                    Sentence("{name}: its {header} is larger than any log's.", name=name, header=_HEADER)
                )
            found = _unpacked(data, member) if member.compress_type == _ZSTANDARD else archive.read(member)
        content = safejson.loads(found.decode("utf-8"))
    except (zipfile.BadZipFile, EOFError, ValueError, OSError, struct.error) as error:
        raise TaskError(
            Sentence("{name} is no log of Inspect that can be read: copy it again.", name=name)
        ) from error
    except NotImplementedError as error:
        raise TaskError(
            Sentence(
                "{name} is packed in a way that this Python cannot read: write it as JSON (inspect log convert --to "
                "json).",
                name=name,
            )
        ) from error
    if not is_log(content):
        raise TaskError(Sentence("{name} is no log of Inspect that can be read: copy it again.", name=name))
    return content


def _unpacked(data: bytes, member: zipfile.ZipInfo) -> bytes:
    """A member packed with Zstandard. Raises OSError, ValueError or struct.error if it cannot be unpacked."""
    local = data[member.header_offset :]
    # The data begins behind the name and the extra field.
    name, more = struct.unpack("<26x2H", local[:_LOCAL_BYTES])
    packed = local[_LOCAL_BYTES + name + more :][: member.compress_size]
    found = bytes(arrow.decompress(packed, decompressed_size=member.file_size, codec="zstd", asbytes=True))
    if zlib.crc32(found) != member.CRC:
        raise ValueError("its checksum is another")
    return found


def read_log(content: Json, file: str, places: CheckpointResolver) -> ResultsFile:
    """Means in one log; none, with the reason, if it has no score or names no checkpoint.

    Args:
        content: The log, with or without samples.
        file: Name of the file.
        places: Resolver of checkpoint names.
    """
    run = content["eval"]
    arguments = object_at(run, "model_args")
    names = [arguments.get("model_path"), str(run.get("model") or "").split("/", 1)[-1]]
    revision = arguments.get("revision") or arguments.get("model_revision")
    spots = (places.find(str(name), harness_results.text_or_none(revision)) for name in names if name)
    spot = next((spot for spot in spots if spot is not None), None)
    if spot is None:
        shown = (run.get("model"), arguments.get("model_path"), revision)
        sentence = harness_results.unknown_checkpoint(file, shown, "as in -M revision=step1000")
        return ResultsFile(problems=(sentence,))
    results, ended = object_at(content, "results"), f"ended as {str(content['status'])[:40]!r}"
    evaluation = harness_results.evaluation_at(spot, str(run.get("task")), file, dict(_scores(results)))
    if not evaluation.scores:
        return ResultsFile(spot=spot, problems=(f"{file} has no score: that run {ended}.",))
    system_message = value_at(content, "plan", "config", "system_message")
    evaluation = replace(
        evaluation,
        n=_questions(run, results),
        when=harness_results.iso_seconds(run.get("created")),
        setup=harness_results.run_setup(arguments, None, system_message, run.get("task_version")),
        dtype=harness_results.dtype_name(arguments.get("torch_dtype") or arguments.get("dtype")),
    )
    problems: tuple[str, ...] = ()
    if content["status"] != "success":
        problems = (f"{file} is of a run that {ended}, so of fewer questions.",)
    return ResultsFile((evaluation,), spot, {}, problems)


def _scores(results: Json) -> Iterator[tuple[str, float]]:
    """Values by metric; `accuracy` is acc.

    With several scorers, the metrics of all but the first have the scorer's name.
    """
    scorers = [one for one in results.get("scores") or () if isinstance(one, dict)]
    for place, scorer in enumerate(scorers):
        metrics = object_at(scorer, "metrics")
        for key, metric in metrics.items():
            value = to_json_number(value_at(metric, "value"))
            if value is not None and key == _STDERR and (mean := next(filter(metrics.get, _MEANS), None)):
                called = f"{_CORRECT.get(mean, mean)}_{_STDERR}"
                yield (called if place == 0 else f"{called},{scorer.get('name')}"), value
            elif value is not None and key not in _NOT_METRICS:
                called = _CORRECT.get(key, str(key))
                yield (called if place == 0 else f"{called},{scorer.get('name')}"), value


def _questions(run: Json, results: Json) -> int | None:
    count, epochs = results.get("completed_samples"), value_at(run, "config", "epochs")
    if isinstance(count, int) and isinstance(epochs, int) and epochs > 1:
        count //= epochs
    return harness_results.question_count(count)
