"""What names an earlier ladder is found, and what both ladders have is not."""

from __future__ import annotations

import json

from scripts import old_ladder


def files(question: str, parameters: int, facts: int) -> dict[str, str]:
    row = {"id": "element_symbol-iron", "question": question}
    rows = {f"tasks/{task}/{part}.jsonl": "" for task in old_ladder.SETS for part in ("test", "dev")}
    manifest = {"models": [{"name": "m", "parameters": parameters, "checkpoints": [{}, {"extra": True}]}]}
    return {
        **rows,
        "tasks/ladder_science/test.jsonl": json.dumps(row),
        "ladder/manifest.json": json.dumps(manifest),
        "ladder/facts.json": json.dumps({"facts": [{"domain": "science"}] * facts}),
    }


def test_only_what_the_ladder_has_no_more_is_looked_for(monkeypatch) -> None:
    old, new = files("What is the sign of iron?", 87_712, 420), files("Which symbol has iron?", 117_960, 420)
    monkeypatch.setattr(old_ladder, "_git", lambda _show, path: old[path.split(":")[1]])
    monkeypatch.setattr(old_ladder, "_here", new.__getitem__)
    found = old_ladder.old_names("abc")
    assert set(found) == {"the question of element_symbol-iron", "the parameters of m"}
    assert found["the parameters of m"].search("The smallest has 87,712 parameters.")
    assert not found["the parameters of m"].search("187,712 of them")
    assert found["the question of element_symbol-iron"].search('q = "What is the sign of iron?"')
