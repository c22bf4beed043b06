"""What choosing questions promises where there is nothing to find, and on the ladder.

Pure noise: every model likes and dislikes choices by chance, lastingly and from checkpoint to checkpoint, and
no two models share anything. A rule that chooses on some models then has an in-sample gain, and a held-out
gain of 0 in expectation. Models of one text share their preferences, and gain (`random_keys`). With `--ladder` the same rules are judged on the embedded models' results on
`ladder_science` (run `python -m e2lm_core evaluate ladder_science` first). `--write` puts both tables into
docs/studies/null_selection.md.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks import study_pages
from e2lm_core.analysis.questions import heldout
from e2lm_core.analysis.questions import rules as question_rules
from e2lm_core.analysis.questions.rule_text import parse_rule
from e2lm_core.analysis.questions.rules import Rule, Sample
from e2lm_core.base.records import ModelInfo
from e2lm_core.checkpoints.catalogue import without_extras
from e2lm_core.scores import metrics

RESULTS = Path(__file__).resolve().parents[2] / "results" / "null_selection.json"
SIMULATIONS, CHECKPOINTS, EARLY, QUESTIONS, CHOICES = 1000, 13, 10, 100, 4
SOURCES = 5
BLOCK = 50  # simulations held at once
DRAWS = 40
_LASTING, _PASSING = 0.8, 0.6  # nats
FLEET = tuple(
    ModelInfo(name=f"{size}-{arch}", family="noise", size=size, arch=arch)
    for size in ("small", "medium", "large")
    for arch in ("arch1", "arch2")
)


def rules(questions: int = QUESTIONS) -> dict[str, Rule]:
    """Every preset, and a rule of one's own, for a set whose subjects and sources are drawn by lot."""
    lot = np.arange(questions)
    return {
        "easiest-half": question_rules.Easiest(),
        "rising-hard-science": question_rules.Rising(among=lot % 3 > 0),
        "one-source": question_rules.OneSource(labels=lot % SOURCES),
        "snr-greedy": question_rules.SnrGreedy(),
        "margin > 0 and slope > 0": parse_rule("margin > 0 and slope > 0"),
    }


def noise(simulations: int, seed: int, questions: int = QUESTIONS) -> Sample:
    """Log-likelihoods without any structure that models share, as the metrics of [simulations, M, K, Q]."""
    rng = np.random.default_rng([seed, 3])
    shape = (simulations, len(FLEET), CHECKPOINTS, questions, CHOICES)
    ll = rng.standard_normal(shape, dtype=np.float32) * np.float32(_PASSING)
    ll += rng.standard_normal((*shape[:2], 1, *shape[3:]), dtype=np.float32) * np.float32(_LASTING)
    chars = np.full((questions, CHOICES), 5.0)
    values = metrics.per_question(ll, np.zeros(questions, int), chars, chars[:, 0])
    return Sample(
        values={metric: values[metric] for metric in ("acc", "margin", "norm_prob")},
        doublings=np.log2(np.arange(1.0, CHECKPOINTS + 1)),
        early=np.arange(CHECKPOINTS) < EARLY,
    )


@dataclass(frozen=True)
class Row:
    """Mean gains over simulations (or of one set) and the standard error of the held-out one."""

    score: str
    in_sample: float
    held_out: float
    error: float
    simulations: int


def null(
    given: dict[str, Rule],
    metric: str,
    simulations: int = SIMULATIONS,
    seed: int = 0,
    draws: int = DRAWS,
    questions: int = QUESTIONS,
) -> dict[str, list[Row]]:
    """Mean in-sample and held-out gain of rules on pure noise, for every score of `heldout.SCORES`."""
    folds, _ = heldout.leave_out_folds(FLEET)
    parts: dict[str, list] = {name: [] for name in given}
    for number, sample in enumerate(_blocks(simulations, seed, questions)):
        for name, rule in given.items():
            judged = heldout.evaluate_rule(sample, rule, folds, metric, draws, seed=number)
            parts[name].append(np.mean([_gains(fold) for fold in judged], axis=0))
    return {name: _rows(np.concatenate(own, axis=-1)) for name, own in parts.items()}


def _gains(judged: heldout.FoldResult) -> np.ndarray:
    """[score, side, simulation]."""
    return np.array(
        [[side[score][1] for side in (judged.in_sample, judged.held_out)] for score in heldout.SCORES]
    )


def _rows(gains: np.ndarray) -> list[Row]:
    rows = []
    for score, (seen, held) in zip(heldout.SCORES, gains, strict=True):
        known = np.isfinite(seen) & np.isfinite(held)
        n = int(known.sum())
        if n:
            error = float(held[known].std() / np.sqrt(n))
            rows.append(Row(score, float(seen[known].mean()), float(held[known].mean()), error, n))
    return rows


def _blocks(simulations: int, seed: int, questions: int) -> Iterator[Sample]:
    for start in range(0, simulations, BLOCK):
        yield noise(min(BLOCK, simulations - start), seed + start, questions)


def ladder(metric: str) -> dict[str, list[Row]]:
    """The presets' gains on the embedded models' results on ladder_science, as they lie in the store."""
    from e2lm_core.analysis.questions import pool as question_pool
    from e2lm_core.analysis.questions import selection as question_choice
    from e2lm_core.runs.results import load_measurements
    from e2lm_core.runs.studio import open_studio
    from e2lm_core.sets.collection import open_set

    studio = open_studio()
    task = open_set(studio.settings, "ladder_science")
    pool = question_pool.build_pool(
        load_measurements(studio, task, without_extras(studio.catalogue.checkpoints)), task
    )
    found = {}
    for name in (*question_choice.PRESETS, "margin > 0 and slope > 0"):
        choice = question_choice.select_questions(pool, name, metric)
        found[name] = [
            Row(score, side.in_sample, side.held_out, float("nan"), 1)
            for score, side in choice.scores.items()
            if side.in_sample is not None and side.held_out is not None
        ]
    return found


def markdown(found: dict[str, list[Row]], simulated: bool) -> str:
    """The table of the page: a row a rule and score."""
    head = "| rule | score | in-sample gain | held-out gain |" + (" standard error |" if simulated else "")
    lines = [head, "|---|---|---|---|" + ("---|" if simulated else "")]
    for name, rows in found.items():
        for row in rows:
            line = f"| `{name}` | {row.score} | {row.in_sample:+.3f} | {row.held_out:+.4f} |"
            lines.append(line + (f" {row.error:.4f} |" if simulated else ""))
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> None:
    """Run the study, print its tables; `--write` puts them into the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--metric", default="acc", choices=("acc", "margin", "norm_prob"))
    parser.add_argument("--simulations", type=int, default=SIMULATIONS)
    parser.add_argument("--ladder", action="store_true", help="also on the results in the studio's home")
    parser.add_argument("--write", action="store_true", help="put the tables into the study's page")
    options = parser.parse_args(arguments)
    tables: list[tuple[str, dict[str, list[Row]], bool]] = []
    tables.append(("noise", null(rules(), options.metric, options.simulations), True))
    if options.ladder:
        tables.append(("ladder", ladder(options.metric), False))
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(
        json.dumps(
            {name: {r: [vars(x) for x in rows] for r, rows in found.items()} for name, found, _ in tables}
        )
    )
    for name, found, simulated in tables:
        table = markdown(found, simulated)
        print(f"{name}\n{table}\n")
        if options.write:
            study_pages.put("null_selection", name, table)


if __name__ == "__main__":
    main()
