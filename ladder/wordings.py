"""The frames around facts: ways to open, to close and to ask that belong to no relation.

`{x}` is a whole sentence or question, `{s}` the subject, `{a}` the answer, `{A}` the answer with a capital.
"""

from __future__ import annotations

STATEMENT_FRAMES = (
    "{x}",
    "{x}",
    "{x}",
    "Did you know? {x}",
    "Remember this: {x}",
    "Here is a fact. {x}",
    "It is true. {x}",
    "The book says: {x}",
    "The teacher said: {x}",
    "We read this today. {x}",
    "Fact: {x}",
    "Note: {x}",
    "{x} That is a fact.",
    "{x} Everyone in class wrote it down.",
)

BARE = ("{s}?", "What about {s}?")  # a subject without a relation: any of its answers is right

BEFORE = (
    "Here is a question.",
    "Read this with care.",
    "The quiz goes on.",
    "Let us see what you know.",
    "Next one.",
)
AFTER = (
    "Think first.",
    "Say it in a few words.",
    "Give the best answer.",
    "Take your time.",
)

PROMPT_FORM = "Question: {x}\nAnswer: {a}"  # the form of the task sets' prompts
OTHER_FORMS = (
    "{x} {A}.",
    "{x} The answer is {a}.",
    "Q: {x}\nA: {a}",
    "Teacher: {x}\nPupil: {A}.",
    "{x} It is easy: {a}.",
)
