from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import LlamaConfig as HFConfig
from transformers import LlamaForCausalLM
from transformers.models.llama.modeling_llama import LlamaRMSNorm

from course_lib.models import Llama, LlamaConfig, llama_from_hf, llama_to_hf
from course_lib.models.llama_weights import llama_settings
from course_lib.seeding import make_generator


def make_config(**changes: object) -> HFConfig:
    sizes = {
        "vocab_size": 19,
        "max_position_embeddings": 13,
        "hidden_size": 24,
        "num_attention_heads": 6,
        "num_key_value_heads": 2,
        "num_hidden_layers": 2,
        "intermediate_size": 7,
    }
    return HFConfig(**{**sizes, **changes})


CONFIGS = [
    make_config(),
    make_config(tie_word_embeddings=True, num_key_value_heads=None, rms_norm_eps=1e-2),
    make_config(
        vocab_size=31,
        hidden_size=10,
        num_attention_heads=5,
        num_key_value_heads=1,
        num_hidden_layers=3,
        intermediate_size=17,
        rope_parameters={"rope_type": "default", "rope_theta": 500.0},
    ),
    make_config(hidden_size=22, num_attention_heads=1, num_key_value_heads=1),
]


def make_hf(config: HFConfig, dtype: torch.dtype = torch.float64) -> LlamaForCausalLM:
    """A model of transformers whose every parameter matters, norms included."""
    hf_model = LlamaForCausalLM(config).to(dtype).eval()
    generator = make_generator(0)
    with torch.no_grad():
        for parameter in hf_model.parameters():
            parameter.normal_(std=0.3, generator=generator)
    return hf_model


def random_ids(vocab_size: int, n_sequences: int, n_tokens: int) -> Tensor:
    return torch.randint(vocab_size, (n_sequences, n_tokens), generator=make_generator(1))


@pytest.fixture
def exact_norms(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the cast to float32 out of the reference's norms; the formula stays."""

    def forward(self: LlamaRMSNorm, x: Tensor) -> Tensor:
        mean_square = x.pow(2).mean(-1, keepdim=True)
        return self.weight * (x * torch.rsqrt(mean_square + self.variance_epsilon))

    monkeypatch.setattr(LlamaRMSNorm, "forward", forward)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-6), (torch.float32, 1e-4)])
@pytest.mark.parametrize("config", CONFIGS)
def test_same_logits(config: HFConfig, dtype: torch.dtype, tolerance: float) -> None:
    hf_model = make_hf(config, dtype)
    ids = random_ids(config.vocab_size, 3, 11)
    with torch.no_grad():
        expected, ours = hf_model(ids).logits, llama_from_hf(hf_model)(ids)
    assert expected.std() > 0.1  # large beside the tolerance
    torch.testing.assert_close(ours, expected, rtol=0, atol=tolerance)


@pytest.mark.usefixtures("exact_norms")
@pytest.mark.parametrize("config", CONFIGS)
def test_same_logits_to_the_last_digits(config: HFConfig) -> None:
    hf_model = make_hf(config)
    ids = random_ids(config.vocab_size, 3, 11)
    with torch.no_grad():
        expected, ours = hf_model(ids).logits, llama_from_hf(hf_model)(ids)
    torch.testing.assert_close(ours, expected, rtol=0, atol=1e-10)


@pytest.mark.usefixtures("exact_norms")
@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize("config", CONFIGS)
def test_same_logits_with_padding(config: HFConfig, side: str) -> None:
    hf_model = make_hf(config)
    ids = random_ids(config.vocab_size, 3, 7)
    mask = torch.arange(7) < torch.tensor([[7], [4], [2]])
    mask = mask.flip(1) if side == "left" else mask
    with torch.no_grad():
        expected = hf_model(ids, attention_mask=mask.long()).logits
        ours = llama_from_hf(hf_model)(ids, mask)
    torch.testing.assert_close(ours[mask], expected[mask], rtol=0, atol=1e-10)


