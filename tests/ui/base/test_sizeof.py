"""How much a value holds: arrays and tables by their bytes, in whatever they stand."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
import pytest

from e2lm_core.ui.base.sizeof import weigh


@dataclass(frozen=True)
class Holder:
    array: np.ndarray

    @cached_property
    def doubled(self) -> np.ndarray:
        return np.concatenate([self.array, self.array])


def test_arrays_and_tables_weigh_their_bytes() -> None:
    assert weigh(np.zeros(1_000)) == 8_000
    assert weigh(pd.DataFrame({"a": np.zeros(1_000)})) == pytest.approx(8_000, abs=500)
    assert weigh({"x": (np.zeros(1_000), [np.zeros(500)])}) == pytest.approx(12_000, rel=0.1)


def test_what_a_dataclass_has_made_of_itself_counts_and_the_same_array_once() -> None:
    holder = Holder(np.zeros(1_000))
    alone = weigh(holder)
    assert alone == pytest.approx(8_000, rel=0.1)
    assert holder.doubled.size == 2_000
    assert weigh(holder) == pytest.approx(24_000, rel=0.1)


def test_a_long_list_is_told_from_its_first_entries() -> None:
    assert weigh([f"question {n:06d}" for n in range(15_000)]) > 15_000 * 60
    assert weigh(list(range(10**6))) > 10**6
