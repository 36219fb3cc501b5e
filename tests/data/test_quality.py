from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.data.quality import (
    QualityRules,
    count_small_words,
    guess_language,
    quality_problems,
    repeated_ngram_share,
    repeated_share,
    symbol_share,
)

GOOD = "The baker gave the bread to her neighbour, and he thanked her for it."
GOOD_ZH = "面包师把面包送给了邻居，邻居向她道谢，然后高高兴兴地回家了。"


@pytest.mark.parametrize(
    "document",
    [
        GOOD,
        GOOD_ZH,
        f"{GOOD}\n{GOOD_ZH}",
        "I don't know; it's well-known they're 20th-century, isn't it?",
    ],
)
def test_good_documents_have_no_problem(document: str) -> None:
    assert quality_problems(document) == ()


@pytest.mark.parametrize(
    ("document", "problems"),
    [
        ("", ("too few words", "too few alphabetic words", "language")),
        ("The end of that.", ("too few words",)),
        (f"{GOOD} Lorem IPSUM dolor.", ("forbidden phrase",)),
        (f"| # | {GOOD} | # | * | * | ^ | ^ | {'}'}", ("too many symbols",)),
        (f"{GOOD} {'#' * 10}", ("too many symbols",)),  # 10 / 66
        (f"{GOOD} 1 2 3 4 5 6 7 8 9", ("too few alphabetic words",)),
        ("it is as it is in a b c d e f g and h", ("words too short",)),
        ("the antidisestablishmentarian and supercalifragilistic party", ("words too long",)),
        ("Buy the one.\nSee the two.\nBuy the one.\nBuy the one.", ("repeated lines",)),
        ("she buys it at the shop and she buys it at the shop", ("repeated n-grams",)),
        ("El gato se sienta en la mesa y mira a los niños que van.", ("language",)),
        ("私は猫が好きです。毎日一緒に散歩をします。", ("language",)),
    ],
)
def test_one_document_for_each_rule(document: str, problems: tuple[str, ...]) -> None:
    assert quality_problems(document) == problems


@pytest.mark.parametrize(
    ("change", "document", "problem"),
    [
        ({"max_words": 13}, GOOD, "too many words"),
        ({"min_words": 15}, GOOD, "too few words"),
        ({"languages": ("zh",)}, GOOD, "language"),
        ({"languages": ("en",)}, GOOD_ZH, "language"),
        ({"min_words": 30}, GOOD_ZH, "too few words"),
        ({"max_words": 26}, GOOD_ZH, "too many words"),
        ({"forbidden_phrases": ("BREAD",)}, GOOD, "forbidden phrase"),
    ],
)
def test_rules_decide(change: dict[str, Any], document: str, problem: str) -> None:
    assert quality_problems(document, QualityRules(**change)) == (problem,)


@pytest.mark.parametrize(
    ("change", "document"),
    [
        ({"max_words": 14, "min_words": 14}, GOOD),
        ({"max_words": 27, "min_words": 27}, GOOD_ZH),
        ({"max_symbol_share": 0.2, "languages": ("other",), "min_words": 2}, "# Menu | Home"),
        (
            {"max_repeated_line_share": 0.5},
            "Buy the one.\nSee the two.\nBuy the one.\nBuy the one.",
        ),
        (
            {"min_mean_word_chars": 2.0, "max_mean_word_chars": 2.0, "languages": ("other",)},
            "ab ab cd ef gh",
        ),
        ({"max_repeated_ngram_share": 0.5}, "buy it now buy it now buy it now buy"),
        ({"min_alphabetic_share": 0.6, "min_mean_word_chars": 1, "min_words": 5}, "the end of 1 2"),
    ],
)
def test_a_document_at_the_limit_passes(change: dict[str, Any], document: str) -> None:
    assert quality_problems(document, QualityRules(**change)) == ()


def test_a_mixed_document_is_judged_by_its_words_that_are_no_chinese_characters() -> None:
    mixed = "the neural network 神经网络 and the transformer 模型 are in it"
    for limit, problems in ((4.44, ()), (4.45, ("words too short",))):  # 40 / 9 = 4.444…
        rules = QualityRules(min_mean_word_chars=limit, languages=("other",))
        assert quality_problems(mixed, rules) == problems
    half = "it 中 is 文 as 字"
    assert quality_problems(half, QualityRules(languages=("zh",))) == ("words too short",)
    assert quality_problems(f"{half} 符", QualityRules(languages=("zh",))) == ()


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        "Anna is a baker in Oslo.",
        "“I don’t know,” she said.",
        "Stereotypy is repetitive movement, such as hand flapping or body rocking.",
        "He studied the café culture of Paris and the works of the naïve painters.",
    ],
)
def test_english(text: str) -> None:
    assert guess_language(text) == "en"


@pytest.mark.parametrize("text", [GOOD_ZH, "繁體字也算中文。", "我用 Python 写程序", "好"])
def test_chinese(text: str) -> None:
    assert guess_language(text) == "zh"


