import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.tokenizers import sentences_of, split_sentences, split_words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It's 3.5 km -- isn’t it?", ["it's", "3", "5", "km", "isn't", "it"]),
        ("'quoted' rock 'n' roll's", ["quoted", "rock", "n", "roll's"]),
        ("random_state, ÉCOLE, 语言", ["random", "state", "école", "语言"]),
        ("… — !", []),
    ],
)
def test_words_keep_letters_digits_and_inner_apostrophes(text: str, expected: list[str]) -> None:
    assert split_words(text) == expected


def test_case_is_kept_on_demand() -> None:
    assert split_words("The USA", lower=False) == ["The", "USA"]


@settings(deadline=None)
@given(st.text())
def test_words_survive_a_second_splitting(text: str) -> None:
    words = split_words(text, lower=False)
    assert split_words(" ".join(words), lower=False) == words


def test_a_list_of_words_is_not_a_text() -> None:
    with pytest.raises(TypeError, match="text must be a string; got list"):
        split_words(["already", "split"])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        ('"Stop." She stopped.', ['"Stop."', "She stopped."]),
        ("Dr. J. Watson sat. So did I.", ["Dr. J. Watson sat.", "So did I."]),
        ("See e.g. Fig. 3 there. It is 3.5 wide.", ["See e.g. Fig. 3 there.", "It is 3.5 wide."]),
        ("A title\n\nA text that\ngoes on", ["A title", "A text that\ngoes on"]),
        ("lower. case follows", ["lower. case follows"]),
        ("  \n\n ", []),
    ],
)
def test_sentences_end_where_a_reader_would_end_them(text: str, expected: list[str]) -> None:
    assert split_sentences(text) == expected


@settings(deadline=None)
@given(st.text(alphabet="aB.!? \n'"))
def test_splitting_into_sentences_loses_nothing_but_space(text: str) -> None:
    assert "".join("".join(split_sentences(text)).split()) == "".join(text.split())


def test_documents_become_sentences_without_empty_ones() -> None:
    documents = ["It rained. We stayed.", "...", "", "Two\n\nparts"]
    assert sentences_of(documents) == [["it", "rained"], ["we", "stayed"], ["two"], ["parts"]]


def test_one_string_is_not_several_documents() -> None:
    with pytest.raises(TypeError, match="one plain string"):
        sentences_of("It rained.")
