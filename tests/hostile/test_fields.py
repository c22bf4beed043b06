"""Every field of every format with a value that it does not expect: results and tasks' YAML."""

from __future__ import annotations

import pytest

from e2lm_core.base.settings import Limits
from e2lm_core.imported import documents, read_results
from e2lm_core.sets.folder.datafiles import LOADER
from e2lm_core.sets.folder.files import read_files
from e2lm_core.sets.prompts.render import render_set
from tests.hostile import values
from tests.hostile.ground import Ground

DATE = "2026-01-01T00-00-00"
LIMITS = Limits()
RESULTS = {
    "score": '{"results": {"t": {"acc,none": VALUE}}, "config": {"model_args": "pretrained=m,revision=step10"}}',
    "metric": '{"results": {"t": VALUE}, "config": {"model_args": "pretrained=m,revision=step10"}}',
    "arguments": '{"results": {"t": {"acc": 0.5}}, "config": {"model_args": VALUE}}',
    "name": '{"results": {"t": {"acc": 0.5}}, "config": {}, "model_name": VALUE}',
    "shots": '{"results": {"t": {"acc": 0.5}}, "config": {"model_args": "pretrained=m,revision=step10"}, "n-shot": {"t": VALUE}}',
    "count": '{"results": {"t": {"acc": 0.5}}, "config": {"model_args": "pretrained=m,revision=step10"}, "n-samples": {"t": VALUE}}',
    "date": '{"results": {"t": {"acc": 0.5}}, "config": {"model_args": "pretrained=m,revision=step10"}, "date": VALUE}',
    "configs": '{"results": {"t": {"acc": 0.5}}, "config": {"model_args": "pretrained=m,revision=step10"}, "configs": {"t": VALUE}}',
}
SAMPLE = (
    '{"doc_id": 0, "doc": {"id": "a"}, "target": 0, "arguments": [["q", " x"], ["q", " y"]], '
    '"filtered_resps": [-1.0, -2.0]}'
)
SAMPLES = {
    "identity": ('"doc_id": 0', '"doc_id": VALUE'),
    "target": ('"target": 0', '"target": VALUE'),
    "response": ("-2.0", "VALUE"),
    "choice": ('" y"', "VALUE"),
    "doc": ('{"id": "a"}', "VALUE"),
}
TABLES = {
    "long": '[{"model": "m", "task": "t", "metric": "acc", "step": 1, "score": VALUE}]',
    "step": '[{"model": "m", "task": "t", "metric": "acc", "step": VALUE, "score": 0.5}]',
    "model": '[{"model": VALUE, "task": "t", "metric": "acc", "step": 1, "score": 0.5}]',
    "tokens": '[{"model": "m", "task": "t", "metric": "acc", "step": 1, "tokens_seen": VALUE, "score": 0.5}]',
    "wide": '[{"model": "m", "task": "t", "step": 1, "acc": VALUE}]',
    "bundled": '[{"params": "1B", "data": "c4", "task": "t", "step": 1, "seed": "x", "metrics": VALUE}]',
    "bundled value": '[{"params": "1B", "data": "c4", "task": "t", "step": 1, "metrics": {"a": VALUE}}]',
    "curve": '{"data": {"m": {"iteration": [1, 2], "gtokens": [1, 2], "b": [0.1, VALUE]}}}',
    "iteration": '{"data": {"m": {"iteration": [1, VALUE], "gtokens": [1, 2], "b": [0.1, 0.2]}}}',
    "gtokens": '{"data": {"m": {"iteration": [1, 2], "gtokens": [1, VALUE], "b": [0.1, 0.2]}}}',
    "the studio's own": '{"curves": [{"model": "m", "task": "t", "metric": "a", "steps": [1], "tokens_seen": [VALUE], "scores": [VALUE]}]}',
}


def imported(files: dict[str, str]) -> None:
    """What a page does with an upload, and what the command line prints of it."""
    given = {name: text.encode() for name, text in files.items()}
    documents.document(read_results.import_uploads(given, LIMITS))


