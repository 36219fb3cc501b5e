"""Contrastive search against the formula of its paper, with all read again for each token."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F

from course_lib.data.batches import pad_left
from course_lib.generation import (
    ForSource,
    Rules,
    Sliding,
    Uncached,
    contrastive_search,
    greedy,
)
from course_lib.models import GPT, GPTConfig, encoder_decoder_from_hf
from course_lib.seeding import make_generator

from .conftest import MAX_LEN, PAD_ID, VOCAB_SIZE, Pair, make_gpt, make_marian

N_TOKENS = 7


@torch.no_grad()
def best_by_the_paper(model: Any, prompt: list[int], k: int, alpha: float) -> list[int]:
    """Read the whole text with each of the k tokens behind it; `model` is transformers'."""
    text = list(prompt)
    for _ in range(N_TOKENS):
        probs = model(torch.tensor([text])).logits[0, -1].softmax(dim=-1)
        tokens = probs.argsort(descending=True)[:k].tolist()
        longer = torch.tensor([[*text, token] for token in tokens])
        read = model(longer, output_hidden_states=True).hidden_states[-1]
        values = {}
        for token, (*past, newest) in zip(tokens, read, strict=True):
            cosines = [float(F.cosine_similarity(newest, vector, dim=0)) for vector in past]
            values[token] = (1 - alpha) * float(probs[token]) - alpha * max(cosines)
        text.append(max(values, key=lambda token: values[token]))
    return text[len(prompt) :]


@pytest.mark.parametrize(("k", "alpha"), [(4, 0.6), (7, 0.2), (5, 1.0)])
def test_agrees_with_the_paper(pair: Pair, k: int, alpha: float) -> None:
    prompts = pair.prompts[:2]
    found = contrastive_search(pair.ours, prompts, N_TOKENS, k=k, alpha=alpha)
    expected = [best_by_the_paper(pair.theirs, text, k, alpha) for text in prompts.tolist()]
    assert found == expected
    assert found != greedy(pair.ours, prompts, N_TOKENS)


def test_hugging_face_s_models_write_the_same(pair: Pair) -> None:
    batch = pad_left([[3, 1, 4, 1, 5], [9, 2], [6, 5, 3, 5]], PAD_ID)
    found = contrastive_search(pair.ours, batch, N_TOKENS, k=5, alpha=0.5)
    assert found == contrastive_search(pair.theirs, batch, N_TOKENS, k=5, alpha=0.5)


def test_padding_is_no_earlier_token(pair: Pair) -> None:
    prompts = [[3, 1, 4, 1, 5], [9, 2], [6, 5, 3, 5]]
    found = contrastive_search(pair.ours, pad_left(prompts, PAD_ID), N_TOKENS, k=5, alpha=0.7)
    assert found == [best_by_the_paper(pair.theirs, text, 5, 0.7) for text in prompts]


@pytest.mark.parametrize(("k", "alpha"), [(6, 0.0), (1, 0.6), (1, 1.0)])
def test_without_weight_or_choice_it_is_greedy(pair: Pair, k: int, alpha: float) -> None:
    free = greedy(pair.ours, pair.prompts, N_TOKENS)
    rules = Rules(end_id=free[0][3], repetition_penalty=1.2, no_repeat_ngram_size=3)
    found = contrastive_search(pair.ours, pair.prompts, N_TOKENS, k=k, alpha=alpha, rules=rules)
    assert found == greedy(pair.ours, pair.prompts, N_TOKENS, rules=rules)
    assert min(len(ids) for ids in found) < N_TOKENS


def test_half_precision_without_weight_is_greedy() -> None:
    # An untrained model, whose probabilities are so near each other that bfloat16 confuses them.
    config = GPTConfig(vocab_size=VOCAB_SIZE, max_len=MAX_LEN, d_model=10, n_heads=5, n_layers=3)
    model = GPT(config, make_generator(0)).eval().bfloat16()
    prompts = torch.randint(VOCAB_SIZE, (7, 3), generator=make_generator(5))
    found = contrastive_search(model, prompts, N_TOKENS, k=6, alpha=0.0)
    assert found == greedy(model, prompts, N_TOKENS)


