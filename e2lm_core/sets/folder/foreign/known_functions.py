"""Reimplementations of known task functions.

`process_docs` gives rows for rows, in their order; `doc_to_…` a value for a row. Every entry is compared with
the harness's own function.

Tested in tests/benchmarks/interop/test_needs.py.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

Row = dict[str, Any]
Rows = list[Row]
Make = Callable[[str], Callable[[Any], Any]]  # of the function's name, from which some take a subject

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
ARABIC = ("أ", "ب", "ج", "د")
CATEGORIES = {
    "Business", "Humanities", "Medical", "Other", "STEM", "Social Sciences",
    "Applied Science", "Arts & Humanities", "Business & Commerce", "Driving License", "General knowledge",
    "Health oriented education", "Marine License", "Medical License", "Professional certification", "Social Science",
}  # fmt: skip


# --- rows of rows --------------------------------------------------------------------------------------


def map_rows(change: Callable[[Row], Row]) -> Make:
    """`dataset.map`: every row with what `change` makes of it."""
    return lambda _: lambda rows: [row | change(row) for row in rows]


def filter_rows(wanted: Callable[[Row], bool]) -> Make:
    """`dataset.filter`."""
    return lambda _: lambda rows: [row for row in rows if wanted(row)]


def keep_subject(name: str) -> Callable[[Rows], Rows]:
    """`process_anatomy` keeps the rows whose subject is anatomy."""
    return lambda rows: [row for row in rows if row["subject"] == name.removeprefix("process_")]


def keep_subject_by_file(name: str) -> Callable[[Rows], Rows]:
    """`process_docs` for one subject, which a row may name by a CSV file."""
    return lambda rows: [row for row in rows if _subject(row["Subject"]) == name.removeprefix("process_")]


def keep_category(column: str, name: str) -> Callable[[Rows], Rows]:
    """`process_social_science` keeps the rows of the category Social Science."""

    def as_name(category: object) -> str | None:
        known = category if isinstance(category, str) and category in CATEGORIES else ""
        return f"process_{known.lower().replace(' & ', '_').replace(' ', '_')}"

    return lambda rows: [row for row in rows if as_name(row[column]) == name]


def _subject(name: object) -> object:
    if isinstance(name, str):
        for marker in ("_test.csv", "_test-"):
            if marker in name:
                return name[: name.find(marker)]
    return name


def _without_answer(row: Row) -> bool:
    return row["answer"] in (0, 1, 2, 3) and row["candidates"] != ["", "", "", ""]


def _mmlusr(row: Row) -> Row:
    choices = [row[f"choice{n}"] or "" for n in range(1, 5)]
    return {"choices": choices, "answer": (row["answer"] or "").strip()}


def _acva(row: Row) -> Row:
    query = f"السؤال: {row['question']}\nالإجابة:"
    return {"query": query, "choices": ["صح", "خطأ"], "gold": ["صح", "خطأ"].index(row["answer"])}


def _arabic_mmlu(row: Row) -> Row:
    topic = row["subject"].replace("_", " ")
    query = (
        f"الأسئلة التالية هي أسئلة متعددة الإختيارات مع الجواب الصحيح حول {topic}. \n\n{row['question']}\n"
    )
    query += "".join(f"{key}. {row[letter]}\n" for key, letter in zip(ARABIC, "ABCD", strict=True))
    return {"query": f"{query}الإجابة:", "choices": list(ARABIC), "gold": LETTERS.index(row["answer"])}


def _alghafa(row: Row) -> Row:
    choices = [value for key, value in row.items() if key not in ("query", "label", "__few_shots")]
    query = f"الأسئلة التالية هي أسئلة متعددة الإختيارات مع الجواب الصحيح\n\nالسؤال: {row['query']}\n"
    query += "".join(f"{index}) {choice}\n" for index, choice in enumerate(choices))
    return {"query": f"{query}الإجابة:", "choices": choices, "gold": int(row["label"])}


def _tmmluplus(row: Row) -> Row:
    choices = [row[letter] for letter in "ABCD"]
    return {"questions": row["question"], "choices": choices, "goal": "ABCD".index(row["answer"])}


def _tmlu(row: Row) -> Row:
    letters = ["A", "B", "C", "D", *(letter for letter in "EF" if row.get(letter))]
    choices = [row[letter] for letter in letters]
    return {"questions": row["question"], "choices": choices, "goal": letters.index(row["answer"])}


def _plain(text: str) -> str:
    """A text as HellaSwag's authors clean it: no bracketed marks, no two spaces."""
    text = text.strip().replace(" [title]", ". ")
    return re.sub(r"\[.*?\]", "", text).replace("  ", " ")


