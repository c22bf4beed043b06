"""Reader of the competition's curve file.

The format: `{"data": {MODEL: {"iteration": [...], "gtokens": [...], BENCHMARK: [...], ...}}}`, all lists of
one length; `gtokens` is billions of tokens; `model_type` and `experiment` are labels and are skipped.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from e2lm_core.base.errors import StudioError
from e2lm_core.base.formatting import quote
from e2lm_core.base.records import Record, SignalQuality
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import Limits
from e2lm_core.base.untrusted import safejson, sandbox
from e2lm_core.base.untrusted.regular_files import read_regular
from e2lm_core.scores.arrays import Floats
from e2lm_core.scores.signal import signal_quality

COMPETITION_STRIDE = 4_000  # iterations
COMPETITION_GTOKENS = 206.0
MAX_MODELS, MAX_POINTS = 10_000, 100_000  # points per model; more take seconds and hundreds of megabytes
_LABELS = frozenset({"model_type", "experiment"})
_AXES = ("iteration", "gtokens")


class PublishedCurves(Record):
    """Curves of a published file in step order, with lists of one length [K] per model.

    Attributes:
        data: Scores [K] by model and benchmark; NaN where the file leaves one out (null, NaN).
        iteration: Training iterations [K] by model, int64, ascending.
        gtokens: Billions of tokens seen [K] by model.
    """

    data: dict[str, dict[str, Floats]]
    iteration: dict[str, NDArray[np.int64]]
    gtokens: dict[str, Floats]

    def competition_points(self, model: str) -> NDArray[np.bool_]:
        """Mask [K] (bool) of the model's points that the organisers score."""
        return competition_points(self.iteration[model], self.gtokens[model])


COMPETITION_STEPS = tuple(range(4_000, 56_001, 4_000))


def competition_points(iteration: ArrayLike, gtokens: ArrayLike) -> NDArray[np.bool_]:
    """Mask [K] (bool) of the 14 points that the organisers score.

    These are the iterations divisible by 4,000 up to 206 billion tokens.

    Args:
        iteration: Training iterations [K], whole numbers.
        gtokens: Billions of tokens seen [K].
    """
    steps, tokens = np.asarray(iteration, dtype=np.int64), np.asarray(gtokens, dtype=np.float64)
    return (steps % COMPETITION_STRIDE == 0) & (tokens <= COMPETITION_GTOKENS)


def sq_of_file(path: Path, limits: Limits | None = None) -> dict[str, dict[str, SignalQuality]]:
    """{model: {benchmark: SQ over the competition's points}} of a published curve file.

    The scores are taken as published, higher is better.

    Raises:
        StudioError: The file cannot be read or used, see `read_curves`.
    """
    curves = read_curves(path, limits)
    result: dict[str, dict[str, SignalQuality]] = {}
    for model, benchmarks in curves.data.items():
        points = curves.competition_points(model)
        result[model] = {
            benchmark: _quality(scores[points], curves.iteration[model][points])
            for benchmark, scores in benchmarks.items()
        }
    return result


def read_curves(path: Path, limits: Limits | None = None) -> PublishedCurves:
    """Read a published curve file, with its points in step order.

    Raises:
        StudioError: The file cannot be read, is too large, not UTF-8 or not JSON, lacks a key, repeats one,
            has lists of unequal length, or holds anything but numbers in them.
    """
    name = Path(path).name
    about = Sentence("The curve file {name}", name=quote(name))
    data = _bytes(Path(path), limits or Limits(), about)
    return sandbox.run_confined(_parsed, data, name, input_bytes=len(data), description=about)


def curves_of(content: Any, name: str) -> PublishedCurves:
    """Curves of a curve file's parsed content.

    Args:
        content: Parsed JSON of the file.
        name: Name of the file, for sentences.

    Raises:
        StudioError: The content has no curves or too many models or points, lacks a list, has lists of
            unequal length, repeats an iteration, or holds anything but numbers in its lists.
    """
    where = Sentence("The curve file {name}", name=quote(name))
    models = content.get("data") if isinstance(content, dict) else None
    if not isinstance(models, dict) or not models:
        raise StudioError(
            Sentence(
                '{where} holds no curves: it must be a JSON object whose "data" maps each model to its lists.',
                where=where,
            )
        )
    if len(models) > MAX_MODELS:
        raise StudioError(
            Sentence(
                "{where} holds {models} models; at most {max_models} are read: leave some out.",
                where=where,
                models=len(models),
                max_models=MAX_MODELS,
            )
        )
    data: dict[str, dict[str, Floats]] = {}
    iteration: dict[str, NDArray[np.int64]] = {}
    gtokens: dict[str, Floats] = {}
    for model, columns in models.items():
        iteration[model], gtokens[model], data[model] = _model(
            columns, Sentence("{where}, model {model},", where=where, model=_short(model))
        )
    return PublishedCurves(data=data, iteration=iteration, gtokens=gtokens)


def _bytes(path: Path, limits: Limits, where: str) -> bytes:
    try:
        if path.stat().st_size > limits.max_file_bytes:
            raise StudioError(
                Sentence(
                    "{where} is larger than the {most} MB allowed.",
                    where=where,
                    most=limits.max_file_bytes // 2**20,
                )
            )
        return read_regular(path, limits.max_file_bytes)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise StudioError(
            Sentence(
                "{where} cannot be read ({reason}); give the path of a JSON file.", where=where, reason=reason
            )
        ) from error


