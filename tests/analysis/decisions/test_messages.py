"""Sentences on who is ahead at the end."""

from __future__ import annotations

from typing import Any

from e2lm_core.analysis.decisions import messages, probability
from e2lm_core.analysis.decisions.outlook import Certainty, Outlook, Stop


def point(step: int, share: float, probability_: float | None = None, **fields: Any) -> Outlook:
    told: dict[str, Any] = {}
    if probability_ is not None:
        ahead = {"ahead": "f-big", "is_second_ahead": True} if probability_ > 0.5 else {}
        told = ahead | {"probability": probability_, "interval": (probability_ - 0.05, 0.999)}
    scores = {"first_score": 0.3, "second_score": 0.4}
    return Outlook(step=step, tokens_seen=step * 1e6, share=share, **(scores | told | fields))


END = point(1_000, 1.0, why=probability.END)


def test_the_likelier_model_with_what_the_curves_allow() -> None:
    said = messages.headline([point(200, 0.2, 0.83)], "small", "big")
    assert said == (
        "At 200 M tokens (20% of training), **big is ahead of small at the end with 83%** (78% to more than 99%)."
    )


def test_even_odds_are_an_answer() -> None:
    said = messages.headline([point(200, 0.2, 0.5)], "small", "big")
    assert said == "At 200 M tokens (20% of training), **either is ahead at the end with 50%**."


def test_not_known_has_its_reason() -> None:
    said = messages.headline([point(200, 0.2, why=probability.RATIO)], "small", "big")
    assert (
        "**it is not known whether small or big is ahead at the end**: one model is more than 6 times" in said
    )
    assert "no checkpoint" in messages.headline([], "small", "big")


def test_after_the_end_a_set_that_means_nothing_does_not_say_who_won() -> None:
    said = messages.headline([point(1_000, 1.0, why="Are keys counted from 1?")], "small", "big")
    assert said == (
        "Training is over, but **whether small or big is ahead means nothing here**: are keys counted from 1?"
    )


def test_after_the_end_it_says_who_won_and_what_was_stated() -> None:
    said = messages.headline([point(200, 0.2, 0.7), point(400, 0.4, 0.85), END], "small", "big")
    assert said == (
        "Training is over: **big ended ahead of small**. At 400 M tokens (40% of training) this was stated with 80% or more."
    )
    none = messages.headline([point(200, 0.2, 0.7), END], "small", "big")
    assert none.endswith("Before that, 80% was stated for neither.")
    wrong = point(200, 0.2, 0.9, ahead="f-small", is_second_ahead=False)
    assert messages.headline([wrong, END], "small", "big").endswith(
        "At 200 M tokens (20% of training), small was stated to end ahead with 90%."
    )
    level = END.model_copy(update={"second_score": 0.3})
    assert messages.headline([level], "small", "big") == "Training is over: small and big ended level."


def test_reasons_are_told_once_for_a_row_of_checkpoints() -> None:
    early = [point(step, step / 1_000, why=probability.SET_NEAR_CHANCE) for step in (20, 40)]
    assert messages.unknown_notes([*early, point(200, 0.2, 0.9), END]) == [
        f"20.0 M tokens (2% of training) to 40.0 M tokens (4% of training): {probability.SET_NEAR_CHANCE}",
        f"1.0 B tokens (100% of training): {probability.END}",
    ]


def test_when_a_set_decides_is_told_in_shares_for_built_in_models() -> None:
    stops = (
        Stop(level=0.8, tokens_seen=12e9, share=0.05),
        Stop(level=0.9, tokens_seen=None, share=None),
    )
    found = Certainty(tokens_seen=(12e9,), shares=(0.05,), means=(0.82,), known=(1,), pairs=15, stops=stops)
    said = messages.certainty_sentence(found, has_built_in_models=False)
    assert said is not None
    assert said.startswith("**The set is 80% sure at 12.0 B tokens (5% of training)**")
    built_in = messages.certainty_sentence(found, has_built_in_models=True)
    assert built_in is not None
    assert "tokens" not in built_in
    never = found.model_copy(update={"stops": (stops[1],), "pairs": 1})
    assert "never 80% sure of who ends ahead, on average over its 1 pair" in (
        messages.certainty_sentence(never, False) or ""
    )
    assert messages.certainty_sentence(None, False) is None


def test_the_note_on_the_table_tells_the_studys_figures() -> None:
    bands = probability.load_coefficients().reliability
    middle = next(of for of in bands if (of.left_out, of.low) == ("Pythia", 0.75))
    assert f"75% to 85% was right in {middle.right:.0%}" in messages.table_note()


def test_rows_have_the_scores_and_the_reason() -> None:
    rows = messages.outlook_rows([point(200, 0.2, 0.83), END])
    assert rows[0]["P"]["value"] == 0.83
    assert rows[0]["ahead at the end"] == "f-big"
    assert rows[1]["why"] == probability.END
