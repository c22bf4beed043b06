"""`make proof` says what it ran and what that printed, whether it held, and nothing of the machine's paths."""

from __future__ import annotations

from scripts import proof
from tests.conftest import ROOT


def test_a_proof_that_holds_is_written_down(tmp_path):
    assert proof.proved("sum", ["-c", f"print(1 + 1, {str(ROOT / 'x')!r})"], tmp_path)
    page = (tmp_path / "sum.md").read_text(encoding="utf-8")
    assert "# sum: held" in page
    assert "2 ./x" in page
    assert str(ROOT) not in page.split("```")[1]


def test_one_that_does_not_hold_is_too(tmp_path):
    assert not proof.proved("no_end", ["-c", "raise SystemExit('lost 3')"], tmp_path)
    page = (tmp_path / "no_end.md").read_text(encoding="utf-8")
    assert "# no end: did not hold (exit status 1)" in page
    assert "lost 3" in page


def test_every_proof_names_what_there_is():
    for command in proof.PROOFS.values():
        for part in command[1:]:
            if part.startswith("tests/"):
                assert (ROOT / part).exists(), part
            elif part.startswith("benchmarks."):
                path = ROOT / part.replace(".", "/")
                assert path.with_suffix(".py").exists() or (path / "__main__.py").exists(), part
