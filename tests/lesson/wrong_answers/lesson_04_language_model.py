"""Wrong answers to the exercises of lesson 04 about loss, training and writing."""

import copy
from collections.abc import Callable

import torch
import torch.nn.functional as F

# --- next_token_loss -----------------------------------------------------------------------------


def shifted(logits, targets, mask):
    targets = targets if mask is None else targets.masked_fill(~mask, -100)
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten())


def cut(mask, begin=None, end=None):
    return None if mask is None else mask[:, begin:end]


def predicts_itself(logits, ids, mask=None):
    return shifted(logits, ids, mask)


def shifts_in_the_data_and_the_loss(logits, ids, mask=None):
    labels = ids[:, 1:]  # as "the labels, shifted"
    mask = cut(mask, 1)
    return shifted(logits[:, : labels.shape[1] - 1], labels[:, 1:], cut(mask, 1))


def predicts_the_past(logits, ids, mask=None):
    return shifted(logits[:, 1:], ids[:, :-1], cut(mask, None, -1))


def labels_as_a_column(logits, ids, mask=None):
    log_probs = logits[:, :-1].log_softmax(dim=-1)
    labels = ids[:, 1:].reshape(-1, 1)
    losses = -log_probs.flatten(0, 1).gather(1, labels)  # (N, 1)
    kept = torch.ones(len(labels)) if mask is None else mask[:, 1:].flatten().to(losses)  # (N,)
    return (losses * kept).sum() / kept.sum()


def ignores_the_mask(logits, ids, mask=None):
    return F.cross_entropy(logits[:, :-1].mT, ids[:, 1:])


def mask_of_the_reader(logits, ids, mask=None):
    return shifted(logits[:, :-1], ids[:, 1:], cut(mask, None, -1))


def mean_of_masked(logits, ids, mask=None):
    losses = F.cross_entropy(logits[:, :-1].mT, ids[:, 1:], reduction="none")
    return losses.mean() if mask is None else (losses * mask[:, 1:]).mean()


def text_by_text(logits, ids, mask=None):
    rows = []
    for b in range(len(ids)):
        kept = slice(None) if mask is None else mask[b, 1:]
        rows.append(F.cross_entropy(logits[b, :-1][kept], ids[b, 1:][kept]))
    return torch.stack(rows).mean()


def a_sum(logits, ids, mask=None):
    losses = F.cross_entropy(logits[:, :-1].mT, ids[:, 1:], reduction="none")
    return losses.sum() if mask is None else losses[mask[:, 1:]].sum()


def probabilities_in(logits, ids, mask=None):
    return shifted(logits[:, :-1].softmax(dim=-1), ids[:, 1:], cut(mask, 1))


def in_bits(logits, ids, mask=None):
    return shifted(logits[:, :-1], ids[:, 1:], cut(mask, 1)) / 0.6931471805599453


# --- train_language_model ------------------------------------------------------------------------


def make_optimizer(model, rate=1.0):
    return torch.optim.AdamW(model.parameters(), lr=rate, betas=(0.9, 0.95), weight_decay=0.1)


def set_rate(optimizer, rate):
    for group in optimizer.param_groups:
        group["lr"] = rate


def right_loss(model, ids, mask):
    return shifted(model(ids)[:, :-1], ids[:, 1:], mask[:, 1:])


def piles_up(model, batches, learning_rates):
    model.train()
    optimizer, losses = make_optimizer(model), []
    for (ids, mask), rate in zip(batches, learning_rates, strict=True):
        set_rate(optimizer, rate)
        loss = right_loss(model, ids, mask)
        loss.backward()
        optimizer.step()
        losses.append(float(loss))
    return losses


def empties_after_backward(model, batches, learning_rates):
    model.train()
    optimizer, losses = make_optimizer(model), []
    for (ids, mask), rate in zip(batches, learning_rates, strict=True):
        set_rate(optimizer, rate)
        loss = right_loss(model, ids, mask)
        loss.backward()
        optimizer.zero_grad()
        optimizer.step()
        losses.append(float(loss))
    return losses


def on_a_copy(model, batches, learning_rates):
    return runs(copy.deepcopy(model).train(), batches, learning_rates)