@pytest.mark.parametrize(
    "text",
    [
        "Die Katze war so müde, dass sie in dem Garten auf der Bank am Haus schlief.",
        "In der Stadt war am Morgen alles so still, als ob niemand mehr da war.",
        "On a vu le chat dans le jardin, et on a pris un livre sur la table.",
        "No me gusta el pan, y no me voy a la casa de mi hermano en el pueblo.",
        "La ragazza va a scuola in bici e torna a casa a piedi con il fratello.",
        "O gato foi a casa do menino e as meninas foram a escola a pé com o pai.",
        "We zijn in de winkel en de man is op de fiets naar huis gegaan.",
        "Katten var i huset, men han så at hun var i haven, og så gik han ud.",
        "Kot siedzi na stole i patrzy na psa, a pies je kolacje w kuchni.",
        "Кошка сидит на столе и смотрит на собаку.",
        "Η γάτα κάθεται στο τραπέζι.",
        "猫はテーブルの上に座っています。",
        "고양이가 책상 위에 앉아 있다. 漢字도 있다.",
        "Gordon, Uri, Anarchy Alive!, London: Pluto Press, 2007.",
        "3.14 * 2 = 6.28 !",
        "",
    ],
)
def test_neither(text: str) -> None:
    assert guess_language(text) == "other"


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("中" * 19 + "の", "zh"),  # kana: 1 letter in 20 may be
        ("中" * 18 + "のは", "other"),
        ("中" * 37 + "の한の", "other"),
        ("中文字 abcdefg", "zh"),  # Chinese characters: 3 letters in 10 suffice
        ("中文字 abcdefgh", "other"),
        ("the of it at é", "en"),  # A to Z: 9 letters in 10 suffice
        ("the of it as é é", "other"),
        ("the dog barks loudly near old red barn fences today", "en"),  # 1 small word in 10
        ("the dog barks loudly near old red barn fences today again", "other"),
        ("the dog and cat und", "en"),  # 2 English small words, 1 German
        ("the dog cat und", "other"),
    ],
)
def test_the_limits_of_the_guess(text: str, language: str) -> None:
    assert guess_language(text) == language


def test_shares_by_hand() -> None:
    assert symbol_share("a_b # 你，好 ~") == 3 / 8
    assert symbol_share('Yes, (it\'s) "50%" – £3.') == 0
    assert symbol_share(" ") == 0
    assert repeated_share([]) == 0
    assert repeated_share([1, 2, 1, 3]) == 0.25
    assert repeated_ngram_share(list("abcdEabcde")) == 1 / 6
    assert repeated_ngram_share(list("abcd")) == 0
    # Ten Chinese characters are an n-gram; five are not.
    assert repeated_ngram_share("一二三四五六七八九十" * 2) == 1 / 11
    assert repeated_ngram_share("一二三四五六七八九") == 0


@settings(deadline=None)
@given(document=st.text() | st.text("the and 我你.\n#", max_size=60))
def test_problems_of_any_text(document: str) -> None:
    problems = quality_problems(document)
    everything = QualityRules(
        min_words=0,
        min_mean_word_chars=0,
        max_mean_word_chars=1e9,
        min_alphabetic_share=0,
        max_symbol_share=1,
        max_repeated_line_share=1,
        max_repeated_ngram_share=1,
        forbidden_phrases=(),
        languages=("en", "zh", "other"),
    )
    assert quality_problems(document, everything) == ()
    assert len(set(problems)) == len(problems)
    assert ("language" in problems) == (guess_language(document) == "other")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"min_words": -1}, r"min_words and max_words must be ≥ 0 .* got min_words=-1, max"),
        ({"min_words": 9, "max_words": 8}, r"in this order; got min_words=9, max_words=8\."),
        ({"min_mean_word_chars": 11}, r"got min_mean_word_chars=11, max_mean_word_chars=10\.0"),
        (
            {"max_symbol_share": 10},
            r"max_symbol_share must be from 0 to 1; got max_symbol_share=10",
        ),
        ({"min_alphabetic_share": -0.1}, r"min_alphabetic_share must be from 0 to 1; got"),
        ({"max_repeated_line_share": 1.01}, r"max_repeated_line_share must be"),
        ({"max_repeated_ngram_share": 2}, r"max_repeated_ngram_share must be"),
        ({"forbidden_phrases": "spam"}, r"must be a tuple of non-empty strings; got .*'spam'"),
        ({"forbidden_phrases": ("",)}, r"must be a tuple of non-empty strings"),
        ({"languages": ("de",)}, r"languages must be a tuple of some of .*; got .*\('de',\)"),
        ({"languages": ()}, r"languages must be a tuple of some of"),
        ({"languages": "en"}, r"languages must be a tuple of some of"),
    ],
)
def test_impossible_rules_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        QualityRules(**change)


def test_small_words_are_counted_whatever_their_capitals() -> None:
    assert count_small_words("THE cat, the dog; les chats et der Hund") == (9, 2, 3)
    assert count_small_words("") == (0, 0, 0)
