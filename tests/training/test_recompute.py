from copy import deepcopy

import pytest
import torch
from torch import Tensor, nn

from course_lib.models import GPT, EncoderDecoder, EncoderDecoderConfig, GPTConfig
from course_lib.seeding import make_generator
from course_lib.training.recompute import checkpoint_blocks

SIZES = {"vocab_size": 13, "max_len": 29, "d_model": 12, "n_heads": 3}


def make_gpt(n_layers: int = 5, dropout: float = 0.0) -> GPT:
    config = GPTConfig(**SIZES, n_layers=n_layers, dropout=dropout)
    return GPT(config, make_generator(0)).double()


def make_translator() -> EncoderDecoder:
    layers = {"n_encoder_layers": 2, "n_decoder_layers": 3}
    return EncoderDecoder(EncoderDecoderConfig(**SIZES, **layers, d_ff=7)).double()


def ids(seed: int = 0) -> Tensor:
    return torch.randint(13, (7, 29), generator=make_generator(seed))


def saved_bytes(model: nn.Module, *inputs: Tensor) -> int:
    """Sum the tensors, apart from weights, that a forward pass keeps for the backward pass."""
    own = {p.untyped_storage().data_ptr() for p in model.parameters()}
    kept: dict[int, tuple[Tensor, int]] = {}

    def note(x: Tensor) -> Tensor:
        if x.untyped_storage().data_ptr() not in own:
            kept[x.untyped_storage().data_ptr()] = (x, x.untyped_storage().nbytes())
        return x

    with torch.autograd.graph.saved_tensors_hooks(note, lambda x: x):
        loss = model(*inputs).sum()
    assert loss.requires_grad
    return sum(n_bytes for _, n_bytes in kept.values())


@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_gradients_are_the_same(dropout: float) -> None:
    plain = make_gpt(dropout=dropout)
    sparing = deepcopy(plain)
    checkpoint_blocks(sparing)
    for model in (plain, sparing):
        torch.manual_seed(3)
        model(ids()).square().sum().backward()
    for (name, a), b in zip(plain.named_parameters(), sparing.parameters(), strict=True):
        torch.testing.assert_close(a.grad, b.grad, msg=name)


def test_memory_of_a_block_is_its_input() -> None:
    plain, sparing, shallow = make_gpt(), make_gpt(), make_gpt(n_layers=4)
    for model in (sparing, shallow):
        checkpoint_blocks(model)
    assert saved_bytes(sparing, ids()) < 0.2 * saved_bytes(plain, ids())
    per_block = saved_bytes(sparing, ids()) - saved_bytes(shallow, ids())
    assert per_block == 7 * 29 * 12 * 8


def test_both_stacks_of_a_translator_are_changed() -> None:
    plain = make_translator()
    sparing = deepcopy(plain)
    checkpoint_blocks(sparing)
    inputs = ids(1), ids(2)
    assert saved_bytes(sparing, *inputs) < 0.4 * saved_bytes(plain, *inputs)
    for model in (plain, sparing):
        model(*inputs).square().sum().backward()
    for a, b in zip(plain.parameters(), sparing.parameters(), strict=True):
        torch.testing.assert_close(a.grad, b.grad)


def test_a_changed_model_has_the_same_names_and_can_be_copied() -> None:
    model = make_gpt()
    names = list(model.state_dict())
    checkpoint_blocks(model)
    assert list(model.state_dict()) == names
    copy = deepcopy(model)
    with torch.no_grad():
        model.blocks[0].attention.qkv.weight.zero_()  # type: ignore[union-attr]  # a block of any kind
    torch.testing.assert_close(copy(ids()), make_gpt()(ids()))
    with torch.no_grad():
        torch.testing.assert_close(copy(ids()), make_gpt()(ids()))


def test_a_model_without_blocks_is_refused() -> None:
    with pytest.raises(ValueError, match=r"model must have an nn.ModuleList of blocks; got none"):
        checkpoint_blocks(nn.Linear(2, 3))
