"""x as tokens, steps or compute."""

from __future__ import annotations

import pytest

from e2lm_core.analysis import tables
from e2lm_core.analysis.curves import axes, messages
from tests.support.measured import LARGE, RISING, SMALL, curve, measurements


def test_tokens_steps_and_compute_by_hand() -> None:
    measured = measurements(curve(SMALL, RISING), curve(LARGE, RISING))
    frame = tables.curve_frame(measured, ("acc",))
    placed, axis = axes.with_x_column(frame, measured, "tokens")
    assert (axis.title, axis.window_end) == ("tokens seen (millions)", 0.008)
    assert placed["x"].iloc[:2].tolist() == [0.001, 0.002]
    placed, axis = axes.with_x_column(frame, measured, "step")
    assert (axis.title, axis.window_end) == ("training step", 800.0)
    placed, axis = axes.with_x_column(frame, measured, "compute")
    assert axis.title == "training compute (10⁶ FLOPs)"  # 6 · 900 · 10,000 = 54 million
    assert axis.window_end is None
    small = axes.place_on_axis(frame[frame["model"] == SMALL.name], measured, axis)
    assert small["x"].iloc[-1] == pytest.approx(6.0)  # in the axis's unit, not in one of its own
    at_end = placed.groupby("model")["x"].last()
    assert at_end[LARGE.name] == pytest.approx(54.0)
    assert at_end[SMALL.name] == pytest.approx(6.0)


def test_what_has_no_place_is_named() -> None:
    unknown = SMALL.model_copy(update={"parameters": None})
    measured = measurements(curve(unknown, RISING), curve(LARGE, RISING))
    placed, axis = axes.with_x_column(tables.curve_frame(measured, ("acc",)), measured, "compute")
    assert axis.left_out == (SMALL.name,)
    assert set(placed["model"]) == {LARGE.name}


def test_a_model_whose_tokens_nobody_knows_is_drawn_with_all_over_steps() -> None:
    measured = measurements(curve(SMALL, RISING), curve(LARGE, RISING))
    frame = tables.curve_frame(measured, ("acc",))
    frame.loc[frame["model"] == SMALL.name, "tokens_seen"] = float("nan")
    placed, axis = axes.with_x_column(frame, measured, "tokens")
    assert (axis.kind, axis.title, axis.untold, axis.left_out) == ("step", "training step", (SMALL.name,), ())
    assert set(placed["model"]) == {SMALL.name, LARGE.name}
    assert len(axes.place_on_axis(frame, measured, axis)) == len(frame)
    assert messages.axis_note(axis, None) == (
        f"The axis shows training steps, because the token counts of {SMALL.name} are unknown."
    )


def test_zero_has_no_logarithm() -> None:
    measured = measurements(curve(SMALL, RISING))
    frame = tables.curve_frame(measured, ("acc",))
    frame.loc[0, ["step", "tokens_seen"]] = 0
    placed, axis = axes.with_x_column(frame, measured, "tokens", log=True)
    assert (len(placed), axis.at_zero) == (9, 1)
    assert len(axes.with_x_column(frame, measured, "tokens")[0]) == 10
    empty, axis = axes.with_x_column(frame.iloc[:0], measured, "compute")
    assert empty.empty
    assert axis.left_out == ()
