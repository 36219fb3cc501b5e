"""The loss of a language model: every token is the right answer for the place before it.

Letters: B = sequences, T = tokens, V = vocab_size.
"""

from jaxtyping import Bool, Float, Int
from torch import Tensor

from course_lib.nn.loss import IGNORE_ID, smoothed_cross_entropy


def next_token_loss(
    logits: Float[Tensor, "B T V"],
    ids: Int[Tensor, "B T"],
    mask: Bool[Tensor, "B T"] | None = None,
) -> Float[Tensor, ""]:
    """Measure how surprised a model is by each next token, in nats per counted token.

    Args:
        logits: What the model says after each token of `ids`.
        ids: The texts; the logits at place t are judged by the token at place t + 1.
        mask: True for a token, False for padding, which stands at the end of a text and is not
            counted; None if there is none.

    Returns:
        The sum of -ln p(next token) over all tokens but the first of each text and padding,
        divided by their number.

    Raises:
        ValueError: If no token counts.

    Reference:
        Bengio et al. 2003, "A Neural Probabilistic Language Model", section 2,
        https://www.jmlr.org/papers/v3/bengio03a.html

    Example:
        >>> import torch
        >>> next_token_loss(torch.zeros(1, 3, 4), torch.tensor([[0, 1, 2]]))  # ln 4
        tensor(1.3863)
    """
    targets = ids[:, 1:]
    if mask is not None:
        targets = targets.masked_fill(~mask[:, 1:], IGNORE_ID)
    return smoothed_cross_entropy(logits[:, :-1], targets)
