"""mini-bert: a small BERT for English and Chinese, from books, articles, poems and stories.

Letters: B = windows, T = tokens of the longest of them.

It is for fine-tuning. COURSE_DATA_DIR must name a folder with books, cmrc2018, songci, tangshi,
guwenguanzhi, shijing and lunyu; `load("books")` and its sisters say which files those are.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Int
from torch import Tensor, nn

from course_lib.data.batches import InOrder, PaddedBatches, PairBatch, TokenBatch
from course_lib.models import BERT, BERTConfig, bert_to_hf
from course_lib.seeding import make_generator
from course_lib.tokenizers import BPETokenizer
from course_lib.training import (
    Checkpoints,
    LossSum,
    MaskedLM,
    RichProgress,
    evaluate,
    summed_cross_entropy,
    train,
)
from recipes._mixture import (
    CLS,
    MASK,
    N_ROWS,
    PAD,
    SEP,
    VOCAB_SIZE,
    Mixture,
    encode_parts,
    load_mix,
    make_mixture,
    make_tokenizer,
    mini_settings,
)
from recipes._shipping import Card, Finished, write_card, write_model
from recipes._starting import start_as_neighbours, start_with_word_vectors

NAME = "mini-bert"
MODEL = BERTConfig(
    vocab_size=VOCAB_SIZE, max_len=256, d_model=256, n_heads=4, n_layers=4, d_ff=1024
)
N_STEPS = 3_000
LENGTHS = (256, 128, 64)
"""Tokens of a window, with both ends, batch by batch in turn; a batch has about 4,096 in all."""

MASKED_SHARE = 0.3
"""More than BERT's 15 %: more to learn from in each step. Wettig et al. 2023 find as much as 40 %
better for large models, https://arxiv.org/abs/2202.08005."""

WATCHED_WINDOWS = 4
"""Of each source, so many windows are evaluated during training."""


def run(out: Path, scale: float, resume: bool) -> None:
    """Train the tokenizer and the model, test it, and write what ships into `out`/mini-bert.

    Args:
        out: Gets the folder of the model.
        scale: 1 for the model that the course ships; 0.01 takes seconds and learns little.
        resume: Whether to go on from the checkpoints in `out`.

    Raises:
        DataNotFoundError: If a corpus is missing at full size.
        KeyboardInterrupt: If the training was interrupted; it can be resumed.
    """
    mix = load_mix(scale)
    tokenizer = make_tokenizer(mix, scale)
    config = mini_settings(
        max(3, round(N_STEPS * scale)), matrix_rate=0.02, momentum=0.9, table_rate=0.003
    )
    lengths = [max(8, round(length * scale**0.5)) for length in LENGTHS]
    encoded = encode_parts(mix, tokenizer, SEP, config.n_steps * N_ROWS * lengths[0])
    data = framed_batches(encoded, tokenizer, lengths)
    held_out = {name: windows(tokenizer, texts) for name, texts in mix.held_out.items()}
    watched = [window for texts in held_out.values() for window in texts[:WATCHED_WINDOWS]]
    objective = masked_lm(tokenizer)

    model = BERT(MODEL, make_generator(0))
    model.pooler = model.next_sentence_head = None  # nothing here would train them
    start_as_neighbours(model, make_generator(1))
    start_with_word_vectors(model, encoded.values(), make_generator(2))
    with RichProgress() as progress:
        history = train(
            model,
            data,
            config,
            objective=AtChosen(objective),
            held_out=InOrder(PaddedBatches(watched, n_rows=N_ROWS)),
            checkpoints=Checkpoints(out / "checkpoints" / NAME, every_steps=100, resume=resume),
            progress=progress,
        )
    if history.stopped_by == "interrupt":
        raise KeyboardInterrupt
    finished = Finished(
        model=bert_to_hf(model.eval().to(torch.bfloat16)),
        tokenizer=tokenizer,
        special_tokens={
            "cls_token": CLS,
            "sep_token": SEP,
            "mask_token": MASK,
            "pad_token": PAD,
        },
        max_len=MODEL.max_len,
        history=history,
    )
    write_model(out / NAME, finished)
    model = BERT.from_pretrained(out / NAME)  # as it ships, rounded
    scores = list(score_lines(model, objective, held_out))
    card = Card(template=NAME, model=model, scores=scores, data=mix.described)
    write_card(out / NAME, finished.history, card)


