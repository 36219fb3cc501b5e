from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.compute import count_parameters_of
from course_lib.compute.by_formula import count_gpt_parameters
from course_lib.models import GPT, GPTConfig, gpt2_small, gpt2_xl

sizes = st.integers(1, 13)


def test_published_sizes() -> None:
    assert count_gpt_parameters(gpt2_small()) == 124_439_808
    assert count_gpt_parameters(gpt2_xl()) == 1_557_611_200


def test_gpt3_by_hand() -> None:
    """Sizes of Brown et al. 2020, table 2.1; 175 billion there."""
    gpt3 = GPTConfig(vocab_size=50257, max_len=2048, d_model=12288, n_heads=96, n_layers=96)
    assert count_gpt_parameters(gpt3) == 174_604_259_328


@settings(deadline=None, max_examples=20)
@given(sizes, sizes, sizes, sizes, sizes)
def test_formula_counts_what_is_built(v: int, length: int, d: int, n_layers: int, f: int) -> None:
    config = GPTConfig(
        vocab_size=v, max_len=length, d_model=d, n_heads=1, n_layers=n_layers, d_ff=f
    )
    assert count_gpt_parameters(config) == count_parameters_of(GPT, config).total
