"""Wrong answers to `sample_ids` of lesson 06, written by someone who had not seen the checks."""

from collections.abc import Callable

import numpy as np
import torch

from course_lib.generation import apply_temperature, sample_ids


def draw_next(model, ids, temperature, generator):
    probs = apply_temperature(model(ids), temperature).exp()
    return int(torch.multinomial(probs, 1, generator=generator))


def refuse_count(n_tokens):
    if n_tokens < 0:
        raise ValueError(f"n_tokens must be ≥ 0; got {n_tokens}")


def last_n_of_all(next_log_probs, prompt_ids, n_tokens, *, temperature=1.0, generator):
    """Cut off by `-n_tokens`: with 0 that is all."""
    refuse_count(n_tokens)
    ids = list(prompt_ids)
    for _ in range(n_tokens):
        ids.append(draw_next(next_log_probs, ids, temperature, generator))
    return ids[-n_tokens:]


def with_the_prompt(next_log_probs, prompt_ids, n_tokens, *, temperature=1.0, generator):
    """Give the prompt back, too."""
    new = sample_ids(
        next_log_probs, prompt_ids, n_tokens, temperature=temperature, generator=generator
    )
    return [*prompt_ids, *new]


def into_the_prompt(next_log_probs, prompt_ids, n_tokens, *, temperature=1.0, generator):
    """Append to the caller's list."""
    refuse_count(n_tokens)
    start = len(prompt_ids)
    for _ in range(n_tokens):
        prompt_ids.append(draw_next(next_log_probs, prompt_ids, temperature, generator))
    return prompt_ids[start:]


def lists_only(next_log_probs, prompt_ids, n_tokens, *, temperature=1.0, generator):
    """Add a list to the prompt, which may be a tuple."""
    refuse_count(n_tokens)
    new = []
    for _ in range(n_tokens):
        new.append(draw_next(next_log_probs, prompt_ids + new, temperature, generator))
    return new


def softmax_of_probabilities(next_log_probs, prompt_ids, n_tokens, *, temperature=1.0, generator):
    """Divide the probabilities, and make a softmax of them."""
    refuse_count(n_tokens)
    ids = list(prompt_ids)
    for _ in range(n_tokens):
        probs = apply_temperature(next_log_probs(ids).exp(), temperature).exp()
        ids.append(int(torch.multinomial(probs, 1, generator=generator)))
    return ids[len(prompt_ids) :]


def probabilities_divided(next_log_probs, prompt_ids, n_tokens, *, temperature=1.0, generator):
    """Divide the probabilities, which changes nothing."""
    refuse_count(n_tokens)
    if temperature <= 0:
        raise ValueError("temperature must be > 0")
    ids = list(prompt_ids)
    for _ in range(n_tokens):
        weights = next_log_probs(ids).exp() / temperature
        ids.append(int(torch.multinomial(weights, 1, generator=generator)))
    return ids[len(prompt_ids) :]


def times_temperature(next_log_probs, prompt_ids, n_tokens, *, temperature=1.0, generator):
    """Multiply where one should divide."""
    if temperature <= 0:
        raise ValueError("temperature must be > 0")
    return sample_ids(
        next_log_probs, prompt_ids, n_tokens, temperature=1 / temperature, generator=generator
    )


def only_the_last(next_log_probs, prompt_ids, n_tokens, *, temperature=1.0, generator):
    """Show the model the newest token only."""
    return sample_ids(
        lambda ids: next_log_probs(ids[-1:]),
        prompt_ids,
        n_tokens,
        temperature=temperature,
        generator=generator,
    )


def only_eight(next_log_probs, prompt_ids, n_tokens, *, temperature=1.0, generator):
    """Show the model a window of eight tokens."""
    return sample_ids(
        lambda ids: next_log_probs(ids[-8:]),
        prompt_ids,
        n_tokens,
        temperature=temperature,
        generator=generator,
    )


def prompt_is_forgotten(next_log_probs, prompt_ids, n_tokens, *, temperature=1.0, generator):
    """Show the model what is new, without the prompt."""
    return sample_ids(next_log_probs, [], n_tokens, temperature=temperature, generator=generator)


def all_from_one_distribution(next_log_probs, prompt_ids, n_tokens, *, temperature=1.0, generator):
    """Ask the model once, and draw all tokens from its answer."""
    refuse_count(n_tokens)
    probs = apply_temperature(next_log_probs(list(prompt_ids)), temperature).exp()
    if n_tokens == 0:
        return []
    return torch.multinomial(probs, n_tokens, replacement=True, generator=generator).tolist()


def dice_of_torch(next_log_probs, prompt_ids, n_tokens, *, temperature=1.0, generator):
    """Leave the generator unused."""
    return sample_ids(
        next_log_probs,
        prompt_ids,
        n_tokens,
        temperature=temperature,
        generator=torch.default_generator,
    )


