"""Additive attention, the first kind: a small network scores how well query and key match.

Letters: B = sequences, T = queries, S = keys, Q = width of a query, E = width of a key,
A = hidden units of the scoring network.
"""

import math

from jaxtyping import Bool, Float
from torch import Tensor, nn

from course_lib.nn.masks import require_bool


class AdditiveAttention(nn.Module):
    """Average the keys, weighted by a learned score of query and key together.

    Time and memory grow as T · S · A: the hidden layer is computed for every pair.

    Args:
        d_query: Width of a query, Q; in a translator, the decoder's state.
        d_key: Width of a key, E; in a translator, the encoder's state at a word.
        d_hidden: Hidden units of the scoring network, A.

    Reference:
        Bahdanau, Cho and Bengio 2015, "Neural Machine Translation by Jointly Learning to Align
        and Translate", eqs. 5-6 and appendix A.1.2, https://arxiv.org/abs/1409.0473. As in the
        paper, what is averaged are the keys themselves, and no projection has an offset.

    Example:
        >>> import torch
        >>> attention = AdditiveAttention(d_query=2, d_key=3, d_hidden=5)
        >>> mixed, weights = attention(torch.zeros(1, 4, 2), torch.zeros(1, 7, 3))
        >>> mixed.shape, weights.shape
        (torch.Size([1, 4, 3]), torch.Size([1, 4, 7]))
    """

    def __init__(self, d_query: int, d_key: int, d_hidden: int) -> None:
        super().__init__()
        self.query = nn.Linear(d_query, d_hidden, bias=False)
        self.key = nn.Linear(d_key, d_hidden, bias=False)
        self.score = nn.Linear(d_hidden, 1, bias=False)

    def forward(
        self,
        query: Float[Tensor, "B T Q"],
        key: Float[Tensor, "B S E"],
        mask: Bool[Tensor, "B S"] | None = None,
    ) -> tuple[Float[Tensor, "B T E"], Float[Tensor, "B T S"]]:
        """Let each query gather from the keys.

        Args:
            query: What looks.
            key: What is looked at, and handed over.
            mask: True for a token, False for padding. Where all is padding, the result is zero.

        Returns:
            The mixed keys, and the weights (each row sums to 1, or to 0 if all is padding).

        Raises:
            ValueError: If `mask` is not bool.
        """
        hidden = (self.query(query).unsqueeze(2) + self.key(key).unsqueeze(1)).tanh()
        scores = self.score(hidden).squeeze(-1)
        if mask is None:
            weights = scores.softmax(dim=-1)
        else:
            require_bool(mask)
            padding = ~mask.unsqueeze(1)
            weights = scores.masked_fill(padding, -math.inf).softmax(dim=-1)
            weights = weights.masked_fill(padding, 0.0)  # rows of padding only are NaN here
        return weights @ key, weights
