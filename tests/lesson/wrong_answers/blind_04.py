"""Wrong answers to the exercises of lesson 04, written by someone who had not seen the checks."""

import copy
from collections.abc import Callable

import torch
from torch.nn import functional as F

from course_lib.nn.next_token import next_token_loss


def texts_in_one_row(logits, ids, mask=None):
    """Flatten first and shift then: each text is asked for the first token of the next one."""
    targets = ids if mask is None else ids.masked_fill(~mask, -100)
    return F.cross_entropy(logits.flatten(0, 1)[:-1], targets.flatten()[1:])


def mask_of_what_is_read(logits, ids, mask=None):
    """Cut the mask like the logits, so the first padding of each text is a question."""
    targets = ids[:, 1:]
    if mask is not None:
        targets = targets.masked_fill(~mask[:, :-1], -100)
    return F.cross_entropy(logits[:, :-1].mT, targets)


def writes_into_the_texts(logits, ids, mask=None):
    """Mark padding in place, in a view of the caller's ids."""
    targets = ids[:, 1:]
    if mask is not None:
        targets.masked_fill_(~mask[:, 1:], -100)
    return F.cross_entropy(logits[:, :-1].mT, targets)


def divides_by_padding_too(logits, ids, mask=None):
    """Leave padding out of the sum, but not out of the count."""
    surprise = F.cross_entropy(logits[:, :-1].mT, ids[:, 1:], reduction="none")
    return surprise.mean() if mask is None else (surprise * mask[:, 1:]).mean()


def mean_of_text_means(logits, ids, mask=None):
    """Let every text count the same, short or long."""
    surprise = F.cross_entropy(logits[:, :-1].mT, ids[:, 1:], reduction="none")
    counted = torch.ones_like(surprise) if mask is None else mask[:, 1:].to(surprise.dtype)
    return ((surprise * counted).sum(dim=1) / counted.sum(dim=1).clamp(min=1)).mean()


def zero_is_padding(logits, ids, mask=None):
    """Mark padding by the id 0, so real tokens with the id 0 do not count either."""
    targets = ids[:, 1:]
    if mask is not None:
        targets = targets.masked_fill(~mask[:, 1:], 0)
        return F.cross_entropy(logits[:, :-1].mT, targets, ignore_index=0)
    return F.cross_entropy(logits[:, :-1].mT, targets)


def softmax_comes_twice(logits, ids, mask=None):
    """Hand probabilities to a loss that applies softmax itself."""
    return next_token_loss(logits.softmax(dim=-1), ids, mask)


def make_optimizer(model, lr=1e-3, kind=torch.optim.AdamW):
    """Make the optimiser of the lesson."""
    return kind(model.parameters(), lr=lr, betas=(0.9, 0.95), weight_decay=0.1)


def step(model, optimizer, batch, rate):
    """Take one step, rightly, and return the loss before it."""
    ids, mask = batch
    loss = next_token_loss(model(ids), ids, mask)
    optimizer.zero_grad()
    loss.backward()
    optimizer.param_groups[0]["lr"] = rate
    optimizer.step()
    return loss.item()


def new_optimizer_each_step(model, batches, learning_rates):
    """Set the rate by making AdamW anew, which forgets what it knew of the gradients."""
    model.train()
    return [
        step(model, make_optimizer(model), batch, rate)
        for batch, rate in zip(batches, learning_rates, strict=True)
    ]


def rate_one_step_late(model, batches, learning_rates):
    """Write the rate into the optimiser after the step: each serves the next batch."""
    model.train()
    optimizer, losses, before = make_optimizer(model), [], 1e-3
    for batch, rate in zip(batches, learning_rates, strict=True):
        losses.append(step(model, optimizer, batch, before))
        before = rate
    return losses


def empties_after_backward(model, batches, learning_rates):
    """Empty the gradients between `backward` and `step`: only weight decay is left."""
    model.train()
    optimizer, losses = make_optimizer(model), []
    for (ids, mask), rate in zip(batches, learning_rates, strict=True):
        loss = next_token_loss(model(ids), ids, mask)
        loss.backward()
        optimizer.zero_grad(set_to_none=False)
        optimizer.param_groups[0]["lr"] = rate
        optimizer.step()
        losses.append(loss.item())
    return losses