def steps_when_the_next_one_comes(model, batches, learning_rates):
    model.train()
    optimizer, losses = make_optimizer(model), []
    for (ids, mask), rate in zip(batches, learning_rates, strict=True):
        if losses:
            optimizer.step()
        set_rate(optimizer, rate)
        loss = right_loss(model, ids, mask)
        optimizer.zero_grad()
        loss.backward()
        losses.append(float(loss))
    return losses


def steps_too_early(model, batches, learning_rates):
    model.train()
    optimizer, losses = make_optimizer(model), []
    for (ids, mask), rate in zip(batches, learning_rates, strict=True):
        set_rate(optimizer, rate)
        loss = right_loss(model, ids, mask)
        optimizer.step()
        optimizer.zero_grad()
        loss.backward()
        losses.append(float(loss))
    return losses


def runs(model, batches, learning_rates, loss_of=right_loss, sign=1, fresh=False):
    optimizer, losses = make_optimizer(model), []
    for (ids, mask), rate in zip(batches, learning_rates, strict=True):
        optimizer = make_optimizer(model) if fresh else optimizer
        set_rate(optimizer, rate)
        loss = loss_of(model, ids, mask)
        optimizer.zero_grad()
        (sign * loss).backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def evaluates_while_training(model, batches, learning_rates):
    return runs(model, batches, learning_rates)


def labels_shifted_by_me(model, batches, learning_rates):
    def loss_of(model, ids, mask):
        inputs, labels, kept = ids, ids[:, 1:], mask[:, 1:]
        return shifted(model(inputs)[:, :-2], labels[:, 1:], kept[:, 1:])

    return runs(model.train(), batches, learning_rates, loss_of)


def counts_padding(model, batches, learning_rates):
    def loss_of(model, ids, mask):
        return shifted(model(ids)[:, :-1], ids[:, 1:], None)

    return runs(model.train(), batches, learning_rates, loss_of)


def climbs(model, batches, learning_rates):
    return runs(model.train(), batches, learning_rates, sign=-1)


def notes_it_after(model, batches, learning_rates):
    model.train()
    losses, optimizer = [], make_optimizer(model)
    for (ids, mask), rate in zip(batches, learning_rates, strict=True):
        set_rate(optimizer, rate)
        optimizer.zero_grad()
        right_loss(model, ids, mask).backward()
        optimizer.step()
        losses.append(right_loss(model, ids, mask).item())
    return losses


def optimizer_inside(model, batches, learning_rates):
    return runs(model.train(), batches, learning_rates, fresh=True)


def constant_rate(model, batches, learning_rates):
    return runs(model.train(), batches, [learning_rates[0]] * len(learning_rates))


def final_rate(model, batches, learning_rates):
    return runs(model.train(), batches, [learning_rates[-1]] * len(learning_rates))


def plain_sgd(model, batches, learning_rates):
    model.train()
    losses = []
    for (ids, mask), rate in zip(batches, learning_rates, strict=True):
        loss = right_loss(model, ids, mask)
        model.zero_grad()
        loss.backward()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter -= rate * parameter.grad
        losses.append(loss.item())
    return losses


def returns_tensors(model, batches, learning_rates):
    return [torch.tensor(loss) for loss in runs(model.train(), batches, learning_rates)]


# --- greedy_decode -------------------------------------------------------------------------------


def with_end(newest, ids, end_id):
    return newest if end_id is None else torch.where(ids[:, -1] == end_id, end_id, newest)


def writes(pick):
    def decode(model, ids, n_tokens, end_id=None):
        for _ in range(n_tokens):
            newest = with_end(pick(model, ids), ids, end_id)
            ids = torch.cat([ids, newest.reshape(-1, 1)], dim=1)
        return ids

    return decode


def best(model, ids):
    return model(ids)[:, -1, :].argmax(-1)


def without_the_beginning(model, ids, n_tokens, end_id=None):
    return writes(best)(model, ids, n_tokens, end_id)[:, ids.shape[1] :]


def first_place(model, ids):
    return model(ids)[:, 0, :].argmax(-1)


def one_too_early(model, ids):
    return model(ids)[:, -2, :].argmax(-1)


def forgets_the_text(model, ids):
    return model(ids[:, -1].unsqueeze(1))[:, -1].argmax(-1)


def first_text_only(model, ids):
    return model(ids)[0, -1].argmax().repeat(len(ids))


