import pytest
import torch
from torch import Tensor

from course_lib.data.batches import pad_left, pad_texts
from course_lib.generation import Rules, Uncached, greedy
from course_lib.generation.writing import as_batch, begin, texts_of, write


def counts_on(ids: Tensor) -> Tensor:
    return torch.nn.functional.one_hot((ids + 1) % 7, 7).float()


def test_prompts_get_a_mask() -> None:
    ids = torch.tensor([[1, 2]])
    batch = as_batch(ids)
    assert batch.ids is ids
    assert batch.mask.tolist() == [[True, True]]
    padded = pad_left([[1], [2, 3]])
    assert as_batch(padded) is padded


@pytest.mark.parametrize(
    "prompts",
    [torch.zeros(2, 0).long(), torch.zeros(0, 2).long(), pad_left([[1, 2], []])],
    ids=["no token", "no prompt", "one without a token"],
)
def test_empty_prompts_are_refused(prompts) -> None:
    with pytest.raises(ValueError, match="prompts must hold at least one token each"):
        as_batch(prompts)


def test_texts_are_listed_without_padding() -> None:
    texts = [[5], [1, 2, 3], [4, 0]]
    assert texts_of(pad_left(texts)) == texts_of(pad_texts(texts)) == texts


def test_texts_end_each_in_its_time_and_the_loop_with_the_last() -> None:
    n_reads = []

    def counting(ids: Tensor) -> Tensor:
        n_reads.append(ids.shape[1])
        return counts_on(ids)

    prompts = torch.tensor([[2], [0], [6]])
    assert greedy(counting, prompts, 9, rules=Rules(end_id=4)) == [[3], [1, 2, 3], [0, 1, 2, 3]]
    assert n_reads == [1, 2, 3, 4, 5]
    n_reads.clear()
    assert greedy(counting, prompts, 2) == [[3, 4], [1, 2], [0, 1]]
    assert n_reads == [1, 2]  # what comes after the last token is not asked for


def test_a_stop_keeps_the_token_at_which_it_stops() -> None:
    told = []

    def stop(ids: list[int]) -> bool:
        told.append(list(ids))
        return ids[-1] == 3

    prompts = torch.tensor([[3, 1], [3, 5]])
    assert greedy(counts_on, prompts, 4, rules=Rules(stop=stop)) == [[2, 3], [6, 0, 1, 2]]
    assert told == [[2], [6], [2, 3], [6, 0], [6, 0, 1], [6, 0, 1, 2]]


def test_an_end_is_not_told_to_stop() -> None:
    rules = Rules(end_id=3, stop=lambda ids: ids[-1] == 3)
    assert greedy(counts_on, torch.tensor([[1]]), 9, rules=rules) == [[2]]


def test_rules_see_the_prompt_and_what_was_written() -> None:
    # 1 2 3 is in the prompt: after 1 2 no 3 may come, and the first of equal scores is 0.
    rules = Rules(no_repeat_ngram_size=3)
    prompts = pad_left([[1, 2, 3, 0, 1], [1, 2, 3]], pad_id=2)
    assert greedy(
        Uncached(lambda ids, mask: counts_on(ids), takes_mask=True), prompts, 3, rules=rules
    ) == [
        [2, 0, 1],
        [4, 5, 6],
    ]


def test_each_step_is_given_as_soon_as_it_is_there() -> None:
    batch = as_batch(torch.tensor([[2], [0]]))
    reading, logits = begin(counts_on, batch, 9)
    steps = write(reading, logits, texts_of(batch), 9, lambda s: s.argmax(dim=-1), Rules(end_id=4))
    assert next(steps) == [3, 1]
    assert next(steps) == [None, 2]
    assert list(steps) == [[None, 3], [None, None]]
