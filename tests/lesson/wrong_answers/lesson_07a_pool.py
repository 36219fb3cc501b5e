"""Wrong answers to the exercise of lesson 07a on pooling."""

import torch


def checked(hidden, mask, how):
    if how not in ("first", "mean", "last"):
        raise ValueError(f"how is {how}")
    if mask is None:
        mask = torch.ones(hidden.shape[0], hidden.shape[1], dtype=torch.bool)
    if (mask.sum(dim=1) == 0).any():
        raise ValueError("a text is empty")
    return mask


def places_of(mask):
    return [[place for place, here in enumerate(row) if here] for row in mask.tolist()]


def first_of(hidden, mask):
    return torch.stack([hidden[i, own[0]] for i, own in enumerate(places_of(mask))])


def mean_of(hidden, mask):
    return torch.stack([hidden[i, own].mean(dim=0) for i, own in enumerate(places_of(mask))])


def last_of(hidden, mask):
    return torch.stack([hidden[i, own[-1]] for i, own in enumerate(places_of(mask))])


def answer_with(first=first_of, mean=mean_of, last=last_of):
    """Make an answer of three parts; the tests give wrong ones."""

    def answer(hidden, mask, how):
        mask = checked(hidden, mask, how)
        if how == "mean":
            return mean(hidden, mask)
        return first(hidden, mask) if how == "first" else last(hidden, mask)

    return answer


def naive(hidden, mask, how):
    checked(hidden, mask, how)
    if how == "mean":
        return hidden.mean(1)
    return hidden[:, 0, :] if how == "first" else hidden[:, -1, :]


def mean_of_all(hidden, mask):
    return torch.mean(hidden, dim=1)


def divided_by_t(hidden, mask):
    return (hidden * mask[..., None]).sum(1) / hidden.shape[1]


def zeros_averaged(hidden, mask):
    hidden = hidden.clone()
    hidden[~mask] = 0
    return hidden.mean(dim=1)


def one_count(hidden, mask):
    return (hidden * mask.unsqueeze(-1)).sum(dim=1) / mask.sum()


def sums(hidden, mask):
    return torch.einsum("btd,bt->bd", hidden, mask.to(hidden))


def fills_the_tokens(hidden, mask):
    return hidden.masked_fill(mask[..., None], 0).sum(1) / mask.sum(1, keepdim=True)


def mean_of_padding(hidden, mask):
    padding = (~mask).to(hidden)
    return (hidden * padding[..., None]).sum(1) / padding.sum(1, keepdim=True)


def place_zero(hidden, mask):
    return hidden[:, 0]


def place_minus_one(hidden, mask):
    return hidden[:, -1]


def by_number(hidden, mask):
    return hidden[torch.arange(len(hidden)), mask.sum(dim=1) - 1]


def by_gathering(hidden, mask):
    lengths = mask.long().sum(dim=1)
    index = (lengths - 1)[:, None, None].expand(-1, 1, hidden.shape[-1])
    return hidden.gather(1, index)[:, 0]


def one_early(hidden, mask):
    ends = [own[-1] for own in places_of(mask)]
    return torch.stack([hidden[i, max(0, end - 1)] for i, end in enumerate(ends)])


def one_late(hidden, mask):
    ends = torch.tensor([own[-1] for own in places_of(mask)])
    return hidden[torch.arange(len(hidden)), (ends + 1) % hidden.shape[1]]


def up_to_the_padding(hidden, mask):
    rows = []
    for vectors, row in zip(hidden, mask.tolist(), strict=True):
        end = row.index(False) if False in row else len(row)
        rows.append(vectors[end - 1])
    return torch.stack(rows)


def with_an_axis(part):
    return lambda hidden, mask: part(hidden, mask).unsqueeze(1)


def mask_expected(hidden, mask, how):
    if how not in ("first", "mean", "last"):
        raise ValueError("how")
    if not mask.any(dim=1).all():
        raise ValueError("empty")
    return answer_with()(hidden, mask, how)


