"""The shelf on the pages: a benchmark beside the set, the table of all, and what is read while it is folded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from e2lm_core.base import formatting
from e2lm_core.charts.palette import LIGHT
from e2lm_core.imported.shelf import added, beside, indicators, library, messages
from e2lm_core.ui.base import urls
from e2lm_core.ui.cache import shelf as remembered
from e2lm_core.ui.places import shelf_panel
from e2lm_core.ui.places.sets import preview
from tests.support.visits import Visit, go, touched


def link(at: AppTest) -> dict[str, str]:
    drawn = next(e for e in at.get("bidi_component") if e.proto.component_name == "studio_link")
    return dict(json.loads(drawn.proto.json)["link"])


def follow(visit: Visit, view: str, **parameters: str) -> AppTest:
    """Open a colleague's link."""
    for name, value in parameters.items():
        visit.at.query_params[name] = value
    return visit.open(view)


def toggle(visit: Visit, is_open: bool) -> AppTest:
    """Open or fold the panel as its user does; AppTest knows no expanders that report."""
    at = visit.at
    held = urls.HELD["beside"]
    at.session_state[held] = shelf_panel.FIRST if is_open else None
    at.run()
    assert not at.exception
    return at


def drawn(at: AppTest) -> list[dict]:
    return [json.loads(chart.proto.spec) for chart in touched(at)]


def shelf_chart(at: AppTest, *names: str) -> dict | None:
    """The chart of a benchmark, which draws one of these models."""
    wanted = names or ("dense-3b-arch1", "pythia-12b")
    return next(
        (spec for spec in drawn(at) if any(name in json.dumps(spec["data"]) for name in wanted)),
        None,
    )


