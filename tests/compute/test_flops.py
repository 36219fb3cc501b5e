from collections.abc import Callable

import pytest
import torch
import transformers
from torch.nn.attention import SDPBackend, sdpa_kernel

from course_lib.compute import (
    count_flops,
    count_parameters,
    counted_flops,
    mfu,
    palm_flops_per_token,
    training_flops,
)
from course_lib.models import (
    BERT,
    GPT,
    BERTConfig,
    EncoderDecoder,
    EncoderDecoderConfig,
    GPTConfig,
    Llama,
    LlamaConfig,
    gpt2_large,
    gpt2_medium,
    gpt2_small,
    gpt2_xl,
    llama2_7b,
    llama3_8b,
    smollm2_135m,
    tinyllama_1b,
    transformer_base,
)

LENGTHS = [(1, 1), (2, 11), (3, 5)]


def ids(n_sequences: int, n_tokens: int, device: str = "cpu") -> torch.Tensor:
    return torch.zeros(n_sequences, n_tokens, dtype=torch.long, device=device)


OURS = {
    "GPT": lambda: GPT(
        GPTConfig(vocab_size=19, max_len=13, d_model=15, n_heads=3, n_layers=2, d_ff=7)
    ),
    "GPT, learning": lambda: GPT(
        GPTConfig(vocab_size=19, max_len=13, d_model=15, n_heads=5, n_layers=3, dropout=0.3)
    ),
    "Llama": lambda: Llama(
        LlamaConfig(
            vocab_size=19, max_len=13, d_model=24, n_heads=6, n_kv_heads=2, n_layers=3, d_ff=7
        )
    ),
    "Llama, tied": lambda: Llama(
        LlamaConfig(
            vocab_size=19,
            max_len=13,
            d_model=12,
            n_heads=3,
            n_kv_heads=3,
            n_layers=2,
            d_ff=11,
            tie_embeddings=True,
        )
    ),
    "BERT": lambda: BERT(
        BERTConfig(vocab_size=23, max_len=13, d_model=15, n_heads=5, n_layers=2, d_ff=7)
    ),
}
HUGGING_FACE = {
    "GPT-2": lambda: transformers.GPT2LMHeadModel(
        transformers.GPT2Config(
            vocab_size=19,
            n_positions=13,
            n_embd=15,
            n_head=3,
            n_layer=2,
            bos_token_id=0,
            eos_token_id=0,
            attn_implementation="eager",
        )
    ),
    "Llama": lambda: transformers.LlamaForCausalLM(
        transformers.LlamaConfig(
            vocab_size=19,
            hidden_size=12,
            intermediate_size=7,
            num_hidden_layers=2,
            num_attention_heads=6,
            num_key_value_heads=2,
            head_dim=10,
            attn_implementation="eager",
        )
    ),
    "BERT": lambda: transformers.BertForMaskedLM(
        transformers.BertConfig(
            vocab_size=23,
            hidden_size=12,
            num_hidden_layers=2,
            num_attention_heads=3,
            intermediate_size=7,
            attn_implementation="eager",
        )
    ),
}


@pytest.mark.parametrize(("n_sequences", "n_tokens"), LENGTHS)
@pytest.mark.parametrize("build", OURS.values(), ids=OURS)
def test_our_models_take_what_the_structure_says(
    build: Callable, n_sequences: int, n_tokens: int
) -> None:
    model, tokens = build(), ids(n_sequences, n_tokens)
    count = count_flops(model, n_sequences=n_sequences, n_tokens=n_tokens)
    with sdpa_kernel(SDPBackend.MATH):
        assert counted_flops(lambda: model(tokens)) == count.forward
        assert counted_flops(lambda: model(tokens).sum().backward()) == count.total
    assert count == count_flops(model.config, n_sequences=n_sequences, n_tokens=n_tokens)


@pytest.mark.parametrize(("n_sequences", "n_tokens"), LENGTHS)
@pytest.mark.parametrize("build", HUGGING_FACE.values(), ids=HUGGING_FACE)
def test_hugging_faces_models_take_what_the_structure_says(
    build: Callable, n_sequences: int, n_tokens: int
) -> None:
    model, tokens = build(), ids(n_sequences, n_tokens)
    count = count_flops(model, n_sequences=n_sequences, n_tokens=n_tokens)
    assert counted_flops(lambda: model(tokens)) == count.forward
    assert counted_flops(lambda: model(tokens).logits.sum().backward()) == count.total
    assert count == count_flops(model.config, n_sequences=n_sequences, n_tokens=n_tokens)