def trains_a_copy(model, batches, learning_rates):
    """Return the right losses, but leave the model as it was."""
    model.train()
    model = copy.deepcopy(model)
    optimizer = make_optimizer(model)
    return [step(model, optimizer, *pair) for pair in zip(batches, learning_rates, strict=True)]


def loss_after_the_step(model, batches, learning_rates):
    """Measure again when the step has been taken."""
    model.train()
    optimizer, losses = make_optimizer(model), []
    for (ids, mask), rate in zip(batches, learning_rates, strict=True):
        step(model, optimizer, (ids, mask), rate)
        losses.append(next_token_loss(model(ids), ids, mask).item())
    return losses


def padding_counts(model, batches, learning_rates):
    """Do not hand the mask to the loss: right where nothing is padded."""
    model.train()
    optimizer = make_optimizer(model)
    return [
        step(model, optimizer, (ids, None), rate)
        for (ids, _), rate in zip(batches, learning_rates, strict=True)
    ]


def decay_in_the_gradient(model, batches, learning_rates):
    """Use Adam, which adds the weight decay to the gradient."""
    model.train()
    optimizer = make_optimizer(model, kind=torch.optim.Adam)
    return [step(model, optimizer, *pair) for pair in zip(batches, learning_rates, strict=True)]


def mode_as_it_comes(model, batches, learning_rates):
    """Forget `model.train()`: a model that was just measured trains without dropout."""
    optimizer = make_optimizer(model)
    return [step(model, optimizer, *pair) for pair in zip(batches, learning_rates, strict=True)]


def divides_by_one_less(x, weight, bias, eps=1e-5):
    """Take torch's `var` as it comes, which divides by D - 1."""
    centred = x - x.mean(dim=-1, keepdim=True)
    return centred / (x.var(dim=-1, keepdim=True) + eps).sqrt() * weight + bias


def eps_outside_the_root(x, weight, bias, eps=1e-5):
    """Add epsilon to the standard deviation."""
    centred = x - x.mean(dim=-1, keepdim=True)
    return centred / (centred.square().mean(dim=-1, keepdim=True).sqrt() + eps) * weight + bias


def eps_as_a_lower_limit(x, weight, bias, eps=1e-5):
    """Do not add epsilon, but let the variance not fall below it."""
    centred = x - x.mean(dim=-1, keepdim=True)
    variance = centred.square().mean(dim=-1, keepdim=True)
    return centred / variance.clamp(min=eps).sqrt() * weight + bias


def usual_eps_always(x, weight, bias, eps=1e-5):
    """Hard-code the default of `eps`."""
    centred = x - x.mean(dim=-1, keepdim=True)
    return centred / (centred.square().mean(dim=-1, keepdim=True) + 1e-5).sqrt() * weight + bias


def axis_one_always(x, weight, bias, eps=1e-5):
    """Normalise axis 1, which is the last one only in a matrix."""
    axis = min(1, x.ndim - 1)
    centred = x - x.mean(dim=axis, keepdim=True)
    return centred / (centred.square().mean(dim=axis, keepdim=True) + eps).sqrt() * weight + bias


def mean_of_squares(x, weight, bias, eps=1e-5):
    """Take the variance as mean of squares minus squared mean: it drowns in rounding errors."""
    mean = x.mean(dim=-1, keepdim=True)
    variance = (x.square().mean(dim=-1, keepdim=True) - mean.square()).clamp(min=0)
    return (x - mean) / (variance + eps).sqrt() * weight + bias


def offset_before_factor(x, weight, bias, eps=1e-5):
    """Stretch the offset too: right for fresh parameters only."""
    centred = x - x.mean(dim=-1, keepdim=True)
    return (centred / (centred.square().mean(dim=-1, keepdim=True) + eps).sqrt() + bias) * weight


def centres_the_callers_vectors(x, weight, bias, eps=1e-5):
    """Subtract the mean in place: the residual stream itself is changed."""
    x -= x.mean(dim=-1, keepdim=True)
    return x / (x.square().mean(dim=-1, keepdim=True) + eps).sqrt() * weight + bias


