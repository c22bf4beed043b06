"""Which questions hang together: by hand, on the ladder's own set, and what is said of it once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from e2lm_core.base.records import Question, TaskConfig, TaskSet
from e2lm_core.sets.checks import groups

CAPITALS = [
    ("What is the capital of the country France?", ("Paris", "Rome")),
    ("What is the capital of the country Peru?", ("Lima", "Rome")),
    ("What is the capital of the country Old Zealand?", ("Rome", "the Lima")),
    ("Why is the sky blue at noon?", ("scattering", "Rome")),
]


def made(rows=CAPITALS, **fields) -> tuple[Question, ...]:
    return tuple(
        Question(id=f"q{n}", question=text, choices=choices, answer=0, **fields)
        for n, (text, choices) in enumerate(rows)
    )


def task(questions, **metadata) -> TaskSet:
    return TaskSet(config=TaskConfig(task="t", metadata=metadata), questions=questions)


def test_a_template_is_what_three_questions_share() -> None:
    template = "what is the capital of the country …"
    assert groups.group_by_template(made()) == (template, template, template, None)
    assert groups.group_by_template(made(CAPITALS[1:])) == (None, None, None)  # two are not enough


def test_common_english_alone_is_no_template() -> None:
    rows = [(f"What is that {word} for?", ("a", "b")) for word in ("axe", "bell", "cup")]
    assert groups.group_by_template(made(rows)) == (None, None, None)


def test_a_template_has_four_words_at_least() -> None:
    def labels(text: str) -> set[str | None]:
        return set(
            groups.group_by_template(
                made([(text.format(name), ("a", "b")) for name in ("Fiji", "Guam", "Nauru")])
            )
        )

    assert labels("In which ocean is {}?") == {"in which ocean is …"}
    assert labels("Which ocean surrounds {}?") == {None}


def test_an_answer_is_the_same_with_or_without_its_article() -> None:
    rows = [("a?", ("The Moon", "x")), ("b?", ("moon.", "x")), ("c?", ("Mars", "moon"))]
    assert groups.group_by_answer(made(rows)) == ("moon", "moon", None)


def test_it_is_said_once_and_not_where_groups_are_known_or_denied() -> None:
    rows = [(f"What is the capital of the country {n}?", (str(n), "x")) for n in range(29)]
    many = [*rows, ("Why is the sky blue at noon?", ("scattering", "Rome"))]
    (found,) = groups.findings(task(made(many)))
    assert found.code == "shared_templates"
    assert "29 of 30 questions are written from one template" in found.sentence
    assert groups.findings(task(made(many, group="g"))) == []
    assert groups.findings(task(made(many), independent=True)) == []
    assert groups.findings(task(made(rows))) == []  # too few for intervals to speak of


@given(st.lists(st.text("ab c", max_size=12), max_size=12))
def test_nobody_is_alone_in_a_group(texts: list[str]) -> None:
    questions = made([(text, ("x", "y")) for text in texts])
    for labels, least in ((groups.group_by_template(questions), 3), (groups.group_by_answer(questions), 2)):
        assert len(labels) == len(texts)
        for label in set(labels) - {None}:
            assert labels.count(label) >= least