@pytest.mark.parametrize("view", ["accuracy", "overview"])
def test_a_folded_panel_reads_nothing_of_the_shelf(
    done: Visit, view: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(*_: object, **__: object) -> None:
        raise AssertionError("the shelf was read")

    for name in ("benchmarks", "open_curves"):
        monkeypatch.setattr(library, name, read)
    at = done.open(view)
    assert shelf_panel.TITLE in [one.label for one in at.expander]
    assert "beside" not in link(at)


@pytest.mark.parametrize("view", ["accuracy", "overview"])
def test_a_benchmark_stands_beside_the_set(done: Visit, view: str) -> None:
    done.open(view)
    at = toggle(done, True)
    assert link(at)["beside"] == shelf_panel.FIRST
    said = done.said
    assert "**arc_challenge** on 6 models of E2LM" in said
    assert "noise gets" in said
    assert beside.OWN_AXIS in said
    assert indicators.MEANS_ALONE in said
    assert "e2lmc/e2lmc.github.io at 54de417 (MIT" in said
    chart = shelf_chart(at)
    assert chart is not None
    assert chart["layout"]["xaxis"]["title"]["text"] == "tokens seen (billions)"
    lines = [trace for trace in chart["data"] if trace.get("mode") == "lines+markers"]
    assert len(lines) == 6
    at = toggle(done, False)
    assert shelf_chart(at) is None
    assert "beside" not in link(at)


def test_another_benchmark_is_chosen_and_stays_in_the_link(done: Visit) -> None:
    done.open("accuracy")
    at = toggle(done, True)
    at.selectbox(key="shelf_benchmark").select("pythia:piqa:0").run()
    assert not at.exception
    assert link(at)["beside"] == "pythia:piqa:0"
    assert "**piqa (0-shot)** on 16 models of Pythia" in done.said
    assert beside.BANDS in done.said
    assert "By SQ it ranks 4 of the 66 benchmarks that these models ran" in done.said
    chart = shelf_chart(at)
    assert chart is not None
    bands = [trace for trace in chart["data"] if trace.get("fill") == "toself"]
    assert len(bands) == 16
    at.segmented_control(key="curves_metric").set_value("acc_norm").run()
    assert link(at)["metric"] == "acc_norm"
    by_metric = json.dumps(shelf_chart(at))
    assert by_metric != json.dumps(chart), "the benchmark has this metric as well"
    at.segmented_control(key="curves_metric").set_value("bpb").run()
    assert json.dumps(shelf_chart(at)) == json.dumps(chart), "it has none of this, so its first is shown"


def test_a_colleagues_link_opens_the_same_benchmark(done: Visit) -> None:
    at = follow(done, "overview", beside="pythia:sciq:5")
    assert "**sciq (5-shot)**" in done.said
    assert at.selectbox(key="shelf_benchmark").value == "pythia:sciq:5"
    at = follow(done, "accuracy", beside="pythia:sciq:5")
    assert "**sciq (5-shot)**" in done.said
    assert at.selectbox(key="shelf_benchmark").value == "pythia:sciq:5"
    at = follow(done, "accuracy", beside="no such benchmark")
    assert "**arc_challenge**" in done.said


def test_the_same_number_of_points_on_both_sides(done: Visit) -> None:
    """The set's own points, and the benchmark thinned to as many: the command's figure."""
    at = follow(done, "accuracy", beside="pythia:arc_easy:0")
    table = next(t.value for t in at.dataframe if "what" in t.value.columns)
    own, other = table.to_dict("records")
    points = int(own["points"])
    (shelved,) = library.find_benchmarks("arc_easy", "pythia", 0)
    side = beside.shelf_side(shelved, library.open_curves(shelved, "acc"), points)
    assert other[f"SQ at {points}"] == pytest.approx(side.thinned)
    assert own[f"SQ at {points}"] == pytest.approx(own["SQ"])
    assert f"SQ {formatting.score(side.thinned)} over {points} points" in done.said
    assert own[f"SQ of noise at {points}"] == other[f"SQ of noise at {points}"] == side.noise


def test_the_table_of_all_benchmarks(done: Visit) -> None:
    at = done.open("shelf")
    assert (
        "E2LM (the competition's models): **hellaswag** has the highest SQ of 24 benchmarks, 0.991. Noise gets 0.167; "
        "1 benchmark has no more." in done.said
    )
    (table,) = (t.value for t in at.dataframe)
    assert len(table) == 24
    assert "provisional" in messages.COLUMN_HELP[messages.RC_COLUMN].lower()
    assert messages.RC_COLUMN in table.columns
    at.segmented_control(key="shelf_group_control").set_value("Pythia, 5-shot").run()
    assert not at.exception
    assert link(at)["shelf"] == "Pythia, 5-shot"
    (table,) = (t.value for t in at.dataframe)
    assert len(table) == 66
    assert messages.RC_COLUMN not in table.columns, "its family has no early window"
    row = table.set_index("benchmark").loc["piqa"]
    assert row["decision accuracy"] == pytest.approx(95, abs=0.01)
    assert row["SQ 95%"].startswith("[0.")


def test_an_added_table_stands_beside_the_others(
    done: Visit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One with more curves than are read at once is shown some benchmarks at a time, without a rank."""
    settings, table = done.studio.settings, tmp_path / "hers.csv"
    rows = [
        f"model<a href=x>{model},{step},{benchmark},acc,{0.2 + model / 10 + step / 100}"
        for model in range(3)
        for step in range(1, 11)
        for benchmark in ("*physics*", "chess", "law")
    ]
    table.write_text("\n".join(["model,tokens,benchmark,metric,value", *rows]), encoding="utf-8")
    added.add_table(settings, table, "hers")
    try:
        at = follow(done, "accuracy", beside="hers:chess")
        assert "**chess** on 3 models of hers" in done.said
        assert "By SQ it ranks" in done.said
        assert "hers: 90 scores added from 'hers.csv'" in done.said
        spec = json.dumps(shelf_chart(at, "model"))
        assert "&lt;a href=x>" in spec
        assert "<a href" not in spec
        follow(done, "accuracy", beside="hers:*physics*")
        assert "physics" in done.said
        monkeypatch.setattr(remembered, "MAX_CURVES", 6)
        at = follow(done, "accuracy", beside="hers:chess")
        assert "By SQ it ranks" not in done.said
        at = follow(done, "shelf", shelf="hers")
        assert len(at.dataframe[0].value) == 2
        at.selectbox(key="shelf_page_hers").select_index(1).run()
        assert at.dataframe[0].value["benchmark"].tolist() == ["law"]
    finally:
        added.remove_added(settings, "hers")
    at = follow(done, "shelf", shelf="hers")
    assert not at.exception
    assert "hers" not in done.said


def test_the_table_is_that_of_a_link(done: Visit) -> None:
    at = follow(done, "shelf", shelf="Pythia, 0-shot")
    assert at.segmented_control(key="shelf_group_control").value == "Pythia, 0-shot"
    at = go(done.at, "overview")
    assert not at.exception


def test_the_home_pages_picture_has_every_point_of_the_real_curves() -> None:
    shelved = next(one for one in library.benchmarks() if one.key == shelf_panel.FIRST)
    wide, narrow = preview.render_pictures(shelved, LIGHT)
    for svg in (wide, narrow):
        assert svg.count("<polyline") == 6
        assert ">arc_challenge, E2LM&#x27;s 6 models, means alone</text>" in svg
        assert "means alone, without standard errors" in svg
    curves = library.open_curves(shelved)
    assert wide.count(" tokens, step ") == sum(len(curve.scores) for curve in curves)
    of = next(curve for curve in curves if curve.model.name == "dense-3b-arch1")
    assert f"dense-3b-arch1: {of.scores[-1]:.1%}, 240 B tokens, step 64,000" in wide