def both_read_the_old_stream(x, attention, feedforward, attention_norm, feedforward_norm):
    """Let both halves read x, side by side, as GPT-J does."""
    return x + attention(attention_norm(x)) + feedforward(feedforward_norm(x))


def norms_swapped(x, attention, feedforward, attention_norm, feedforward_norm):
    """Hand each norm to the other part."""
    x = x + attention(feedforward_norm(x))
    return x + feedforward(attention_norm(x))


def one_norm_for_both(x, attention, feedforward, attention_norm, feedforward_norm):
    """Use the first norm twice."""
    x = x + attention(attention_norm(x))
    return x + feedforward(attention_norm(x))


def stream_is_normalised(x, attention, feedforward, attention_norm, feedforward_norm):
    """Add to the normalised copy, not to the stream."""
    x = attention_norm(x)
    x = feedforward_norm(x + attention(x))
    return x + feedforward(x)


def norm_of_what_is_added(x, attention, feedforward, attention_norm, feedforward_norm):
    """Normalise what the parts say, not what they read."""
    x = x + attention_norm(attention(x))
    return x + feedforward_norm(feedforward(x))


def attention_is_not_kept(x, attention, feedforward, attention_norm, feedforward_norm):
    """Add the second half to the old stream, so the first is only read."""
    return x + feedforward(feedforward_norm(x + attention(attention_norm(x))))


def writes_into_the_input(x, attention, feedforward, attention_norm, feedforward_norm):
    """Write x += …, which changes the caller's tensor."""
    x += attention(attention_norm(x))
    x += feedforward(feedforward_norm(x))
    return x


def thinks_before_it_gathers(x, attention, feedforward, attention_norm, feedforward_norm):
    """Put the feed-forward layer first."""
    x = x + feedforward(feedforward_norm(x))
    return x + attention(attention_norm(x))


def count(c, attention=None, inner=None, max_len=None, inner_offsets=None):
    """Count, rightly but for what is handed in."""
    d, inner = c.d_model, c.d_ff if inner is None else inner
    attention = 4 * (d * d + d) if attention is None else attention
    offsets = inner + d if inner_offsets is None else inner_offsets
    tables = (c.vocab_size + (c.max_len if max_len is None else max_len)) * d
    return tables + c.n_layers * (attention + 2 * d * inner + offsets + 4 * d) + 2 * d


def always_four_times_as_wide(config):
    """Take F = 4 D for granted."""
    return count(config, inner=4 * config.d_model)


def always_1024_positions(config):
    """Take GPT-2's number of positions."""
    return count(config, max_len=1024)


def output_matrix_too(config):
    """Forget that the output matrix is the table of tokens."""
    return count(config) + config.vocab_size * config.d_model


def last_norm_in_every_layer(config):
    """Count the last norm once per layer: right for one layer."""
    return count(config) + 2 * config.d_model * (config.n_layers - 1)


def one_narrow_head(config):
    """Give query, key and value the width of one head: right for one head."""
    d, d_head = config.d_model, config.d_model // config.n_heads
    return count(config, attention=3 * (d * d_head + d_head) + d * d + d)


def output_without_offset(config):
    """Give offsets to query, key and value, but not to attention's output."""
    return count(config, attention=4 * config.d_model**2 + 3 * config.d_model)


def same_offset_twice(config):
    """Count F offsets on both sides of the feed-forward layer: right for F = D."""
    return count(config, inner_offsets=2 * config.d_ff)


def decode(model, ids, n_tokens, end_id, *, begins_ended=True, fill=None):
    """Go on greedily; this is right unless the last two arguments are given."""
    ended = (ids[:, -1] == end_id) & begins_ended
    for _ in range(n_tokens):
        newest = model(ids)[:, -1].argmax(dim=-1)
        if end_id is not None:
            newest = newest.masked_fill(ended, end_id if fill is None else fill)
            ended = ended | (newest == end_id)
        ids = torch.cat([ids, newest[:, None]], dim=1)
    return ids


def reads_the_newest_only(model, ids, n_tokens, end_id=None):
    """Hand only the last token to the model, which is enough for the docstring's example."""
    return decode(lambda so_far: model(so_far[:, -1:]), ids, n_tokens, end_id)


