"""The documents hold together: links lead somewhere, the glossary is complete."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"(?<!!)\[[^\]]+\]\(([^)\s]+)\)")
ADR_PARTS = ["The question", "What we decided", "What else we considered", "What follows"]
CHINESE = re.compile(r"[\u4e00-\u9fff]")


def glossary_rows() -> list[list[str]]:
    """Return the cells of every row of the glossary, without headings."""
    lines = (ROOT / "GLOSSARY.md").read_text("utf-8").splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if "|" in line]
    return [row for row in rows if row[0] != "our name" and not set("".join(row)) <= set("-")]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_to_files_lead_to_files(path: Path) -> None:
    targets = [target.partition("#")[0] for target in LINK.findall(path.read_text("utf-8"))]
    local = [target for target in targets if target and not re.match(r"\w+:", target)]
    assert [target for target in local if not (path.parent / target).exists()] == []


def test_every_term_is_explained_in_both_languages() -> None:
    rows = glossary_rows()
    assert len(rows) > 50
    incomplete = [row for row in rows if len(row) not in (3, 5) or not all(row)]
    assert incomplete == []
    untranslated = [row[0] for row in rows if not CHINESE.search(row[-1])]
    assert untranslated == ["Word2Vec"]


def test_no_term_is_explained_twice() -> None:
    terms = [row[0].lower() for row in glossary_rows()]
    assert len(set(terms)) == len(terms)


@pytest.mark.parametrize("path", sorted((ROOT / "docs" / "adr").glob("*.md")), ids=lambda p: p.stem)
def test_a_decision_fits_a_page_and_has_the_usual_parts(path: Path) -> None:
    text = path.read_text("utf-8")
    assert len(text.splitlines()) <= 60
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert headings == [
        "The question",
        "What we decided",
        "What else we considered",
        "What follows",
    ]
    assert text.startswith(f"# {int(path.name[:4])} · ")
