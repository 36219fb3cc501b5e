import math

import pytest
import torch

from course_lib.nn.next_token import next_token_loss
from course_lib.seeding import make_generator


def test_by_hand() -> None:
    probabilities = torch.tensor([[[0.5, 0.5], [0.25, 0.75], [0.9, 0.1]]], dtype=torch.float64)
    loss = next_token_loss(probabilities.log(), torch.tensor([[1, 0, 0]]))
    assert loss.item() == pytest.approx((math.log(2) + math.log(4)) / 2)


def test_agrees_with_the_loss_of_transformers() -> None:
    from transformers import GPT2Config, GPT2LMHeadModel

    sizes = {"vocab_size": 13, "n_positions": 7, "n_embd": 6, "n_layer": 1, "n_head": 2}
    model = GPT2LMHeadModel(GPT2Config(**sizes, bos_token_id=0, eos_token_id=0)).eval()
    ids = torch.randint(13, (3, 7), generator=make_generator(0))
    mask = torch.arange(7) < torch.tensor([[7], [2], [5]])
    with torch.no_grad():
        theirs = model(ids, labels=ids.masked_fill(~mask, -100))
        torch.testing.assert_close(next_token_loss(theirs.logits, ids, mask), theirs.loss)


def test_what_is_not_asked_for_changes_nothing() -> None:
    generator = make_generator(1)
    logits = torch.randn(2, 5, 11, generator=generator, dtype=torch.float64)
    ids = torch.randint(11, (2, 5), generator=generator)
    mask = torch.arange(5) < torch.tensor([[5], [3]])
    expected = next_token_loss(logits, ids, mask)
    other_logits, other_ids = logits.clone(), ids.clone()
    other_logits[:, -1] += torch.arange(11)  # about a token that is not there
    other_logits[1, 2:] += torch.arange(11)  # about padding
    other_ids[:, 0] = 0
    other_ids[1, 3:] = 7
    torch.testing.assert_close(
        next_token_loss(other_logits, other_ids, mask), expected, rtol=0, atol=0
    )
    other_ids[0, 4] = (other_ids[0, 4] + 1) % 11
    assert next_token_loss(other_logits, other_ids, mask) != expected


def test_needs_a_token_that_counts() -> None:
    with pytest.raises(ValueError, match="targets must hold an id that counts"):
        next_token_loss(torch.zeros(2, 1, 3), torch.zeros(2, 1, dtype=torch.long))
