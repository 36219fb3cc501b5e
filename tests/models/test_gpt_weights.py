from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import GPT2Config, GPT2LMHeadModel

from course_lib.models import GPT, GPTConfig, gpt_from_hf, gpt_to_hf
from course_lib.models.gpt_weights import gpt_settings
from course_lib.seeding import make_generator

CONFIGS = [
    GPT2Config(vocab_size=19, n_positions=13, n_embd=15, n_layer=2, n_head=3, n_inner=7),
    GPT2Config(vocab_size=31, n_positions=11, n_embd=14, n_layer=3, n_head=1),
    GPT2Config(
        vocab_size=7,
        n_positions=17,
        n_embd=10,
        n_layer=1,
        n_head=5,
        layer_norm_epsilon=1e-2,
        activation_function="gelu_pytorch_tanh",
    ),
]
DTYPES = [(torch.float64, 1e-10), (torch.float32, 1e-4)]


def make_hf(config: GPT2Config, dtype: torch.dtype = torch.float64) -> GPT2LMHeadModel:
    """A model of transformers whose every parameter matters, biases and norms included."""
    hf_model = GPT2LMHeadModel(config).to(dtype).eval()
    generator = make_generator(0)
    with torch.no_grad():
        for parameter in hf_model.parameters():
            parameter.normal_(std=0.3, generator=generator)
    return hf_model


def random_ids(vocab_size: int, n_sequences: int, n_tokens: int) -> Tensor:
    return torch.randint(vocab_size, (n_sequences, n_tokens), generator=make_generator(1))


@pytest.mark.parametrize(("dtype", "tolerance"), DTYPES)
@pytest.mark.parametrize("config", CONFIGS)
def test_same_logits(config: GPT2Config, dtype: torch.dtype, tolerance: float) -> None:
    hf_model = make_hf(config, dtype)
    ids = random_ids(config.vocab_size, 3, 11)
    with torch.no_grad():
        expected, ours = hf_model(ids).logits, gpt_from_hf(hf_model)(ids)
    assert expected.std() > 0.2  # large beside the tolerance
    torch.testing.assert_close(ours, expected, rtol=0, atol=tolerance)


@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize("config", CONFIGS)
def test_same_logits_with_padding(config: GPT2Config, side: str) -> None:
    hf_model = make_hf(config)
    ids = random_ids(config.vocab_size, 3, 7)
    mask = torch.arange(7) < torch.tensor([[7], [4], [2]])
    mask = mask.flip(1) if side == "left" else mask
    # What generate() of transformers passes: the first real token stands at position 0.
    places = (mask.long().cumsum(dim=1) - 1).clamp(min=0)
    with torch.no_grad():
        expected = hf_model(ids, attention_mask=mask.long(), position_ids=places).logits
        ours = gpt_from_hf(hf_model)(ids, mask)
    torch.testing.assert_close(ours[mask], expected[mask], rtol=0, atol=1e-10)


@pytest.mark.parametrize("config", CONFIGS)
def test_same_logits_token_by_token(config: GPT2Config) -> None:
    hf_model = make_hf(config)
    model = gpt_from_hf(hf_model)
    ids = random_ids(config.vocab_size, 3, 7)
    past, cache = None, model.make_cache(3)
    with torch.no_grad():
        for token in ids.split(1, dim=1):
            output = hf_model(token, past_key_values=past, use_cache=True)
            past = output.past_key_values
            ours = model(token, cache=cache)
            torch.testing.assert_close(ours, output.logits, rtol=0, atol=1e-10)


def test_same_gradients() -> None:
    hf_model = make_hf(CONFIGS[0])
    model = gpt_from_hf(hf_model)
    ids = random_ids(19, 3, 7)
    hf_model(ids).logits.square().sum().backward()
    model(ids).square().sum().backward()
    with torch.no_grad():
        for parameter in hf_model.parameters():
            assert parameter.grad is not None
            parameter.copy_(parameter.grad)
    for name, gradient in gpt_from_hf(hf_model).state_dict().items():
        torch.testing.assert_close(model.get_parameter(name).grad, gradient)


