"""Questions from elsewhere, from packages that anybody can download, with the labels that the rubric gives their sources.

    python -m benchmarks.relevance.elsewhere FOLDER --labels     write labels.tsv, before anything is judged
    python -m benchmarks.relevance --elsewhere FOLDER            judge them

FOLDER holds what `pip download --no-deps bigbench==1.0.0 evals==3.0.1.post1` and `apt-get download hamexam fccexam` give;
the fifth source is the installed lm-evaluation-harness. No question is part of this repository: `labels.tsv` has a
digest of each, its label and its source, so that what is judged is what was labelled. Labels are given to sources
(`sources`) and not to questions, by their descriptions and before any was judged; sources that the rubric does not
decide (plain arithmetic, misconceptions, quiz knowledge) are left out. Of a source those with the smallest digests are
taken that no look before had.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import io
import json
import re
import subprocess
import tarfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from benchmarks.relevance.sources import ACCEPTED, EVALS_FILES, REJECTED
from e2lm_core.base.records import Question

LABELS = Path(__file__).parent / "labels.tsv"
EARLIER = Path(__file__).parent / "earlier.tsv"  # of the looks before
PACKAGES = ("bigbench", "evals", "hamexam", "fccexam")
MAX_CHARS = 4_000
MAX_CHOICES = 26

# MMLU's subjects that are everyday judgement or quiz knowledge, as its authors sorted them.
_NO_SCHOLARSHIP = ("moral_scenarios", "miscellaneous", "global_facts")
# Propagation, principles, components, circuits, aerials; the other parts are rules of the service.
_TECHNICAL = "35679"


class Item(NamedTuple):
    """A question of a source, and what its source's label says."""

    source: str
    accepted: bool
    question: Question

    @property
    def digest(self) -> str:
        """Sixteen hexadecimal digits of its text."""
        text = "\n".join((self.question.question, *self.question.choices))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def items(folder: Path) -> list[Item]:
    """All items of the sources, those of the smallest digests of each that no look before had.

    Raises `OSError` where a package is missing.
    """
    left = {
        f"{package}: {name}": most
        for packages in (ACCEPTED, REJECTED)
        for package, sources in packages.items()
        for name, most in sources.items()
    }
    every = _every(folder)
    judged = {line.split("\t")[0] for line in EARLIER.read_text("utf-8").splitlines()}
    seen = {_words(item) for item in every if item.digest in judged}
    taken = []
    for item in every:
        if left[item.source] and (words := _words(item)) not in seen:
            left[item.source] -= 1
            seen.add(words)
            taken.append(item)
    return taken


def _every(folder: Path) -> list[Item]:
    """All usable items of all sources, each text once, in the order of their digests."""
    found: dict[str, Item] = {}
    for accepted, packages in ((True, ACCEPTED), (False, REJECTED)):
        for package, sources in packages.items():
            for name, texts in _read(package, folder, sources):
                for question in filter(_usable, texts):
                    item = Item(f"{package}: {name}", accepted, question)
                    found.setdefault(item.digest, item)
    return sorted(found.values(), key=lambda item: item.digest)


def labelled(folder: Path) -> list[Item]:
    """The items whose digests and labels were written down. Raises `ValueError` where some of them are missing."""
    written = {
        digest: label == "accepted"
        for digest, label, _ in (line.split("\t") for line in LABELS.read_text("utf-8").splitlines())
    }
    here = [item for item in _every(folder) if written.get(item.digest) == item.accepted]
    if len(here) != len(written):
        raise ValueError(
            f"{len(written):,} items were labelled and {len(here):,} are here: use the named versions."
        )
    return here


def _words(item: Item) -> str:
    """A question and its choices in whatever order, as words alone."""
    question = item.question
    texts = [question.question, *sorted(question.choices)]
    return " / ".join(" ".join(re.findall(r"[a-z0-9]+", text.lower())) for text in texts)


def _usable(question: Question) -> bool:
    """In English letters for the most part, and neither empty nor a book."""
    text = "".join((question.question, *question.choices))
    return 10 <= len(text) <= MAX_CHARS and sum(c.isascii() for c in text) >= 0.9 * len(text)


def _read(package: str, folder: Path, names: Iterable[str]) -> Iterator[tuple[str, Iterable[Question]]]:
    read: dict[str, Callable[[Path, list[str]], Iterator[tuple[str, Iterable[Question]]]]] = {
        "bigbench": _bigbench,
        "evals": _evals,
        "hamexam": lambda where, _: iter([("technical", _cards(where, "hamexam", rf"[TGE][{_TECHNICAL}]"))]),
        "fccexam": lambda where, some: ((name, _cards(where, "fccexam", name)) for name in some),
        "lm_eval": lambda _, __: iter([("mmlu", _mmlu())]),
    }
    return read[package](folder, list(names))