def minimum(model, ids):
    return (-model(ids)[:, -1]).argmax(-1)


def asks_once(model, ids, n_tokens, end_id=None):
    newest = best(model, ids).unsqueeze(1)
    return torch.cat([ids] + [newest] * n_tokens, dim=1)


def never_ends(model, ids, n_tokens, end_id=None):
    return writes(best)(model, ids, n_tokens)


def stops_too_soon(model, ids, n_tokens, end_id=None):
    for _ in range(n_tokens):
        if end_id is not None and (ids[:, -1] == end_id).any():
            break
        ids = torch.cat([ids, best(model, ids)[:, None]], dim=1)
    return ids


def everyone_ends(model, ids, n_tokens, end_id=None):
    done = torch.tensor(False)
    for _ in range(n_tokens):
        if end_id is not None:
            done = done | (ids[:, -1] == end_id).any()
        newest = torch.where(done, -1 if end_id is None else end_id, best(model, ids))
        ids = torch.cat([ids, newest[:, None]], dim=1)
    return ids


def if_end_id(model, ids, n_tokens, end_id=None):
    for _ in range(n_tokens):
        newest = best(model, ids)
        if end_id:
            newest = with_end(newest, ids, end_id)
        ids = torch.cat([ids, newest[:, None]], dim=1)
    return ids


def finished_among(texts, newest, end_id):
    return newest if end_id is None else newest.where(~(texts == end_id).any(1), end_id)


def new_ones_only(model, ids, n_tokens, end_id=None):
    written = ids[:, :0]
    for _ in range(n_tokens):
        newest = best(model, torch.cat([ids, written], dim=1))
        newest = finished_among(written, newest, end_id)
        written = torch.cat([written, newest[:, None]], dim=1)
    return torch.cat([ids, written], dim=1)


def anywhere_in_the_text(model, ids, n_tokens, end_id=None):
    for _ in range(n_tokens):
        newest = finished_among(ids, best(model, ids), end_id)
        ids = torch.cat([ids, newest[:, None]], dim=1)
    return ids


def one_token_too_many(model, ids, n_tokens, end_id=None):
    return writes(best)(model, ids, n_tokens + 1, end_id)


WRONG: dict[str, list[tuple[str, Callable]]] = {
    "04:next_token_loss": [
        ("not-shifted", predicts_itself),
        ("shifted-twice", shifts_in_the_data_and_the_loss),
        ("shifted-the-wrong-way", predicts_the_past),
        ("labels-in-a-column", labels_as_a_column),
        ("padding-counted", ignores_the_mask),
        ("mask-not-shifted", mask_of_the_reader),
        ("divided-by-padding-too", mean_of_masked),
        ("mean-of-means", text_by_text),
        ("summed", a_sum),
        ("softmax-twice", probabilities_in),
        ("any", in_bits),
    ],
    "04:train_language_model": [
        ("zero-grad-forgotten", piles_up),
        ("never-steps", empties_after_backward),
        ("model-not-trained", on_a_copy),
        ("model-not-trained", steps_when_the_next_one_comes),
        ("step-before-backward", steps_too_early),
        ("evaluation-mode", evaluates_while_training),
        ("shifted-twice", labels_shifted_by_me),
        ("mask-forgotten", counts_padding),
        ("uphill", climbs),
        ("measured-after-the-step", notes_it_after),
        ("a-new-optimiser-every-time", optimizer_inside),
        ("first-rate-for-all", constant_rate),
        ("last-rate-for-all", final_rate),
        ("any", plain_sgd),
        ("any", returns_tensors),
    ],
    "04:greedy_decode": [
        ("only-the-new-ones", without_the_beginning),
        ("logits-of-the-first-place", writes(first_place)),
        ("logits-before-the-last", writes(one_too_early)),
        ("only-the-last-token-read", writes(forgets_the_text)),
        ("the-same-for-all-texts", writes(first_text_only)),
        ("least-likely", writes(minimum)),
        ("asked-once", asks_once),
        ("goes-on-after-the-end", never_ends),
        ("one-ends-all", stops_too_soon),
        ("one-end-fills-all", everyone_ends),
        ("id-0-taken-for-none", if_end_id),
        ("ended-beginning-goes-on", new_ones_only),
        ("end-further-back-counts", anywhere_in_the_text),
        ("any", one_token_too_many),
    ],
}
