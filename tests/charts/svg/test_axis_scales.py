"""Ticks as Plotly chooses them: values that Plotly 3 shows for the same axes in a browser."""

from __future__ import annotations

import math

import pytest

from e2lm_core.charts.svg.axis_scales import Scale, format_number, plain_numbers, read_scales, tick_step


@pytest.mark.parametrize(
    ("rough", "step"),
    [(0.1, 0.2), (0.12, 0.2), (0.2, 0.5), (0.35, 0.5), (0.5, 1.0), (7.0, 10.0), (21.0, 50.0)],
)
def test_a_step_is_2_5_or_10_times_a_power_of_ten_above_the_rough_one(rough: float, step: float) -> None:
    assert tick_step(rough) == pytest.approx(step)


def texts(scale: Scale) -> list[str]:
    return [text for _, text in scale.ticks]


def test_an_axis_of_shares_has_round_percents_inside_its_range() -> None:
    scale = Scale({"range": [0.14, 1.03], "tickformat": ".0%"}, is_x=False, pixels=410)
    assert texts(scale) == ["20%", "30%", "40%", "50%", "60%", "70%", "80%", "90%", "100%"]
    (lowest, _), *_ = scale.ticks
    assert lowest == pytest.approx(1 - (0.2 - 0.14) / 0.89)  # from above


def test_numbers_without_a_format_have_no_idle_zeros_and_large_ones_a_letter() -> None:
    assert plain_numbers([0, 0.5, 1, 1.5, 2], 0.5, 2.1) == ["0", "0.5", "1", "1.5", "2"]
    assert plain_numbers([-0.5, 0, 0.5], 0.5, 0.6) == ["−0.5", "0", "0.5"]
    assert plain_numbers([0, 5_000, 10_000], 5_000, 10_200) == ["0", "5k", "10k"]
    assert plain_numbers([0, 500, 1000], 500, 1_020) == ["0", "500", "1000"]
    assert plain_numbers([0, 2_000_000], 2_000_000, 2_500_000) == ["0", "2M"]


def test_a_logarithmic_axis_places_values_by_their_logarithms_and_shows_the_given_ticks() -> None:
    scale = Scale(
        {"type": "log", "range": [1, 3], "tickvals": [1, 10, 100, 1000], "ticktext": ["a", "b", "c", "d"]},
        is_x=True,
        pixels=900,
    )
    assert scale.ticks == [(0.0, "b"), (0.5, "c"), (1.0, "d")]
    assert scale.share(100) == 0.5
    assert math.isnan(scale.share(0))


def test_names_stand_in_the_given_order_and_may_be_reversed() -> None:
    data = [{"type": "heatmap", "x": ["a", "b"], "y": ["low", "high"], "z": [[0, 1], [1, 0]]}]
    layout = {"xaxis": {"type": "category"}, "yaxis": {"type": "category", "autorange": "reversed"}}
    scales = read_scales(data, layout, (100, 100))
    assert scales["x"].ticks == [(0.25, "a"), (0.75, "b")]
    assert scales["y"].ticks == [(0.25, "low"), (0.75, "high")]  # the first one on top
    given = {"xaxis": {"categoryarray": ["c", "b", "a"], "type": "category"}}
    assert texts(read_scales(data, given, (100, 100))["x"]) == ["c", "b", "a"]


def test_bars_from_nothing_leave_a_twentieth_free_above_them() -> None:
    data = [{"type": "bar", "x": [0.1, 0.3], "y": [19, 95]}]
    scale = read_scales(data, {"xaxis": {}, "yaxis": {"rangemode": "tozero"}}, (300, 200))["y"]
    assert scale.ends == pytest.approx((0, 100))
    assert texts(scale)[-1] == "100"


def test_a_panel_takes_its_part_of_the_plot() -> None:
    right = Scale({"range": [0, 10], "domain": [0.6, 1.0]}, is_x=True, pixels=900)
    upper = Scale({"range": [0, 10], "domain": [0.5, 1.0]}, is_x=False, pixels=200)
    assert (right.share(0), right.share(5), right.share(10)) == pytest.approx((0.6, 0.8, 1.0))
    assert (upper.share(0), upper.share(10)) == pytest.approx((0.5, 0.0))


def test_formats_of_d3() -> None:
    assert format_number(0.256, ".1%") == "25.6%"
    assert format_number(-0.5, "+.2f") == "−0.50"
    assert format_number(12_345, ",") == "12,345"
    assert format_number("never", ".2f") == "never"


def test_an_axis_that_holds_zero_begins_or_ends_there() -> None:
    rising = Scale({"rangemode": "tozero"}, is_x=False, pixels=400, extent=(2.0, 9.5))
    assert rising.ends == pytest.approx((0.0, 10.0))  # nine and a half are 95% of it
    falling = Scale({"rangemode": "tozero"}, is_x=False, pixels=400, extent=(-9.0, -2.0))
    assert falling.ends == pytest.approx((-9.5, 0.5))  # nine are 90% of it