def _parsed(data: bytes, name: str) -> PublishedCurves:
    return curves_of(_json(data, Sentence("The curve file {name}", name=quote(name))), name)


def _json(data: bytes, where: str) -> Any:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise StudioError(
            Sentence(
                "{where} is not UTF-8 (byte {start} cannot be read); save it as UTF-8.",
                where=where,
                start=str(error.start),
            )
        ) from error
    try:
        return safejson.loads(text, object_pairs_hook=lambda pairs: _unique(pairs, where))
    except json.JSONDecodeError as error:
        raise StudioError(
            Sentence(
                "{where} is not JSON: line {lineno}, column {colno}: {reason}.",
                where=where,
                lineno=str(error.lineno),
                colno=str(error.colno),
                reason=error.msg.lower(),
            )
        ) from error
    except safejson.InvalidJson as error:
        raise StudioError(
            Sentence("{where} is not usable JSON: {error}.", where=where, error=str(error))
        ) from error


def _unique(pairs: list[tuple[str, Any]], where: str) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        names = [name for name, _ in pairs]
        twice = Counter(names).most_common(1)[0][0]
        raise StudioError(
            Sentence(
                "{where} has the key {twice} twice in one object; keep one of the two.",
                where=where,
                twice=_short(twice),
            )
        )
    return result


def _model(columns: Any, where: str) -> tuple[NDArray[np.int64], Floats, dict[str, Floats]]:
    if not isinstance(columns, dict):
        raise StudioError(
            Sentence(
                '{where} must be an object with the lists "iteration", "gtokens" and benchmarks.', where=where
            )
        )
    for axis in _AXES:
        if axis not in columns:
            raise StudioError(
                Sentence(
                    '{where} lacks the list "{axis}"; "iteration" and "gtokens" are both needed.',
                    where=where,
                    axis=axis,
                )
            )
    numbers = {name: _numbers(column, name, where) for name, column in columns.items() if name not in _LABELS}
    steps, tokens = numbers.pop("iteration"), numbers.pop("gtokens")
    if not numbers:
        raise StudioError(Sentence('{where} has no benchmark beside "iteration" and "gtokens".', where=where))
    if len(steps) > MAX_POINTS:
        raise StudioError(
            Sentence(
                "{where} has {points} points; at most {max_points} are read: leave some out.",
                where=where,
                points=len(steps),
                max_points=MAX_POINTS,
            )
        )
    for name, column in {"gtokens": tokens, **numbers}.items():
        if len(column) != len(steps):
            raise StudioError(
                Sentence(
                    '{where} has {values} values in {name} but {steps} in "iteration"; all lists of a model must '
                    "have one "
                    "length.",
                    where=where,
                    values=str(len(column)),
                    name=_short(name),
                    steps=str(len(steps)),
                )
            )
    whole = np.isfinite(steps) & (steps == np.floor(steps)) & (steps >= 0) & (steps < 2**53)
    if not whole.all():
        raise StudioError(
            Sentence('{where} has an "iteration" that is not a whole number from 0.', where=where)
        )
    if not (np.isfinite(tokens) & (tokens >= 0)).all():
        raise StudioError(
            Sentence(
                '{where} has a "gtokens" that is missing or negative; it is in billions of tokens.',
                where=where,
            )
        )
    order = np.argsort(steps, kind="stable")
    ordered = steps[order].astype(np.int64)
    if (repeated := ordered[1:][np.diff(ordered) == 0]).size:
        raise StudioError(
            Sentence(
                "{where} has iteration {iteration} twice; keep one point per iteration.",
                where=where,
                iteration=str(repeated[0]),
            )
        )
    return ordered, tokens[order], {name: column[order] for name, column in numbers.items()}


def _numbers(column: Any, name: str, where: str) -> Floats:
    if not isinstance(column, list):
        raise StudioError(
            Sentence(
                "{where} has no list in {name}; each benchmark is a list of numbers.",
                where=where,
                name=_short(name),
            )
        )
    try:
        return np.array([_number(entry) for entry in column], dtype=np.float64)
    except (TypeError, OverflowError) as error:
        raise StudioError(
            Sentence(
                "{where} has something else than finite numbers in {name}; use numbers, or null where a score is "
                "missing.",
                where=where,
                name=_short(name),
            )
        ) from error


def _number(entry: Any) -> float:
    if entry is None:
        return math.nan
    if isinstance(entry, bool) or not isinstance(entry, int | float):
        raise TypeError("not a number")
    if math.isinf(entry):
        raise OverflowError("not finite")
    return float(entry)


def _quality(scores: Floats, iteration: NDArray[np.int64]) -> SignalQuality:
    missing = iteration[np.isnan(scores)]
    if not missing.size:
        return signal_quality(scores)
    steps = ", ".join(f"{step:,}" for step in missing[:3]) + (" …" if missing.size > 3 else "")
    return SignalQuality(
        rho=None,
        autocorrelation=None,
        sq=None,
        points=int(np.isfinite(scores).sum()),
        why=f"The score is missing at iteration {steps}, and leaving a point out would shift every lag.",
    )


def _short(name: str) -> str:
    return json.dumps(name if len(name) <= 60 else name[:57] + "…", ensure_ascii=False)
