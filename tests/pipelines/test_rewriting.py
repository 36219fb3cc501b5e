from collections.abc import Sequence

import pytest

from course_lib.pipelines import SummarizationPipeline, TranslationPipeline
from course_lib.pipelines.rewriting import Direction


class Shout:
    """Writes what it reads in capitals, after its own name."""

    def __init__(self, name: str) -> None:
        self.name, self.asked = name, 0

    def predict(self, sources: Sequence[str]) -> list[str]:
        self.asked += 1
        return [f"{self.name}:{source.upper()}" for source in sources]


def translator(source: str | None, target: str | None) -> TranslationPipeline:
    both = {"en": Shout("en"), "zh": Shout("zh")}
    wanted: dict = {into: one for into, one in both.items() if target in (None, into)}
    return TranslationPipeline(wanted, direction=Direction(source, target), batch_size=2)


def test_summaries_have_the_fields_people_know() -> None:
    pipe = SummarizationPipeline(Shout("s"), languages=None, batch_size=2)
    assert pipe("a cat") == [{"summary_text": "s:A CAT"}]
    assert pipe(["a", "b", "c"]) == [{"summary_text": f"s:{x}"} for x in "ABC"]
    with pytest.warns(UserWarning, match="1 of 3 inputs"):
        assert "error" in pipe(["a", "", "c"])[1]
    with pytest.raises(ValueError, match="more than white space"):
        pipe("")


def test_a_direction_refuses_the_other_language_and_names_the_right_task() -> None:
    pipe = translator("en", "zh")
    assert pipe("a cat") == [{"translation_text": "zh:A CAT"}]
    with pytest.raises(ValueError, match=r"must be in English.*'translation_zh_to_en'"):
        pipe("红猫")
    with pytest.warns(UserWarning, match="1 of 2 inputs"):
        found = pipe(["红猫", "a cat"])
    assert found[1] == {"translation_text": "zh:A CAT"}
    with pytest.raises(ValueError, match=r"must be in Chinese.*'translation_en_to_zh'"):
        translator("zh", "en")("a cat")


def test_without_a_direction_each_text_goes_into_the_other_language() -> None:
    pipe = translator(None, None)
    found = [row["translation_text"] for row in pipe(["a cat", "红猫", "a dog"])]
    assert found == ["zh:A CAT", "en:红猫", "zh:A DOG"]


def test_a_model_of_unknown_languages_takes_any_text() -> None:
    pipe = TranslationPipeline({None: Shout("x")}, direction=Direction("en", "de"), batch_size=2)
    assert pipe("红猫") == [{"translation_text": "x:红猫"}]


def test_other_languages_are_warned_of() -> None:
    with pytest.warns(UserWarning, match="1 of 1 texts look like none of the languages"):
        translator(None, None)("Das ist nicht die Katze.")
