"""How well the relevance score tells accepted questions from rejected ones: `python -m benchmarks.relevance`.

Prints what `docs/studies/relevance.md` states, from the held-out exemplars (never trained on) and from questions in odd
forms (`odd_forms`); with `--elsewhere FOLDER`
from packages' questions, labelled before any was judged (`elsewhere`), by other embedders too (`--embedder NAME`); and, where the reference files are at hand
(`E2LM_REFERENCE`, by default `../shared/reference`), from a sample of MMLU's dev questions, which are all
scholarship, so that nearly all should be accepted. `--write` puts the tables into that page; a table whose data are not
at hand is left as it is.
"""

from __future__ import annotations

import argparse
import json
import os
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from sklearn.metrics import brier_score_loss

from benchmarks import study_pages
from benchmarks.relevance import elsewhere, odd_forms
from benchmarks.relevance.sources import NEW
from e2lm_core.base.records import Question
from e2lm_core.base.settings import ROOT, Settings
from e2lm_core.relevance.calibration import auroc, balanced_accuracy, calibration_table, ece
from e2lm_core.relevance.classifier import ACCEPT_AT, NO_FIELD, Array
from e2lm_core.relevance.embedders.packaged import MINILM, MPNET, PACKAGED
from e2lm_core.relevance.embeddings import (
    FORMS,
    WORDS,
    Embedder,
    load_exemplars,
    question_text,
    relevance_classifier,
)


def heldout_report(embedder: Embedder) -> str:
    """AUROC, Brier score, calibration and fields on the exemplars that took no part in the fit."""
    heldout = load_exemplars("heldout")
    labels = np.array([e.accepted for e in heldout])
    fields = [e.field for e in heldout]
    classifiers = {form: relevance_classifier(embedder, form) for form in FORMS}
    embedded = {form: embedder.embed_questions([e.question for e in heldout], form) for form in FORMS}
    probabilities = {form: classifiers[form].probability(rows) for form, rows in embedded.items()}

    lines = [
        f"{labels.sum()} accepted and {(~labels).sum()} rejected held-out exemplars:",
        "",
        "| embedded text | AUROC | balanced accuracy | ECE | Brier | right field, of the accepted |",
        "|---|---|---|---|---|---|",
    ]
    for form, p in probabilities.items():
        nearest = classifiers[form].nearest_field(embedded[form])
        field_right = [near == f for near, f in zip(nearest, fields, strict=True) if f != NO_FIELD]
        lines.append(
            f"| {odd_forms.FORM_NAMES[form]} | {auroc(labels, p):.3f} | {balanced_accuracy(labels, p, ACCEPT_AT):.3f} "
            f"| {ece(labels, p):.3f} | {brier_score_loss(labels, p):.3f} "
            f"| {np.mean(field_right):.2f} |"
        )
    lines += ["", "Calibration of the verdict:", "", "| probability | rows | mean probability | accepted |"]
    lines.append("|---|---|---|---|")
    lines += [
        f"| {b.low:.1f} to {b.high:.1f} | {b.rows} | {b.mean_probability:.2f} | {b.accepted_share:.2f} |"
        for b in calibration_table(labels, probabilities["answer"])
    ]
    return "\n".join([*lines, "", *_worst(heldout, labels, probabilities["answer"])])


def _worst(heldout: tuple, labels: Array, p: Array, count: int = 5) -> list[str]:
    order = np.argsort(-np.abs(p - labels), kind="stable")[:count]
    lines = ["The five that it gets most wrong:", "", "| question | label | probability |", "|---|---|---|"]
    for k in order:
        label = "accepted" if labels[k] else "rejected"
        lines.append(f"| {heldout[k].question.question} | {label} | {p[k]:.2f} |")
    return lines


