"""Which sources the questions from elsewhere are taken from, how many of each, and what the rubric says of them.

Chosen and labelled by their names and descriptions, before a question of them was judged. `labels.tsv` is of the fifth
look. Sources marked as new were in no look before; of the others it has questions that were in none (`earlier.tsv`).
"""

from __future__ import annotations

_BIGBENCH_SCIENCE = {
    "elementary_math_qa/question_only": 30,
    "physics": 15,
    "physical_intuition": 15,
    "human_organs_senses": 10,
    "code_line_description": 10,
    "identify_math_theorems": 10,
    "mathematical_induction": 8,
    "hindu_knowledge": 15,
    "fact_checker/covid19_scientific": 12,
}
_EVALS_SCIENCE = {
    "arc": 40,
    "jee-math": 15,
    "medmcqa": 30,
    "us_tort_law": 20,
    "accounting_audit": 10,
    "cissp-study-questions": 20,
    "utah_real_estate": 12,
    "test_comp_sci": 10,
    "probability_questions": 15,
    "probabilities-word-problems": 5,
    "ph_calculation": 6,
    "beam_analysis": 6,
    "automata-and-complexity": 6,
    "finance_calc": 12,
}
_EVALS_SCIENCE_OF_THE_FOURTH = {
    "quartz": 40,
    "math-derivatives": 15,
    "security_guide": 12,
    "solve-for-variable": 10,
    "geometry_puzzle": 8,
    "dna_melting_calculation": 8,
    "linear_equations": 5,
}
_BIGBENCH_OTHER = dict.fromkeys(
    (
        "abstract_narrative_understanding/4_distractors",
        "analogical_similarity",
        "analytic_entailment",
        "bbq_lite_json/age_ambig",
        "cause_and_effect/two_sentences",
        "conceptual_combinations/emergent_properties",
        "crash_blossom",
        "crass_ai",
        "dark_humor_detection",
        "discourse_marker_prediction",
        "emoji_movie",
        "empirical_judgments",
        "english_proverbs",
        "entailed_polarity",
        "fantasy_reasoning",
        "figure_of_speech_detection",
        "goal_step_wikihow/step_ordering",
        "hyperbaton",
        "identify_odd_metaphor",
        "implicit_relations",
        "intent_recognition",
        "irony_identification",
        "logic_grid_puzzle",
        "logical_args",
        "metaphor_boolean",
        "movie_dialog_same_or_different",
        "movie_recommendation",
        "nonsense_words_grammar",
        "novel_concepts",
        "odd_one_out",
        "penguins_in_a_table",
        "phrase_relatedness",
        "presuppositions_as_nli",
        "reasoning_about_colored_objects",
        "riddle_sense",
        "ruin_names",
        "sentence_ambiguity",
        "similarities_abstraction",
        "snarks",
        "social_support",
        "sports_understanding",
        "temporal_sequences",
        "timedial",
        "tracking_shuffled_objects/three_objects",
        "understanding_fables",
        "winowhy",
    ),
    6,
) | dict.fromkeys(
    (
        "moral_permissibility",
        "causal_judgment",
        "simple_ethical_questions",
        "strange_stories/multiple_choice",
        "social_iqa",
        "logical_deduction/five_objects",
        "formal_fallacies_syllogisms_negation",
        "epistemic_reasoning",
        "date_understanding",
        "disambiguation_qa",
        "implicatures",
        "navigate",
    ),
    10,
)
_BIGBENCH_OTHER_OF_THE_FOURTH = {
    "logical_fallacy_detection": 20,
    **dict.fromkeys(
        (
            "goal_step_wikihow/goal_inference",
            "goal_step_wikihow/step_inference",
            "logical_sequence",
            "metaphor_understanding/met2lit",
        ),
        15,
    ),
    **dict.fromkeys(
        (
            "bbq_lite_json/ses_ambig",
            "hhh_alignment/harmless",
            "hhh_alignment/helpful",
            "play_dialog_same_or_different",
            "strange_stories/boolean",
            "tracking_shuffled_objects/five_objects",
            "undo_permutation/reorder_words",
            "what_is_the_tao",
            "which_wiki_edit",
        ),
        10,
    ),
}
_EVALS_OTHER = {
    "logiqa": 25,
    "theory_of_mind/hitom": 10,
    "moral_exceptQA": 10,
    "sarcasm": 8,
    "logic-statements": 8,
}
_EVALS_OTHER_OF_THE_FOURTH = {
    "emotional-intelligence": 20,
    **dict.fromkeys(
        (
            "ambiguous-sentences",
            "crepe",
            "partially_solved_crossword_clues",
            "theory_of_mind/tomi",
        ),
        15,
    ),
    **dict.fromkeys(
        (
            "bias_detection",
            "body_movement",
            "cardinal-directions",
            "cricket_situations",
            "directions",
            "escher_sentences",
            "food",
            "number_pattern",
            "premature-conclusions",
            "rhetorical_devices",
            "seating_arrangements",
            "shopping_discount_comparison",
            "word_association",
        ),
        10,
    ),
}

