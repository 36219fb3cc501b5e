from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib.data import story_lexicon
from course_lib.data.story_lexicon import Item, article, lexicon

ANN = Item("names", {"en": "Ann Lee", "zh": "安 妮", "gender": "she"})
BOB = Item("names", {"en": "Bob", "zh": "鲍勃", "gender": "he"})
ARTIST = Item(
    "professions",
    {
        "en": "artist",
        "zh": "画家",
        "tool": "fine brush",
        "tool_zh": "画笔",
        "tool_measure_zh": "支",
    },
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that stands for the embedded data's."""
    words = tmp_path / "storyworld" / "words"
    words.mkdir(parents=True)
    monkeypatch.setattr(story_lexicon, "data_path", lambda relative: tmp_path / relative)
    return words


def read_lists() -> dict[str, tuple[Item, ...]]:
    """The lists in the folder, past the cache."""
    return dict(lexicon.__wrapped__())


def test_one_file_is_one_list(folder: Path) -> None:
    (folder / "fruits.csv").write_text("en,zh\nfig,无花果\npear,梨\n", encoding="utf-8")
    (folder / "birds.csv").write_text('en,zh\n"owl, barn",仓鸮\n', encoding="utf-8")
    (folder / "notes.txt").write_text("en,zh\nno,不\n", encoding="utf-8")
    lists = read_lists()
    assert list(lists) == ["birds", "fruits"]
    assert [item.row for item in lists["fruits"]] == [
        {"en": "fig", "zh": "无花果"},
        {"en": "pear", "zh": "梨"},
    ]
    assert lists["birds"][0].words == "birds"
    assert lists["birds"][0].row["en"] == "owl, barn"


@pytest.mark.parametrize(("row", "column"), [("fig,", "zh"), (",无花果", "en")])
def test_a_row_needs_both_languages(folder: Path, row: str, column: str) -> None:
    (folder / "fruits.csv").write_text(f"en,zh\npear,梨\n{row}\n", encoding="utf-8")
    with pytest.raises(ValueError, match=f"fruits.csv: every row must have a column '{column}'"):
        read_lists()


def test_no_item_twice(folder: Path) -> None:
    text = "en,zh\npear,梨\nfig,无花果\npear,鸭梨\nfig,果\n"
    (folder / "fruits.csv").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"fruits\.csv: 'pear' must not stand there twice"):
        read_lists()


def test_no_form_twice_because_two_items_could_not_be_told_apart(folder: Path) -> None:
    text = "en,zh,tool,tool_zh\ncook,厨师,knife,刀\nbutcher,屠夫,knife,屠刀\n"
    (folder / "jobs.csv").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"jobs\.csv: 'knife' must not stand there twice"):
        read_lists()


def test_the_worlds_lists_are_read_once() -> None:
    assert lexicon() is lexicon()
    assert {item.row["gender"] for item in lexicon()["names"]} == {"she", "he"}
    assert {item.row["planted_gender"] for item in lexicon()["professions"]} == {"she", "he"}


@pytest.mark.parametrize(("cell", "weight"), [(None, 1.0), ("", 1.0), ("2.5", 2.5), ("0", 0.0)])
def test_weights(cell: str | None, weight: float) -> None:
    row = {"en": "fig", "zh": "无花果"} | ({} if cell is None else {"weight": cell})
    assert Item("fruits", row).weight == weight


@pytest.mark.parametrize(
    ("form", "english", "chinese"),
    [
        ("", "artist", "画家"),
        ("a", "an artist", "画家"),
        ("Cap", "Artist", "画家"),
        ("tool", "fine brush", "画笔"),
        ("a_tool", "a fine brush", "画笔"),
    ],
)
def test_forms_by_hand(form: str, english: str, chinese: str) -> None:
    assert ARTIST.say(form, "en") == tuple(english.split())
    assert ARTIST.say(form, "zh") == tuple(chinese.split())


