"""X axes of learning curves: tokens seen, training steps, training compute."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from e2lm_core.base.sentences import Sentence
from e2lm_core.scores.measurements import Measurements
from e2lm_core.scores.set_scores import early_end

Kind = Literal["tokens", "step", "compute"]
KINDS: tuple[Kind, ...] = ("tokens", "step", "compute")
LABEL: dict[Kind, str] = {
    "tokens": Sentence("tokens"),
    "step": Sentence("steps"),
    "compute": Sentence("compute"),
}
HELP: dict[Kind, str] = {
    "tokens": Sentence("how many tokens the model had been trained on"),
    "step": Sentence("the training step"),
    "compute": Sentence(
        "training compute, 6 · parameters · tokens floating-point operations (Kaplan et al. 2020)"
    ),
}
FLOPS_PER_PARAMETER_AND_TOKEN = 6


@dataclass(frozen=True)
class Axis:
    """X axis of a learning curve chart.

    Attributes:
        kind: Tokens, training steps or training compute.
        log: The axis is logarithmic.
        title: Title of the axis, with its unit.
        unit: Tokens, steps or FLOPs per unit of the axis.
        window_end: End of the early window in units of the axis; None without a window, or if models differ
            in it.
        left_out: Models without a position on this axis.
        at_zero: Number of points at 0, which a logarithmic axis cannot show.
        untold: Models without known tokens, for which all models are drawn over steps.
    """

    kind: Kind
    log: bool
    title: str
    unit: float
    window_end: float | None
    left_out: tuple[str, ...]
    at_zero: int
    untold: tuple[str, ...] = ()


def with_x_column(
    frame: pd.DataFrame, measurements: Measurements, kind: Kind, log: bool = False
) -> tuple[pd.DataFrame, Axis]:
    """Return the table with the position of each row in a column `x`, and the axis.

    If any model's tokens are unknown, all models are drawn over steps. Rows without a position are left out:
    a model without known parameters or tokens has no compute, and 0 has no logarithm.

    Args:
        frame: Table with the columns model, step, tokens_seen.
        measurements: Source of the models' parameters and of the early window.
        kind: Wanted kind of axis.
        log: Make the axis logarithmic.
    """
    untold: tuple[str, ...] = ()
    if kind == "tokens" and frame["tokens_seen"].isna().any():
        untold = tuple(map(str, frame.loc[frame["tokens_seen"].isna(), "model"].unique()))
        kind = "step"
    raw = _places(frame, measurements, kind)
    known = raw.notna() & ((raw > 0) | (not log))
    unit, name = _unit(kind, float(raw[known].max()) if known.any() else 0.0)
    unplaced = frame.loc[raw.isna(), "model"].unique()
    axis = Axis(
        kind=kind,
        log=log,
        title=name,
        unit=unit,
        window_end=_window_end(measurements, kind, unit),
        left_out=tuple(str(m) for m in unplaced),
        at_zero=int((log & (raw == 0)).sum()),
        untold=untold,
    )
    return frame.assign(x=raw / unit)[known], axis


def place_on_axis(frame: pd.DataFrame, measurements: Measurements, axis: Axis) -> pd.DataFrame:
    """Return another table with its column `x` on an axis of `with_x_column`, in the same unit."""
    raw = _places(frame, measurements, axis.kind)
    return frame.assign(x=raw / axis.unit)[raw.notna() & ((raw > 0) | (not axis.log))]


def _places(frame: pd.DataFrame, measurements: Measurements, kind: Kind) -> pd.Series:
    if kind == "step":
        return frame["step"].astype(float)
    if kind == "tokens":
        return frame["tokens_seen"].astype(float)
    parameters: Mapping[str, float] = {
        c.model.name: np.nan if c.model.parameters is None else float(c.model.parameters)
        for c in measurements.curves
    }
    return FLOPS_PER_PARAMETER_AND_TOKEN * frame["model"].map(parameters).astype(float) * frame["tokens_seen"]


def _unit(kind: Kind, top: float) -> tuple[float, str]:
    if kind == "step":
        return 1.0, Sentence("training step")
    if kind == "tokens":
        return 1e6, Sentence("tokens seen (millions)")
    power = 3 * math.floor(math.log10(top) / 3) if top > 0 else 0
    small = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
    return 10.0**power, Sentence("training compute (10{power} FLOPs)", power=str(power).translate(small))


def _window_end(measurements: Measurements, kind: Kind, unit: float) -> float | None:
    """End of the early window on the axis; None over compute, where it differs between model sizes."""
    if kind == "compute":
        return None
    if kind == "tokens":
        end = early_end(measurements)
        return None if end is None else end / unit
    ends = {int(c.steps[c.early][-1]) for c in measurements.curves if c.early.any() and not c.early.all()}
    return float(ends.pop()) if len(ends) == 1 else None
