"""Cells, rows and sentences of the shelf, for commands and pages.

Tested in tests/imported/shelf/test_overview.py.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from e2lm_core.base import formatting
from e2lm_core.base.formatting import quote
from e2lm_core.base.records import Value
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import Settings
from e2lm_core.imported.shelf import library
from e2lm_core.imported.shelf.columns import AddedSource
from e2lm_core.imported.shelf.decisions import BenchmarkStops
from e2lm_core.imported.shelf.library import Shelved
from e2lm_core.imported.shelf.overview import Lasting, Overview, noise_quality
from e2lm_core.imported.shelf.packing import Source
from e2lm_core.scores.ranking import readings

ERRORS = Sentence(
    "Above chance and sizes apart: models, and neighbouring sizes, that are so at the end beyond the standard errors, "
    "judged together; by these tokens half of them are. Errors are taken as independent."
)
MEANS = Sentence(
    "(means): this source has no standard errors, so counts, tokens and SQ are of the means alone."
)
COMPARABLE = Sentence(
    "Compare benchmarks of one source and few-shot count alone: others were run on other models or points."
)
NOISE = Sentence("SQ of noise: what curves of white noise get with as many points.")
THINNED = Sentence(
    "SQ at {points}: mean over all ways to thin the curves to {points} points; noise gets {noise} there."
)
WHOLE = Sentence("mmlu of Pythia is worked out from its 57 subjects, over all their questions.")
RC = Sentence(
    "RC to 240 B: provisional, over the {points} published points behind the early window "
    "that all models have ({reading}), where curves of noise get {noise}; never to be "
    "compared with RC to 1 T tokens."
)
DECIDED = Sentence(
    "80% at: tokens at which the likelier model of a pair is ahead at the end with 80% in "
    "the mean over all pairs; a pair that is not known counts as 50%, sizes more than six "
    "times apart are left out. Right: the share of pairs that ended so."
)
ORDER = Sentence(
    "Decision accuracy: share of pairs of models in the same order at {early} tokens as at "
    "{late} ({source}{shots}){mark}; noise gets 0.5. Larger ahead: share of pairs of which "
    "the larger is ahead at the end, as the sizes alone would say."
)
PROVISIONAL = Sentence(", provisional, since the training went on")
LUCK = Sentence(
    "SNR: AI2's ratio of the models' spread to the noise of the last five points. SNR of "
    "luck: what equally good models get at most, which differ by luck with the questions "
    "alone."
)
SLOPE = Sentence("Slope: mean rise of the score per doubling of tokens; noise has 0.")
COLUMNS = ("source", "benchmark", "shots", "metric", "questions", "models", "points", "SQ", "SQ of noise")
RC_COLUMN = "RC to 240 B"
ONSET_COLUMNS = (RC_COLUMN, "chance", "above chance", "by", "sizes apart", "apart by")
COLUMN_HELP = {
    "SQ": "Signal quality, the mean over the models.",
    "SQ of noise": "What curves of white noise get with as many points.",
    RC_COLUMN: "Provisional: the published points end at 240 B tokens. Never compare it with RC to 1 T tokens.",
    "chance": "Accuracy of blind guessing; a dash where it is unknown, and so what is above it.",
    "above chance": "Models above chance at the end.",
    "by": "Tokens by which half of the models are above chance; a dash for never.",
    "sizes apart": "Neighbouring sizes that are told apart at the end.",
    "apart by": "Tokens by which half of them are; a dash for never.",
    "decision accuracy": "Share of pairs of models in the same order early as at the end. Noise gets 50%. Of the "
    "competition's models the end is 240 B tokens, so it is provisional.",
    "larger ahead": "Share of pairs of which the larger model is ahead at the end.",
    "SNR": "AI2's signal-to-noise ratio over the last five points.",
    "SNR of luck": "What equally good models get at most: luck with the questions alone.",
    "slope": "Rise of the score per doubling of tokens. Noise has 0.",
}
FORMATS = {"slope": "%.4f", "SNR": "%.1f", "SNR of luck": "%.1f", "by": "compact", "apart by": "compact"}
FORMATS |= dict.fromkeys(("above chance", "sizes apart"), "%d")
FORMATS |= dict.fromkeys(("chance", "decision accuracy", "larger ahead"), "%.1f%%")
ORDER_COLUMNS = ("decision accuracy", "larger ahead", "SNR", "SNR of luck", "slope")


def source_sentence(source: Source | AddedSource) -> str:
    """Sentence on where the figures of a source are from."""
    if isinstance(source, AddedSource):
        return Sentence(
            "{title}: {rows} scores added from {file} on {day}.",
            title=Sentence(source.title),
            rows=source.rows,
            file=quote(source.file),
            day=source.added[:10],
        )
    return Sentence(
        "{title}: {repository} at {commit} ({licence}, {copyright}).",
        title=Sentence(source.title),
        repository=source.repository,
        commit=source.commit[:7],
        licence=source.licence,
        copyright=source.copyright,
    )


def group_label(shelved: Shelved) -> str:
    """Label of the benchmarks that ran on the same models, such as `Pythia, 5-shot`."""
    shots = shelved.benchmark.num_fewshot
    if shots is None:
        return Sentence(shelved.source.title)
    return Sentence("{source}, {shots}-shot", source=Sentence(shelved.source.title), shots=shots)


def preview_sentence(shelved: Shelved) -> str:
    """Sentence below the picture of a benchmark: what ran on it, and that its points are means alone."""
    of = formatting.count(len(shelved.models), "model")
    return Sentence(
        "{benchmark}, {models} of {source}; means alone, without standard errors.",
        benchmark=shelved.label,
        models=of,
        source=Sentence(shelved.source.title),
    )


def preview_label(shelved: Shelved) -> str:
    """Label above the picture of a benchmark, whose points are means alone."""
    return Sentence(
        "{benchmark}, {source}'s {models} models, means alone",
        benchmark=shelved.label,
        source=shelved.source.title.partition(" (")[0],
        models=len(shelved.models),
    )


def group_headline(label: str, shown: Sequence[Overview]) -> str:
    """Headline of a group's table: the benchmark with the highest SQ, and how many are no better than noise."""
    rated = [(of.sq.value, of) for of in shown if of.sq.value is not None]
    if not rated:
        return Sentence("{group}: no benchmark has an SQ, which needs 8 points.", group=label)
    best, of = max(rated, key=lambda one: one[0])
    dull = sum(value <= (one.noise or 0) for value, one in rated)
    like_noise = ""
    if dull:
        like_noise = Sentence(
            "; {number} benchmark has no more", "; {number} benchmarks have no more", number=dull
        )
    return Sentence(
        "{group}: **{benchmark}** has the highest SQ of {benchmarks}, {best}. Noise gets {noise}{like_noise}.",
        group=label,
        benchmark=of.benchmark,
        benchmarks=formatting.count(len(rated), "benchmark"),
        best=formatting.score(best),
        noise=formatting.score(of.noise),
        like_noise=like_noise,
    )


