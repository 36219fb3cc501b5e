"""A recurrent language model: one state, carried from token to token.

Letters: B = sequences, T = tokens, L = layers, D = d_model (of the token vectors and of the state),
E = inputs of a cell, V = vocab_size.
"""

from dataclasses import dataclass
from typing import TypeAlias

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from course_lib.nn import TokenEmbedding


def lstm_step(
    x: Float[Tensor, "B E"],
    hidden: Float[Tensor, "B D"],
    cell: Float[Tensor, "B D"],
    from_x: Float[Tensor, "4*D E"],
    from_hidden: Float[Tensor, "4*D D"],
    bias: Float[Tensor, " 4*D"],
) -> tuple[Float[Tensor, "B D"], Float[Tensor, "B D"]]:
    """Read one token: forget some of the memory, write some of the new, show some of it.

    Args:
        x: The token's vector.
        hidden: What the cell showed after the token before.
        cell: Its memory after the token before.
        from_x: Weights from the token; four blocks of D rows for the input gate, the forget gate,
            the candidate and the output gate, in torch's order.
        from_hidden: Weights from `hidden`, in the same order.
        bias: One offset per row.

    Returns:
        The new hidden state and the new memory. Memory goes through a product with the forget gate
        and a sum, not through a matrix, so that a gradient survives many steps.

    Reference:
        Hochreiter and Schmidhuber 1997, "Long Short-Term Memory",
        https://doi.org/10.1162/neco.1997.9.8.1735, with the forget gate of Gers, Schmidhuber and
        Cummins 2000, "Learning to Forget", https://doi.org/10.1162/089976600300015015

    Example:
        >>> gates = torch.tensor([100.0, -100.0, 100.0, 100.0])  # write, forget, a 1, show
        >>> one, zero = torch.ones(1, 1), torch.zeros(4, 1)
        >>> lstm_step(one, one, 7 * one, zero, zero, gates)  # the 7 is gone; tanh(1) is shown
        (tensor([[0.7616]]), tensor([[1.]]))
    """
    scores = F.linear(x, from_x) + F.linear(hidden, from_hidden) + bias
    write, keep, candidate, show = scores.chunk(4, dim=-1)
    cell = keep.sigmoid() * cell + write.sigmoid() * candidate.tanh()
    return show.sigmoid() * cell.tanh(), cell


@dataclass(frozen=True, kw_only=True)
class LSTMLanguageModelConfig:
    """Settings of `LSTMLanguageModel`.

    Attributes:
        vocab_size: Number of tokens.
        d_model: Length of the token vectors and of each layer's state.
        n_layers: LSTMs on top of each other.
        dropout: Share of the numbers set to 0, in training, wherever something goes up: from the
            embedding, between layers, to the scores; never from token to token.
    """

    vocab_size: int
    d_model: int = 128
    n_layers: int = 1
    dropout: float = 0.0

    def __post_init__(self) -> None:
        for name in ("vocab_size", "d_model", "n_layers"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be ≥ 1; got {name}={getattr(self, name)}.")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must be at least 0 and below 1; got dropout={self.dropout}.")


def zaremba_medium() -> LSTMLanguageModelConfig:
    """Give the settings of a model that was the state of the art on Penn Treebank in 2014.

    Reference:
        Zaremba, Sutskever and Vinyals 2014, "Recurrent Neural Network Regularization",
        section 4.1 (medium LSTM), https://arxiv.org/abs/1409.2329
    """
    return LSTMLanguageModelConfig(vocab_size=10_000, d_model=650, n_layers=2, dropout=0.5)


LSTMState: TypeAlias = tuple[Float[Tensor, "L B D"], Float[Tensor, "L B D"]]
"""What each layer shows, and its memory: the same size, however many tokens were read."""


class LSTMLanguageModel(nn.Module):
    """Predict each next token from a state that has read the tokens before it.

    A text of T tokens takes T steps that must wait for each other; memory does not grow with T.

    Args:
        config: Its settings.

    Attributes:
        config: Its settings.
        embedding: Token vectors.
        lstm: The layers: torch's fused kernel, which computes `lstm_step` over and over.
        dropout: Applied below and above the layers; those between are torch's.
        output: Scores the next token.

    Reference:
        Zaremba, Sutskever and Vinyals 2014, "Recurrent Neural Network Regularization", section 3,
        https://arxiv.org/abs/1409.2329. Unlike the paper, forget gates start biased by 1, so that
        memory lasts (Jozefowicz, Zaremba and Sutskever 2015, "An Empirical Exploration of Recurrent
        Network Architectures", section 3.1, https://proceedings.mlr.press/v37/jozefowicz15.html),
        and token vectors start with variance 1: with tiny ones, which suit a Transformer that
        normalises them, the gates hardly see the tokens.

    Example:
        >>> model = LSTMLanguageModel(LSTMLanguageModelConfig(vocab_size=11, d_model=5))
        >>> logits, state = model(torch.tensor([[2, 3, 7]]))
        >>> more_logits, state = model(torch.tensor([[1]]), state)
        >>> logits.shape, more_logits.shape
        (torch.Size([1, 3, 11]), torch.Size([1, 1, 11]))
    """

    def __init__(self, config: LSTMLanguageModelConfig) -> None:
        super().__init__()
        self.config = config
        self.embedding = TokenEmbedding(config.vocab_size, config.d_model)
        self.lstm = nn.LSTM(
            config.d_model,
            config.d_model,
            config.n_layers,
            batch_first=True,
            dropout=config.dropout if config.n_layers > 1 else 0.0,  # torch warns of none between
        )
        self.dropout = nn.Dropout(config.dropout)
        self.output = nn.Linear(config.d_model, config.vocab_size)
        self._start_with_open_memory()

    @torch.no_grad()
    def _start_with_open_memory(self) -> None:
        nn.init.normal_(self.embedding.weight)
        for _, _, from_x_bias, from_hidden_bias in self.lstm.all_weights:
            from_x_bias.chunk(4)[1].fill_(1.0)
            from_hidden_bias.chunk(4)[1].fill_(0.0)

    def forward(
        self, ids: Int[Tensor, "B T"], state: LSTMState | None = None
    ) -> tuple[Float[Tensor, "B T V"], LSTMState]:
        """Read tokens and score what comes after each.

        Args:
            ids: The tokens.
            state: What is remembered of the tokens before them; nothing if left out. Detach it when
                training should not reach back beyond this call.

        Returns:
            The scores of every next token, and the state after the last one.
        """
        hidden, last = self.lstm(self.dropout(self.embedding(ids)), state)
        return self.output(self.dropout(hidden)), last
