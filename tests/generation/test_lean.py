import pytest
import torch
from torch import Tensor, nn
from torch.testing import assert_close

from course_lib.generation.lean import SMALL, lean_step
from course_lib.models import GPT, GPTConfig, Llama, LlamaConfig, ModernGPT, ModernGPTConfig
from course_lib.seeding import make_generator

from .conftest import VOCAB_SIZE, make_gpt, make_llama

IDS = torch.randint(VOCAB_SIZE, (3, 11), generator=make_generator(0))


def make_untied_llama() -> Llama:
    sizes = {"d_model": 30, "n_heads": 5, "n_kv_heads": 5, "n_layers": 3, "d_ff": 13}
    config = LlamaConfig(vocab_size=VOCAB_SIZE, max_len=17, **sizes, rope_base=77.0)
    return Llama(config, make_generator(1)).double().eval()


def make_tied_llama() -> Llama:
    sizes = {"d_model": 12, "n_heads": 3, "n_kv_heads": 1, "n_layers": 1, "d_ff": 5}
    config = LlamaConfig(vocab_size=VOCAB_SIZE, max_len=17, **sizes, tie_embeddings=True)
    return Llama(config, make_generator(1)).double().eval()


MODELS = {
    "gpt": make_gpt,
    "llama": make_llama,
    "untied": make_untied_llama,
    "tied": make_tied_llama,
}


def step_through(model: GPT | Llama, packed: bool) -> Tensor:
    """Read the first tokens by the model itself, the others one by one."""
    step, cache = lean_step(model, packed=packed), model.make_cache(3, 11)
    assert step is not None
    with torch.inference_mode():
        model.hidden(IDS[:, :4], None, cache)
        logits = [step(IDS[:, place : place + 1], cache) for place in range(4, 11)]
    assert cache.n_tokens == 11
    return torch.stack(logits, dim=1)


@pytest.mark.parametrize("small", [SMALL, 0])
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS.keys())
def test_it_computes_what_the_model_does(
    make, packed: bool, small: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("course_lib.generation.lean.SMALL", small)
    model = make()
    with torch.no_grad():
        expected = model(IDS)[:, 4:]
    assert_close(step_through(model, packed), expected)


@pytest.mark.parametrize("make", [make_gpt, make_llama, make_tied_llama])
def test_in_bfloat16(make) -> None:
    model = make().bfloat16()
    with torch.no_grad():
        expected = model(IDS)[:, 4:]
    got = step_through(model, packed=True)
    assert got.dtype == torch.bfloat16
    # The same numbers rounded at other places: a few hundredths of their spread.
    assert (got - expected).abs().max() < 0.1 * expected.std()


@torch.inference_mode()
def test_large_models_are_copied_only_if_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    model = make_gpt()
    n_parameters = sum(weight.numel() for weight in model.parameters())
    for small, packed, follows in (
        (n_parameters, False, False),
        (1, False, True),
        (1, True, False),
    ):
        monkeypatch.setattr("course_lib.generation.lean.SMALL", small)
        step, cache = lean_step(model, packed=packed), model.make_cache(3, 1)
        assert step is not None
        before = step(IDS[:, :1], cache)
        model.tokens.weight.mul_(2)
        cache.forget(1)
        # The vectors read are followed in any case; the scores double if the head is, too.
        after = step(IDS[:, :1], cache)
        model.tokens.weight.div_(2)
        assert (after.std() > 1.5 * before.std()).item() is follows


@pytest.mark.parametrize("make", [make_gpt, make_llama])
@torch.inference_mode()
def test_no_room_is_refused(make) -> None:
    model = make()
    step, cache = lean_step(model), model.make_cache(3, 1)
    assert step is not None
    step(IDS[:, :1], cache)
    with pytest.raises(ValueError, match="n_tokens must be ≤ max_len=1"):
        step(IDS[:, :1], cache)


def test_what_is_not_plainly_one_of_the_two_goes_the_long_way() -> None:
    assert lean_step(make_gpt().train()) is None
    model = make_gpt()
    model.blocks[0].attention.output = nn.Sequential(model.blocks[0].attention.output)
    assert lean_step(model) is None
    model = make_llama()
    handle = model.blocks[1].register_forward_hook(lambda *_: None)
    assert lean_step(model) is None
    handle.remove()
    handle = model.blocks[1].register_forward_pre_hook(lambda *_: None)
    assert lean_step(model) is None
    handle.remove()
    assert lean_step(model) is not None
    sizes = {"d_model": 8, "n_heads": 2, "n_layers": 1}
    assert lean_step(ModernGPT(ModernGPTConfig(vocab_size=VOCAB_SIZE, **sizes)).eval()) is None
    assert lean_step(nn.Linear(3, 3).eval()) is None


def test_dropout_is_off_in_evaluation_mode() -> None:
    sizes = {"d_model": 6, "n_heads": 3, "n_layers": 1}
    config = GPTConfig(vocab_size=VOCAB_SIZE, max_len=17, dropout=0.5, **sizes)
    model = GPT(config, make_generator(0)).double().eval()
    with torch.no_grad():
        assert_close(step_through(model, packed=False), model(IDS)[:, 4:])