def shorter_if_all_have_ended(model, ids, n_tokens, end_id=None):
    """Stop when every text has ended, with fewer than n new tokens."""
    begun = ids.shape[1]
    for _ in range(n_tokens):
        ids = decode(model, ids, 1, end_id)
        if end_id is not None and (ids[:, begun:] == end_id).any(dim=1).all():
            break
    return ids


def end_zero_is_no_end(model, ids, n_tokens, end_id=None):
    """Ask `if end_id`, which is false for the id 0."""
    return decode(model, ids, n_tokens, end_id or None)


def ended_beginnings_go_on(model, ids, n_tokens, end_id=None):
    """Look for the end among new tokens only."""
    return decode(model, ids, n_tokens, end_id, begins_ended=False)


def zeros_after_the_end(model, ids, n_tokens, end_id=None):
    """Fill with 0 after the end."""
    return decode(model, ids, n_tokens, end_id, fill=0)


def at_least_one(model, ids, n_tokens, end_id=None):
    """Ask for a token before counting, so 0 tokens are 1."""
    return decode(model, ids, max(1, n_tokens), end_id)


def first_end_ends_all(model, ids, n_tokens, end_id=None):
    """End all texts when one has ended: right for one text only."""
    for _ in range(n_tokens):
        if end_id is not None and (ids[:, -1] == end_id).any():
            ids = torch.cat([ids, torch.full_like(ids[:, :1], end_id)], dim=1)
        else:
            ids = decode(model, ids, 1, end_id)
    return ids


BLIND: list[tuple[str, Callable[..., object]]] = [
    ("04:next_token_loss", texts_in_one_row),
    ("04:next_token_loss", mask_of_what_is_read),
    ("04:next_token_loss", writes_into_the_texts),
    ("04:next_token_loss", divides_by_padding_too),
    ("04:next_token_loss", mean_of_text_means),
    ("04:next_token_loss", zero_is_padding),
    ("04:next_token_loss", softmax_comes_twice),
    ("04:train_language_model", new_optimizer_each_step),
    ("04:train_language_model", rate_one_step_late),
    ("04:train_language_model", empties_after_backward),
    ("04:train_language_model", trains_a_copy),
    ("04:train_language_model", loss_after_the_step),
    ("04:train_language_model", padding_counts),
    ("04:train_language_model", decay_in_the_gradient),
    ("04:train_language_model", mode_as_it_comes),
    ("04:layer_norm", divides_by_one_less),
    ("04:layer_norm", eps_outside_the_root),
    ("04:layer_norm", eps_as_a_lower_limit),
    ("04:layer_norm", usual_eps_always),
    ("04:layer_norm", axis_one_always),
    ("04:layer_norm", mean_of_squares),
    ("04:layer_norm", offset_before_factor),
    ("04:layer_norm", centres_the_callers_vectors),
    ("04:pre_norm_block", both_read_the_old_stream),
    ("04:pre_norm_block", norms_swapped),
    ("04:pre_norm_block", one_norm_for_both),
    ("04:pre_norm_block", stream_is_normalised),
    ("04:pre_norm_block", norm_of_what_is_added),
    ("04:pre_norm_block", attention_is_not_kept),
    ("04:pre_norm_block", writes_into_the_input),
    ("04:pre_norm_block", thinks_before_it_gathers),
    ("04:count_gpt_parameters", always_four_times_as_wide),
    ("04:count_gpt_parameters", always_1024_positions),
    ("04:count_gpt_parameters", output_matrix_too),
    ("04:count_gpt_parameters", last_norm_in_every_layer),
    ("04:count_gpt_parameters", one_narrow_head),
    ("04:count_gpt_parameters", output_without_offset),
    ("04:count_gpt_parameters", same_offset_twice),
    ("04:greedy_decode", reads_the_newest_only),
    ("04:greedy_decode", shorter_if_all_have_ended),
    ("04:greedy_decode", end_zero_is_no_end),
    ("04:greedy_decode", ended_beginnings_go_on),
    ("04:greedy_decode", zeros_after_the_end),
    ("04:greedy_decode", at_least_one),
    ("04:greedy_decode", first_end_ends_all),
]
