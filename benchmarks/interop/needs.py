"""The columns that tasks' functions take, made up: by the hash of the function that we know it by."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from benchmarks.interop.standins import odd
from e2lm_core.base.untrusted.safeyaml import FunctionName
from e2lm_core.sets.folder.datafiles import sibling_path
from e2lm_core.sets.folder.foreign import known_functions
from e2lm_core.sets.folder.foreign.functions import function_digest

Make = Callable[[int, str], Mapping[str, Any]]


def _options(n: int, *names: str) -> dict[str, str]:
    return {name: f"{odd(n + 3 * i)} {name}" for i, name in enumerate(names)}


def _subject(column: str, values: Callable[[str], list[str]]) -> Make:
    """Three rows of four are of the subject that the function's name asks for."""
    return lambda n, name: {column: values(name)[0] if n % 4 else "elsewhere"}


def _category(name: str) -> list[str]:
    of_name = {c.lower().replace(" & ", "_").replace(" ", "_"): c for c in known_functions.CATEGORIES}
    return [of_name[name.removeprefix("process_")]]


def _race(n: int, _: str) -> dict[str, Any]:
    problems = [
        {"question": f"{odd(n)} first  _  .", "answer": "B", "options": ["a", "b", "c", "d"]},
        {"question": f"{odd(n + 1)}?", "answer": "ABCD"[n % 4], "options": [f"{odd(n)} {c}" for c in "abcd"]},
    ]
    return {"article": odd(n), "problems": repr(problems)}


def _plain(name: str) -> list[str]:
    return [name.removeprefix("process_")]


# By what stands in ours.KNOWN: its hash.
NEEDS: dict[str, Make] = {
    "ef9361f2f8ca8ef0": _subject("subject", _plain),
    "f9cd40b5ec837942": _subject("subject_category", _category),
    "138519dd7089a3da": _subject("domain", _category),
    "f87f42b627215266": lambda n, name: {
        "Subject": (f"{_plain(name)[0]}_test.csv_sw-KE.csv", _plain(name)[0], "elsewhere")[n % 3]
    },
    "5bcc9a49deac19a5": lambda n, _: {
        **_options(n, "choice1", "choice2", "choice3", "choice4"),
        "answer": f" {'ABCD'[n % 4]} ",
    },
    "b917eee24d85084b": lambda n, _: {
        "inputs": odd(n),
        "multiple_choice_targets": ["a", f"{odd(n)} b"] if n % 4 else [],
        "multiple_choice_scores": [1, 0] if n % 4 else [],
        "targets": ["a"],
    },
    "e9c87628ba9ea98e": lambda n, _: {"id": str(n), "question": odd(n), "answer": ("صح", "خطأ")[n % 2]},
    "75cb13a4e01b7f7b": lambda n, _: {
        **_options(n, "A", "B", "C", "D"),
        "question": odd(n),
        "subject": "abstract_algebra",
        "answer": "ABCD"[n % 4],
    },
    "dd7cc6f415c426ea": lambda n, _: {
        "query": odd(n),
        **_options(n, "sol1", "sol2", "sol3"),
        "label": str(n % 3),
    },
    "0bd9a2509e6948c4": lambda n, _: {**_options(n, *"ABCD"), "question": odd(n), "answer": "ABCD"[n % 4]},
    "43ffb52fa0a1971a": lambda n, _: {
        "question": odd(n),
        "answer": n % 5,
        "candidates": [f"{odd(n)} {c}" for c in "abcd"],
    },
    "962034ef1bdad6b0": lambda n, _: {
        **_options(n, *"ABCD"),
        "E": f"{odd(n)} e" if n % 2 else None,
        "question": odd(n),
        "answer": "ABCD"[n % 4],
    },
    "e3c7c6b8145f3f2f": lambda n, _: {
        **_options(n, "ctx_a", "ctx_b"),
        "activity_label": "Sport [title] and [note] more",
        "endings": [f"{odd(n)} [x] {c}" for c in "abcd"],
        "label": str(n % 4),
    },
    "96ad1b9ee5dea294": lambda n, _: {
        "id": str(n),
        "instruction": odd(n),
        **{f"option_{c}": f"{odd(n)} {c}" for c in "abcd"},
        "option_e": None if n % 2 else "e [z]",
        "answer": "ABCD"[n % 4],
    },
    "46bf195fc2108636": lambda n, _: {"fact": "a fact" if n % 4 else ""},
    "948a8c1b09609df5": lambda n, _: {
        "subject": "law",
        "question": odd(n),
        "choices": repr([f"{odd(n)} {c}" for c in "abcd"]),
        "answer": "ABCD"[n % 4],
    },
    "d61ea5658836c52b": lambda n, _: {
        "subject_darija": "الفقه",
        "egy_subject": "الفقه",
        "context": odd(n + 2) if n % 2 else "",
        "question": odd(n),
        "choices": [f"{odd(n)} {c}" for c in "abcde"[: 3 + n % 3]],
        "answer": n % 3,
    },
    "2dcca2d723d0842a": lambda n, _: {
        "Level": ("Primary", "", "Univ")[n % 3],
        "Country": ("UAE", None)[n % 2],
        "Subject": "Law",
        "Question": odd(n),
        "Context": odd(n + 1) if n % 2 else None,
        **{f"Option {i}": f"{odd(n)} {i}" if i < 4 + n % 3 else None for i in range(1, 6)},
        "Answer Key": "ABC"[n % 3],
    },
    "8319491ea23d0d9d": _race,
    "86caa8c2a02aa243": lambda n, _: {
        "premise": f"{odd(n)}.",
        "question": ("cause", "effect")[n % 2],
        "choice1": f"One {odd(n)}",
        "choice2": f"Two {odd(n)}",
        "label": n % 2,
    },
    "29cefcccfdb67cdd": lambda n, _: {
        "premise": odd(n),
        "hypothesis": odd(n) + ("." if n % 2 else ""),
        "label": n % 3,
    },
    "999b6a4e9af6b77c": lambda n, _: {
        "context": odd(n),
        "question": f"{odd(n)}?",
        "options": [f"{odd(n)} {c}" for c in "abcd"],
        "label": "abcd"[n % 4] + (" " if n % 2 else ""),
    },
    "5ab73733a34c1236": lambda n, _: {
        **_options(n, "opa", "opb", "opc", "opd"),
        "question": odd(n),
        "cop": n % 4,
    },
    "380c158a420663dd": lambda n, _: {
        **_options(n, "ending0", "ending1", "ending2", "ending3"),
        "sent1": odd(n),
        "label": n % 4,
    },
    "c4a7fb655bdd1517": lambda n, _: {
        "CONTEXTS": [odd(n), "b"],
        "QUESTION": odd(n),
        "final_decision": ("yes", "no", "maybe")[n % 3],
    },
    "3370dcc7b1e424eb": lambda n, _: {
        "Problem": odd(n),
        "options": f"a ) {n} , b ) {n + 1} , c ) {n + 2} , d ) {n + 3} , e ) none",
        "correct": "abcde"[n % 5],
    },
    "16415332d870901d": lambda n, _: {
        "Question": odd(n),
        **{f"Option {c}": f"{odd(n)} {c}" for c in "ABC"},
        "Final Answer": "ABC"[n % 3],
    },
    "0468eab2ed95f4fc": lambda n, _: {"premise": odd(n), "hypothesis": f"{odd(n)} h", "label": n % 3},
}
for _same in ("7879511bf1a78a81", "8a26d9af96e2597a"):
    NEEDS[_same] = NEEDS["0468eab2ed95f4fc"]