def _hellaswag(row: Row) -> Row:
    context = f"{row['activity_label']}: {row['ctx_a']} {row['ctx_b'].capitalize()}"
    return {
        "query": _plain(context),
        "choices": [_plain(ending) for ending in row["endings"]],
        "gold": int(row["label"]),
    }


def _arc_of_okapi(row: Row) -> Row:
    options = [row[f"option_{letter}"] for letter in "abcde"]
    return {
        "query": f"Question: {_plain(row['instruction'])}\nAnswer:",
        "choices": [_plain(option) for option in options if option],
        "gold": "ABCDE".index(row["answer"]),
    }


# --- values of a row -----------------------------------------------------------------------------------


def value(of: Callable[[Row], Any]) -> Make:
    """A function that takes a row whatever its name is."""
    return lambda _: of


def label_name(*labels: str) -> Make:
    """The label's name for its number."""
    return value(lambda row: labels[{0: 0, 1: 1, 2: 2}[row["label"]]])


def _afrimmlu(prompt: str) -> Make:
    def text(row: Row) -> str:
        one, two, three, four = ast.literal_eval(row["choices"])[:4]
        return prompt.format(
            subject=row.get("subject"),
            question=row["question"],
            choice1=one,
            choice2=two,
            choice3=three,
            choice4=four,
        )

    return value(text)


def _lettered(prompt: str, subject: str) -> Make:
    """Darija and Egyptian MMLU: the question behind its context, and lettered options."""

    def text(row: Row) -> str:
        question = row["question"] if row["context"] == "" else f"{row['context']}\n\n{row['question']}"
        options = "\n".join(f"{'ABCDE'[i]}. {option}" for i, option in enumerate(row["choices"]))
        return prompt.format(row[subject], question, options)

    return value(text)


def _arabicmmlu(row: Row) -> str:
    levels = {
        "Primary": "primary school", "Middle": "middle school", "High": "high school",
        "Univ": "university", "Prof": "professional",
    }  # fmt: skip
    level = f" for {levels[row['Level']]}" if row["Level"] else ""
    country = f" in {row['Country']}" if row["Country"] else ""
    question = f"{row['Context']}\n\n{row['Question']}" if row["Context"] else row["Question"]
    options = []
    for place, letter in enumerate("ABCDE", start=1):
        if not row[f"Option {place}"]:
            break
        options.append(f"{letter}. {row[f'Option {place}']}")
    head = f"This is a {row['Subject']} question{level}{country}. Select the correct answer!"
    return f"{head}\n\nQuestion: {question}\n" + "\n".join(options) + "\n\nAnswer:"


def _race_problem(row: Row) -> Mapping[str, Any]:
    problem: Mapping[str, Any] = ast.literal_eval(row["problems"])[-1]
    return problem


def _race(row: Row) -> str:
    text = f"Article: {row['article']}\n\n"
    *before, last = ast.literal_eval(row["problems"])
    for problem in before:
        answer = problem["options"]["ABCD".index(problem["answer"])]
        if problem["question"][-6:] == "  _  .":
            text += f"{problem['question'][:-5]}{answer}\n"
        else:
            text += f"Question: {problem['question']}\nAnswer: {answer}\n"
    return f"{text}{last['question']}"


def _smaller(choice: str) -> str:
    return choice[0].lower() + choice[1:]


def _copa(row: Row) -> str:
    link = {"cause": "because", "effect": "therefore"}[row["question"]]
    return f"{row['premise'].strip()[:-1]} {link}"


def _mnli(row: Row) -> str:
    hypothesis = row["hypothesis"].strip()
    hypothesis += "" if hypothesis.endswith(".") else "."
    return f"{row['premise']}\nQuestion: {hypothesis} True, False or Neither?\nAnswer:"


