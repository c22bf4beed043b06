"""What the study of differences measured, as rules; the table of single scores is in test_rules."""

from e2lm_core.scores.set_scores import SCORES
from e2lm_core.scores.uncertainty import coverage

TABLE = {
    "questions": [100, 300],
    "models": [3, 6],
    "chosen": {"sq": "normal", "rc": "wider"},
    "coverage": {"sq": {"normal": {"lowest": 0.93}}, "rc": {"wider": {"lowest": 0.95}}},
    "validation": {"sq": {"normal": 0.94}, "rc": {"wider": 0.7}},
}


def test_a_method_that_covers_is_used_with_its_coverage():
    rule = coverage.difference_rules(100, 3, table=TABLE)["sq"]
    assert (rule.method, rule.coverage, rule.why) == ("normal", 0.93, None)


def test_no_interval_where_it_was_not_studied_or_does_not_cover():
    assert "100 questions" in coverage.difference_rules(99, 6, table=TABLE)["sq"].why
    assert "3 models" in coverage.difference_rules(100, 2, table=TABLE)["sq"].why
    assert "70%" in coverage.difference_rules(100, 6, table=TABLE)["rc"].why
    assert "no method" in coverage.difference_rules(100, 6, table=TABLE)["cs"].why


def test_no_interval_of_the_models_order_where_they_differ_on_few_questions():
    rules = coverage.difference_rules(300, 6, differing=3.0)
    assert "typically do on 3 questions" in rules["rc"].why
    assert rules["sq"].method is not None


def test_the_table_that_ships_has_every_score():
    found = coverage.difference_rules(300, 6)
    assert set(found) == set(SCORES)
    assert all(rule.coverage is not None and rule.coverage >= 0.9 for rule in found.values())
    for rule in found.values():
        assert (rule.method is None) == (rule.why is not None)
