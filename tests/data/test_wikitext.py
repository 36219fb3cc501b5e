from course_lib.data.wikitext import split_articles

TEXT = """
 = Homarus gammarus =

 Homarus gammarus is a lobster .

 = = Description = =

 It is blue . E = m c 2 = so it goes .
 = not alone on its lines =

 = Other =

 Text .
"""


def test_a_title_begins_an_article_and_a_section_does_not() -> None:
    first, second = split_articles(TEXT.split("\n"))
    assert first.startswith("= Homarus gammarus =\n\nHomarus gammarus is a lobster .")
    assert "= = Description = =" in first
    assert first.endswith("= not alone on its lines =")
    assert second == "= Other =\n\nText ."


def test_a_title_stands_between_empty_lines_or_at_the_edge() -> None:
    assert split_articles(["= A =", "", "x", "", "= B ="]) == ["= A =\n\nx", "= B ="]
    for lines in (["", "x", "= A =", "", "y"], ["x", "", "= A =", "y"]):
        assert len(split_articles(lines)) == 1


def test_rows_with_their_line_ends_give_the_same() -> None:
    rows = [line + "\n" if line else "" for line in TEXT.split("\n")]
    assert split_articles(rows) == split_articles(TEXT.split("\n"))


def test_no_line_is_lost() -> None:
    words = [word for article in split_articles(TEXT.split("\n")) for word in article.split()]
    assert words == TEXT.split()


def test_text_before_the_first_title_is_kept() -> None:
    assert split_articles(["loose end", "", " = T = ", "", "x"]) == ["loose end", "= T =\n\nx"]
    assert split_articles([]) == []