@pytest.mark.parametrize(("n_sequences", "n_source", "n_target"), [(1, 1, 3), (2, 11, 5)])
def test_translators_take_what_the_structure_says(
    n_sequences: int, n_source: int, n_target: int
) -> None:
    config = EncoderDecoderConfig(
        vocab_size=23,
        max_len=17,
        d_model=12,
        n_heads=3,
        n_encoder_layers=2,
        n_decoder_layers=3,
        d_ff=7,
    )
    theirs = transformers.MarianMTModel(
        transformers.MarianConfig(
            vocab_size=29,
            d_model=12,
            encoder_layers=3,
            decoder_layers=2,
            encoder_attention_heads=3,
            decoder_attention_heads=3,
            encoder_ffn_dim=7,
            decoder_ffn_dim=7,
            pad_token_id=1,
            decoder_start_token_id=1,
            eos_token_id=2,
            forced_eos_token_id=2,
            max_position_embeddings=17,
            attn_implementation="eager",
        )
    )
    ours = EncoderDecoder(config)
    source, target = ids(n_sequences, n_source), ids(n_sequences, n_target)
    lengths = {"n_sequences": n_sequences, "n_tokens": n_target, "n_source_tokens": n_source}
    with sdpa_kernel(SDPBackend.MATH):
        assert counted_flops(lambda: ours(source, target)) == count_flops(ours, **lengths).forward
        assert (
            counted_flops(lambda: ours(source, target).sum().backward())
            == count_flops(ours, **lengths).total
        )

    def learn() -> None:
        output = theirs(input_ids=source, decoder_input_ids=target, use_cache=False)
        output.logits.sum().backward()

    assert counted_flops(learn) == count_flops(theirs, **lengths).total


def test_gpt2_by_hand() -> None:
    count = count_flops(gpt2_small(), n_sequences=1, n_tokens=1024)
    assert count.forward_by_component == {
        "embedding": 0,
        "attention projections": 12 * 1024 * 2 * 4 * 768 * 768,
        "scores": 12 * 2 * 1024 * 1024 * 768,
        "values": 12 * 2 * 1024 * 1024 * 768,
        "feed-forward": 12 * 1024 * 2 * 2 * 768 * 3072,
        "head": 1024 * 2 * 768 * 50257,
    }
    assert count.forward == 291_648_307_200
    assert count.backward == 583_296_614_400
    assert count.total == 874_944_921_600
    assert count.backward_by_component["scores"] == 2 * count.forward_by_component["scores"]
    assert sum(count.backward_by_component.values()) == count.backward


def test_twice_the_sequences_take_twice_the_operations() -> None:
    one, two = (count_flops(llama3_8b(), n_sequences=n, n_tokens=7) for n in (1, 2))
    assert two.forward == 2 * one.forward


LLAMA2_70B = LlamaConfig(
    vocab_size=32000,
    max_len=4096,
    d_model=8192,
    n_heads=64,
    n_kv_heads=8,
    n_layers=80,
    d_ff=28672,
)
LLAMA31_405B = LlamaConfig(
    vocab_size=128256,
    max_len=131072,
    d_model=16384,
    n_heads=128,
    n_kv_heads=8,
    n_layers=126,
    d_ff=53248,
)
LLAMA32_1B = LlamaConfig(
    vocab_size=128256,
    max_len=131072,
    d_model=2048,
    n_heads=32,
    n_kv_heads=8,
    n_layers=16,
    d_ff=8192,
    tie_embeddings=True,
)
PUBLISHED = [
    (gpt2_small(), 124_439_808),
    (gpt2_medium(), 354_823_168),
    (gpt2_large(), 774_030_080),
    (gpt2_xl(), 1_557_611_200),
    (smollm2_135m(), 134_515_008),
    (tinyllama_1b(), 1_100_048_384),
    (llama2_7b(), 6_738_415_616),
    (llama3_8b(), 8_030_261_248),
    (LLAMA32_1B, 1_235_814_400),
    (LLAMA2_70B, 68_976_648_192),
    (LLAMA31_405B, 405_853_388_800),
]


