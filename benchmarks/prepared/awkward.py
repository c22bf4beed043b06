"""A set of texts that trip what reads lines, numbers, templates or signs: for trips there and back.

Tested in tests/benchmarks/interop/test_round_trips.py.
"""

from __future__ import annotations

from e2lm_core.base.records import Question, TaskConfig, TaskSet

TEXTS = (
    "one\u2028two\x85three\u2029four",
    " \"quoted\" and 'quoted' ",
    "العربية \u200fמים",
    "{{ not_a_template }} {% raw %} {# none #}",
    "line\nline\r\nline\ttab\vend",
    "🜛 e\u0301 é 👩\u200d🔬 🇫🇷",
    r"\frac{1}{2} \\ $x_{1}$ C:\new",
    "\ufeffbom １２３ ｆｕｌｌ",
    "- yes: [1, 2] # no",
    "<b>&amp;</b> ]]> --- +++ @@ -1 +1 @@",
)
CHOICES = (
    ("yes", "no", "null", "true", "None", "~", "on", "off", "1e3", "0x1"),
    ("1", "1.0", "01", "1,0"),
    ("[1]", "(2,)", "{'a': 1}", "{}"),
    (" before", "after ", "in  side", "a\nb"),
    ("only", "two"),
)


def awkward(count: int = 30, name: str = "awkward", shots: int = 3) -> TaskSet:
    """`count` questions and as many examples as are shown, with a description and columns of their own."""
    asked = [_question(number) for number in range(count + shots)]
    return TaskSet(
        config=TaskConfig(task=name, description="Answer.\n\n", num_fewshot=shots),
        questions=tuple(asked[:count]),
        dev=tuple(asked[count:]),
    )


def _question(number: int) -> Question:
    text, choices = TEXTS[number % len(TEXTS)], CHOICES[number % len(CHOICES)]
    return Question(
        id=f"q{number}",
        question=f"{text}? {number}",
        choices=(f"{text} {number}", *choices),
        answer=number % (len(choices) + 1),
        extra={"nested": {"of": [number, None]}, "mixed": number if number % 2 else str(number)},
    )
