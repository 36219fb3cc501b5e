"""The encoder-decoder of "Attention Is All You Need": reads one text, writes another.

Letters: B = sequences, S = source tokens, T = target tokens given now, N = target tokens so far
(those in the cache too), D = d_model, V = vocab_size.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from course_lib.models.decoder import count_cached, decoder_mask, require_positive
from course_lib.models.encoder_decoder_blocks import DecoderBlock, DecoderCache, EncoderBlock
from course_lib.nn.cache import KVCache
from course_lib.nn.embedding import INITIAL_STD, TokenEmbedding
from course_lib.nn.loss import IGNORE_ID
from course_lib.nn.masks import key_mask
from course_lib.nn.positions import sinusoidal_positions

_ACTIVATIONS = {"relu": F.relu, "swish": F.silu}


@dataclass(frozen=True, kw_only=True)
class EncoderDecoderConfig:
    """Settings of `EncoderDecoder`.

    Attributes:
        vocab_size: How many tokens it knows; source and target share them.
        max_len: How many tokens a source or a target may have.
        d_model: Width of a token's vector.
        n_heads: How many attentions work side by side in a block; a divisor of `d_model`.
        n_encoder_layers: How many blocks read the source.
        n_decoder_layers: How many blocks write the target.
        d_ff: Width inside the feed-forward layers.
        dropout: Chance that a number is set to 0 in training: in the embedding, and in what each
            part of a block adds.
        activation: The bend in the feed-forward layers: the paper's, or that of most Marian models.
        start_id: The token with which every target starts; Marian takes its padding token.
    """

    vocab_size: int
    max_len: int
    d_model: int
    n_heads: int
    n_encoder_layers: int
    n_decoder_layers: int
    d_ff: int
    dropout: float = 0.0
    activation: Literal["relu", "swish"] = "relu"
    start_id: int = 0

    def __post_init__(self) -> None:
        sizes = ("vocab_size", "max_len", "d_model", "n_heads", "d_ff")
        require_positive(self, *sizes, "n_encoder_layers", "n_decoder_layers")
        if self.d_model % self.n_heads:
            raise ValueError(
                f"n_heads must be a divisor of d_model={self.d_model}; got n_heads={self.n_heads}."
            )
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must be ≥ 0 and < 1; got dropout={self.dropout}.")
        if self.activation not in _ACTIVATIONS:
            raise ValueError(
                f"activation must be one of {sorted(_ACTIVATIONS)}; "
                f"got activation={self.activation!r}."
            )
        if not 0 <= self.start_id < self.vocab_size:
            raise ValueError(
                f"start_id must be an id below vocab_size={self.vocab_size}; "
                f"got start_id={self.start_id}."
            )


def transformer_base(vocab_size: int = 37_000) -> EncoderDecoderConfig:
    """Give the sizes of the paper's base model, for English to German.

    It has 63,082,496 parameters: 37,000 · 512 = 18,944,000 in the one table that source, target
    and output share; 6 · 3,152,384 = 18,914,304 in the encoder; 6 · 4,204,032 = 25,224,192 in the
    decoder, whose blocks have a second attention. The paper's table 3 says 65 million, and the
    text "about 37,000" tokens.

    Args:
        vocab_size: How many tokens both languages share.
    """
    return EncoderDecoderConfig(
        vocab_size=vocab_size,
        max_len=512,
        d_model=512,
        n_heads=8,
        n_encoder_layers=6,
        n_decoder_layers=6,
        d_ff=2048,
        dropout=0.1,
    )


def shift_right(target_ids: Int[Tensor, "B T"], start_id: int) -> Int[Tensor, "B T"]:
    """Make what the decoder is given from what it shall write: one token later.

    Args:
        target_ids: The tokens to write. Those equal to `IGNORE_ID` are replaced by `start_id`;
            only tokens that are ignored themselves can see them.
        start_id: The token put in front.

    Example:
        >>> shift_right(torch.tensor([[5, 7, 2]]), start_id=0)
        tensor([[0, 5, 7]])
    """
    shifted = target_ids.roll(1, dims=1)
    shifted[:, 0] = start_id
    return shifted.masked_fill(shifted == IGNORE_ID, start_id)


def marian_positions(n_positions: int, d_model: int) -> Float[Tensor, "T D"]:
    """Give the sinusoids of the positions in Marian's order: all sines, then all cosines.

    Args:
        n_positions: How many positions, counted from 0.
        d_model: Length of the vectors.

    Example:
        >>> marian_positions(2, 4)
        tensor([[0.0000, 0.0000, 1.0000, 1.0000],
                [0.8415, 0.0100, 0.5403, 0.9999]])
    """
    waves = sinusoidal_positions(n_positions, d_model)
    return torch.cat((waves[:, 0::2], waves[:, 1::2]), dim=-1)


class EncoderDecoder(nn.Module):
    """The Transformer, as in Marian: `encoder_decoder_from_hf` loads it, with the same logits.

    It normalises after each part of a block. One table of token vectors serves source, target and
    output; vectors are multiplied by √d_model before positions are added.

    Args:
        config: Sizes; for the paper's own, `transformer_base()`.
        generator: Where the fresh weights come from; torch's global generator if None.

    Attributes:
        config: As above.
        positions: The sinusoids of all positions, all sines before all cosines.
        logits_bias: Added to the logits; zero unless it was loaded, and not trained.

    Reference:
        Vaswani et al. 2017, "Attention Is All You Need", section 3 and figure 1,
        https://arxiv.org/abs/1706.03762. Unlike the paper, the linear maps of attention add an
        offset, as in Marian (Junczys-Dowmunt et al. 2018, https://arxiv.org/abs/1804.00344).

    Example:
        >>> sizes = {"max_len": 7, "d_model": 6, "n_heads": 3, "d_ff": 5}
        >>> layers = {"n_encoder_layers": 2, "n_decoder_layers": 1}
        >>> model = EncoderDecoder(EncoderDecoderConfig(vocab_size=11, **sizes, **layers))
        >>> source, target = torch.tensor([[3, 1, 4, 1, 5]]), torch.tensor([[9, 2, 6]])
        >>> model(source, shift_right(target, model.config.start_id)).shape
        torch.Size([1, 3, 11])
    """

    positions: Float[Tensor, "max_len D"]
    logits_bias: Float[Tensor, " V"]

    def __init__(
        self, config: EncoderDecoderConfig, generator: torch.Generator | None = None
    ) -> None:
        super().__init__()
        self.config = config
        self.tokens = TokenEmbedding(config.vocab_size, config.d_model)
        positions = marian_positions(config.max_len, config.d_model)
        self.register_buffer("positions", positions, persistent=False)
        self.dropout = nn.Dropout(config.dropout)
        sizes = config.d_model, config.n_heads, config.d_ff
        bend = _ACTIVATIONS[config.activation]
        self.encoder = nn.ModuleList(
            EncoderBlock(*sizes, activation=bend, dropout=config.dropout)
            for _ in range(config.n_encoder_layers)
        )
        self.decoder = nn.ModuleList(
            DecoderBlock(layer, *sizes, activation=bend, dropout=config.dropout)
            for layer in range(config.n_decoder_layers)
        )
        self.register_buffer("logits_bias", torch.zeros(config.vocab_size))
        _initialise(self, generator)

    @classmethod
    def from_pretrained(cls, name_or_folder: str | Path) -> "EncoderDecoder":
        """Load a Marian model in Hugging Face's format (in evaluation mode, float32).

        Args:
            name_or_folder: A folder with `config.json` and `model.safetensors`, or a name on the
                Hugging Face hub, such as "Helsinki-NLP/opus-mt-en-zh".

        Raises:
            WeightsNotFoundError: If there is no such folder, and the hub has no such model or
                cannot be reached.
            ValueError: If the folder has no safetensors, or its sizes or tensors are not those of
                a Marian model with one table of tokens.
        """
        from course_lib.models import encoder_decoder_weights as weights  # it imports this file
        from course_lib.models.loading import load_tensors, read_pretrained

        settings, tensors = read_pretrained(name_or_folder)
        model = cls(weights.encoder_decoder_settings(settings))
        load_tensors(model, weights.encoder_decoder_tensors(tensors, model.config))
        return model.eval()

    def forward(
        self,
        source_ids: Int[Tensor, "B S"],
        target_ids: Int[Tensor, "B T"],
        source_mask: Bool[Tensor, "B S"] | None = None,
        target_mask: Bool[Tensor, "B N"] | None = None,
        cache: DecoderCache | None = None,
    ) -> Float[Tensor, "B T V"]:
        """Score, at each target token, every token that may come next.

        Args:
            source_ids: The text to read.
            target_ids: The text written so far, start token first (`shift_right`); with a cache,
                only the tokens that are new.
            source_mask: True for a token, False for padding; None if there is no padding. Pad at
                the end: positions are counted from the first column, padding or not.
            target_mask: The same for the target, those in the cache included.
            cache: Remembers source and target between calls, which must give the same source.

        Raises:
            ValueError: If source or target has more tokens than `max_len`, or a mask is not bool or
                does not fit them.
        """
        memory = None if cache is None else cache.memory
        if memory is None:
            memory = self.encode(source_ids, source_mask)
        if cache is not None:
            cache.memory = memory.detach()
        return self.decode(target_ids, memory, source_mask, target_mask, cache)

    def encode(
        self, source_ids: Int[Tensor, "B S"], source_mask: Bool[Tensor, "B S"] | None = None
    ) -> Float[Tensor, "B S D"]:
        """Read the source: one vector per token, which knows the whole source.

        Args:
            source_ids: As in `forward`.
            source_mask: As in `forward`.

        Raises:
            ValueError: If there are more tokens than `max_len`, or the mask is not bool or does not
                fit them.
        """
        count_cached(source_ids, source_mask, None, self.config.max_len)
        x = self._embed(source_ids, start=0)
        mask = None if source_mask is None else key_mask(source_mask)
        for block in self.encoder:
            x = block(x, mask)
        return x

    def decode(
        self,
        target_ids: Int[Tensor, "B T"],
        memory: Float[Tensor, "B S D"],
        source_mask: Bool[Tensor, "B S"] | None = None,
        target_mask: Bool[Tensor, "B N"] | None = None,
        cache: DecoderCache | None = None,
    ) -> Float[Tensor, "B T V"]:
        """Score, at each target token, every token that may come next, given a source once read.

        Args:
            target_ids: As in `forward`.
            memory: What `encode` gave; with a cache, only that of the first call is looked at.
            source_mask: As in `forward`.
            target_mask: As in `forward`.
            cache: As in `forward`.

        Raises:
            ValueError: If there are more tokens than `max_len`, or a mask is not bool or does not
                fit them.
        """
        past = None if cache is None else cache.target
        n_past = count_cached(target_ids, target_mask, past, self.config.max_len)
        n_new = target_ids.shape[1]
        mask = decoder_mask(target_mask, n_new, n_past + n_new, target_ids.device)
        memory_mask = None if source_mask is None else key_mask(source_mask)
        x = self._embed(target_ids, start=n_past)
        for block in self.decoder:
            x = block(x, memory, mask, memory_mask, cache)
        if past is not None:
            past.advance(n_new)
        return self.tokens.logits(x) + self.logits_bias

    def make_cache(self, n_sequences: int, max_len: int | None = None) -> DecoderCache:
        """Make an empty cache that fits this model.

        Args:
            n_sequences: How many targets are written side by side.
            max_len: For how many tokens; the model's own `max_len` if None.
        """
        target = KVCache(
            self.config.n_decoder_layers,
            n_sequences,
            self.config.n_heads,
            self.config.max_len if max_len is None else max_len,
            self.config.d_model // self.config.n_heads,
            dtype=self.tokens.weight.dtype,
            device=self.tokens.weight.device,
        )
        return DecoderCache(target=target)

    def _embed(self, ids: Int[Tensor, "B T"], start: int) -> Float[Tensor, "B T D"]:
        positions = self.positions[start : start + ids.shape[1]]
        return self.dropout(self.tokens(ids) * math.sqrt(self.config.d_model) + positions)


@torch.no_grad()
def _initialise(model: EncoderDecoder, generator: torch.Generator | None) -> None:
    """Draw linear maps as Glorot and Bengio 2010 do, and token vectors small; offsets become 0."""
    for name, parameter in model.named_parameters():
        if name == "tokens.weight":
            parameter.normal_(std=INITIAL_STD, generator=generator)
        elif parameter.ndim == 2:
            nn.init.xavier_uniform_(parameter, generator=generator)
        elif name.endswith("bias"):
            parameter.zero_()