class Framed:
    """[CLS] window [SEP], with windows of several lengths in turn.

    So the model knows short texts and all places of long ones.

    Attributes:
        n_batches: How many batches make a round.
    """

    def __init__(self, mixtures: Sequence[Mixture], cls_id: int, sep_id: int) -> None:
        """Hold the mixtures.

        Args:
            mixtures: One for each length.
            cls_id: Goes in front of each window.
            sep_id: Goes behind it.
        """
        self._mixtures, self._cls_id, self._sep_id = mixtures, cls_id, sep_id
        self.n_batches = sum(mixture.n_batches for mixture in mixtures)

    def __getitem__(self, index: int) -> TokenBatch:
        number, which = divmod(index, len(self._mixtures))
        ids = self._mixtures[which][number].ids
        first = torch.full_like(ids[:, :1], self._cls_id)
        framed = torch.cat([first, ids, torch.full_like(first, self._sep_id)], dim=1)
        return TokenBatch(framed, torch.ones_like(framed, dtype=torch.bool))


def framed_batches(
    encoded: Mapping[str, Int[Tensor, " N"]], tokenizer: BPETokenizer, lengths: Sequence[int]
) -> Framed:
    """Make the batches: windows half as long come twice as many at once.

    Args:
        encoded: The ids of each part of the mix.
        tokenizer: What made them.
        lengths: Of the windows, both ends included, the longest first.
    """
    mixtures = [
        # A window holds one token more than n_tokens; two places are for the ends.
        make_mixture(encoded, n_tokens=length - 3, times=lengths[0] // length, seed=seed)
        for seed, length in enumerate(lengths)
    ]
    return Framed(mixtures, tokenizer.id_of(CLS), tokenizer.id_of(SEP))


def masked_lm(tokenizer: BPETokenizer) -> MaskedLM:
    """Say what the model is asked: masked tokens, never the marks at the ends."""
    special = {name: tokenizer.id_of(name) for name in tokenizer.special_tokens}
    return MaskedLM(
        mask_id=special[MASK],
        vocab_size=tokenizer.vocab_size,
        special_ids=tuple(special.values()),
        share=MASKED_SHARE,
    )


@dataclass(frozen=True)
class AtChosen:
    """The same loss as `MaskedLM`, but the vocabulary is scored at the chosen places alone.

    Attributes:
        masked: Chooses and hides.
    """

    masked: MaskedLM

    def __call__(self, model: nn.Module, batch: TokenBatch, generator: torch.Generator) -> LossSum:
        """Sum the surprise at the chosen tokens."""
        if not isinstance(model, BERT) or model.masked_token_head is None:
            raise ValueError(f"model must be a BERT with its head; got {type(model).__name__}.")
        pair: PairBatch = self.masked.draw(batch, generator)
        (hidden, mask), (ids, chosen) = pair
        vectors = model.hidden(hidden, None if mask.all() else mask)[chosen]
        logits = model.masked_token_head(vectors.unsqueeze(0), model.tokens.weight).squeeze(0)
        return LossSum(summed_cross_entropy(logits, ids[chosen]), len(vectors))


def windows(tokenizer: BPETokenizer, documents: Iterable[str]) -> list[list[int]]:
    """Cut documents, one by one, into windows of the greatest length, ends included."""
    cls_id, sep_id, n_inside = tokenizer.id_of(CLS), tokenizer.id_of(SEP), MODEL.max_len - 2
    return [
        [cls_id, *ids[start : start + n_inside], sep_id]
        for ids in map(tokenizer.encode, documents)
        for start in range(0, len(ids), n_inside)
    ]


def score_lines(
    model: BERT, objective: MaskedLM, held_out: Mapping[str, Sequence[Sequence[int]]]
) -> Iterator[str]:
    """Measure the model on all that is held out, source by source."""
    for name, texts in held_out.items():
        found = evaluate(model, InOrder(PaddedBatches(texts, n_rows=N_ROWS)), objective)
        yield (
            f"{name}: {found.nats_per_token:.3f} nats a masked token, perplexity "
            f"{found.perplexity:.1f}, n = {found.n_tokens:,} tokens"
        )