def count_cell(lasting: Lasting | None) -> str:
    """Cell such as `12 of 16`, or `4 of 6 (means)` without standard errors; a dash where it has no meaning."""
    if lasting is None:
        return formatting.DASH
    if lasting.sure is None:
        return f"{lasting.at_end} of {lasting.number} (means)"
    return f"{lasting.sure} of {lasting.number}"


def tokens_cell(lasting: Lasting | None) -> str:
    """Cell of the tokens by which half have come so far, `never` if they have not."""
    if lasting is None:
        return formatting.DASH
    tokens = lasting.measured if lasting.sure is None else lasting.by
    return "never" if tokens is None else formatting.tokens(tokens)


def table_row(of: Overview) -> dict[str, Any]:
    """Row of the table of all benchmarks, but for `values_of`."""
    return {
        "source": of.source,
        "benchmark": of.benchmark,
        "shots": of.num_fewshot,
        "metric": of.metric,
        "questions": of.questions,
        "models": of.models,
        "points": of.points,
        "SQ of noise": of.noise,
        RC_COLUMN: of.rc and of.rc.value,
        "chance": of.chance,
        "above chance": count_cell(of.above_chance),
        "by": tokens_cell(of.above_chance),
        "sizes apart": count_cell(of.apart),
        "apart by": tokens_cell(of.apart),
        "larger ahead": of.order.larger_ahead,
        "SNR of luck": of.snr_luck,
    }