def test_same_dropout_in_the_same_places() -> None:
    hf_model = make_hf(CONFIGS[0]).train()  # its dropout rate is 0.1
    model = gpt_from_hf(hf_model)
    ids, outputs = random_ids(19, 3, 11), []
    for run in (lambda: hf_model(ids).logits, lambda: model(ids)):
        with torch.random.fork_rng():
            torch.manual_seed(0)
            outputs.append(run())
    torch.testing.assert_close(outputs[1], outputs[0], rtol=0, atol=1e-10)
    assert not torch.equal(outputs[1], model.eval()(ids))


@pytest.mark.parametrize("config", CONFIGS)
def test_there_and_back(config: GPT2Config) -> None:
    hf_model = make_hf(config)
    model = gpt_from_hf(hf_model)
    again = gpt_to_hf(model)
    for name, tensor in hf_model.state_dict().items():
        assert torch.equal(again.state_dict()[name], tensor), name
    assert again.state_dict().keys() == hf_model.state_dict().keys()
    once_more = gpt_from_hf(again)
    assert once_more.config == model.config
    for name, tensor in model.state_dict().items():
        assert torch.equal(once_more.state_dict()[name], tensor), name


def test_our_own_model_in_transformers() -> None:
    config = GPTConfig(
        vocab_size=19, max_len=13, d_model=15, n_heads=3, n_layers=2, d_ff=7, norm_eps=1e-3
    )
    model = GPT(config, make_generator(0)).double()
    ids = random_ids(19, 3, 13)
    with torch.no_grad():
        hf_model = gpt_to_hf(model)
        torch.testing.assert_close(hf_model(ids).logits, model(ids), rtol=0, atol=1e-10)
    assert hf_model.training
    assert not gpt_to_hf(model.eval()).training
    assert hf_model.lm_head.weight is hf_model.transformer.wte.weight


def test_copies_share_nothing() -> None:
    hf_model = make_hf(CONFIGS[0])
    model = gpt_from_hf(hf_model)
    back = gpt_to_hf(model)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
    assert all(p.any() for p in hf_model.parameters())
    assert all(p.any() for p in back.parameters())


def test_number_format_mode_and_settings_follow() -> None:
    hf_model = make_hf(CONFIGS[2], torch.bfloat16)
    model = gpt_from_hf(hf_model)
    assert model.tokens.weight.dtype == torch.bfloat16
    assert not model.training
    assert gpt_from_hf(hf_model.train()).training
    assert gpt_to_hf(model).dtype == torch.bfloat16
    assert model.config == GPTConfig(
        vocab_size=7, max_len=17, d_model=10, n_heads=5, n_layers=1, dropout=0.1, norm_eps=1e-2
    )
    assert gpt_to_hf(model).config.resid_pdrop == 0.1


def test_settings_that_a_file_leaves_out_are_gpt2s() -> None:
    settings = make_hf(CONFIGS[2]).config.to_dict()
    usual = GPT2Config()
    for name in ("layer_norm_epsilon", "resid_pdrop", "embd_pdrop", "attn_pdrop", "n_inner"):
        del settings[name]
    config = gpt_settings(settings)
    assert (config.norm_eps, config.dropout) == (usual.layer_norm_epsilon, usual.resid_pdrop)
    assert config.d_ff == 4 * config.d_model


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("activation_function", "gelu"),
        ("scale_attn_weights", False),
        ("scale_attn_by_inverse_layer_idx", True),
        ("add_cross_attention", True),
        ("tie_word_embeddings", False),
    ],
)
def test_what_is_not_gpt2_is_refused(setting: str, value: object) -> None:
    config = GPT2Config(vocab_size=7, n_positions=5, n_embd=6, n_layer=1, n_head=2)
    setattr(config, setting, value)
    message = rf"{setting} must be one of \[.*\]; got {value!r}"
    with pytest.raises(ValueError, match=message):
        gpt_from_hf(GPT2LMHeadModel(config))