def _lettered(n: int, letters: str) -> dict[str, str]:
    return {letter: f"{odd(n + i)} {letter}" for i, letter in enumerate(letters)}


def _shots(count: int, make: Callable[[int], Mapping[str, Any]], name: str) -> dict[str, Any]:
    """The columns of metabench, which holds each question's examples beside it."""
    row: dict[str, Any] = {name: "long"}
    for shot in range(1, count + 1):
        row |= {key.replace("#", str(shot)): value for key, value in make(shot).items()}
    return row


# Of tasks whose code takes of a row what neither it nor an error says; by how their paths begin.
BY_HAND: dict[str, Callable[[int], Mapping[str, Any]]] = {
    "arab_culture": lambda n: {
        "country": "Egypt",
        "region": "Gulf",
        "options": {
            "arabic_keys": list("أبج"),
            "english_keys": list("ABC"),
            "text": [f"plain {n} {c}" for c in "abc"],
        },
        "answer_key": {"arabic_answer_key": "أبج"[n % 3], "english_answer_key": "ABC"[n % 3]},
    },
    "aradice/ArabicMMLU": lambda n: {"options": _lettered(n, "ABCDE"), "Answer Key": "ABCDE"[n % 5]},
    "aradice/openbookqa": lambda n: {
        "question": {
            "stem": odd(n),
            "choices": [{"label": c, "text": t} for c, t in _lettered(n, "ABCD").items()],
        },
        "answerKey": "ABCD"[n % 4],
    },
    "bbq": lambda n: {
        "answer_info": {"ans0": ["old", "old"], "ans1": ["young", "nonOld"], "ans2": ["unknown", "unknown"]},
        "additional_metadata": {"stereotyped_groups": ["old"]},
        "context_condition": ("ambig", "disambig")[n % 2],
        "ans0": f"{odd(n)} one",
        "ans1": f"{odd(n)} other",
        "ans2": "Not known",
        "label": n % 3,
        "question_polarity": ("neg", "nonneg")[n % 2],
    },
    "click/click_lang": lambda n: {
        "id": ("PSE_korean_1_2", "CSAT_korean_22_3_40", "CSAT_korean_10_12_20", "Kedu_16_1")[n % 4],
        "question": f"{odd(n)} {('대화', '맞춤법', '어휘')[n % 3]}",
        "choices": [f"{odd(n)} {c}" for c in "abcd"],
        "answer": f"{odd(n)} {'abcd'[n % 4]}",
    },
    "darija_bench/darija_sentiment": lambda n: {
        "messages": [{"content": odd(n)}, {"content": ("ايجابي", "سلبي")[n % 2]}]
    },
    "french_bench/french_bench_arc_challenge": lambda n: {"choices": [f"{odd(n)} {c}" for c in "abcd"]},
    "med_prescriptions": lambda n: {
        "results": repr(
            {
                "procedure": {"chief_complaints_diagnosis": odd(n)},
                "medicine_details": [
                    {"medicine_name": f"Med {n}", "medicine_frequency": "daily", "course_duration": "3 days"}
                ],
            }
        )
    },
    "med_text_classification": lambda n: {
        "class": str(1 + n % 5),
        "medical_specialty": (" Urology", " Neurology")[n % 2],
        "transcription": odd(n),
    },
    "metabench/metabench_arc": lambda n: (
        _shots(
            25,
            lambda shot: {
                "arc_question_shot_#": odd(shot),
                "arc_answerKey_shot_#": "B",
                "arc_choices_shot_#": {"text": ["a", "b"], "label": ["A", "B"]},
                "arc_idx_shot_#": shot,
            },
            "alltwentyfiveshot_longprompt",
        )
        | {
            "choices": {"text": [f"{odd(n)} {c}" for c in "abcd"], "label": list("ABCD")},
            "answerKey": "ABCD"[n % 4],
        }
    ),
    "metabench/metabench_mmlu": lambda n: (
        _shots(
            5,
            lambda shot: {
                "mmlu_question_shot_#": odd(shot),
                "mmlu_answers_shot_#": str(shot % 4),
                "mmlu_choices_shot_#": list("abcd"),
                "mmlu_ind_shot_#": shot,
            },
            "allfiveshot_longprompt",
        )
        | {"answer": n % 4, "subject": "world_history", "choices": [f"{odd(n)} {c}" for c in "abcd"]}
    ),
    "mutual": lambda n: {
        "answers": "ABCD"[n % 4],
        "options": [f"{odd(n)} {c}" for c in "abcd"],
        "article": odd(n),
    },
    "qasper": lambda n: {
        "title": f"{odd(n)} title",
        "abstract": f"{odd(n)} abstract",
        "qas": {
            "question": [f"{odd(n)}?"],
            "answers": [
                {
                    "answer": [
                        {
                            "unanswerable": False,
                            "yes_no": True,
                            "free_form_answer": "",
                            "extractive_spans": [],
                        }
                    ]
                }
            ],
        },
    },
    "physics_gre": lambda n: {
        "has_image": n % 5 == 4,
        "target_scores": {letter: int(k == n % 4) for k, letter in enumerate("ABCD")},
        "input": odd(n),
    },
}