@pytest.mark.parametrize(("config", "n_parameters"), PUBLISHED)
def test_published_sizes_on_the_meta_device(
    config: GPTConfig | LlamaConfig, n_parameters: int
) -> None:
    with torch.device("meta"):
        model = GPT(config) if isinstance(config, GPTConfig) else Llama(config)
    assert count_parameters(model).total == n_parameters
    expected = count_flops(config, n_sequences=2, n_tokens=5).forward
    assert counted_flops(lambda: model(ids(2, 5, "meta"))) == expected


def test_the_formulas_of_the_papers_beside_the_true_count() -> None:
    true = count_flops(gpt2_small(), n_sequences=1, n_tokens=1024).total
    assert training_flops(124_439_808.0, 1024.0) == 764_558_180_352
    assert true / training_flops(124_439_808.0, 1024.0) == pytest.approx(1.144, abs=5e-4)
    multiplied = 124_439_808.0 - 1024 * 768
    palm = palm_flops_per_token(multiplied, n_layers=12, n_heads=12, d_head=64, n_tokens=1024)
    assert palm == 6 * 123_653_376 + 12 * 12 * 12 * 64 * 1024
    assert true / (1024 * palm) == pytest.approx(0.999, abs=5e-4)


def test_a_count_with_a_hole_is_refused() -> None:
    """The fused attention of a CPU, of which torch's counter writes down nothing."""
    model = OURS["GPT"]()
    with pytest.raises(ValueError, match=r"run must not call _scaled_dot_product_flash.*cpu"):
        counted_flops(lambda: model(ids(2, 11)))


def test_the_hole_is_there() -> None:
    """Fails when torch learns to count it: then the guard can go."""
    from torch.utils.flop_counter import FlopCounterMode

    query = torch.zeros(1, 2, 5, 3)
    with FlopCounterMode(display=False) as counter:
        torch.nn.functional.scaled_dot_product_attention(query, query, query)
    assert counter.get_total_flops() == 0


def test_counted_flops_by_hand() -> None:
    matrix, x = torch.ones(3, 5, requires_grad=True), torch.ones(7, 3)
    assert counted_flops(lambda: x @ matrix) == 2 * 7 * 3 * 5
    assert counted_flops(lambda: (x @ matrix).sum().backward()) == 2 * 2 * 7 * 3 * 5  # x is given


def test_counting_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    counted_flops(lambda: torch.ones(2, 3) @ torch.ones(3, 5))
    assert capsys.readouterr().out == ""


def test_mfu_by_hand() -> None:
    assert mfu(50.0, flops_per_token=4e9, peak_flops_per_second=1e12) == pytest.approx(0.2)


@pytest.mark.parametrize("name", ["tokens_per_second", "flops_per_token", "peak_flops_per_second"])
def test_mfu_of_nothing_is_refused(name: str) -> None:
    numbers = {"tokens_per_second": 1.0, "flops_per_token": 1.0, "peak_flops_per_second": 1.0}
    with pytest.raises(ValueError, match=rf"{name} must be > 0; got {name}=0\.0"):
        mfu(**{**numbers, name: 0.0})


@pytest.mark.parametrize(
    ("lengths", "message"),
    [
        ({"n_sequences": 0, "n_tokens": 5}, "n_sequences must be ≥ 1; got n_sequences=0"),
        ({"n_sequences": 1, "n_tokens": 0}, "n_tokens must be ≥ 1; got n_tokens=0"),
        ({"n_sequences": 1, "n_tokens": 5, "n_source_tokens": 3}, "n_source_tokens must be 0"),
    ],
)
def test_lengths_that_cannot_be(lengths: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        count_flops(gpt2_small(), **lengths)


def test_a_translator_needs_a_source() -> None:
    with pytest.raises(ValueError, match="n_source_tokens must be ≥ 1 for an encoder-decoder"):
        count_flops(transformer_base(), n_sequences=1, n_tokens=3)
