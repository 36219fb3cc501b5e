import pytest
import torch

from course_lib.data.batches import PairBatch, TokenBatch, pad_texts, rows_of
from course_lib.seeding import make_generator
from course_lib.training.masked import MaskedLM
from course_lib.training.objectives import CausalLM
from course_lib.training.processes import Processes
from course_lib.training.shares import share_of

BATCH = pad_texts([[4, 1, 5], [9, 2, 6, 5], [3, 5, 8, 9, 7], [9, 3], [2, 3, 8, 4, 6, 2, 6]])
MASKED = MaskedLM(mask_id=0, vocab_size=11, share=0.5)


def process(rank: int, world_size: int) -> Processes:
    return Processes(rank=rank, world_size=world_size, device=torch.device("cpu"))


@pytest.mark.parametrize("world_size", [2, 3, 7])
def test_the_shares_together_are_the_batch(world_size: int) -> None:
    for rank in range(world_size):
        share = share_of(BATCH, CausalLM(), make_generator(0), process(rank, world_size))
        torch.testing.assert_close(share, rows_of(BATCH, rank, world_size), rtol=0, atol=0)


def test_one_process_takes_any_batch_as_it_is() -> None:
    generator = make_generator(0)
    assert share_of(BATCH, MASKED, generator, process(0, 1)) is BATCH
    assert share_of("a batch", MASKED, generator, process(0, 1)) == "a batch"
    torch.testing.assert_close(generator.get_state(), make_generator(0).get_state())


@pytest.mark.parametrize("world_size", [2, 3, 7])
def test_masks_are_drawn_for_the_whole_batch(world_size: int) -> None:
    whole = MASKED.draw(BATCH, make_generator(7))
    assert 3 < whole.target.mask.sum() < 18
    torch.testing.assert_close(whole.source.mask, BATCH.mask)
    torch.testing.assert_close(whole.target.ids, BATCH.ids)
    for rank in range(world_size):
        share = share_of(BATCH, MASKED, make_generator(7), process(rank, world_size))
        assert isinstance(share, PairBatch)
        torch.testing.assert_close(share, rows_of(whole, rank, world_size), rtol=0, atol=0)


def test_the_objective_draws_no_more_from_what_was_drawn() -> None:
    class Remembering(torch.nn.Embedding):
        def forward(self, ids: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
            self.seen = ids
            return super().forward(ids)

    model = Remembering(11, 11)
    pair = MASKED.draw(BATCH, make_generator(7))
    loss = MASKED(model, pair, make_generator(8))
    torch.testing.assert_close(model.seen, pair.source.ids)
    assert loss.n_counted == pair.target.mask.sum()
    torch.testing.assert_close(loss, MASKED(model, BATCH, make_generator(7)))
    assert isinstance(BATCH, TokenBatch)