@pytest.mark.parametrize("name", ["embd_pdrop", "attn_pdrop", "resid_pdrop"])
def test_several_dropout_rates_are_refused(name: str) -> None:
    config = GPT2Config(vocab_size=7, n_positions=5, n_embd=6, n_layer=1, n_head=2)
    setattr(config, name, 0.2)
    with pytest.raises(ValueError, match=r"the dropout rates must be equal; got .*0.2"):
        gpt_from_hf(GPT2LMHeadModel(config))


def save(model: GPT, folder: Path, **changes: Tensor) -> Path:
    gpt_to_hf(model).save_pretrained(folder)
    file = folder / "model.safetensors"
    save_file(load_file(file) | changes, file)
    return folder


@pytest.fixture
def model() -> GPT:
    sizes = GPTConfig(vocab_size=19, max_len=13, d_model=15, n_heads=3, n_layers=2, d_ff=7)
    return GPT(sizes, make_generator(0)).eval()


def test_from_a_folder(model: GPT, tmp_path: Path) -> None:
    loaded = GPT.from_pretrained(save(model, tmp_path))
    assert loaded.config == model.config
    assert not loaded.training
    ids = random_ids(19, 3, 13)
    assert torch.equal(loaded(ids), model(ids))
    assert torch.equal(GPT.from_pretrained(str(tmp_path))(ids), model(ids))


def test_from_a_file_of_half_precision(model: GPT, tmp_path: Path) -> None:
    loaded = GPT.from_pretrained(save(model.bfloat16(), tmp_path))
    assert {p.dtype for p in loaded.parameters()} == {torch.float32}
    ids = random_ids(19, 3, 13)
    assert torch.equal(loaded(ids), model.float()(ids))


def test_from_a_file_as_old_as_gpt2(model: GPT, tmp_path: Path) -> None:
    """Names without `transformer.`, causal masks among the weights: as on the hub."""
    save(model, tmp_path)
    file = tmp_path / "model.safetensors"
    old = {name.removeprefix("transformer."): t for name, t in load_file(file).items()}
    for layer in range(2):
        old[f"h.{layer}.attn.bias"] = torch.ones(1, 1, 13, 13).tril()
        old[f"h.{layer}.attn.masked_bias"] = torch.tensor(-1e4)
    save_file({**old, "lm_head.weight": old["wte.weight"].clone()}, file)
    ids = random_ids(19, 3, 13)
    assert torch.equal(GPT.from_pretrained(tmp_path)(ids), model(ids))


def test_another_table_for_the_scores_is_refused(model: GPT, tmp_path: Path) -> None:
    save(model, tmp_path, **{"lm_head.weight": torch.zeros(19, 15)})
    with pytest.raises(ValueError, match=r"lm_head.weight must equal wte.weight \(tied weights\)"):
        GPT.from_pretrained(tmp_path)


def test_every_misfit_is_listed(model: GPT, tmp_path: Path) -> None:
    save(model, tmp_path, **{"transformer.h.1.extra": torch.zeros(3)})
    file = tmp_path / "model.safetensors"
    tensors = load_file(file)
    del tensors["transformer.ln_f.bias"]
    tensors["transformer.h.0.attn.c_attn.weight"] = torch.zeros(15, 46)
    save_file(tensors, file)
    with pytest.raises(ValueError, match="tensors must fit GPT") as caught:
        GPT.from_pretrained(tmp_path)
    message = str(caught.value)
    assert "missing: final_norm.bias" in message
    assert "unexpected: h.1.extra" in message
    assert "blocks.0.attention.qkv.weight must have the shape (45, 15); got (46, 15)" in message


@pytest.mark.network
def test_gpt2_from_the_hub() -> None:
    model = GPT.from_pretrained("openai-community/gpt2")
    ids = torch.tensor([[464, 3139, 286, 4881, 318]])  # "The capital of France is"
    hf_model = GPT2LMHeadModel.from_pretrained("openai-community/gpt2").eval()
    with torch.no_grad():
        torch.testing.assert_close(model(ids), hf_model(ids).logits, rtol=0, atol=1e-3)
