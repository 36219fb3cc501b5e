import pytest
import torch

from course_lib.cli.number_format import NumberFormat
from course_lib.cli.presets import (
    gpt2,
    make_model,
    preset_named,
    small,
    steps_for,
    tiny,
    training_config,
    vocab_size_for,
)
from course_lib.models import GPT
from course_lib.training import MuonConfig


@pytest.mark.parametrize(
    ("n_bytes", "most", "expected"),
    [
        (0, 2048, 320),
        (32767, 2048, 320),
        (32768, 2048, 384),
        (10**9, 2048, 2048),
        (10**6, 50304, 2240),
    ],
)
def test_little_text_has_a_small_vocabulary(n_bytes: int, most: int, expected: int) -> None:
    assert vocab_size_for(n_bytes, most) == expected


def test_presets_by_name_and_their_sizes() -> None:
    assert (preset_named("tiny"), preset_named("small"), preset_named("gpt2")) == (
        tiny(),
        small(),
        gpt2(),
    )
    counts = []
    for preset in (tiny(), small(), gpt2()):
        with torch.device("meta"):
            model = GPT(preset.model)
        counts.append(sum(parameter.numel() for parameter in model.parameters()))
        assert preset.model.vocab_size % 64 == 0
    assert counts == [1_071_872, 5_853_184, 124_439_808 + 47 * 768]


def test_a_model_has_the_tokenizers_size_and_repeats_with_its_seed() -> None:
    first, again, other = (make_model(tiny(), 321, seed) for seed in (5, 5, 6))
    assert first.config.vocab_size == 321
    assert first.config.d_model == tiny().model.d_model
    assert torch.equal(first.tokens.weight, again.tokens.weight)
    assert not torch.equal(first.tokens.weight, other.tokens.weight)


def test_little_text_is_not_read_too_often() -> None:
    preset = gpt2()
    assert preset.n_micro_batches == 16
    assert steps_for(preset, n_batches=37) == 37  # 16 rounds, 16 batches a step
    assert steps_for(preset, n_batches=10**6) == preset.n_steps
    assert steps_for(tiny(), n_batches=3) == 48


def test_the_loop_is_told_all_that_the_preset_says() -> None:
    config = training_config(gpt2(), 500, 3, NumberFormat("bfloat16", "highest"))
    assert (config.n_steps, config.n_micro_batches, config.seed) == (500, 16, 3)
    assert (config.precision, config.evaluate_every) == ("bfloat16", 100)
    assert config.schedule(0, 500) == pytest.approx(0.1)
    assert config.schedule(9, 500) == 1.0
    assert isinstance(config.optimizer, MuonConfig)
    assert config.optimizer.precision == "bfloat16"
    assert config.optimizer.adamw.learning_rate == gpt2().adamw_learning_rate == 0.002
    assert config.optimizer.adamw.weight_decay == 0
    short = training_config(tiny(), 3, 0, NumberFormat("float16", "highest"))
    assert isinstance(short.optimizer, MuonConfig)
    assert (short.precision, short.optimizer.precision) == ("float16", "float32")
    assert short.evaluate_every == 1