def test_words_of_several_tokens() -> None:
    assert ANN.say("", "zh") == ("安", "妮")
    assert Item("fruits", {"en": "ripe fig"}).say("Cap", "en") == ("Ripe", "fig")


@pytest.mark.parametrize(
    ("form", "hers", "his", "hers_zh", "his_zh"),
    [
        ("she", "she", "he", "她", "他"),
        ("She", "She", "He", "她", "他"),
        ("her", "her", "him", "她", "他"),
        ("their", "her", "his", "她", "他"),
        ("Their", "Her", "His", "她", "他"),
        ("herself", "herself", "himself", "她 自己", "他 自己"),
        ("woman", "woman", "man", "女人", "男人"),
        ("girl", "girl", "boy", "女孩", "男孩"),
        ("daughter", "daughter", "son", "女儿", "儿子"),
        ("sister", "sister", "brother", "姐姐", "哥哥"),
    ],
)
def test_pronouns(form: str, hers: str, his: str, hers_zh: str, his_zh: str) -> None:
    said = [item.say(form, language) for language in ("en", "zh") for item in (ANN, BOB)]
    assert said == [(hers,), (his,), tuple(hers_zh.split()), tuple(his_zh.split())]


@pytest.mark.parametrize(
    ("form", "language", "column"),
    [
        ("workplace", "en", "workplace"),
        ("workplace", "zh", "workplace_zh"),
        ("tool_measure", "en", "tool_measure"),
        ("a_song", "en", "song"),
        ("she", "en", "she"),  # a profession has no pronoun
    ],
)
def test_an_item_without_a_form_is_named(form: str, language: str, column: str) -> None:
    with pytest.raises(ValueError, match=rf"^Item\(professions: artist\) must .* '{column}'"):
        ARTIST.say(form, language)


def test_forms_for_chinese_only() -> None:
    assert ARTIST.say("tool_measure", "zh") == ("支",)
    glue = Item("objects", {"en": "glue", "zh": "胶水", "measure_zh": "一 小 瓶"})
    assert glue.say("measure", "zh") == ("一", "小", "瓶")
    assert glue.say("unit", "zh") == ("小", "瓶")
    assert glue.entity("unit") == ""
    with pytest.raises(ValueError, match="'measure'"):
        glue.say("unit", "en")


@pytest.mark.parametrize(
    ("words", "form", "kind"),
    [
        ("names", "", "PER"),
        ("names", "she", ""),
        ("places", "", "LOC"),
        ("towns", "a", "LOC"),
        ("capitals", "Cap", "LOC"),
        ("capitals", "country", ""),
        ("objects", "plural", "OBJ"),
        ("objects", "a_plural", "OBJ"),
        ("objects", "measure", ""),
        ("professions", "", ""),
        ("professions", "tool", "OBJ"),
        ("professions", "a_tool", "OBJ"),
        ("professions", "workplace", "LOC"),
        ("professions", "plural", ""),
        ("animals", "", ""),
    ],
)
def test_entities_by_hand(words: str, form: str, kind: str) -> None:
    assert Item(words, {"en": "x", "zh": "某"}).entity(form) == kind


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("apple", "an"),
        ("Orange", "an"),
        ("kite", "a"),
        ("hour", "an"),
        ("Honest", "an"),
        ("house", "a"),
        ("university", "a"),
        ("useful", "a"),
        ("usual", "a"),
        ("one-eyed", "a"),
        ("European", "a"),
        ("ukulele", "a"),
        ("umbrella", "an"),
        ("onion", "an"),
    ],
)
def test_articles_by_hand(word: str, expected: str) -> None:
    assert article(word) == expected


@given(st.from_regex(r"[A-Za-z]{1,9}", fullmatch=True))
def test_the_article_does_not_depend_on_case(word: str) -> None:
    assert article(word) == article(word.upper()) == article(word.lower())
