"""How much memory the keys and values of tokens already read take in generation."""

from course_lib.compute.flops import require_lengths
from course_lib.compute.shapes import shape_of


def kv_cache_bytes(
    source: object,
    *,
    n_sequences: int,
    n_tokens: int,
    n_source_tokens: int = 0,
    number_bytes: int = 2,
) -> int:
    """Count the bytes of a cache: one key and one value for each token, layer and head of keys.

    Args:
        source: A model that writes, or its settings, as for `shape_of`.
        n_sequences: How many sequences are written side by side (≥ 1).
        n_tokens: Tokens of each for which there is room (≥ 1).
        n_source_tokens: Of an encoder-decoder, tokens of each source; 0 for other models.
        number_bytes: Bytes of a number: 2 in 16 bits, 4 in float32.

    Raises:
        ValueError: If the model is unknown or a BERT, which reads a text at once, or a number is
            below its limit.

    Reference:
        Shazeer 2019, "Fast Transformer Decoding: One Write-Head is All You Need", section 2.4.1,
        https://arxiv.org/abs/1911.02150

    Example:
        >>> from course_lib.models import llama2_7b, llama3_8b
        >>> [kv_cache_bytes(c(), n_sequences=1, n_tokens=1) for c in (llama2_7b, llama3_8b)]
        [524288, 131072]
    """
    shape = shape_of(source)
    if shape.kind == "bert":
        raise ValueError("source must be a model that writes; a BERT reads a text at once.")
    require_lengths(shape, n_sequences, n_tokens, n_source_tokens)
    if number_bytes < 1:
        raise ValueError(f"number_bytes must be ≥ 1; got number_bytes={number_bytes}.")
    a_token = 2 * shape.n_layers * shape.n_kv_heads * shape.d_head * number_bytes
    return n_sequences * (n_tokens + n_source_tokens) * a_token
