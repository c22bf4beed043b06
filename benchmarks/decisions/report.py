"""Tables of the study, in the order of its page."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from benchmarks.decisions import built_in, growth, noise, stops
from benchmarks.decisions.folds import (
    BANDS,
    FOLDS,
    FROM_TOKENS,
    NEAR,
    SAME,
    Band,
    band,
    briers,
    in_band,
    larger_wins,
    over_models,
    tell,
    tell_by_benchmark,
    told,
)
from benchmarks.decisions.table import shelf_table, with_terms
from e2lm_core.analysis.decisions import outlook
from e2lm_core.analysis.decisions.probability import Coefficients, Reliability
from e2lm_core.base import formatting
from e2lm_core.imported.shelf import decisions
from e2lm_core.scores.measurements import Measurements

DASH = "–"
ASKED_BAND, SURE = (0.75, 0.85), (0.9, 1.0)
NEAR_LIMIT, MIN_DECISIONS, MIN_MODELS, MIN_SPEAKS = 0.06, 200, 8, 0.2
GROUPS = (
    ("all", lambda rows: rows["ratio"] > 0),
    ("one size", lambda rows: rows["ratio"] <= SAME),
    ("within 2.5", lambda rows: (rows["ratio"] > SAME) & (rows["ratio"] <= NEAR)),
    ("one size or within 2.5", lambda rows: rows["ratio"] <= NEAR),
)


def with_reliability(coefficients: Coefficients, rows: dict[str, pd.DataFrame]) -> Coefficients:
    """Coefficients with the reliability of every family that was left out."""
    found = []
    for name, of in rows.items():
        for low, high in BANDS:
            if one := band(in_band(of, low, high)):
                figures = {
                    "stated": round(one.stated, 4),
                    "right": round(one.right, 4),
                    "error": round(one.error, 4),
                }
                counts = {"decisions": one.decisions, "models": one.models}
                found.append(Reliability(left_out=name, low=low, high=high, **counts, **figures))
    return coefficients.model_copy(update={"reliability": tuple(found)})


def left_out() -> dict[str, pd.DataFrame]:
    """Decisions of every family as told from the others."""
    return {fold.name: tell(fold, shelf_table()) for fold in FOLDS}


def tables(coefficients: Coefficients, rows: dict[str, pd.DataFrame]) -> Iterator[tuple[str, str]]:
    """Name and text of every table.

    Args:
        coefficients: Coefficients in use.
        rows: Decisions of every family as told from the others.
    """
    shelf, rows = shelf_table(), dict(rows)
    rows["Pythia, benchmark left out too"] = tell_by_benchmark(FOLDS[0], shelf)
    results = built_in.example_results(coefficients)
    ladder = told(built_in.ladder_table(results), coefficients)
    rows["built-in models"] = ladder.assign(larger=larger_wins(with_terms(shelf), ladder))
    yield "coefficients", coefficients_table(coefficients)
    yield "speaks", speaks_table(rows)
    yield "reliability", reliability_table(rows)
    yield "sizes", sizes_table(rows)
    yield "brier", brier_table(rows)
    yield "asked", asked_table(rows)
    yield "noise", noise_table(results, coefficients)
    yield "examples", examples_table(results, coefficients)
    yield "benchmarks", benchmarks_table(coefficients)
    yield "growth", growth_table(results, coefficients)


def coefficients_table(coefficients: Coefficients) -> str:
    """The coefficients in use and those of each family alone."""
    errors = np.sqrt(np.diag(np.array(coefficients.covariance)))
    lines = ["| fitted on | b1 (difference) | b2 (size) |", "|---|---|---|"]
    cells = " | ".join(f"{b:.2f} ± {e:.2f}" for b, e in zip(coefficients.values, errors, strict=True))
    lines.append(f"| both families, in use | {cells} |")
    for name, of in coefficients.families.items():
        lines.append(f"| {name} alone | {of[0]:.2f} | {of[1]:.2f} |")
    on = coefficients.fitted_on
    lines.append(
        f"\nFrom {on['decisions']:,} decisions of {on['models']} models on {on['benchmarks']} benchmarks; ± is the standard "
        "error over resampled models."
    )
    return "\n".join(lines)


def speaks_table(rows: dict[str, pd.DataFrame]) -> str:
    """How often a probability is stated, and why not."""
    lines = [
        "| left out | decisions | known | of different size from 20 B tokens on | of these ≥ .75 | most frequent reasons for not known |",
        "|---|---|---|---|---|---|",
    ]
    for name, of in rows.items():
        later = _later(of)
        reasons = of.loc[of["p"].isna(), "why"].value_counts().head(3)
        why = "; ".join(f"{_lower(text)} ({count / len(of):.0%})" for text, count in reasons.items())
        said = (
            f"{len(later):,} | {(later['stated'] >= 0.75).mean():.0%}" if len(later) else f"{DASH} | {DASH}"
        )
        lines.append(f"| {name} | {len(of):,} | {of['p'].notna().mean():.0%} | {said} | {why} |")
    return "\n".join(lines)


def reliability_table(rows: dict[str, pd.DataFrame]) -> str:
    """Stated and right by band."""
    lines = [
        "| left out | stated | decisions | models | mean stated | right | ± | as good as |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, of in rows.items():
        for low, high in BANDS:
            if found := band(in_band(of, low, high)):
                lines.append(f"| {name} | {low:g} to {high:g} | {_band_cells(found)} |")
    return "\n".join(lines)


def sizes_table(rows: dict[str, pd.DataFrame]) -> str:
    """Stated and right by the ratio of the sizes."""
    lines = [
        "| left out | sizes | decisions | models | mean stated | right | ± | as good as | .75 to .85: decisions, stated, right |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name, of in rows.items():
        known = of[of["p"].notna()]
        for group, mask in GROUPS[:3]:
            if found := band(known[mask(known)]):
                middle = band(in_band(known[mask(known)], *ASKED_BAND))
                cell = (
                    f"{middle.decisions:,}: {_cut(middle.stated)}, {_cut(middle.right)}" if middle else DASH
                )
                lines.append(f"| {name} | {group} | {_band_cells(found)} | {cell} |")
    return "\n".join(lines)


def brier_table(rows: dict[str, pd.DataFrame]) -> str:
    """Brier scores beside the usual certainty's and the larger model's."""
    lines = [
        "| left out | sizes | decisions | this | usual certainty | the larger wins | this − larger | ± |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, of in rows.items():
        if "larger" not in of:
            continue
        known = of[of["p"].notna()]
        for group, mask in GROUPS:
            chosen = known[mask(known)]
            if len(chosen):
                own, usual, larger = (briers(chosen, column) for column in ("p", "usual", "larger"))
                error = float(np.nanstd(over_models(chosen, own - larger), ddof=1))
                lines.append(
                    f"| {name} | {group} | {len(chosen):,} | {own.mean():.4f} | {usual.mean():.4f} | {larger.mean():.4f} | "
                    f"{own.mean() - larger.mean():+.4f} | {error:.4f} |"
                )
    return "\n".join(lines)


def asked_table(rows: dict[str, pd.DataFrame]) -> str:
    """The demands on the probability and whether each is met."""
    lines = ["| left out | demand | found | met |", "|---|---|---|---|"]
    for name, of in rows.items():
        for demand, found, met in _demands(of):
            lines.append(f"| {name} | {demand} | {found} | {met} |")
    return "\n".join(lines)


def _demands(of: pd.DataFrame) -> Iterator[tuple[str, str, str]]:
    known = of[of["p"].notna()]
    middle, sure = band(in_band(known, *ASKED_BAND)), band(in_band(known, *SURE))
    if middle:
        enough = middle.decisions >= MIN_DECISIONS and middle.models >= MIN_MODELS
        off = abs(middle.right - middle.stated)
        met = ("yes" if off <= NEAR_LIMIT else "no") + ("" if enough else ", of too few")
        yield (
            "stated .75 to .85: right within .06",
            f"{_cut(middle.stated)}: {_cut(middle.right)} ({middle.decisions:,}, {middle.models} models)",
            met,
        )
    if sure:
        yield (
            "stated .90 and more: right in .90",
            f"{_cut(sure.right)} ({sure.decisions:,})",
            _yes(sure.right >= 0.9),
        )
    if same := band(known[known["ratio"] <= SAME]):
        yield (
            "one size: stated at most .06 above right",
            f"{_cut(same.stated)}: {_cut(same.right)} ({same.decisions:,})",
            _yes(same.stated <= same.right + NEAR_LIMIT),
        )
    if "larger" in of:
        own, larger = briers(known, "p"), briers(known, "larger")
        error = float(np.nanstd(over_models(known, own - larger), ddof=1))
        yield (
            "Brier: not above *the larger wins* plus its error",
            f"{own.mean():.4f}: {larger.mean():.4f} + {error:.4f}",
            _yes(own.mean() <= larger.mean() + error),
        )
        close = known[known["ratio"] <= NEAR]
        own, larger = briers(close, "p").mean(), briers(close, "larger").mean()
        yield ("Brier, one size or within 2.5: below it", f"{own:.4f}: {larger:.4f}", _yes(own < larger))
    if len(later := _later(of)):
        share = float((later["stated"] >= 0.75).mean())
        yield (
            "different sizes, from 20 B tokens on: ≥ .75 in a fifth",
            f"{_cut(share)} of {len(later):,}",
            _yes(share >= MIN_SPEAKS),
        )


def noise_table(results: dict[str, Measurements], coefficients: Coefficients, most: int = noise.SETS) -> str:
    """Sets that measure nothing and get a decision.

    Args:
        results: Results of the example sets.
        coefficients: Coefficients to tell by.
        most: Number of sets of each kind.
    """
    lines = [
        "| sets | metric | sets | with a decision above .6 | without the set's own test |",
        "|---|---|---|---|---|",
    ]
    for metric in ("acc", "acc_norm"):
        kinds = {
            "noise: models that know nothing and wander": noise.wandering(),
            "flat: the same, standing still": noise.standing(),
            **{f"{name}, random keys": noise.random_keys(results[name]) for name in built_in.CHECKED},
        }
        for name, sets in kinds.items():
            found = noise.count(sets, metric, coefficients, most)
            lines.append(f"| {name} | {metric} | {found.sets} | {found.decided} | {found.without_test} |")
    return "\n".join(lines)


def examples_table(results: dict[str, Measurements], coefficients: Coefficients) -> str:
    """When the built-in models are decided on the example sets, checked on seeds that took no part."""
    lines = [
        "| set | metric | level | reached at | share of training | seed | pairs | known | stated | right of these | the leader there ends ahead |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name in built_in.CHECKED:
        measured = results[name]
        for metric in ("acc", "acc_norm"):
            models = built_in.models_of_seed(measured, 1)
            found = outlook.set_certainty(measured, metric, models=models, coefficients=coefficients)
            for stop in found.stops if found else ():
                head = f"| {name} | {metric} | {stop.level:.0%} |"
                if stop.tokens_seen is None or stop.share is None:
                    lines.append(f"{head} never |{f' {DASH} |' * 7}")
                    continue
                place = f"{formatting.tokens(stop.tokens_seen)} tokens | {stop.share:.0%}"
                for seed in built_in.SEEDS:
                    if not _has_results(measured, metric, seed, stop.tokens_seen):
                        lines.append(f"{head} {place} | {seed} | no results there |{f' {DASH} |' * 4}")
                        continue
                    of = stops.check_seed(measured, metric, seed, stop.tokens_seen, coefficients)
                    lines.append(
                        f"{head} {place} | {seed}{' (found on it)' if seed == 1 else ''} | {of.pairs} | {of.known} | "
                        f"{_cut(of.stated)} | {of.right:g} | {of.all_right:g} |"
                    )
    return "\n".join(lines)


def growth_table(
    results: dict[str, Measurements], coefficients: Coefficients, sets: int = growth.SETS
) -> str:
    """Certainty foretold of more questions, and that of the questions held back.

    Args:
        results: Results of the example sets.
        coefficients: Coefficients to tell by.
        sets: Number of drawn quarters of each set.
    """
    lines = [
        "| set | metric | drawn | the quarter | foretold of the rest | differences as measured | the rest | foretold − rest | ± |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name in built_in.CHECKED:
        for metric in ("acc", "acc_norm"):
            of = growth.grow(results[name], metric, coefficients, sets)
            if of is not None:
                cells = (of.now, of.foretold, of.scaled, of.held_back)
                lines.append(
                    f"| {name} | {metric} | {of.drawn} | {' | '.join(map(_cut, cells))} | "
                    f"{of.foretold - of.held_back:+.3f} | {_cut(of.error)} |"
                )
    return "\n".join(lines)


def benchmarks_table(coefficients: Coefficients) -> str:
    """When the pairs of each benchmark are decided."""
    lines = [
        "| source | benchmark | few-shot | metric | pairs | 80% at | right there | 90% at | right there | at the last but one |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for of in decisions.all_decided():
        found = decisions.benchmark_stops(of, coefficients)
        if found is None:
            continue
        cells = []
        for stop, right in zip(found.certainty.stops, found.right, strict=True):
            cells += ["never", DASH] if right is None else [formatting.tokens(stop.tokens_seen), _cut(right)]
        few = DASH if of.num_fewshot is None else str(of.num_fewshot)
        lines.append(
            f"| {of.source} | {of.benchmark} | {few} | {of.metric} | {found.certainty.pairs} | {' | '.join(cells)} | "
            f"{_cut(found.certainty.means[-1])} |"
        )
    return "\n".join(lines)


def _has_results(measured: Measurements, metric: str, seed: int, tokens: float) -> bool:
    """Whether all models of a seed have results at the checkpoint with these tokens."""
    for name in built_in.models_of_seed(measured, seed):
        at = measured.curve_of(name).tokens_seen == tokens
        if not np.isfinite(measured.values(name, metric)[at]).any():
            return False
    return True


def _later(of: pd.DataFrame) -> pd.DataFrame:
    return of[(of["ratio"] > SAME) & (of["tokens"] >= FROM_TOKENS)]


def _band_cells(of: Band) -> str:
    error = DASH if of.effective is None else _cut(of.error)
    effective = DASH if of.effective is None else f"{of.effective:,.0f} independent"
    return f"{of.decisions:,} | {of.models} | {_cut(of.stated)} | {_cut(of.right)} | {error} | {effective}"


def _cut(share: float) -> str:
    """A share with three decimals, without its leading 0."""
    return f"{share:.3f}".removeprefix("0")


def _lower(text: str) -> str:
    return (text[:1].lower() + text[1:]).rstrip(".").split(":")[0]


def _yes(met: bool) -> str:
    return "yes" if met else "no"
