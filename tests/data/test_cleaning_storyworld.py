"""The cleaning line on stories with planted dirt: its report must say what was planted."""

from collections import Counter

import pytest

from course_lib.data import clean, load

RATES = {"duplicate_rate": 0.1, "near_duplicate_rate": 0.06, "noise_rate": 0.1}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_report_counts_what_was_planted(language) -> None:
    rows = load("storyworld", size=500, seed=5, language=language, **RATES)["train"]
    planted = Counter(rows["origin"])
    texts, report = clean(rows["text"])
    removed = {document.row: document.reason for document in report.removed}

    # Of a story and its copies one is kept, whichever comes first.
    assert report.counts["exact duplicate"] == planted["duplicate"] > 20
    assert report.counts["near-duplicate"] == planted["near-duplicate"] > 10
    spoiled = ("noise-symbols", "noise-repetition", "noise-script", "noise-short")
    for row, origin in enumerate(rows["origin"]):
        if origin in spoiled:
            assert removed[row] not in ("exact duplicate", "near-duplicate"), origin
        if origin == "noise-personal":
            assert row not in removed
    n_spoiled = sum(planted[origin] for origin in spoiled)
    n_copies = planted["duplicate"] + planted["near-duplicate"]
    assert len(removed) == n_spoiled + n_copies
    assert report.n_kept == len(texts) == planted["story"] + planted["noise-personal"]

    # What is personal is masked, in every row where it was planted and in no other.
    assert report.masked == {
        "EMAIL": planted["noise-personal"],
        "PHONE": planted["noise-personal"],
    }
    assert not any("example.org" in text for text in texts)


def test_clean_stories_lose_nothing() -> None:
    rows = load("storyworld", size=200, seed=9, language="both")["train"]
    for column in ("text", "text_zh"):
        texts, report = clean(rows[column])
        assert report.n_kept == len(rows)
        assert not report.masked
        assert texts == rows[column]
