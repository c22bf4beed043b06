"""The computed sentences of imported results."""

from __future__ import annotations

from e2lm_core.imported import messages as imported_words
from tests.support import harness_files
from tests.support.harness_files import read


def test_headlines_say_what_was_read_and_what_it_does():
    imported = read(harness_files.folder() | {"x.txt": b"x"})
    assert imported_words.import_summary(imported) == (
        "1 model on 1 task: 5 curves of 10 points, with every question's log-likelihoods; 1 file could not be read."
    )
    said = imported_words.headline(imported.curves_of("metals", "acc"))
    assert "pythia-70m goes from **33.3% to 33.3%** by 4.2 B tokens" in said
    rows = "".join(f"m{m},t,acc,{k},{0.2 + 0.05 * k / (m + 1)}\n" for m in range(2) for k in range(1, 13))
    rising = read({"x.csv": b"model,task,metric,step,score\n" + rows.encode()})
    steady = imported_words.headline(rising.curves)
    assert "most steadily (SQ 1.000)" in steady or "most steadily (SQ 0.9" in steady
    assert imported_words.headline([]) == "There is no curve of this metric."


def test_one_point_has_no_direction():
    imported = read({"x.csv": b"model,task,metric,step,score\nm,t,acc,1,0.25\n"})
    assert imported_words.headline(imported.curves) == (
        "There is one point a curve, so nothing rises or falls: m has 25.0% at step 1."
    )