def elsewhere_reports(folder: Path, also: Sequence[str]) -> dict[str, str]:
    """The packages' questions, with all choices, under four embedders and those that are named, their reliability, and the
    sources that are judged worst."""
    found = elsewhere.labelled(folder)
    labels = np.array([item.accepted for item in found])
    new = np.array([item.source in NEW for item in found])
    texts = [question_text(item.question, "whole") for item in found]
    lines = [
        f"{labels.sum():,} accepted and {(~labels).sum():,} rejected questions of {len({i.source for i in found})} sources:",
        "",
        "| embedder | questions | AUROC | balanced accuracy | ECE | Brier |",
        "|---|---|---|---|---|---|",
    ]
    judged: list[Array] = []
    for name in (None, MPNET, MINILM, WORDS, *also):
        embedder = Embedder(Settings.from_env(), name)
        judged.append(relevance_classifier(embedder, "whole").probability(embedder.embed(texts)))
        lines += [
            _row(Path(embedder.model_name).name, which, labels[some], judged[-1][some])
            for which, some in (
                ("all", np.full(len(found), True)),
                ("of sources that were in looks before", ~new),
                ("of sources that were in none", new),
            )
        ]
    first = judged[0]
    lines += ["", "Calibration of the first:", "", "| probability | rows | mean probability | accepted |"]
    lines.append("|---|---|---|---|")
    lines += [
        f"| {b.low:.1f} to {b.high:.1f} | {b.rows} | {b.mean_probability:.2f} | {b.accepted_share:.2f} |"
        for b in calibration_table(labels, first)
    ]
    return {"elsewhere": "\n".join(lines), "sources": _sources(found, (first >= ACCEPT_AT) == labels)}


def _row(name: str, which: str, labels: Array, p: Array) -> str:
    return (
        f"| {name} | {which}, {len(p):,} | {auroc(labels, p):.3f} | {balanced_accuracy(labels, p, ACCEPT_AT):.3f} "
        f"| {ece(labels, p):.3f} | {brier_score_loss(labels, p):.3f} |"
    )


def _sources(found: list[elsewhere.Item], right: Array) -> str:
    by_source: defaultdict[tuple[str, bool], list[bool]] = defaultdict(list)
    for item, ok in zip(found, right, strict=True):
        by_source[item.source, item.accepted].append(bool(ok))
    rows = sorted((float(np.mean(oks)), key, len(oks)) for key, oks in by_source.items())
    lines = ["| source | label | questions | judged as labelled |", "|---|---|---|---|"]
    lines += [
        f"| {source} | {'accepted' if accepted else 'rejected'} | {count} | {share:.2f} |"
        for share, (source, accepted), count in rows
    ]
    return "\n".join(lines)


def mmlu_report(path: Path, embedder: Embedder) -> str:
    """The share accepted of a file of MMLU's questions, by subject where not all are."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    questions = [
        Question(id=str(i), question=r["question"], choices=tuple(r["choices"]), answer=r["answer"])
        for i, r in enumerate(rows)
    ]
    accepted = odd_forms.judge(embedder, "answer", questions) >= ACCEPT_AT
    by_subject: defaultdict[str, list[bool]] = defaultdict(list)
    for row, ok in zip(rows, accepted, strict=True):
        by_subject[row["subject"]].append(bool(ok))
    whole = sorted(subject for subject, oks in by_subject.items() if all(oks))
    partly = sorted((np.mean(oks), subject, len(oks)) for subject, oks in by_subject.items() if not all(oks))
    lines = [
        f"Of {len(rows)} questions in {len(by_subject)} subjects, {accepted.mean():.3f} are accepted. "
        f"All are in {len(whole)} subjects; in the others:",
        "",
        "| subject | questions | accepted |",
        "|---|---|---|",
        *(f"| {subject} | {count} | {share:.2f} |" for share, subject, count in partly),
    ]
    return "\n".join(lines)


def main() -> None:
    """Print the tables; `--write` puts them into the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--write", action="store_true", help="put the tables into the study's page")
    parser.add_argument("--elsewhere", type=Path, metavar="FOLDER", help="where the packages lie")
    parser.add_argument(
        "--embedder",
        action="append",
        default=[],
        metavar="NAME",
        help="another embedder judges them too: a folder, or the name of a sentence-transformers model; repeatable",
    )
    asked = parser.parse_args()

    embedder = Embedder(Settings.from_env())
    reports = {"heldout": heldout_report(embedder)}
    larger = [Embedder(Settings.from_env(), MPNET)] if PACKAGED[MPNET].installed else []
    reports["odd"] = odd_forms.report([embedder, *larger])
    if asked.elsewhere:
        reports |= elsewhere_reports(asked.elsewhere, asked.embedder)
    reference = Path(os.environ.get("E2LM_REFERENCE") or ROOT / ".." / "shared" / "reference").resolve()
    sample = reference / "mmlu-dev-sample.jsonl"
    if sample.is_file():
        reports["mmlu"] = mmlu_report(sample, embedder)
    else:
        print(f"(no MMLU sample at hand: there is no {sample})\n")
    for block, report in reports.items():
        print(f"## {block}\n\n{report}\n")
        if asked.write:
            study_pages.put("relevance", block, report)


if __name__ == "__main__":
    main()
