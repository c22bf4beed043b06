"""The figure of a question before and after an edit."""

from __future__ import annotations

import numpy as np
import pandas as pd

from e2lm_core.charts import edits as edit_charts
from e2lm_core.charts.palette import LIGHT


def frame(values: list[float]) -> pd.DataFrame:
    steps = np.arange(1, len(values) + 1)
    return pd.DataFrame({"step": steps, "tokens_seen": 1e6 * steps, "value": values, "models": 3})


def named(figure) -> dict[str, list[float]]:
    return {trace.name: list(trace.y) for trace in figure.data if trace.name in ("now", "before the edit")}


def test_the_old_line_stays_faint_behind_what_is_computed():
    figure = edit_charts.before_and_after(
        frame([0.3, np.nan, 0.9]), "norm_prob", LIGHT, frame([0.2, 0.4, 0.5]), chance=0.25, early_end=2e6
    )
    assert named(figure) == {"before the edit": [0.2, 0.4, 0.5], "now": [0.3, 0.9]}
    assert [trace.opacity for trace in figure.data[:2]] == [0.35, 1.0]
    assert {a.text for a in figure.layout.annotations} >= {"now", "before"}


def test_it_draws_with_nothing_and_does_not_write_names_over_each_other():
    empty = frame([np.nan, np.nan])
    assert named(edit_charts.before_and_after(empty, "margin", LIGHT)) == {}
    only_old = edit_charts.before_and_after(empty, "margin", LIGHT, frame([0.1, 0.2]))
    assert named(only_old) == {"before the edit": [0.1, 0.2]}
    close = edit_charts.before_and_after(frame([0.1, 0.5]), "margin", LIGHT, frame([0.1, 0.5]))
    assert [a.text for a in close.layout.annotations if a.text in ("now", "before")] == ["now"]