@pytest.mark.parametrize("value", values.some(values.JSON, "400 digits", "a superscript", "half a character"))
def test_results_and_tables(ground: Ground, value: str) -> None:
    """All fields at once, one file each: one bad file harms no other, so it is what is left out that is said."""
    value = values.JSON[value]
    files = {f"{name}/results_{DATE}.json": text.replace("VALUE", value) for name, text in RESULTS.items()}
    files |= {f"{name}.json": text.replace("VALUE", value) for name, text in TABLES.items()}
    files |= {
        f"s/{name}/{kind}": text
        for name, (old, new) in SAMPLES.items()
        for kind, text in (
            (f"results_{DATE}.json", RESULTS["score"].replace("VALUE", "0.5")),
            (f"samples_t_{DATE}.jsonl", SAMPLE.replace(old, new.replace("VALUE", value))),
        )
    }
    given = {name: text.encode() for name, text in files.items()}
    found: list = []
    ground.tried(lambda: found.append(read_results.import_uploads(given, LIMITS)))
    assert found, "one good file of many gives its curve"
    for sentence in (*found[0].problems, *(seen.why for seen in found[0].files if seen.why)):
        assert len(sentence) <= 300
        assert sentence.isprintable()
    ground.tried(lambda: documents.document(found[0]))


@pytest.mark.slow
@pytest.mark.parametrize("field", [*RESULTS, *TABLES])
@pytest.mark.parametrize(
    "value", ["400 digits", "5,000 digits", "half a character", "900 lists", "200,000 characters"]
)
def test_each_alone(ground: Ground, field: str, value: str) -> None:
    text = (RESULTS | TABLES)[field].replace("VALUE", values.JSON[value])
    ground.tried(lambda: imported({f"results_{DATE}.json" if field in RESULTS else "x.json": text}))


KEYS = {
    "task": "task: VALUE",
    "the shots": "num_fewshot: VALUE",
    "the text": "doc_to_text: VALUE",
    "the choices": "doc_to_choice: VALUE",
    "the target": "doc_to_target: VALUE",
    "the description": "description: VALUE",
    "metadata": "metadata: VALUE",
    "metadata's version": "metadata: {version: VALUE}",
    "metrics": "metric_list: VALUE",
    "a metric": "metric_list: [{metric: VALUE}]",
    "an aggregation": "metric_list: [{metric: acc, aggregation: VALUE}]",
    "include": "include: VALUE",
    "includes": "include: [VALUE, VALUE]",
    "a split": "test_split: VALUE",
    "the sampler": "fewshot_config: {sampler: VALUE}",
    "samples": "fewshot_split: null\nfewshot_config: {sampler: first_n, samples: [{question: q, choices: [a, b], answer: 0, extra: VALUE}]}",
    "a sample's answer": "fewshot_split: null\nfewshot_config: {sampler: first_n, samples: [{question: q, choices: [a, b], answer: VALUE}]}",
    "the dataset": "custom_dataset: null\ndataset_path: VALUE",
    "data files": "custom_dataset: null\ndataset_path: json\ndataset_kwargs: {data_files: {test: VALUE, dev: VALUE}}",
    "the loader": "custom_dataset: VALUE",
    "an unknown key": "colour: VALUE",
}
GOOD = {
    "task": "bad",
    "custom_dataset": "!function loader.load",
    "output_type": "multiple_choice",
    "test_split": "test",
    "fewshot_split": "dev",
    "doc_to_text": "question",
    "doc_to_choice": "choices",
    "doc_to_target": "answer",
}
ROWS = b'{"question": "q", "choices": ["a", "b"], "answer": 0}\n'


@pytest.mark.parametrize(("key", "value"), values.pairs(KEYS, values.YAML, slow="90 lists"))
def test_every_key_of_a_task(ground: Ground, key: str, value: str) -> None:
    lines = KEYS[key].replace("VALUE", values.YAML[value]).split("\n")
    changed = {line.split(":", 1)[0]: line.split(":", 1)[1] for line in lines}
    yaml = "".join(f"{name}: {text}\n" for name, text in (GOOD | changed).items())
    files = {"bad.yaml": yaml.encode(), "test.jsonl": ROWS, "dev.jsonl": ROWS, "loader.py": LOADER}
    ground.tried(lambda: render_set(read_files(files, "bad", LIMITS).task, 1))
