"""How many parameters a model has, from its settings alone, with pencil and paper."""

from course_lib.models.gpt import GPTConfig


def count_gpt_parameters(config: GPTConfig) -> int:
    """Count the parameters of a GPT from its sizes; nothing is built.

    Args:
        config: The sizes.

    Returns:
        Tokens V·D (used again as output matrix), positions max_len·D, the final norm 2·D, and in
        each layer: the four matrices of attention with offsets, 4·(D² + D); the two of the
        feed-forward layer, 2·D·F + F + D; two norms with a factor and an offset each, 4·D.

    Reference:
        Radford et al. 2019, "Language Models are Unsupervised Multitask Learners", section 2.3.

    Example:
        >>> from course_lib.models import gpt2_small
        >>> count_gpt_parameters(gpt2_small())
        124439808
    """
    width, inner = config.d_model, config.d_ff
    tables = (config.vocab_size + config.max_len) * width
    attention = 4 * (width * width + width)
    feedforward = 2 * width * inner + inner + width
    norms = 2 * 2 * width
    return tables + config.n_layers * (attention + feedforward + norms) + 2 * width
