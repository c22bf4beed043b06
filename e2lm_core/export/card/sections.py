"""Measurement sections of a data set card.

Every number is the report's. It holds no date, so that the same set and results give the same bytes.
Tested in tests/export/test_card.py.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from e2lm_core.analysis.questions.agreement import Judge
from e2lm_core.analysis.questions.judge_messages import judge_name
from e2lm_core.base import formatting, labels
from e2lm_core.base.formatting import escape_markdown
from e2lm_core.base.records import METRICS, NullDistribution, TaskSet
from e2lm_core.export import report
from e2lm_core.export.card import picture
from e2lm_core.export.html import SCORE_LABELS, score_values
from e2lm_core.runs.fleets import OpenFleet
from e2lm_core.runs.studio import Studio
from e2lm_core.scores.ranking import readings
from e2lm_core.scores.uncertainty.null import LEVEL

PICTURE = "curves.svg"
MAX_JUDGES = 20  # named
MAX_WAIVED = 50  # findings listed; further ones are counted


class CardSections(NamedTuple):
    """Sections of a card.

    Attributes:
        text: The sections in Markdown.
        files: Content of the files that they show, by path.
    """

    text: str
    files: Mapping[str, bytes]


def build_sections(
    studio: Studio,
    task: TaskSet,
    fleet: OpenFleet,
    with_relevance: bool = True,
) -> CardSections:
    """Sections on a set's results on a fleet; computes only scores and relevance.

    Args:
        studio: Studio with the caller's settings.
        task: The set.
        fleet: Fleet whose stored results are described.
        with_relevance: Whether to judge the questions' scientific relevance.
    """
    document = report.build_report(studio, task, fleet, with_relevance)
    drawn = picture.curves(document)
    parts = [*_measured(document, drawn is not None), *_relevance(document), *_judgements(document)]
    parts += [*_written_with(document), *_licences(task), *_waived(document), *_provenance(document)]
    return CardSections("\n".join(parts) + "\n", {PICTURE: drawn} if drawn else {})


def _measured(document: Mapping[str, Any], drawn: bool) -> Iterator[str]:
    about = document["provenance"]
    yield from ("## What was measured", "")
    if drawn:
        yield from (f"![Accuracy of each model as it is trained]({PICTURE})", "")
    taught = (document["taught"] or {}).get("sentence")
    chosen = (document.get("chosen") or {}).get("sentence")
    control = document.get("control") or {}
    wording = [sentence for sentence in control.get("wording", ()) if sentence != control["cue_words"]]
    finding = document["finding"]
    more = [said for said in (taught, chosen) if said and said not in finding]
    said = (finding, document["fleet"]["sentence"], *more, *wording)
    yield " ".join(escape_markdown(sentence) for sentence in said if sentence)
    yield ""
    if document["scores"] is None:
        return
    yield (
        f"{formatting.count(len(document['curves']), 'model')}, {document['complete_checkpoints']} of "
        f"{formatting.count(document['checkpoints'], 'checkpoint')} complete, {about['num_fewshot']}-shot, "
        f"{', '.join(about['dtype'])}. Bands and brackets are 95% intervals over questions of the same kind. On accuracy:"
    )
    silent = document["scores"]["acc"]["silent"] is not None
    yield from ("", "| score | value | beside random answers |", "|---|---|---|")
    for name, value in score_values(document["scores"]["acc"]).items():
        yield f"| {SCORE_LABELS[name]} | {_value(value, silent)} | {_random(value)} |"
    yield from ("", "| metric | SQ | beside random answers |", "|---|---|---|")
    for metric in METRICS:
        value = document["scores"][metric]["sq"]["overall"]
        silent = document["scores"][metric]["silent"] is not None
        yield f"| {escape_markdown(labels.METRIC_LABEL[metric])} | {_value(value, silent)} | {_random(value)} |"
    yield from (
        "",
        f"Score is 0.5 SQ + 0.1 RC + 0.4 CS. RC: {readings.LABELS[document['rc_reading']]}. RC and CS are readings of the "
        "E2LM competition's text, so totals are not comparable with published ones.",
        "",
        "| model | tokens seen | accuracy at the end |",
        "|---|---|---|",
    )
    for curve in document["curves"]:
        yield from _end(curve)
    yield ""
    yield from _all_right(document["all_right"])


def _all_right(found: Mapping[str, Any]) -> Iterator[str]:
    """All of a group right by model, where the set has groups of questions with the same choices."""
    if found["sentence"] is None:
        return
    yield f"{escape_markdown(found['sentence'])} {found['proves']}"
    yield from ("", "| model | all of a group right at the end | random answers |", "|---|---|---|")
    for name, own in found["models"].items():
        end = own["end"]
        low, high = end["interval"] or (0.0, 0.0)
        between = f" {formatting.interval(low, high, share=True)}" if end["interval"] else ""
        null = NullDistribution(**end["null"]) if end["null"] else None
        random = formatting.random_baseline(null, share=True) or formatting.DASH
        yield f"| {escape_markdown(name)} | {formatting.percent(end['value'])}{between} | {random} |"
    yield ""


def _end(curve: Mapping[str, Any]) -> Iterator[str]:
    """Row of a model: its last measured point."""
    of = curve["metrics"][picture.METRIC]
    kept = [k for k, value in enumerate(of["values"]) if value is not None]
    if kept:
        k = kept[-1]
        low, high = of["low"][k], of["high"][k]
        between = "" if low is None or high is None else f" [{low:.1%}, {high:.1%}]"
        seen = formatting.checkpoint_position(curve["steps"][k], curve["tokens_seen"][k])
        yield f"| {escape_markdown(curve['model']['name'])} | {seen} | {formatting.percent(of['values'][k])}{between} |"


def _value(value: Mapping[str, Any], silent: bool) -> str:
    """A score with its interval; in italics and without one if it means nothing."""
    if value["value"] is not None and (silent or _says_nothing(value)):
        return f"*{formatting.score(value['value'])}*"
    said = formatting.with_interval(value)
    return f"{said} ({escape_markdown(value['why'])})" if value["value"] is None and value["why"] else said


def _random(value: Mapping[str, Any]) -> str:
    if not value.get("null"):
        return formatting.DASH
    before = "not distinguishable from random answers: " if _says_nothing(value) else ""
    return before + formatting.random_baseline(NullDistribution(**value["null"]))


def _says_nothing(value: Mapping[str, Any]) -> bool:
    return value["value"] is not None and bool(value.get("null")) and value["null"]["p"] > LEVEL


def _relevance(document: Mapping[str, Any]) -> Iterator[str]:
    found = document["relevance"]
    yield from ("## Scientific relevance", "")
    if found["accepted_share"] is None:
        yield "It was not judged." if found["why"] == report.NOT_ASKED else escape_markdown(found["why"])
    else:
        fields = Counter(row["field"] for row in found["questions"])
        yield (
            f"The studio's classifier takes {formatting.percent(found['accepted_share'])} of the questions, each with its right "
            "answer, for science that the competition's rubric accepts "
            f"({formatting.percent(found['whole_accepted_share'])} with all choices); by their nearest field: "
            + ", ".join(f"{escape_markdown(name)} {number}" for name, number in fields.most_common())
            + "."
        )
    yield ""


def _judgements(document: Mapping[str, Any]) -> Iterator[str]:
    """Judgements of people and models and their agreement; nothing for a set without any."""
    found = document["judgements"]
    if found is None:
        return
    judges = formatting.join_words([judge_name(Judge(**_named(one))) for one in found["judges"]], MAX_JUDGES)
    yield from ("## Judgements", "", escape_markdown(found["sentence"]))
    if judges:
        yield f"The judges: {escape_markdown(judges)}; the column `judgements` has what each said."
    yield ""


def _named(judge: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": judge["name"], "by": judge["by"]}


def _written_with(document: Mapping[str, Any]) -> Iterator[str]:
    """Names of the models whose proposals stand in the questions; nothing for a set without any."""
    found = document["provenance"]["written_with"]
    if not found:
        return
    named = [f"{name} in {formatting.count(number, 'question')}" for name, number in found.items()]
    yield from ("## Proposed texts", "")
    yield (
        f"Proposed and then taken by an author: {escape_markdown(formatting.join_words(named, MAX_JUDGES))}. "
        "The column `written_with` has which text it was."
    )
    yield ""


def _licences(task: TaskSet) -> Iterator[str]:
    asked = (*task.questions, *task.dev)
    yield from ("## Licences and sources", "", "| licence | questions |", "|---|---|")
    for name, number in Counter(q.license for q in asked).most_common():
        yield f"| {escape_markdown(name) if name else 'not said'} | {number:,} |"
    sources = Counter(q.source for q in asked if q.source)
    said = f"{formatting.count(sum(sources.values()), 'question')} of {len(asked):,} name {formatting.count(len(sources), 'source')}"
    yield from (
        "",
        f"{said}; the column `source` has them." if sources else "No question names its source.",
        "",
    )


def _waived(document: Mapping[str, Any]) -> Iterator[str]:
    """Findings of the checks that the author accepted."""
    yield from ("## What the checks say", "")
    found = document["checks"]
    if not found:
        yield "Every check passes."
    else:
        yield f"Waived by its author: {formatting.count(len(found), 'finding')} of the checks stood when it was published."
        yield ""
        for finding in found[:MAX_WAIVED]:
            yield f"- {escape_markdown(finding['sentence'])}"
        if len(found) > MAX_WAIVED:
            yield f"- and {len(found) - MAX_WAIVED:,} more"
    yield ""


def _provenance(document: Mapping[str, Any]) -> Iterator[str]:
    about = document["provenance"]
    libraries = ", ".join(f"{name} {version}" for name, version in about["libraries"].items())
    yield from (
        "## Where the numbers are from",
        "",
        f"Python {about['python']}, {libraries}; scoring version {', '.join(map(str, about['scoring_version'])) or formatting.DASH}; "
        f"{about['bootstrap']['resamples']:,} resamples, seed {about['bootstrap']['seed']}. To get them again, with the same set "
        "and checkpoints:",
        "",
        "```sh",
        *document["commands"],
        "```",
        "",
        f"<details><summary>{formatting.count(len(about['checkpoints']), 'checkpoint')} and their digests</summary>",
        "",
        "| checkpoint | from | tokens seen | fingerprint |",
        "|---|---|---|---|",
    )
    for row in about["checkpoints"]:
        place = f"{row['repo']}@{row['revision']}" if row["repo"] else ""
        digest = f"`{row['fingerprint']}`" if row["fingerprint"] else formatting.DASH
        yield f"| {escape_markdown(row['name'])} | {escape_markdown(place)} | {formatting.tokens(row['tokens_seen'])} | {digest} |"
    yield from ("", "</details>", "")