def _logiqa(row: Row) -> str:
    options = "".join(f"{letter}. {option}\n" for letter, option in zip("ABCD", row["options"], strict=False))
    return f"Passage: {row['context']}\nQuestion: {row['question']}\nChoices:\n{options}Answer:"


def _medmcqa(row: Row) -> str:
    options = "".join(f"{letter.upper()}. {row[f'op{letter}']}\n" for letter in "abcd")
    return f"Question: {row['question']}\nChoices:\n{options}Answer:"


def _medqa(row: Row) -> str:
    options = "".join(f"{letter}. {row[f'ending{place}']}\n" for place, letter in enumerate("ABCD"))
    return f"Question: {row['sent1']}\n{options}Answer:"


def _mathqa(row: Row) -> list[str]:
    return [c[4:].rstrip(" ,") for c in re.findall(r"[abcd] \) .*?, |e \) .*?$", row["options"])]


KNOWN: dict[str, Make] = {
    "ef9361f2f8ca8ef0": keep_subject,  # global_mmlu full
    "f9cd40b5ec837942": partial(keep_category, "subject_category"),  # global_mmlu
    "138519dd7089a3da": partial(keep_category, "domain"),  # include
    "f87f42b627215266": keep_subject_by_file,  # openai-mmmlu
    "5bcc9a49deac19a5": map_rows(_mmlusr),  # mmlusr
    "b917eee24d85084b": filter_rows(lambda row: len(row["multiple_choice_targets"]) > 0),  # bigbench
    "e9c87628ba9ea98e": map_rows(_acva),  # arabic_leaderboard: acva
    "75cb13a4e01b7f7b": map_rows(_arabic_mmlu),  # arabic_leaderboard: mmlu
    "dd7cc6f415c426ea": map_rows(_alghafa),  # arabic_leaderboard: alghafa, race, …
    "0bd9a2509e6948c4": map_rows(_tmmluplus),  # tmmluplus
    "43ffb52fa0a1971a": filter_rows(_without_answer),  # eus_exams
    "962034ef1bdad6b0": map_rows(_tmlu),  # tmlu
    "e3c7c6b8145f3f2f": map_rows(_hellaswag),  # hellaswag, okapi, french_bench
    "96ad1b9ee5dea294": map_rows(_arc_of_okapi),  # okapi: arc
    "46bf195fc2108636": filter_rows(lambda row: len(row["fact"]) > 0),  # noreval: openbookqa
    "16415332d870901d": map_rows(lambda row: {"choices": [row[f"Option {letter}"] for letter in "ABC"]}),  # aradice: culture
    "0468eab2ed95f4fc": label_name("entailment", "neutral", "contradiction"),  # afrixnli
    "7879511bf1a78a81": label_name("True", "Neither", "False"),  # afrixnli
    "8a26d9af96e2597a": label_name("true", "false", "inconclusive"),  # afrixnli
    "948a8c1b09609df5": value(lambda row: ast.literal_eval(row["choices"])),  # afrimmlu
    "d61ea5658836c52b": value(lambda row: [LETTERS[i] for i in range(len(row["choices"]))]),  # darijammlu, egymmlu
    "6b7055983b485c59": value(_arabicmmlu),  # arabicmmlu
    "2dcca2d723d0842a": value(lambda row: [LETTERS[i] for i in range(5) if row[f"Option {i + 1}"]]),  # arabicmmlu
    "8319491ea23d0d9d": value(_race),  # race
    "19cee4f1f9f77c47": value(lambda row: [_race_problem(row)["options"][i] for i in range(4)]),  # race
    "6841fc8b985477e2": value(lambda row: "ABCD".index(_race_problem(row)["answer"])),  # race
    "86caa8c2a02aa243": value(_copa),  # super_glue: copa
    "8e0f3a61cb0a7b92": value(lambda row: [f" {_smaller(row[name])}" for name in ("choice1", "choice2")]),  # super_glue: copa
    "0a7a012dc5a7f2ba": value(lambda row: f" {_smaller(row['choice2' if row['label'] else 'choice1'])}"),  # super_glue: copa
    "ca6913e88a3c366f": value(lambda row: [_smaller(row["choice1"]), _smaller(row["choice2"])]),  # xcopa
    "29cefcccfdb67cdd": value(_mnli),  # glue: mnli
    "999b6a4e9af6b77c": value(_logiqa),  # logiqa
    "2b73e8f3dd6720c2": value(lambda row: "abcd".index(row["label"].strip())),  # logiqa
    "5ab73733a34c1236": value(_medmcqa),  # medmcqa
    "380c158a420663dd": value(_medqa),  # medqa
    "3d46cfe4a4b9c0ab": value(lambda row: row["label"]),  # medqa
    "c4a7fb655bdd1517": value(lambda row: "Abstract: {}\nQuestion: {}\nAnswer:".format("\n".join(row["CONTEXTS"]), row["QUESTION"])),  # pubmedqa
    "3370dcc7b1e424eb": value(_mathqa),  # mathqa
    "0c60114fafaae10f": _lettered("هادا سؤال متعدد الخيارات (مع الجواب ديالو) على {}\n\n{}\n{}\nالجواب:", "subject_darija"),  # darijammlu
    "effe1432028f8a1d": _lettered("ده سؤال متعدد الاختيار (مع إجابته) على {}\n\n{}\n{}\n الجواب:", "egy_subject"),  # egymmlu
    "fb4fb698f9794abb": _afrimmlu("You are a highly knowledgeable and intelligent artificial intelligence\n                model answers multiple-choice questions about {subject}\n\n                Question: {question}\n\n                Choices:\n                        A: {choice1}\n                        B: {choice2}\n                        C: {choice3}\n                        D: {choice4}\n\n                Answer:  "),  # afrimmlu
    "531b1a677cb606e8": _afrimmlu("As an expert in {subject}, choose the most accurate answer to the question below.\nYour goal is to select the correct option 'A', 'B', 'C', or 'D' by understanding the nuances of the topic.\n\nQuestion: {question}\nChoices:\n        A: {choice1}\n        B: {choice2}\n        C: {choice3}\n        D: {choice4}\nAnswer: "),  # afrimmlu
    "eabe50e7bd1d5c22": _afrimmlu("Analyze each question critically and determine the most correct option based on your understanding of the subject matter\n\nQuestion: {question}\nChoices:\n        A: {choice1}\n        B: {choice2}\n        C: {choice3}\n        D: {choice4}\nAnswer: "),  # afrimmlu
    "789bfa92cc50ee24": _afrimmlu("You are a subject matter expert in {subject}.\n\n  Utilizing your expertise in {subject}, answer the following multiple-choice question\n  by picking 'A', 'B', 'C', or 'D'.\n\nQuestion: {question}\nChoices:\n        A: {choice1}\n        B: {choice2}\n        C: {choice3}\n        D: {choice4}\nAnswer: "),  # afrimmlu
    "8e42f5d1ba430acc": _afrimmlu("Given your proficiency in {subject}, please answer the subsequent multiple-choice question with 'A', 'B', 'C', or 'D'.\n\nQuestion: {question}\nChoices:\n        A: {choice1}\n        B: {choice2}\n        C: {choice3}\n        D: {choice4}\nAnswer: "),  # afrimmlu
    "d917dc21f0a9ad73": _afrimmlu("You are a subject matter expert in {subject}.\n\n  Utilizing your expertise in {subject}, answer the following multiple-choice question\n  by picking ''A'', ''B'', ''C'', or ''D''.\n\nQuestion: {question}\nChoices:\n        A: {choice1}\n        B: {choice2}\n        C: {choice3}\n        D: {choice4}\nAnswer: "),  # afrimmlu
    "6951c5c604b52226": _afrimmlu("Given your proficiency in {subject}, please answer the subsequent multiple-choice question with 'A', 'B', 'C', or 'D'.\nQuestion: {question}\nChoices:\n        A: {choice1}\n        B: {choice2}\n        C: {choice3}\n        D: {choice4}\nAnswer: "),  # afrimmlu
    "3fadfcd2b1724ef8": value(lambda row: "Please identify whether the premise entails or contradicts the hypothesis in the following premise\n    and hypothesis. The answer should be exact entailment, contradiction, or neutral.\n\n    Premise: {premise}\n    Hypothesis: {hypothesis}\n\n    Is it entailment, contradiction, or neutral?".format(premise=row["premise"], hypothesis=row["hypothesis"])),  # afrixnli
}  # fmt: skip