def else_is_last(hidden, mask, how):
    return answer_with()(hidden, mask, how if how in ("first", "mean") else "last")


def falls_through(hidden, mask, how):
    if how in ("first", "mean", "last"):
        return answer_with()(hidden, mask, how)
    return None


def key_error(hidden, mask, how):
    mask = checked(hidden, mask, "mean")
    return {"first": first_of, "mean": mean_of, "last": last_of}[how](hidden, mask)


def empty_accepted(hidden, mask, how):
    if how not in ("first", "mean", "last"):
        raise ValueError("how")
    mask = torch.ones(hidden.shape[:2], dtype=torch.bool) if mask is None else mask
    if how == "mean":
        return (hidden * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
    places = torch.arange(mask.shape[1])
    place = (mask * (places + 1)).argmax(1) if how == "last" else mask.int().argmax(1)
    return hidden[torch.arange(len(hidden)), place]


def nothing_refused(hidden, mask, how):
    return empty_accepted(hidden, mask, how if how in ("first", "mean") else "last")


def over_the_width(hidden, mask, how):
    mask = checked(hidden, mask, how)
    return hidden.mean(dim=-1) if how == "mean" else answer_with()(hidden, mask, how)


def all_in_one(hidden, mask, how):
    mask = checked(hidden, mask, how)
    return hidden[mask].mean(0) if how == "mean" else answer_with()(hidden, mask, how)


def max_pooled(hidden, mask, how):
    mask = checked(hidden, mask, how)
    if how == "mean":
        return hidden.masked_fill(~mask[..., None], -torch.inf).amax(dim=1)
    return answer_with()(hidden, mask, how)


def writes_into_it(hidden, mask, how):
    mask = checked(hidden, mask, how)
    if how == "mean":
        hidden[~mask] = 0
        return hidden.sum(1) / mask.sum(1, keepdim=True)
    return answer_with()(hidden, mask, how)


WRONG = {
    "07a:pool": [
        ("mask-ignored", naive),
        ("mean-over-padding", answer_with(mean=mean_of_all)),
        ("divided-by-all-places", answer_with(mean=divided_by_t)),
        ("divided-by-all-places", answer_with(mean=zeros_averaged)),
        ("divided-by-all-tokens", answer_with(mean=one_count)),
        ("sum-instead-of-mean", answer_with(mean=sums)),
        ("padding-added", answer_with(mean=fills_the_tokens)),
        ("mask-inverted", answer_with(mean=mean_of_padding)),
        ("first-and-last-swapped", answer_with(first=last_of, last=first_of)),
        ("ends-are-places", answer_with(first=place_zero, last=place_minus_one)),
        ("last-is-padding", answer_with(last=place_minus_one)),
        ("last-but-one", answer_with(last=one_early)),
        ("behind-the-last", answer_with(last=one_late)),
        ("first-is-place-0-last-is-counted", answer_with(first=place_zero, last=by_number)),
        ("last-by-counting", answer_with(last=by_number)),
        ("last-by-counting", answer_with(last=by_gathering)),
        ("before-the-first-padding", answer_with(last=up_to_the_padding)),
        ("first-is-place-0", answer_with(first=place_zero)),
        (
            "axis-kept",
            answer_with(with_an_axis(first_of), with_an_axis(mean_of), with_an_axis(last_of)),
        ),
        ("needs-a-mask", mask_expected),
        ("accepts-any-way", else_is_last),
        ("accepts-any-way", falls_through),
        ("accepts-any-way", key_error),
        ("accepts-a-text-without-tokens", empty_accepted),
        ("accepts-anything", nothing_refused),
        ("wrong-shape", over_the_width),
        ("wrong-shape", all_in_one),
        ("any", max_pooled),
        ("changed-its-input", writes_into_it),
    ],
}
