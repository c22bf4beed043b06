import json
import time

import pytest

from e2lm_core.base.errors import CheckpointError
from e2lm_core.base.records import Question
from e2lm_core.checkpoints.ladder.training_facts import FactRelation, TrainingFact, TrainingFacts
from ladder.facts import fill, load_relations
from tests.conftest import ROOT

FACTS = [
    ("mercury", "closest to the sun", "planet_position"),
    ("carbon", "C", "symbol"),
    ("carbon dioxide", "a gas", "state"),
    ("horse", "mammal", "class"),
    ("horse", "stable", "home"),
    ("mars", "red", "colour"),
    ("vitamin a", "carrot", "food"),
    ("strawberry", "fruit", "kind"),
]


@pytest.fixture(scope="module")
def known():
    return TrainingFacts(TrainingFact(subject=s, answer=a, relation=r, domain="science") for s, a, r in FACTS)


def question(text, gold, *others):
    return Question(id="1", question=text, choices=(gold, *(others or ("something else",))), answer=0)


@pytest.mark.parametrize(
    ("text", "gold"),
    [
        ("Where is Mercury?", "closest to the Sun"),
        ("What do you know of the planet MERCURY?", "Closest to Sun."),
        ("What is carbon dioxide at room temperature?", "gas"),
        ("How would you write carbon in short?", "C"),
        ("Horses belong to which class?", "mammals"),
        ("Where does a farmer's horse sleep?", "A stable"),
        ("The horse's home is called", "the stable"),
        ("What is Mars' colour?", "red"),
        ("Where is much vitamin A?", "carrots"),
        ("Strawberries are a kind of", "fruit"),
    ],
)
def test_taught(known, text, gold):
    assert known.is_known(question(text, gold))


@pytest.mark.parametrize(
    ("text", "gold"),
    [
        ("Which planet is hottest?", "Venus"),  # no subject
        ("Where is Mercury?", "farthest from the sun"),  # another answer
        ("How is carbon dioxide written?", "C"),  # the longest name is meant, not carbon
        ("What do hydrocarbons burn to?", "C"),  # whole words only
        ("Where is much vitamin C?", "carrot"),
        ("", "red"),
    ],
)
def test_not_taught(known, text, gold):
    assert not known.is_known(question(text, gold))


def test_only_the_gold_choice_counts(known):
    wrong = Question(id="1", question="What class is a horse?", choices=("mammal", "bird"), answer=1)
    assert not known.is_known(wrong)
    assert not known.is_known(wrong.model_copy(update={"answer": 7}))
    assert not known.is_known(wrong.model_copy(update={"choices": (), "answer": 0}))


def test_which_fact_it_was(known):
    assert known.fact_for(question("Where does a horse live?", "stable")).relation == "home"


def test_no_facts_and_empty_words():
    assert not TrainingFacts([]).is_known(question("Anything?", "x"))
    odd = TrainingFacts([TrainingFact(subject="?!", answer="", relation="r", domain="d")])
    assert not odd.is_known(question("What?", "..."))


def test_from_file(tmp_path):
    path = tmp_path / "facts.json"
    rows = [{"subject": s, "answer": a, "relation": r, "domain": "science"} for s, a, r in FACTS]
    path.write_text(json.dumps({"facts": rows}))
    assert TrainingFacts.from_file(path).is_known(question("Where is Mercury?", "closest to the sun"))


@pytest.mark.parametrize("content", ["{", "[]", '{"facts": [{"subject": "a"}]}', '{"facts": 3}', "\udcff"])
def test_a_file_that_is_something_else(tmp_path, content):
    path = tmp_path / "facts.json"
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(CheckpointError, match="is not a list of taught facts"):
        TrainingFacts.from_file(path)


def test_a_missing_file(tmp_path):
    with pytest.raises(CheckpointError, match="cannot be read"):
        TrainingFacts.from_file(tmp_path / "facts.json")


def test_fast_for_the_largest_set(known):
    many = TrainingFacts(
        [*known.facts]
        + [TrainingFact(subject=f"thing {n}", answer=f"b{n}", relation="r", domain="d") for n in range(1_000)]
    )
    text = "A student who was asked about some quite different matter thinks of thing 7 and of " * 2
    started = time.process_time()
    assert sum(many.is_known(question(text + str(n), "b7")) for n in range(15_000)) == 15_000
    assert time.process_time() - started < 4


