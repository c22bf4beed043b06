"""The cases on which tools that compute log-likelihoods differ from one another, as requests by name.

Those about a number of tokens are made for a tokenizer, since the same text is one token here and four there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from e2lm_core.base.records import Request

Count = Callable[[Request], int]  # the tokens of a request's continuation

SHOTS = (
    "Question: What is the chemical symbol of iron?\nAnswer: Fe\n\n",
    "Question: How many legs has an insect?\nAnswer: six legs\n\n",
    "Question: Which planet is the largest?\nAnswer: Jupiter\n\n",
    "Question: What boils at one hundred degrees?\nAnswer: Water\n\n",
    "Question: What pumps blood?\nAnswer: the heart\n\n",
)
QUESTIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("What takes in oxygen?", ("lungs", "lungs and blood", "the heart", "a gas giant")),
    ("Which is the largest planet?", ("Jupiter", "Jupiter, a gas giant", "iron", "Fe")),
    ("What takes in blood?", ("lungs", "A", "B", "six legs; a spider has eight of them")),
)
# What a model of 135 million parameters has read about: for one that is trained.
SCHOOL: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Which gas do plants take in from the air?", ("carbon dioxide", "oxygen", "helium", "nitrogen")),
    ("What is the centre of an atom called?", ("the nucleus", "the electron", "the shell", "the orbit")),
    ("Which planet is closest to the Sun?", ("Mercury", "Venus", "Mars", "Jupiter")),
    ("What force pulls objects towards the Earth?", ("gravity", "magnetism", "friction", "tension")),
    ("Which organ pumps blood through the body?", ("the heart", "the liver", "the lungs", "the brain")),
    ("What is the chemical formula of water?", ("H2O", "CO2", "NaCl", "O2")),
    ("At what temperature does water boil at sea level?", ("100 °C", "0 °C", "50 °C", "212 °C")),
    ("What carries genetic information?", ("DNA", "glucose", "keratin", "insulin")),
    ("Which particle has a negative charge?", ("the electron", "the proton", "the neutron", "the photon")),
    ("What is the hardest natural material?", ("diamond", "quartz", "iron", "chalk")),
    ("How many bones does an adult human have?", ("206", "106", "306", "26")),
    ("Which blood cells fight infection?", ("white blood cells", "red blood cells", "platelets", "plasma")),
)

SPACES = [
    Request("Answer: ", "iron"),
    Request("Answer:  \n ", "iron"),
    Request("Answer:\n\n", " iron"),
    Request("Answer:", "iron"),
    Request("  Answer:", " iron"),
    Request(" leading", " and  double  spaces "),
    Request("Answer:\t", "\tiron"),
]
UNICODE = [
    Request("Frage: Wie heißt das größte Tier? 🐋\nAntwort:", " Blauwal 🐳🐳"),
    Request("Which animal is this? 👩🏽‍🔬\nAnswer:", " 🧑‍🚀"),
    Request("質問：最大の惑星は？", "木星"),
    Request("e\u0301 and \u00e9", " \u0301"),
    Request("سؤال:", " جواب"),
]
EMPTY = [Request("", " iron"), Request("", "Jupiter is a planet"), Request("", "iron")]
INSIDE_A_WORD = [Request("Answer: Jup", "iter"), Request("The same", " text"), Request("The same", " text")]
SPECIAL = [
    Request("", "<|bos|>a text that begins with the prefix token"),
    Request("<|bos|>Question", " one"),
]


def prompt(question: str) -> str:
    """The cloze prompt of a question."""
    return f"Question: {question}\nAnswer:"


def cloze(questions: Sequence[tuple[str, tuple[str, ...]]], shots: int) -> list[Request]:
    """Every choice of every question after so many examples."""
    before = "".join(SHOTS[:shots])
    return [Request(before + prompt(q), f" {choice}") for q, choices in questions for choice in choices]


def letters(shots: int) -> list[Request]:
    """The four letters after a lettered prompt with so many examples."""
    listed = "A. iron\nB. water\nC. air\nD. blood"
    before = f"Which is a gas?\n{listed}\nAnswer: C\n\n" * shots
    return [Request(f"{before}Which is a metal?\n{listed}\nAnswer:", f" {letter}") for letter in "ABCD"]


def prefixes() -> list[Request]:
    """Choices of one context of which one is the beginning of another."""
    context = prompt("How many legs has a spider?")
    return [Request(context, " 8888888"[:length]) for length in range(2, 9)] + [
        Request(context, choice) for choice in (" eight", " eight legs", " eight legs, and two")
    ]


def of_length(count: Count, tokens: int, wanted: int = 4) -> list[Request]:
    """Choices of exactly so many tokens after one context, each its own text."""
    context, found = prompt("What?"), []
    words = ["iron", "A", "B", "s", "the", "in", "lungs", "o", "8", "e", "-", "?"]
    for first in range(len(words)):
        text = " " + words[first]
        for step in range(1, 3 * tokens):
            if count(Request(context, text)) >= tokens:
                break
            text += " " + words[(first + 5 * step) % len(words)]
        while count(Request(context, text)) > tokens and len(text) > 2:
            text = text[:-1]
        request = Request(context, text)
        if count(request) == tokens and request not in found:
            found.append(request)
        if len(found) == wanted:
            return found
    raise ValueError(f"No {wanted} continuations of {tokens} tokens.")


def beyond(window_words: Sequence[int] = (20, 60, 200)) -> list[Request]:
    """Contexts that grow beyond a window of 256 tokens, and a continuation that nearly fills it."""
    long = [
        Request("oxygen from the air and " * n, c)
        for n in window_words
        for c in (" iron", " lungs take in oxygen")
    ]
    return [*long, Request("Question: long?\nAnswer:", " six legs and" * 30)]


def tiny_cases(count: Count, has_bos: bool) -> dict[str, list[Request]]:
    """Every case, for a model with a window of 256 tokens."""
    return {
        "cloze 0-shot": cloze(QUESTIONS, 0),
        "cloze 1-shot": cloze(QUESTIONS, 1),
        "cloze 5-shot": cloze(QUESTIONS, 5),
        "letters 0-shot": letters(0),
        "letters 2-shot": letters(2),
        "choices of one token": of_length(count, 1),
        "choices of forty tokens": of_length(count, 40),
        "a choice a prefix of another": prefixes(),
        "empty context": EMPTY,
        "leading and trailing spaces": SPACES,
        "Unicode and emoji": UNICODE,
        "inside a word, and repeated": INSIDE_A_WORD,
        "over the window": beyond(),
        **({"begins with the prefix token": SPECIAL} if has_bos else {}),
    }


def real_cases(count: Count) -> dict[str, list[Request]]:
    """For a trained model with a window too long to overrun in a test."""
    return {
        "school questions 0-shot": cloze(SCHOOL, 0),
        "school questions 5-shot": cloze(SCHOOL, 5),
        "letters 0-shot": letters(0),
        "choices of one token": of_length(count, 1),
        "choices of forty tokens": of_length(count, 40),
        "a choice a prefix of another": prefixes(),
        "empty context": EMPTY,
        "leading and trailing spaces": SPACES,
        "Unicode and emoji": UNICODE,
    }
