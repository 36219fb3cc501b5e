"""Exercises of lesson 04 about a language model at work: its loss, and its writing.

Letters in shapes: B sequences, T tokens, V vocab_size.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from course_lib.lesson.exercise import Case, Exercise, Mistake
from course_lib.nn.next_token import next_token_loss
from course_lib.seeding import make_generator


def _loss_arguments(seed: int, *shape: int, lengths: Sequence[int] = ()) -> tuple[Any, ...]:
    generator = make_generator(seed)
    logits = 2 * torch.randn(*shape, generator=generator, dtype=torch.float64)
    ids = torch.randint(shape[-1], shape[:-1], generator=generator)
    if not lengths:
        return logits, ids
    return logits, ids, torch.arange(shape[1]) < torch.tensor(lengths)[:, None]


def _surprise(logits: Tensor, targets: Tensor) -> Tensor:
    return -logits.log_softmax(dim=-1).gather(-1, targets.unsqueeze(-1)).squeeze(-1)


def _counted(mask: Tensor | None, targets: Tensor) -> Tensor:
    counted = torch.ones_like(targets, dtype=torch.bool)
    return counted if mask is None else counted & mask[:, -targets.shape[1] :]


def _not_shifted(logits: Tensor, ids: Tensor, mask: Tensor | None = None) -> Tensor:
    return _surprise(logits, ids)[_counted(mask, ids)].mean()


def _shifted_twice(logits: Tensor, ids: Tensor, mask: Tensor | None = None) -> Tensor:
    targets = ids[:, 2:]
    return _surprise(logits[:, :-2], targets)[_counted(mask, targets)].mean()


def _shifted_back(logits: Tensor, ids: Tensor, mask: Tensor | None = None) -> Tensor:
    counted = _counted(mask, ids)[:, :-1]
    return _surprise(logits[:, 1:], ids[:, :-1])[counted].mean()


def _padding_counted(logits: Tensor, ids: Tensor, mask: Tensor | None = None) -> Tensor:
    return _surprise(logits[:, :-1], ids[:, 1:]).mean()


def _mask_not_shifted(logits: Tensor, ids: Tensor, mask: Tensor | None = None) -> Tensor:
    counted = _counted(mask, ids)[:, :-1]
    return _surprise(logits[:, :-1], ids[:, 1:])[counted].mean()


def _masked_but_divided_by_all(logits: Tensor, ids: Tensor, mask: Tensor | None = None) -> Tensor:
    counted = _counted(mask, ids[:, 1:])
    return (_surprise(logits[:, :-1], ids[:, 1:]) * counted).mean()


def _mean_of_means(logits: Tensor, ids: Tensor, mask: Tensor | None = None) -> Tensor:
    counted = _counted(mask, ids[:, 1:])
    each = (_surprise(logits[:, :-1], ids[:, 1:]) * counted).sum(dim=1) / counted.sum(dim=1)
    return each.mean()


def _in_a_column(logits: Tensor, ids: Tensor, mask: Tensor | None = None) -> Tensor:
    column = _surprise(logits[:, :-1], ids[:, 1:]).reshape(-1, 1)
    counted = _counted(mask, ids[:, 1:]).reshape(-1)
    return (column * counted).sum() / counted.sum()


def _summed(logits: Tensor, ids: Tensor, mask: Tensor | None = None) -> Tensor:
    return _surprise(logits[:, :-1], ids[:, 1:])[_counted(mask, ids[:, 1:])].sum()


def _softmax_twice(logits: Tensor, ids: Tensor, mask: Tensor | None = None) -> Tensor:
    return next_token_loss(logits.softmax(dim=-1), ids, mask)


NEXT_TOKEN_LOSS = Exercise(
    key="04:next_token_loss",
    target="course_lib.nn.next_token:next_token_loss",
    level="core",
    cases=(
        Case(why="one text of 5 tokens", args=lambda: _loss_arguments(1, 1, 5, 7)),
        Case(why="3 texts of 4 tokens", args=lambda: _loss_arguments(2, 3, 4, 11)),
        Case(
            why="3 texts, two of them padded",
            args=lambda: _loss_arguments(3, 3, 7, 5, lengths=(7, 2, 4)),
        ),
        Case(
            why="2 texts, one much shorter",
            args=lambda: _loss_arguments(4, 2, 6, 13, lengths=(3, 6)),
        ),
    ),
    mistakes=(
        Mistake(
            name="not-shifted",
            twin=_not_shifted,
            hint="You ask the model for the token it has just read. The logits at place t are "
            "about "
            "the token at place t + 1.",
        ),
        Mistake(
            name="shifted-twice",
            twin=_shifted_twice,
            hint="You compare with the token after the next. Whoever shifts the labels while "
            "making "
            "the data *and* in the loss gets this; the loss falls all the same.",
        ),
        Mistake(
            name="shifted-the-wrong-way",
            twin=_shifted_back,
            hint="You compare the logits with the token *before*. Cut the last logits and the "
            "first "
            "token, not the other way round.",
        ),
        Mistake(
            name="labels-in-a-column",
            twin=_in_a_column,
            hint="One of your factors has the shape (N, 1), the other (N): torch multiplies "
            "*every* "
            "token by *every* entry of the mask, (N, N) in all, without a word. Print the shapes; "
            "`squeeze(-1)` after `gather`.",
        ),
        Mistake(
            name="padding-counted",
            twin=_padding_counted,
            hint="Padding counts in your mean. Where the mask is False, the token is not asked "
            "for.",
        ),
        Mistake(
            name="mask-not-shifted",
            twin=_mask_not_shifted,
            hint="You shift the tokens and not the mask. It belongs to the token that is asked "
            "for: "
            "`mask[:, 1:]`.",
        ),
        Mistake(
            name="divided-by-padding-too",
            twin=_masked_but_divided_by_all,
            hint="Padding adds nothing to your sum, and still counts in the number you divide by.",
        ),
        Mistake(
            name="mean-of-means",
            twin=_mean_of_means,
            hint="You take the mean of each text, and then the mean of the texts. A token in a "
            "short "
            "text then counts more than one in a long text. One sum, one count.",
        ),
        Mistake(
            name="summed",
            twin=_summed,
            hint="You return the sum over the tokens. Divide by how many count.",
        ),
        Mistake(
            name="softmax-twice",
            twin=_softmax_twice,
            hint="You apply softmax before the cross-entropy, which applies it again. Hand it the "
            "raw logits.",
        ),
    ),
    nudge="Lay the logits and the tokens side by side, and push one of them by one place.",
    shapes="In: logits (B, T, V), ids (B, T), mask (B, T), bool or None. Out: a tensor without "
    "axes. "
    "T - 1 tokens of each text are asked for.",
    pseudocode="targets ← ids without the first column\n"
    "where the mask (without its first column) is False: target ← IGNORE_ID\n"
    "return the cross-entropy of all logits but the last column, and targets, over those counted",
)


def _sums(ids: Tensor) -> Tensor:
    """Score highest the sum of all tokens so far, modulo 7: the whole text matters."""
    return F.one_hot(ids.cumsum(dim=1) % 7, 7).double()


def _weighs(ids: Tensor) -> Tensor:
    """Score by a sum that knows the places of the tokens."""
    places = torch.arange(1, ids.shape[1] + 1)
    return F.one_hot((ids * places + 1).cumsum(dim=1) % 11, 11).double()


def _decoder(newest: Callable[[Any, Tensor], Tensor]) -> Callable[..., Tensor]:
    """Make a twin of `greedy_decode` from the rule for the next token."""

    def twin(model: Any, ids: Tensor, n_tokens: int, end_id: int | None = None) -> Tensor:
        for _ in range(n_tokens):
            new = newest(model, ids)
            if end_id is not None:
                new = new.masked_fill((ids == end_id)[:, -1], end_id)
            ids = torch.cat([ids, new[:, None]], dim=1)
        return ids

    return twin


def _likeliest(model: Any, ids: Tensor) -> Tensor:
    return model(ids)[:, -1].argmax(dim=-1)


def _goes_on(model: Any, ids: Tensor, n_tokens: int, end_id: int | None = None) -> Tensor:
    return _decoder(_likeliest)(model, ids, n_tokens)


def _only_new(model: Any, ids: Tensor, n_tokens: int, end_id: int | None = None) -> Tensor:
    return _decoder(_likeliest)(model, ids, n_tokens, end_id)[:, ids.shape[1] :]


def _all_at_once(model: Any, ids: Tensor, n_tokens: int, end_id: int | None = None) -> Tensor:
    newest = _likeliest(model, ids)
    return torch.cat([ids, newest[:, None].repeat(1, n_tokens)], dim=1)


def _stops_all(model: Any, ids: Tensor, n_tokens: int, end_id: int | None = None) -> Tensor:
    for _ in range(n_tokens):
        if end_id is not None and bool((ids[:, -1] == end_id).any()):
            return ids
        ids = torch.cat([ids, _likeliest(model, ids)[:, None]], dim=1)
    return ids


def _one_end_fills_all(model: Any, ids: Tensor, n_tokens: int, end_id: int | None = None) -> Tensor:
    ended = False
    for _ in range(n_tokens):
        ended = ended or (end_id is not None and bool((ids[:, -1] == end_id).any()))
        new = torch.full_like(ids[:, -1], end_id or 0) if ended else _likeliest(model, ids)
        ids = torch.cat([ids, new[:, None]], dim=1)
    return ids


def _zero_is_none(model: Any, ids: Tensor, n_tokens: int, end_id: int | None = None) -> Tensor:
    return _decoder(_likeliest)(model, ids, n_tokens, end_id or None)


def _ends_anywhere(*, beginning: bool) -> Callable[..., Tensor]:
    """Make a twin that looks for `end_id` in the whole text, or in all of its new tokens."""

    def twin(model: Any, ids: Tensor, n_tokens: int, end_id: int | None = None) -> Tensor:
        start = 0 if beginning else ids.shape[1]
        for _ in range(n_tokens):
            new = _likeliest(model, ids)
            if end_id is not None:
                new = new.masked_fill((ids[:, start:] == end_id).any(dim=1), end_id)
            ids = torch.cat([ids, new[:, None]], dim=1)
        return ids

    return twin


GREEDY_DECODE = Exercise(
    key="04:greedy_decode",
    target="course_lib.generation.greedy:greedy_decode",
    level="core",
    cases=(
        Case(why="one text, 5 tokens more", args=lambda: (_sums, torch.tensor([[2, 3]]), 5)),
        Case(
            why="3 texts, 4 tokens more",
            args=lambda: (_weighs, torch.tensor([[1, 5], [2, 2], [9, 3]]), 4),
        ),
        Case(
            why="2 texts that end at different places",
            args=lambda: (_weighs, torch.tensor([[2, 6], [8, 5]]), 6, 10),
        ),
        Case(why="no token at all", args=lambda: (_sums, torch.tensor([[4, 1]]), 0)),
        Case(
            why="2 texts, one of which ends",
            args=lambda: (_weighs, torch.tensor([[3, 3], [6, 5]]), 5, 1),
        ),
        Case(
            why="an end_id of 0",
            args=lambda: (_weighs, torch.tensor([[3, 3], [6, 5]]), 5, 0),
        ),
        Case(
            why="a beginning that has ended",
            args=lambda: (_weighs, torch.tensor([[1, 2], [6, 5]]), 4, 2),
        ),
        Case(
            why="a beginning with end_id further back",
            args=lambda: (_weighs, torch.tensor([[1, 6], [4, 2]]), 4, 1),
        ),
    ),
    mistakes=(
        Mistake(
            name="only-the-new-ones",
            twin=_only_new,
            hint="You return the new tokens. The beginning belongs to the text.",
        ),
        Mistake(
            name="logits-of-the-first-place",
            twin=_decoder(lambda model, ids: model(ids)[:, 0].argmax(dim=-1)),
            hint="You look at the logits after the *first* token. The newest place is the last "
            "one: "
            "`[:, -1]`.",
        ),
        Mistake(
            name="logits-before-the-last",
            twin=_decoder(
                lambda model, ids: model(ids)[:, -2 if ids.shape[1] > 1 else -1].argmax(dim=-1)
            ),
            hint="You look one place too early: those logits are about the token you already have.",
        ),
        Mistake(
            name="only-the-last-token-read",
            twin=_decoder(lambda model, ids: model(ids[:, -1:])[:, -1].argmax(dim=-1)),
            hint="You hand the model only the newest token. Without a cache it has no memory: it "
            "must read the whole text again.",
        ),
        Mistake(
            name="the-same-for-all-texts",
            twin=_decoder(lambda model, ids: _likeliest(model, ids)[:1].expand(len(ids))),
            hint="All your texts get the token of the first. `argmax` along the last axis gives "
            "one "
            "for each text.",
        ),
        Mistake(
            name="least-likely",
            twin=_decoder(lambda model, ids: model(ids)[:, -1].argmin(dim=-1)),
            hint="You take the smallest score.",
        ),
        Mistake(
            name="asked-once",
            twin=_all_at_once,
            hint="You ask the model once and write the same token again and again. Ask again after "
            "every token.",
        ),
        Mistake(
            name="goes-on-after-the-end",
            twin=_goes_on,
            hint="Your texts go on after `end_id`. When a text has ended, only `end_id` may "
            "follow.",
        ),
        Mistake(
            name="one-ends-all",
            twin=_stops_all,
            hint="You stop all texts when one has ended. The others are not ready.",
        ),
        Mistake(
            name="one-end-fills-all",
            twin=_one_end_fills_all,
            hint="When one text has ended, you write `end_id` into all of them. Ask text by text: "
            "`ids[:, -1] == end_id` has one answer for each.",
        ),
        Mistake(
            name="id-0-taken-for-none",
            twin=_zero_is_none,
            hint="Your texts go on after an end_id of 0. `if end_id` is False for 0, too; ask "
            "`if end_id is not None`.",
        ),
        Mistake(
            name="ended-beginning-goes-on",
            twin=_ends_anywhere(beginning=False),
            hint="A text whose beginning has `end_id` as its last token goes on in your version. "
            "It has ended before you write the first token.",
        ),
        Mistake(
            name="end-further-back-counts",
            twin=_ends_anywhere(beginning=True),
            hint="You end a text that has `end_id` anywhere. Only the last token counts: one "
            "further back ended an older text.",
        ),
    ),
    nudge="A loop: read everything, take the best of the last place, append.",
    shapes="In: a function from ids (B, T) to logits (B, T, V); ids; a number; an id or None. Out: "
    "(B, T + n_tokens). `torch.cat([…], dim=1)` appends a column.",
    pseudocode="repeat n_tokens times:\n"
    "    newest ← argmax of the logits at the last place, one for each text\n"
    "    where a text's last token is end_id: newest ← end_id\n"
    "    append newest as a column",
)
