"""Encodings that nobody said."""

from __future__ import annotations

import pytest

from e2lm_core.base.errors import TaskError
from e2lm_core.sets.formats.encodings import ENCODINGS, decode
from tests.support import german

SAID = {
    "utf-8": "Quel gaz est nécessaire à la photosynthèse ?",
    "utf-16": "Welche Größe misst man in Ångström?",
    "utf-32": "Welche Größe misst man in Ångström?",
    "cp1252": "Welche Größe misst man in Ångström? “Länge”, 5 µm at 20 °C, señor élève naïve",
    "cp1250": "Který prvek je nejtěžší, že? Žluťoučký kůň úpěl ďábelské ódy",
    "cp1251": "Какой газ нужен растениям, кислород или азот?",
    "koi8_r": "Какой газ нужен растениям, кислород или азот?",
    "cp1253": "Ποιο αέριο χρειάζονται τα φυτά, οξυγόνο ή άζωτο;",
    "cp1256": "ما هو الغاز الذي تحتاجه النباتات، أكسجين أم نيتروجين",
    "shift_jis": "植物に必要な気体はどれですか。酸素、窒素",
    "gb18030": "植物需要哪种气体,氧气还是氮气",
    "euc_kr": "식물에 필요한 기체는 산소 질소",
    "big5": "植物需要哪種氣體才能生長呢,氧氣還是氮氣",
}


@pytest.mark.parametrize("encoding", SAID)
def test_what_is_not_said_is_found(encoding: str) -> None:
    text = f"question,A,B,answer\n{SAID[encoding]},a,b,A\n"
    read, found = decode(text.encode(encoding), "t.csv")
    assert (read, found) == (text, encoding)
    assert decode(text.encode(encoding), "t.csv", encoding if encoding in ENCODINGS else None)[0] == text


def test_a_degree_alone_is_no_chinese() -> None:
    text = "question,A,B,answer\nWhat freezes at 0 °C?,water,iron,A\n"
    assert decode(text.encode("cp1252"), "t.csv") == (text, "cp1252")


def test_marks_are_not_part_of_the_text() -> None:
    for encoding in ("utf-8-sig", "utf-16", "utf-32"):
        assert decode("question".encode(encoding), "t")[0] == "question"
    assert decode("question, a".encode("utf-16-le"), "t") == ("question, a", "utf-16-le")
    assert decode("question, a".encode("utf-16-be"), "t") == ("question, a", "utf-16-be")


@pytest.mark.parametrize(
    ("encoding", "says"), [("utf-8", "byte 0xe9 in line 2"), ("idna", "no encoding 'idna'")]
)
def test_an_encoding_that_does_not_fit_is_said(encoding: str, says: str) -> None:
    with pytest.raises(TaskError, match=says) as refusal:
        decode("a\ncafé!".encode("cp1252"), "t.csv", encoding)
    german.translated(refusal.value)
