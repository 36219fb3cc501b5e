import warnings

import pytest

from course_lib.pipelines.languages import is_chinese, is_foreign, warn_of_foreign

FOREIGN = [
    "Das ist nicht die Katze.",
    "Le chat est sur la table.",
    "Это кошка.",
    "猫はかわいいですね、とても。",
]


@pytest.mark.parametrize(
    "text", ["3 + 4 = 7", "", "…", "OK", "The cat sat.", "红猫", "Omar 修好了风筝"]
)
def test_what_the_course_reads_is_not_foreign(text: str) -> None:
    assert not is_foreign(text, ("en", "zh"))


@pytest.mark.parametrize("text", FOREIGN[:3])
def test_other_languages_are(text: str) -> None:
    assert is_foreign(text, ("en", "zh"))


def test_chinese_is_foreign_to_a_reader_of_english_and_the_other_way_round() -> None:
    assert is_foreign("红猫", ("en",))
    assert is_foreign("The red cat", ("zh",))
    assert not is_foreign("红猫", ("zh",))


def test_three_in_ten_letters_make_a_text_chinese() -> None:
    assert is_chinese("红猫红abcdefg")
    assert not is_chinese("红猫abcdefgh")
    assert not is_chinese("!")


def test_the_warning_counts_and_leaves_out_what_is_no_text() -> None:
    with pytest.warns(
        UserWarning, match=r"2 of 3 texts look like none .* me \S* ?has read \(en, zh\)"
    ):
        warn_of_foreign(["A cat", FOREIGN[0], None, FOREIGN[2]], ("en", "zh"), "me")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_foreign(["A cat", None], ("en", "zh"), "me")
