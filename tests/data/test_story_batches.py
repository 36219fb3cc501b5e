import pytest
import torch

from course_lib.data.batches import TokenBatch
from course_lib.data.stories import StoryOptions
from course_lib.data.story_batches import POOL_BATCHES, StoryBatches
from course_lib.data.storyworld import split_of_story
from course_lib.tokenizers import ByteTokenizer

END_ID = 256
encode = ByteTokenizer().encode


def make_batches(seed: int = 0, languages: tuple[str, ...] = ("en", "zh")) -> StoryBatches:
    return StoryBatches(encode, end_id=END_ID, n_rows=3, languages=languages, seed=seed)


def texts_of(batch: TokenBatch) -> list[str]:
    rows = zip(batch.ids, batch.mask, strict=True)
    return [ByteTokenizer().decode(row[mask].tolist()[1:-1]) for row, mask in rows]


def test_a_batch_depends_on_seed_and_index_alone() -> None:
    batches = make_batches()
    late = batches[2 * POOL_BATCHES + 5]
    batches[0]
    for again in (batches, make_batches()):
        assert torch.equal(again[2 * POOL_BATCHES + 5].ids, late.ids)
    assert texts_of(make_batches(seed=1)[2 * POOL_BATCHES + 5]) != texts_of(late)


def test_texts_stand_between_ends_and_are_stories_to_learn_from() -> None:
    batches = make_batches(languages=("en",))
    seen: list[str] = []
    for index in range(2 * POOL_BATCHES):
        ids, mask = batches[index]
        assert mask.sum(dim=1).max() == ids.shape[1]
        for row, is_token in zip(ids, mask, strict=True):
            tokens = row[is_token]
            assert (tokens == END_ID).nonzero().flatten().tolist() == [0, len(tokens) - 1]
            assert (row[~is_token] == END_ID).all()
        seen += texts_of(TokenBatch(ids, mask))
    assert len(seen) == len(set(seen)) == 3 * 2 * POOL_BATCHES  # fresh ones each time
    assert {split_of_story(text) for text in seen} == {"train"}


def test_languages_take_turns() -> None:
    batches = make_batches()
    texts = [text for index in range(POOL_BATCHES) for text in texts_of(batches[index])]
    chinese = [text for text in texts if any("一" <= letter <= "鿿" for letter in text)]
    assert len(chinese) == len(texts) // 2


def test_batches_hold_texts_of_like_length_in_random_order() -> None:
    batches = make_batches(languages=("en",))
    lengths = [batches[index].mask.sum(dim=1) for index in range(POOL_BATCHES)]
    padding = sum(float((length.max() - length).sum()) for length in lengths)
    assert padding / sum(float(length.sum()) for length in lengths) < 0.05
    longest = [int(length.max()) for length in lengths]
    assert longest != sorted(longest)


def test_options_reach_the_world() -> None:
    options = StoryOptions(plots=("bargain",))
    batches = StoryBatches(encode, end_id=END_ID, n_rows=5, languages=("en",), options=options)
    assert all("pennies" in text for text in texts_of(batches[0]))


def test_odd_settings_are_refused() -> None:
    with pytest.raises(ValueError, match=r"n_rows must be ≥ 1; got n_rows=0"):
        StoryBatches(encode, end_id=END_ID, n_rows=0)
    with pytest.raises(ValueError, match="languages must name at least one"):
        StoryBatches(encode, end_id=END_ID, n_rows=3, languages=())
    with pytest.raises(IndexError, match=r"index must be ≥ 0; got -1"):
        make_batches()[-1]