def generator_is_copied(next_log_probs, prompt_ids, n_tokens, *, temperature=1.0, generator):
    """Draw from a copy: the next call gives the same text."""
    own = torch.Generator().set_state(generator.get_state())
    return sample_ids(next_log_probs, prompt_ids, n_tokens, temperature=temperature, generator=own)


def seeded_by_the_generator(next_log_probs, prompt_ids, n_tokens, *, temperature=1.0, generator):
    """Draw with numpy, from the generator's first seed."""
    refuse_count(n_tokens)
    dice = np.random.default_rng(generator.initial_seed())
    ids = list(prompt_ids)
    for _ in range(n_tokens):
        probs = apply_temperature(next_log_probs(ids).double(), temperature).exp().numpy()
        ids.append(int(dice.choice(len(probs), p=probs / probs.sum())))
    return ids[len(prompt_ids) :]


def likeliest_every_time(next_log_probs, prompt_ids, n_tokens, *, temperature=1.0, generator):
    """Take the argmax."""
    refuse_count(n_tokens)
    ids = list(prompt_ids)
    for _ in range(n_tokens):
        ids.append(int(apply_temperature(next_log_probs(ids), temperature).argmax()))
    return ids[len(prompt_ids) :]


def cold_is_argmax(next_log_probs, prompt_ids, n_tokens, *, temperature=1.0, generator):
    """Take a temperature of 0 for greedy."""
    if temperature == 0:
        return likeliest_every_time(next_log_probs, prompt_ids, n_tokens, generator=generator)
    return sample_ids(
        next_log_probs, prompt_ids, n_tokens, temperature=temperature, generator=generator
    )


def negative_is_none(next_log_probs, prompt_ids, n_tokens, *, temperature=1.0, generator):
    """Draw nothing if n_tokens is negative."""
    return sample_ids(
        next_log_probs, prompt_ids, max(n_tokens, 0), temperature=temperature, generator=generator
    )


def length_counts_the_prompt(next_log_probs, prompt_ids, n_tokens, *, temperature=1.0, generator):
    """Write until the whole text has n_tokens."""
    refuse_count(n_tokens)
    n_left = max(0, n_tokens - len(prompt_ids))
    return sample_ids(
        next_log_probs, prompt_ids, n_left, temperature=temperature, generator=generator
    )


def ends_at_nought(next_log_probs, prompt_ids, n_tokens, *, temperature=1.0, generator):
    """Take the id 0 for the end of the text."""
    new = sample_ids(
        next_log_probs, prompt_ids, n_tokens, temperature=temperature, generator=generator
    )
    return new[: new.index(0)] if 0 in new else new


def begins_with_nought(next_log_probs, prompt_ids, n_tokens, *, temperature=1.0, generator):
    """Put the id 0 where there is no prompt."""
    begun = list(prompt_ids) or [0]
    return sample_ids(next_log_probs, begun, n_tokens, temperature=temperature, generator=generator)


def infinity_is_cut_off(next_log_probs, prompt_ids, n_tokens, *, temperature=1.0, generator):
    """Lift log-probabilities to -20, for fear of infinity."""
    return sample_ids(
        lambda ids: next_log_probs(ids).clamp(min=-20.0),
        prompt_ids,
        n_tokens,
        temperature=temperature,
        generator=generator,
    )


def tensors_in_a_list(next_log_probs, prompt_ids, n_tokens, *, temperature=1.0, generator):
    """Collect tensors of one number, not numbers."""
    refuse_count(n_tokens)
    ids = list(prompt_ids)
    for _ in range(n_tokens):
        probs = apply_temperature(next_log_probs(ids), temperature).exp()
        ids.append(torch.multinomial(probs, 1, generator=generator))
    return ids[len(prompt_ids) :]


def cold_from_the_second_on(next_log_probs, prompt_ids, n_tokens, *, temperature=1.0, generator):
    """Divide in place: a model that returns a tensor of its own gets colder and colder."""
    if not temperature > 0:
        raise ValueError("temperature must be > 0")
    refuse_count(n_tokens)
    ids = list(prompt_ids)
    for _ in range(n_tokens):
        scores = next_log_probs(ids).div_(temperature)
        ids.append(int(torch.multinomial(scores.softmax(-1), 1, generator=generator)))
    return ids[len(prompt_ids) :]


BLIND: list[tuple[str, Callable[..., object]]] = [
    ("06:sample_ids", answer)
    for answer in (
        last_n_of_all,
        with_the_prompt,
        into_the_prompt,
        lists_only,
        softmax_of_probabilities,
        probabilities_divided,
        times_temperature,
        only_the_last,
        only_eight,
        prompt_is_forgotten,
        all_from_one_distribution,
        dice_of_torch,
        generator_is_copied,
        seeded_by_the_generator,
        likeliest_every_time,
        cold_is_argmax,
        negative_is_none,
        length_counts_the_prompt,
        ends_at_nought,
        begins_with_nought,
        infinity_is_cut_off,
        tensors_in_a_list,
        cold_from_the_second_on,
    )
]