def _one(folder: Path, pattern: str) -> Path:
    found = sorted(folder.rglob(pattern))
    if not found:
        raise FileNotFoundError(f"There is no {pattern} in {folder}: see the docstring for what to download.")
    return found[0]


def _bigbench(folder: Path, names: list[str]) -> Iterator[tuple[str, Iterable[Question]]]:
    with tarfile.open(_one(folder, "bigbench-*.tar.gz")) as archive:
        for member in archive:
            name = member.name.partition("benchmark_tasks/")[2].removesuffix("/task.json")
            if name in names and member.name.endswith("/task.json") and (file := archive.extractfile(member)):
                yield name, list(_examples(json.loads(file.read())))


def _examples(task: dict) -> Iterator[Question]:
    """Those with choices; of a task that has none in any example, all that ask for a text."""
    open_ended = not any(example.get("target_scores") for example in task["examples"])
    for number, example in enumerate(task["examples"]):
        scores = example.get("target_scores") or {}
        text = example["input"] if isinstance(example["input"], str) else ""
        if open_ended or 2 <= len(scores) <= MAX_CHOICES:
            best = max(range(len(scores)), key=list(scores.values()).__getitem__, default=0)
            yield Question(id=str(number), question=text.strip(), choices=tuple(scores), answer=best)


def _evals(folder: Path, names: list[str]) -> Iterator[tuple[str, Iterable[Question]]]:
    with zipfile.ZipFile(_one(folder, "evals-*.whl")) as wheel:
        for name in names:
            file = f"evals/registry/data/{EVALS_FILES.get(name, f'{name}/samples.jsonl')}"
            lines = wheel.read(file).decode().splitlines()
            rows = [json.loads(line) for line in lines if line.strip()]
            yield name, [_last_turn(number, row["input"]) for number, row in enumerate(rows)]


def _last_turn(number: int, turns: list[dict]) -> Question:
    """What the user says last: its choices, if any, stand in the text."""
    text = [turn["content"] for turn in turns if turn["role"] == "user"][-1]
    return Question(id=str(number), question=text.strip(), choices=(), answer=0)


def _cards(folder: Path, package: str, pattern: str) -> Iterator[Question]:
    """Files of six lines or so: the id with the key, the question, the choices."""
    unpacked = subprocess.run(
        ["dpkg-deb", "--fsys-tarfile", str(_one(folder, f"{package}_*.deb"))], capture_output=True, check=True
    )
    with tarfile.open(fileobj=io.BytesIO(unpacked.stdout)) as archive:
        for member in archive:
            if re.match(pattern, Path(member.name).name) and (file := archive.extractfile(member)):
                lines = file.read().decode("utf-8", "replace").splitlines()
                _, question, *choices = [line.strip() for line in lines if line.strip()] or [""]
                if len(choices) >= 2 and not re.search(r"[Ff]igure|[Dd]iagram", question):
                    yield Question(
                        id=Path(member.name).name, question=question, choices=tuple(choices), answer=0
                    )


def _mmlu() -> Iterator[Question]:
    """The worked examples of MMLU's prompts: `Q: … (A) … (B) …`, then the answer, which is cut off."""
    spec = importlib.util.find_spec("lm_eval")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("lm-evaluation-harness is not installed.")
    file = Path(spec.origin).parent / "tasks" / "mmlu" / "flan_cot_fewshot" / "_cot_prompts.json"
    for subject, text in json.loads(file.read_text("utf-8")).items():
        if subject in _NO_SCHOLARSHIP:
            continue
        for number, block in enumerate(re.split(r"\n\s*Q: ", text)[1:]):
            asked = block.partition("\nA:")[0]
            question, *choices = (part.strip() for part in re.split(r"\([A-D]\)", asked))
            if len(choices) >= 4:
                yield Question(
                    id=f"{subject}-{number}", question=question, choices=tuple(choices[-4:]), answer=0
                )


def main() -> None:
    """Write down the labels, or say how many items of each source there are."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--labels", action="store_true", help="write labels.tsv")
    asked = parser.parse_args()
    found = items(asked.folder)
    if asked.labels:
        lines = [
            f"{item.digest}\t{'accepted' if item.accepted else 'rejected'}\t{item.source}\n" for item in found
        ]
        LABELS.write_text("".join(lines), encoding="utf-8")
    accepted = sum(item.accepted for item in found)
    print(
        f"{len(found):,} items of {len({item.source for item in found})} sources: "
        f"{accepted:,} accepted, {len(found) - accepted:,} rejected"
    )


if __name__ == "__main__":
    main()
