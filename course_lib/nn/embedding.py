"""From token ids to vectors, and, with the same table, from vectors back to scores.

Letters: B = any number of leading axes (sequences, tokens), D = d_model, V = vocab_size.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

INITIAL_STD = 0.02
"""Standard deviation of fresh embeddings in GPT-2 and BERT: small, so that scores start even."""


class TokenEmbedding(nn.Module):
    """A table with one learnt vector per token; tied, it also scores every token.

    Args:
        vocab_size: Number of tokens.
        d_model: Length of the vectors.

    Attributes:
        weight: The table, one row per token id.

    Reference:
        Press and Wolf 2017, "Using the Output Embedding to Improve Language Models"
        (the tying), https://arxiv.org/abs/1608.05859. Unlike Vaswani et al. 2017, section 3.4, the
        vectors are not multiplied by √d_model.

    Example:
        >>> embedding = TokenEmbedding(vocab_size=7, d_model=3)
        >>> vectors = embedding(torch.tensor([[2, 5]]))
        >>> vectors.shape, embedding.logits(vectors).shape
        (torch.Size([1, 2, 3]), torch.Size([1, 2, 7]))
    """

    def __init__(self, vocab_size: int, d_model: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(vocab_size, d_model).normal_(std=INITIAL_STD))

    def forward(self, ids: Int[Tensor, "*B"]) -> Float[Tensor, "*B D"]:
        """Look up the vector of each id."""
        return F.embedding(ids, self.weight)

    def logits(self, hidden: Float[Tensor, "*B D"]) -> Float[Tensor, "*B V"]:
        """Score every token by the dot product of its vector with the hidden state.

        Args:
            hidden: What the model computed at each position.

        Returns:
            Unnormalised scores, one per token of the vocabulary. The largest matrix product of a
            small model: V · D multiplications a position.
        """
        return F.linear(hidden, self.weight)