@pytest.mark.usefixtures("exact_norms")
@pytest.mark.parametrize("config", CONFIGS)
def test_same_logits_token_by_token(config: HFConfig) -> None:
    hf_model = make_hf(config)
    model = llama_from_hf(hf_model)
    ids = random_ids(config.vocab_size, 3, 7)
    past, cache = None, model.make_cache(3)
    with torch.no_grad():
        for token in ids.split(1, dim=1):
            output = hf_model(token, past_key_values=past, use_cache=True)
            past = output.past_key_values
            ours = model(token, cache=cache)
            torch.testing.assert_close(ours, output.logits, rtol=0, atol=1e-10)


@pytest.mark.parametrize("config", CONFIGS)
def test_there_and_back(config: HFConfig) -> None:
    hf_model = make_hf(config)
    model = llama_from_hf(hf_model)
    again = llama_to_hf(model)
    assert again.state_dict().keys() == hf_model.state_dict().keys()
    for name, tensor in hf_model.state_dict().items():
        assert torch.equal(again.state_dict()[name], tensor), name
    once_more = llama_from_hf(again)
    assert once_more.config == model.config
    for name, tensor in model.state_dict().items():
        assert torch.equal(once_more.state_dict()[name], tensor), name


@pytest.mark.usefixtures("exact_norms")
@pytest.mark.parametrize("tied", [True, False])
def test_our_own_model_in_transformers(tied: bool) -> None:
    config = LlamaConfig(
        vocab_size=19,
        max_len=13,
        d_model=24,
        n_heads=6,
        n_kv_heads=3,
        n_layers=2,
        d_ff=7,
        norm_eps=1e-3,
        rope_base=300.0,
        tie_embeddings=tied,
    )
    model = Llama(config, make_generator(0)).double()
    ids = random_ids(19, 3, 13)
    with torch.no_grad():
        hf_model = llama_to_hf(model)
        torch.testing.assert_close(hf_model(ids).logits, model(ids), rtol=0, atol=1e-10)
    assert hf_model.training
    assert not llama_to_hf(model.eval()).training
    assert hf_model.config.max_position_embeddings == 13
    assert (hf_model.lm_head.weight is hf_model.model.embed_tokens.weight) == tied


def test_copies_share_nothing() -> None:
    hf_model = make_hf(CONFIGS[0])
    model = llama_from_hf(hf_model)
    back = llama_to_hf(model)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
    assert all(p.any() for p in hf_model.parameters())
    assert all(p.any() for p in back.parameters())


def test_number_format_mode_and_settings_follow() -> None:
    hf_model = make_hf(CONFIGS[2], torch.bfloat16)
    model = llama_from_hf(hf_model)
    assert model.tokens.weight.dtype == torch.bfloat16
    assert not model.training
    assert llama_from_hf(hf_model.train()).training
    assert llama_to_hf(model).dtype == torch.bfloat16
    assert model.config == LlamaConfig(
        vocab_size=31,
        max_len=13,
        d_model=10,
        n_heads=5,
        n_kv_heads=1,
        n_layers=3,
        d_ff=17,
        norm_eps=1e-6,
        rope_base=500.0,
    )


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("model_type", "mistral"),
        ("hidden_act", "gelu"),
        ("attention_bias", True),
        ("mlp_bias", True),
        ("attention_dropout", 0.1),
        ("head_dim", 8),
        ("rope_scaling", {"rope_type": "llama3", "factor": 8.0}),
    ],
)
def test_other_kinds_are_refused(setting: str, value: object) -> None:
    settings = {**make_config().to_dict(), setting: value}
    with pytest.raises(ValueError, match=rf"{setting} must be one of \[.*\]; got ") as caught:
        llama_settings(settings)
    assert repr(value) in str(caught.value)


def test_stretched_positions_are_refused() -> None:
    rope = {"rope_type": "llama3", "rope_theta": 500000.0, "factor": 8.0}
    with pytest.raises(ValueError, match=r"rope_type must be one of \['default'\]; got 'llama3'"):
        llama_settings({**make_config().to_dict(), "rope_parameters": rope})