def by_hand(path: str) -> Callable[[int], Mapping[str, Any]] | None:
    """What stands in for the columns of a task that is looked after by hand, by the row's number."""
    return next((make for start, make in BY_HAND.items() if path.startswith(start)), None)


# Functions that leave rows out and make no column: the templates' columns are the rows' own.
FILTERS = {"ef9361f2f8ca8ef0", "f9cd40b5ec837942", "138519dd7089a3da", "f87f42b627215266", "46bf195fc2108636"}


def also(raw: Mapping[str, Any], files: Mapping[str, bytes]) -> Callable[[int], Mapping[str, Any]] | None:
    """The columns that the task's functions need, by the row's number; None where it has none that we know."""
    makes: list[tuple[Make, str]] = []
    for value in raw.values():
        if isinstance(value, FunctionName):
            source = files.get(sibling_path(value.base, f"{value.module.replace('.', '/')}.py"))
            name = value.dotted.rpartition(".")[2]
            digest = function_digest(source, name) if source else None
            if digest in NEEDS:
                makes.append((NEEDS[digest], name))
    if not makes:
        return None

    def made(n: int) -> Mapping[str, Any]:
        row: dict[str, Any] = {}
        for make, name in makes:
            row |= make(n, name)
        return row

    return made


def is_whole(raw: Mapping[str, Any], files: Mapping[str, bytes]) -> bool:
    """Whether a function makes the columns that the templates name, so that the row has its own columns alone."""
    function = raw.get("process_docs")
    if not isinstance(function, FunctionName):
        return False
    source = files.get(sibling_path(function.base, f"{function.module.replace('.', '/')}.py"))
    digest = function_digest(source, function.dotted.rpartition(".")[2]) if source else None
    return digest in NEEDS and digest not in FILTERS


def as_jsonl(rows: list[dict[str, Any]]) -> bytes:
    """The rows a line each."""
    return "".join(json.dumps(row) + "\n" for row in rows).encode()
