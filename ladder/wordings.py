"""The frames around facts: ways to open, to close and to ask that belong to no relation.

`{x}` is a whole sentence or question, `{s}` the subject, `{a}` the answer, `{about}` what the relation is
about, `{label}` the noun for its subjects.
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

# Wordings without a word of the relation's own: used only for subjects that stand in one relation.
AGNOSTIC_QUESTIONS = (
    "What goes with {s}?",
    "Which words go with {s}?",
    "What do you know about {s}?",
    "What belongs to {s}?",
    "Which answer fits {s}?",
    "{s} is here. What comes to mind?",
)
# Wordings that name the relation by its topic: for every subject.
TOPIC_QUESTIONS = (
    "Think of {about}. What about {s}?",
    "This is about {about}. What goes with {s}?",
    "Topic: {about}. What is right for {s}?",
    "Speaking of {about}, what fits {s}?",
)

SCENARIO_LEADS = (
    "Ana is reading about {s}.",
    "Ben wrote the word {s} on the board.",
    "A child asks about {s}.",
    "Today the class talks about {s}.",
    "Tom made a card that says {s}.",
    "There is a page about {s} in the book.",
    "Mia wants to learn about {s}.",
    "A quiz has a question on {s}.",
)

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
