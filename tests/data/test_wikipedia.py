import bz2
from pathlib import Path

import pytest

from course_lib.data.wikipedia import articles_of, clean_wikitext, read_wikipedia

SENTENCE = "This sentence is long enough to be kept."


@pytest.mark.parametrize(
    ("wikitext", "prose"),
    [
        ("The '''bold''' and ''italic'' words stay here.", "The bold and italic words stay here."),
        ("A [[link]] and [[Page|another link]] stay too.", "A link and another link stay too."),
        ("See [http://example.org the site] for more words.", "See the site for more words."),
        ("Bare [http://example.org] addresses go away here.", "Bare addresses go away here."),
        ("It rose 5&nbsp;km&ndash;7&nbsp;km in one year.", "It rose 5 km–7 km in one year."),
        ("The town is {{convert|5|km|mi}} from the sea.", "The town is 5 km from the sea."),
        (
            "The word {{lang|grc|ἀρχή}} means the very beginning.",
            "The word ἀρχή means the very beginning.",
        ),
        ("The war (1775{{ndash}}1783) was a long one.", "The war (1775–1783) was a long one."),
        ("It is said{{citation needed|date=May 2016}} to be old.", "It is said to be old."),
        (
            "Ada ({{IPAc-en|eɪ}}; born 1815) was a mathematician.",
            "Ada (born 1815) was a mathematician.",
        ),
        (
            "Ada ({{IPAc-en|eɪ}}) was a mathematician in England.",
            "Ada was a mathematician in England.",
        ),
        (
            "One<ref>A [[note]].</ref> two<ref name=x /> three four five.",
            "One two three four five.",
        ),
        ("One <!-- not for readers -->two three four five.", "One two three four five."),
        ("The sign {{IPA|/[[Open vowel|a]]/}} is an open vowel.", "The sign /a/ is an open vowel."),
        (
            "The word {{transl|ar|ALA|''kīmiyāʾ''}} means to pour.",
            "The word kīmiyāʾ means to pour.",
        ),
        (
            "The {{nowrap|[[Bill of Rights]]}} is ten articles.",
            "The Bill of Rights is ten articles.",
        ),
        ("The gas is {{chem|C|''n''|H|2''n''+2}} in general.", "The gas is CnH2n+2 in general."),
        ("H<sub>2</sub>O is the formula of water.", "H2O is the formula of water."),
        ("The sum <math>\\sum_i x_i</math> is the total here.", "The sum is the total here."),
        ("It was the ''Iliad'''s most famous scene.", "It was the Iliad's most famous scene."),
        (
            "The lines\nof one paragraph\nbelong together here.",
            "The lines of one paragraph belong together here.",
        ),
    ],
)
def test_a_sentence_is_cleaned(wikitext: str, prose: str) -> None:
    assert clean_wikitext(wikitext) == prose


@pytest.mark.parametrize(
    "markup",
    [
        "[[File:Cat.jpg|thumb|A cat that is sitting on the mat.]]",
        "[[Image:Cat.jpg|A cat that is sitting on the mat.]]",
        "[[Category:Cats of the world, and all that.]]",
        "[[de:Katze und Maus und noch viele mehr.]]",
        "{| class=wikitable\n! Head of the table.\n|-\n| A cell with many words in it.\n|}",
        "{{Infobox|name=A cat that is sitting on the mat.}}",
        "{{quote|A whole sentence that stands in a template.}}",
        "== A heading that ends with a point. ==",
        "* A short item.",
        "* Item of a list that is no sentence at all, see there",
        "* Author, A. (1999). A Book That Has a Long Title. ISBN 0-8032-8192-7.",
        "Too short here.",
        "A caption without a point at the end of it",
        "<gallery>\nCat.jpg|A cat that is sitting on the mat.\n</gallery>",
        "__NOTOC__",
    ],
)
def test_what_is_not_prose_goes(markup: str) -> None:
    assert clean_wikitext(f"{SENTENCE}\n\n{markup}\n\n{SENTENCE}") == f"{SENTENCE}\n\n{SENTENCE}"


def test_list_items_that_are_sentences_stay() -> None:
    item = "This item is a sentence of eight words."
    assert clean_wikitext(f"{SENTENCE}\n* {item}\n# {item}") == "\n\n".join([SENTENCE, item, item])


def test_the_end_of_an_article_is_not_prose() -> None:
    text = (
        f"{SENTENCE}\n\n== See also ==\n\n{SENTENCE}\n\n=== Books ===\n\n{SENTENCE}\n\n"
        f"== Later life ==\n\n{SENTENCE.upper()}"
    )
    assert clean_wikitext(text) == f"{SENTENCE}\n\n{SENTENCE.upper()}"


PAGE = """
  <page>
    <title>{title}</title>
    <ns>{namespace}</ns>{redirect}
    <revision><timestamp>2016-05-01T00:00:00Z</timestamp><text>{text}</text></revision>
  </page>"""


@pytest.fixture
def dump(tmp_path: Path) -> Path:
    pages = [
        PAGE.format(title="One", namespace=0, redirect="", text=f"''{SENTENCE}''"),
        PAGE.format(title="Uno", namespace=0, redirect='<redirect title="One"/>', text=SENTENCE),
        PAGE.format(title="Talk:One", namespace=1, redirect="", text=SENTENCE),
        PAGE.format(title="Empty", namespace=0, redirect="", text="* [[One]]"),
        PAGE.format(title="Two", namespace=0, redirect="", text=f"{SENTENCE}&lt;br /&gt;More."),
    ]
    xml = f'<mediawiki xmlns="http://example.org/export-0.10/">{"".join(pages)}\n</mediawiki>'
    path = tmp_path / "dump.xml.bz2"
    path.write_bytes(bz2.compress(xml.encode("utf-8")))
    return path


def test_articles_of_a_dump(dump: Path) -> None:
    assert [title for title, _ in articles_of(dump)] == ["One", "Empty", "Two"]


def test_read_wikipedia(dump: Path) -> None:
    assert read_wikipedia(dump) == [SENTENCE, f"{SENTENCE} More."]


@pytest.mark.parametrize("damage", ["truncated", "not packed", "not XML"])
def test_a_broken_dump_is_named(dump: Path, damage: str) -> None:
    whole = dump.read_bytes()
    broken = {
        "truncated": whole[: len(whole) // 2],
        "not packed": b"<mediawiki>",
        "not XML": bz2.compress(b"<mediawiki><page>"),
    }[damage]
    dump.write_bytes(broken)
    with pytest.raises(ValueError, match=r"dump\.xml\.bz2 must be a bz2-compressed MediaWiki dump"):
        read_wikipedia(dump)