_NATURAL = "natural_instructions/subtask"
_BIGBENCH_SCIENCE_NEW = {
    f"{_NATURAL}041_qasc_answer_generation": 30,
    f"{_NATURAL}047_misc_answering_science_questions": 30,
    f"{_NATURAL}044_essential_terms_identifying_essential_words": 25,
}
_BIGBENCH_OTHER_NEW = {
    f"{_NATURAL}024_cosmosqa_answer_generation": 20,
    f"{_NATURAL}033_winogrande_answer_generation": 20,
    f"{_NATURAL}004_mctaco_answer_generation_event_duration": 15,
    f"{_NATURAL}019_mctaco_temporal_reasoning_category": 15,
}
_EVALS_SCIENCE_NEW = {"taxes": 15, "map-electronic-component-part-to-fact": 10}
_EVALS_OTHER_NEW = {
    "irrelevant-negative-diversion": 15,
    "banking77": 10,
    "counterfactual-reasoning": 10,
    "irony": 10,
    "pattern_identification": 10,
    "track_objects": 10,
    "tracking-shuffled-objects": 8,
    "rock-climbing": 8,
}

# Science, school mathematics and professional studies:
ACCEPTED: dict[str, dict[str, int]] = {
    "bigbench": _BIGBENCH_SCIENCE | _BIGBENCH_SCIENCE_NEW,
    "evals": _EVALS_SCIENCE | _EVALS_SCIENCE_OF_THE_FOURTH | _EVALS_SCIENCE_NEW,
    "hamexam": {"technical": 25},
    "fccexam": {"3-": 15, "8-": 12},
    "lm_eval": {"mmlu": 90},
}
# Judgements, puzzles, common sense, language, reading, counting, navigation, entertainment:
REJECTED: dict[str, dict[str, int]] = {
    "bigbench": _BIGBENCH_OTHER | _BIGBENCH_OTHER_OF_THE_FOURTH | _BIGBENCH_OTHER_NEW,
    "evals": _EVALS_OTHER | _EVALS_OTHER_OF_THE_FOURTH | _EVALS_OTHER_NEW,
}
NEW = frozenset(
    [f"bigbench: {name}" for name in (*_BIGBENCH_SCIENCE_NEW, *_BIGBENCH_OTHER_NEW)]
    + [f"evals: {name}" for name in (*_EVALS_SCIENCE_NEW, *_EVALS_OTHER_NEW)]
)
# Files of the evals that are not named as most are, samples.jsonl:
EVALS_FILES = {
    "beam_analysis": "beam_analysis/beam-analysis.jsonl",
    "body_movement": "body_movement/body_movement.jsonl",
    "counterfactual-reasoning": "counterfactual-reasoning/counterfactual_reasoning_samples.jsonl",
    "irrelevant-negative-diversion": "irrelevant-negative-diversion/irrelevant-negative-diversion.jsonl",
    "logic-statements": "logic-statements/logic-statements.jsonl",
    "logiqa": "logiqa/logiqa.jsonl",
    "math-derivatives": "math-derivatives/questions.jsonl",
    "pattern_identification": "pattern_identification/samples.v0.jsonl",
    "probability_questions": "probability_questions/probability_questions.jsonl",
    "test_comp_sci": "test_comp_sci/questions.jsonl",
    "theory_of_mind/hitom": "theory_of_mind/hitom/hitom-multiple-choice.jsonl",
    "theory_of_mind/tomi": "theory_of_mind/tomi/test.jsonl",
    "word_association": "word_association/related_words_5.jsonl",
}
