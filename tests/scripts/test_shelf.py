"""The writer of the shelf, on small repositories of the two sources' form: what it takes, leaves out and refuses."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from e2lm_core.checkpoints.family_catalogue import family
from e2lm_core.imported.shelf.packing import PackedFile, open_packed
from scripts import shelf

MIT = "MIT License\n\nCopyright (c) 2023 somebody\n\nPermission is hereby granted\n"
APACHE = "Apache License\n\n   1. Definitions. copyright owner\n\n   Copyright 2023 Somebody Else\n"
STEPS = (0, 1, 512, 1_000)


def snapshot(folder: Path, files: Mapping[str, str]) -> shelf.Snapshot:
    def git(*arguments: str) -> None:
        who = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
        subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)

    folder.mkdir()
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    git("init", "-q")
    git("add", ".")
    git("commit", "-q", "-m", "x")
    return shelf.Snapshot(folder / ".git")


def opened(tmp_path: Path, data: bytes) -> PackedFile:
    (tmp_path / "x.shelf").write_bytes(data)
    return open_packed(tmp_path / "x.shelf")


def curve_file() -> dict[str, Any]:
    data = {
        model.name: {
            "iteration": [2_000, 4_000],
            "gtokens": [2.097152, 4.194304],
            "experiment": [model.name] * 2,
            "shares": [k / 7, (k + 1) / 7],
            "other": [0.1 + k, 0.30000000000000004],
        }
        for k, model in enumerate(family("e2lm").models)
    }
    return {"data": data}


def result(model: str, step: int, shots: int, revision: int | None = None) -> str:
    name = model.replace("pythia-", "pythia-v1.1-")
    arguments = f"use_accelerate=True,pretrained=EleutherAI/{name},revision=step{step if revision is None else revision}"
    share = (step % 7) / 10
    error = float(np.sqrt(share * (1 - share) / 9))
    results = {
        "piqa": {"acc": share, "acc_stderr": error, "ppl": 1e6 + step, "ppl_stderr": 1.5},
        "crows_pairs_english": {"pct_stereotype": 0.5, "pct_stereotype_stderr": 0.1},
    }
    return json.dumps({"results": results, "config": {"model_args": arguments, "num_fewshot": shots}})


def results() -> dict[str, str]:
    files = {"LICENSE": APACHE}
    for model, short in (("pythia-160m", "160m"), ("pythia-1b-bf16", "1b-bf16"), ("pythia-70m", "70m")):
        for step in STEPS:
            folder = f"evals/pythia-v1/{model}"
            files[f"{folder}/zero-shot/{short}_step{step}.json"] = result(model, step, 0)
            files[f"{folder}/five-shot/{short}-5shot_step{step}.json"] = result(model, step, 5)
    files["evals/pythia-v1/pythia-1b-0.5MtokBS/five-shot/1b_step512.json"] = result("pythia-1b", 512, 5)
    files["evals/pythia-v0/pythia-70m/zero-shot/70m_step512.json"] = result("pythia-70m", 512, 0)
    files["evals/pythia-v1/pythia-70m-deduped/baseline/70m_step512.json"] = "{}"
    return files


def test_the_competitions_file_is_packed_as_it_is(tmp_path: Path) -> None:
    content = curve_file()
    files = {"LICENSE": MIT, shelf.CURVES: json.dumps(content)}
    packed = opened(tmp_path, shelf.pack_e2lm(snapshot(tmp_path / "git", files)))
    source = packed.header.source
    assert (source.copyright, source.licence, len(source.commit)) == (
        "Copyright (c) 2023 somebody",
        "MIT",
        40,
    )
    shares, other = packed.header.benchmarks
    assert (shares.name, shares.questions, other.questions) == ("shares", 7, None)
    axes = packed.header.axes_of(shares)
    assert [axis.series for axis in axes] == ["arch1"] * 3 + ["arch2"] * 3
    assert axes[0].gtokens == (2.097152, 4.194304)
    assert (axes[0].tokens_seen, axes[0].early) == ((2_097_152_000, 4_194_304_000), (True, True))
    kept, errors = packed.figures(other)["score"]
    assert errors is None
    assert kept.tolist() == [score for axis in axes for score in content["data"][axis.model.name]["other"]]


def test_pythias_results_are_taken_by_model_and_step(tmp_path: Path) -> None:
    packed = opened(tmp_path, shelf.pack_pythia(snapshot(tmp_path / "git", results())))
    assert packed.header.source.copyright == "Copyright 2023 Somebody Else"
    zero, five = packed.header.benchmarks
    assert [(one.name, one.num_fewshot, one.questions) for one in (zero, five)] == [
        ("piqa", 0, 10),
        ("piqa", 5, 10),
    ]
    axes = packed.header.axes_of(five)
    assert [axis.model.name for axis in axes] == ["pythia-70m", "pythia-160m", "pythia-1b-bf16"]
    assert axes[2].model.size == "1b"
    assert axes[0].steps == STEPS
    assert axes[0].tokens_seen[2] == 512 * 2_097_152
    scores, errors = packed.figures(zero)["ppl"]
    assert errors is not None
    assert scores.tolist() == [1e6 + step for step in STEPS] * 3
    assert set(errors.tolist()) == {1.5}


def test_a_result_of_another_checkpoint_than_its_name_says_is_refused(tmp_path: Path) -> None:
    files = results()
    files["evals/pythia-v1/pythia-70m/zero-shot/70m_step512.json"] = result("pythia-70m", 512, 0, revision=1)
    with pytest.raises(SystemExit, match="of another checkpoint than its name says"):
        shelf.pack_pythia(snapshot(tmp_path / "git", files))


def test_other_models_than_the_competitions_are_refused(tmp_path: Path) -> None:
    content = curve_file()
    content["data"].pop("dense-3b-arch2")
    files = {"LICENSE": MIT, shelf.CURVES: json.dumps(content)}
    with pytest.raises(SystemExit, match="other models than"):
        shelf.pack_e2lm(snapshot(tmp_path / "git", files))


def test_a_number_of_questions_has_to_explain_every_figure() -> None:
    shares = np.array([3 / 11, 5 / 11])
    errors = np.sqrt(shares * (1 - shares) / 10)
    assert shelf.questions_of_errors(shares, errors) == 11
    assert shelf.questions_of_errors(shares, errors * [1, 2]) is None
    assert shelf.questions_of_errors(shares + 1e-9, errors) is None
    assert shelf.questions_of_errors(shares, errors * 0) is None
    assert shelf.questions_of_shares(shares) == 11
    assert shelf.questions_of_shares([0.1234567891]) is None