def test_what_is_ruled_out_is_not_taken_however_unlike_it_is(pair: Pair) -> None:
    once = Rules(no_repeat_ngram_size=1)
    found = contrastive_search(pair.ours, pair.prompts, 26, k=99, alpha=1.0, rules=once)
    for prompt, ids in zip(pair.prompts.tolist(), found, strict=True):
        assert len(set(prompt + ids)) == len(set(prompt)) + 26


def test_stops_where_it_is_told_and_keeps_what_was_told(pair: Pair) -> None:
    told = []

    def stop(ids: list[int]) -> bool:
        told.append(list(ids))
        return ids[-1] == last_id

    free = contrastive_search(pair.ours, pair.prompts, N_TOKENS, k=4, alpha=0.5)
    last_id, end_id = free[0][2], free[1][3]
    rules = Rules(end_id=end_id, stop=stop)
    found = contrastive_search(pair.ours, pair.prompts, N_TOKENS, k=4, alpha=0.5, rules=rules)
    for ids, free_ids in zip(found, free, strict=True):
        ends = [place for place, token in enumerate(free_ids) if token == end_id]
        stops = [place + 1 for place, token in enumerate(free_ids) if token == last_id]
        assert ids == free_ids[: min(ends + stops, default=N_TOKENS)]
    assert all(ids in told for ids in found if ids)
    assert not [ids for ids in told if end_id in ids or last_id in ids[:-1]]


def test_texts_that_have_ended_are_no_longer_read() -> None:
    n_rows = []
    model = make_gpt()
    free = contrastive_search(model, torch.tensor([[3, 1], [9, 2]]), 4, k=5, alpha=0.5)
    end_id = free[1][1]
    assert end_id not in free[0] + free[1][:1]
    model.final_norm.register_forward_hook(lambda *io: n_rows.append(len(io[-1])))
    rules = Rules(end_id=end_id)
    contrastive_search(model, torch.tensor([[3, 1], [9, 2]]), 4, k=5, alpha=0.5, rules=rules)
    assert n_rows == [2, 10, 10, 5, 5]


def test_must_place_the_last_token_too() -> None:
    model = make_gpt()
    prompts = torch.tensor([[3, 1]])
    n_tokens = MAX_LEN - 2
    assert len(contrastive_search(model, prompts, n_tokens, k=2, alpha=0.5)[0]) == n_tokens
    with pytest.raises(ValueError, match=f"max_len={MAX_LEN}"):
        contrastive_search(model, prompts, n_tokens + 1, k=2, alpha=0.5)


def test_refuses_models_that_do_not_show_their_vectors() -> None:
    gpt = make_gpt()
    translator = encoder_decoder_from_hf(make_marian()).eval()
    prompts = torch.tensor([[3, 1]])
    task = ForSource(translator, prompts)
    for model, name in [
        (Uncached(gpt), "Uncached"),
        (Sliding(gpt), "Sliding"),
        (task, "ForSource"),
    ]:
        message = f"model must show the vectors of its last layer: .*; got {name}"
        with pytest.raises(TypeError, match=message):
            contrastive_search(model, prompts, 2, k=2, alpha=0.5)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"k": 0}, "k must be ≥ 1; got k=0"),
        ({"alpha": -0.1}, "alpha must be ≥ 0 and ≤ 1; got alpha=-0.1"),
        ({"alpha": 1.1}, "alpha must be ≥ 0 and ≤ 1; got alpha=1.1"),
        ({"n_tokens": 0}, "n_tokens must be ≥ 1; got n_tokens=0"),
    ],
)
def test_refuses_what_makes_no_sense(setting: dict[str, Any], message: str) -> None:
    options: dict[str, Any] = {"n_tokens": 2, "k": 2, "alpha": 0.5} | setting
    with pytest.raises(ValueError, match=message):
        contrastive_search(make_gpt(), torch.tensor([[3, 1]]), **options)