def test_settings_as_earlier_versions_wrote_them() -> None:
    old = make_config().to_dict()
    for name in ("rope_parameters", "head_dim", "num_key_value_heads", "tie_word_embeddings"):
        del old[name]
    config = llama_settings({**old, "rope_theta": 300.0, "rope_scaling": None})
    assert config.rope_base == 300.0
    assert config.n_kv_heads == 6
    assert not config.tie_embeddings
    assert llama_settings(old).rope_base == 10000.0


def test_settings_that_a_file_leaves_out_are_llamas() -> None:
    settings = make_config().to_dict()
    usual = HFConfig()
    for name in ("max_position_embeddings", "rms_norm_eps"):
        del settings[name]
    config = llama_settings(settings)
    assert (config.max_len, config.norm_eps) == (
        usual.max_position_embeddings,
        usual.rms_norm_eps,
    )


@pytest.fixture(params=[True, False])
def model(request: pytest.FixtureRequest) -> Llama:
    sizes = LlamaConfig(
        vocab_size=19,
        max_len=13,
        d_model=24,
        n_heads=6,
        n_kv_heads=2,
        n_layers=2,
        d_ff=7,
        tie_embeddings=request.param,
    )
    return Llama(sizes, make_generator(0)).eval()


def test_from_a_folder(model: Llama, tmp_path: Path) -> None:
    llama_to_hf(model).save_pretrained(tmp_path)
    loaded = Llama.from_pretrained(tmp_path)
    assert loaded.config == model.config
    assert not loaded.training
    ids = random_ids(19, 3, 13)
    assert torch.equal(loaded(ids), model(ids))


def test_from_an_old_file(model: Llama, tmp_path: Path) -> None:
    llama_to_hf(model).save_pretrained(tmp_path)
    file = tmp_path / "model.safetensors"
    tensors = load_file(file)
    for layer in range(2):
        tensors[f"model.layers.{layer}.self_attn.rotary_emb.inv_freq"] = torch.ones(2)
    if model.config.tie_embeddings:
        tensors["lm_head.weight"] = tensors["model.embed_tokens.weight"].clone()
    save_file(tensors, file)
    ids = random_ids(19, 3, 13)
    assert torch.equal(Llama.from_pretrained(tmp_path)(ids), model(ids))


def test_misfits_are_listed(model: Llama, tmp_path: Path) -> None:
    llama_to_hf(model).save_pretrained(tmp_path)
    file = tmp_path / "model.safetensors"
    tensors = load_file(file)
    del tensors["model.norm.weight"]
    tensors["model.layers.1.self_attn.k_proj.weight"] = torch.zeros(24, 24)
    save_file({**tensors, "model.layers.2.extra": torch.zeros(3)}, file)
    with pytest.raises(ValueError, match="tensors must fit Llama") as caught:
        Llama.from_pretrained(tmp_path)
    message = str(caught.value)
    assert "missing: final_norm.weight" in message
    assert "unexpected: model.layers.2.extra" in message
    assert "blocks.1.attention.key.weight must have the shape (8, 24); got (24, 24)" in message


@pytest.mark.parametrize("tied", [True, False])
def test_a_table_of_its_own_is_refused_where_weights_are_tied(tied: bool, tmp_path: Path) -> None:
    hf_model = make_hf(make_config(tie_word_embeddings=tied), torch.float32)
    hf_model.save_pretrained(tmp_path)
    file = tmp_path / "model.safetensors"
    save_file({**load_file(file), "lm_head.weight": torch.zeros(19, 24)}, file)
    if tied:
        with pytest.raises(ValueError, match=r"lm_head.weight must equal model.embed_tokens"):
            Llama.from_pretrained(tmp_path)
    else:
        assert not Llama.from_pretrained(tmp_path).head.weight.any()
