from __future__ import annotations

import pytest

from benchmarks.parity import architectures


def test_the_list_is_transformers_own() -> None:
    assert {"llama", "gemma3_text", "olmo3", "falcon_h1", "lfm2", "codegen"} < set(architectures.kinds())


def test_the_table_counts_every_type_once() -> None:
    rows = [
        architectures.Row(kind, outcome, 0.0, "")
        for kind, outcome in (("a", "equal"), ("b", "equal"), ("c", "WRONG"))
    ]
    assert architectures.markdown(rows).splitlines()[2:] == ["| WRONG | 1 | c |", "| equal | 2 | a, b |"]
    assert [line.split(" | ")[0] for line in architectures.sentences(rows).splitlines()[2:]] == [
        "| a",
        "| b",
        "| c",
    ]


SHORT = {
    "llama": "equal, own forward",
    "gpt2": "equal, packed",
    "codegen": "equal, packed",
    "gemma3_text": "equal, packed",
    "olmo3": "equal, packed",
    "diffllama": "equal, from a state",
    "lfm2": "equal, from a state",
    "falcon_h1": "equal, from a state",
    "mamba": "equal, from a state",
    "youtu": "equal, packed",
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", SHORT)
def test_a_part_of_the_sweep(kind: str) -> None:
    row = architectures.swept(kind)
    assert row.outcome == SHORT[kind], row