def values_of(of: Overview) -> dict[str, Value]:
    """Figures of a row that may have an interval, by column."""
    return {"SQ": of.sq, "decision accuracy": of.order.accuracy, "SNR": of.snr, "slope": of.slope}


def slope_cell(slope: Value) -> str:
    """Cell of a slope with four decimals and its interval; a dash if it is undefined."""
    if slope.value is None:
        return formatting.DASH
    bounds = "" if slope.interval is None else f" [{slope.interval[0]:.4f}, {slope.interval[1]:.4f}]"
    return f"{slope.value:.4f}{bounds}"


def table_notes(
    shown: Sequence[Overview],
    points: int | None = None,
    reading: str = readings.DEFAULT,
    order: bool | None = None,
    settings: Settings | None = None,
    sources: bool = True,
) -> list[str]:
    """Sentences below a table of benchmarks: what its columns say, and where its figures are from.

    Args:
        shown: Rows of the table.
        points: Number of points to which its curves were also thinned; None if they were not.
        reading: RC definition of its rows.
        order: Whether its columns are those of `ORDER_COLUMNS`, or of `ONSET_COLUMNS`; None for both.
        settings: Settings of a caller whose added tables are named as well.
        sources: Whether to name the sources.
    """
    notes: list[str] = [NOISE]
    if points is not None:
        notes.append(Sentence(THINNED, points=points, noise=formatting.score(noise_quality(points))))
    states = [state for of in shown for state in (of.apart, of.above_chance) if state is not None]
    if order is not True and any(state.sure is not None for state in states):
        notes.append(ERRORS)
    if any(state.sure is None for state in states):
        notes.append(MEANS)
    if order is not False:
        notes += [*order_notes(shown), LUCK, SLOPE]
    if any((of.source, of.benchmark) == ("pythia", "mmlu") for of in shown):
        notes.append(WHOLE)
    with_rc = next((of for of in shown if of.rc is not None), None)
    if with_rc is not None and order is not True:
        noise = formatting.score(with_rc.rc_noise)
        notes.append(Sentence(RC, points=with_rc.rc_points, reading=readings.LABELS[reading], noise=noise))
    keys = {of.source for of in shown}
    if len({(of.source, of.num_fewshot) for of in shown}) > 1:
        notes.append(COMPARABLE)
    return notes + (source_notes(keys, settings) if sources else [])


def order_notes(shown: Sequence[Overview]) -> list[str]:
    """Sentences on the early and the last tokens of decision accuracy, one for each source and few-shot count."""
    first: dict[tuple[str, int | None], Overview] = {}
    for of in shown:
        if of.order.early is not None:
            first.setdefault((of.source, of.num_fewshot), of)
    return [
        Sentence(
            ORDER,
            early=formatting.tokens(of.order.early),
            late=formatting.tokens(of.order.late),
            source=source,
            shots="" if shots is None else f", {shots}-shot",
            mark=PROVISIONAL if of.rc is not None else "",
        )
        for (source, shots), of in first.items()
    ]


def stops_row(of: BenchmarkStops) -> dict[str, Any]:
    """Row of the table of decisions: tokens of each level, and the share of pairs that were right there."""
    row: dict[str, Any] = {
        "source": of.source,
        "benchmark": of.benchmark,
        "shots": of.num_fewshot,
        "metric": of.metric,
        "pairs": of.certainty.pairs,
    }
    for stop, right in zip(of.certainty.stops, of.right, strict=True):
        level = f"{stop.level:.0%}"
        row[f"{level} at"] = "never" if stop.tokens_seen is None else formatting.tokens(stop.tokens_seen)
        row[f"right at {level}"] = right
    return row


def stops_notes(shown: Sequence[BenchmarkStops]) -> list[str]:
    """Sentences below the table of decisions."""
    keys = {of.source for of in shown}
    notes: list[str] = [DECIDED]
    if len({(of.source, of.num_fewshot) for of in shown}) > 1:
        notes.append(COMPARABLE)
    return notes + source_notes(keys)


def source_notes(keys: Collection[str], settings: Settings | None = None) -> list[str]:
    """Sentences on where the figures of these sources are from.

    Args:
        keys: Keys of the sources.
        settings: Settings of a caller whose added tables count as well.
    """
    return [source_sentence(source) for source in library.sources(settings) if source.key in keys]