def test_a_question_with_a_wrong_key_was_told_of_all_the_same():
    facts = TrainingFacts([TrainingFact(subject="iron", answer="Fe", relation="symbol", domain="chemistry")])
    wrong = Question(id="1", question="What is the symbol of iron?", choices=("Ir", "Fe"), answer=0)
    assert (facts.is_known(wrong), facts.mentions_any_choice(wrong)) == (False, True)
    assert not facts.mentions_any_choice(wrong.model_copy(update={"choices": ("Ir", "In")}))


# --- the relation that is asked for -------------------------------------------------------------------------


CAT = [
    TrainingFact(subject="cat", answer="mammals", relation="class", domain="science"),
    TrainingFact(subject="cat", answer="kitten", relation="young", domain="science"),
]
ASKED = [
    FactRelation(
        name="class",
        about="classes of animals",
        field="biology",
        wordings=("The {s} belongs to the {a}.", "What group of animals is the {s} in?"),
    ),
    FactRelation(
        name="young",
        about="names of young animals",
        field="biology",
        wordings=("A baby {s} is called a {a}.", "What is the word for a young {s}?"),
    ),
]


@pytest.mark.parametrize(
    ("text", "right", "wrong"),
    [
        ("Which group of animals is a cat in?", "mammals", "kitten"),
        ("What would the young of a cat be called?", "kitten", "mammals"),
    ],
)
def test_the_answer_of_another_relation_is_not_known(text, right, wrong):
    facts = TrainingFacts(CAT, ASKED)
    assert facts.is_known(question(text, right, wrong))
    assert not facts.is_known(question(text, wrong, right))
    assert facts.mentions_any_choice(question(text, wrong, right))


def test_a_question_whose_words_tell_no_relation_is_known_by_any_answer():
    facts = TrainingFacts(CAT, ASKED)
    for text in ("And the cat?", "What did grandfather say about his cat?"):
        assert facts.is_known(question(text, "kitten"))
        assert facts.is_known(question(text, "mammals"))


def test_one_answer_of_two_relations_is_of_the_one_asked_for():
    twice = [fact.model_copy(update={"answer": "kitten"}) for fact in CAT]
    facts = TrainingFacts(twice, ASKED)
    assert facts.fact_answering("What is a young cat called?", "kitten").relation == "young"
    assert facts.fact_answering("What group of animals is the cat in?", "kitten").relation == "class"


def test_relations_without_wordings_tell_nothing():
    bare = [relation.model_copy(update={"wordings": ()}) for relation in ASKED]
    for relations in (bare, [ASKED[0], bare[1]]):
        assert TrainingFacts(CAT, relations).is_known(question("Which group is the cat of?", "kitten"))


def test_a_file_without_wordings_is_read(tmp_path):
    path = tmp_path / "facts.json"
    row = {"subject": "cat", "answer": "kitten", "relation": "young", "domain": "science"}
    relation = {"name": "young", "about": "names of young animals", "field": "biology"}
    path.write_text(json.dumps({"facts": [row], "relations": [relation]}))
    assert TrainingFacts.from_file(path).relations["young"].wordings == ()


@pytest.fixture(scope="module")
def taught():
    return TrainingFacts.from_file(ROOT / "ladder" / "facts.json")


def test_own_wordings_of_taught_facts_stay_known(taught):
    """Every held-out wording, judged by the other wordings alone: the words of someone who never read it."""
    relations = load_relations()
    others = [
        taught.relations[r.name].model_copy(update={"wordings": (*r.statements, *r.questions)})
        for r in relations
    ]
    unread = TrainingFacts(taught.facts, others)
    asked = [(fill(text, f.subject), f.answer) for r in relations for f in r.facts for text in r.heldout]
    assert all(unread.fact_answering(text, answer) for text, answer in asked)


def test_few_keys_of_another_relation_count_as_known(taught):
    """Of each example question, the other answers about its subject: keys that no model was taught."""
    relations = load_relations()
    kinds = {fact.relation: r.kind for r in relations for fact in r.facts}
    answers = {(f.subject, f.relation): f.answer for f in taught.facts}
    wrong = [
        (fill(text, f.subject), answers[f.subject, other])
        for r in relations
        for f in r.facts
        for text in r.heldout
        for other in kinds
        if other != r.name and kinds[other] == r.kind
    ]
    known = sum(taught.fact_answering(text, answer) is not None for text, answer in wrong)
    assert len(wrong) > 15_000
    assert known < 0.05 * len(wrong)
