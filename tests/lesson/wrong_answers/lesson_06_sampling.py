"""Wrong answers to the exercise of lesson 06 on drawing tokens."""

import torch


def refuse(n_tokens, temperature):
    if n_tokens < 0:
        raise ValueError("n_tokens must not be negative")
    if temperature <= 0:
        raise ValueError("temperature must be above 0")


def heated(log_probs, temperature):
    return torch.softmax(log_probs / temperature, dim=-1)


def take_the_best(next_log_probs, prompt_ids, n_tokens, *, temperature=1.0, generator):
    refuse(n_tokens, temperature)
    ids = list(prompt_ids)
    for _ in range(n_tokens):
        ids.append(int(heated(next_log_probs(ids), temperature).argmax()))
    return ids[len(prompt_ids) :]


def all_alike(next_log_probs, prompt_ids, n_tokens, *, temperature=1.0, generator):
    refuse(n_tokens, temperature)
    ids = list(prompt_ids)
    for _ in range(n_tokens):
        possible = (next_log_probs(ids) > -torch.inf).double()
        ids.append(torch.multinomial(possible, 1, generator=generator).item())
    return ids[len(prompt_ids) :]


def no_heat(next_log_probs, prompt_ids, n_tokens, *, temperature=1.0, generator):
    refuse(n_tokens, temperature)
    ids = list(prompt_ids)
    for _ in range(n_tokens):
        probs = next_log_probs(ids).exp()
        ids.append(torch.multinomial(probs, 1, generator=generator).item())
    return ids[len(prompt_ids) :]


def heated_probabilities(next_log_probs, prompt_ids, n_tokens, *, temperature=1.0, generator):
    refuse(n_tokens, temperature)
    ids = list(prompt_ids)
    for _ in range(n_tokens):
        probs = next_log_probs(ids).exp() / temperature
        probs = probs / probs.sum()
        ids.append(torch.multinomial(probs, 1, generator=generator).item())
    return ids[len(prompt_ids) :]


def times_heat(next_log_probs, prompt_ids, n_tokens, *, temperature=1.0, generator):
    refuse(n_tokens, temperature)
    ids = list(prompt_ids)
    for _ in range(n_tokens):
        probs = torch.softmax(next_log_probs(ids) * temperature, dim=-1)
        ids.append(torch.multinomial(probs, 1, generator=generator).item())
    return ids[len(prompt_ids) :]


def softmax_of_probabilities(next_log_probs, prompt_ids, n_tokens, *, temperature=1.0, generator):
    refuse(n_tokens, temperature)
    ids = list(prompt_ids)
    for _ in range(n_tokens):
        probs = next_log_probs(ids).exp()
        weights = torch.softmax(probs / temperature, dim=-1)
        weights[probs == 0] = 0
        ids.append(torch.multinomial(weights, 1, generator=generator).item())
    return ids[len(prompt_ids) :]


def softmax_of_all_probabilities(
    next_log_probs, prompt_ids, n_tokens, *, temperature=1.0, generator
):
    refuse(n_tokens, temperature)
    ids = list(prompt_ids)
    for _ in range(n_tokens):
        weights = heated(next_log_probs(ids).exp(), temperature)
        ids.append(torch.multinomial(weights, 1, generator=generator).item())
    return ids[len(prompt_ids) :]


def in_place(next_log_probs, prompt_ids, n_tokens, *, temperature=1.0, generator):
    refuse(n_tokens, temperature)
    ids = list(prompt_ids)
    for _ in range(n_tokens):
        scores = next_log_probs(ids)
        scores /= temperature
        ids.append(torch.multinomial(scores.softmax(-1), 1, generator=generator).item())
    return ids[len(prompt_ids) :]


def last_token(next_log_probs, prompt_ids, n_tokens, *, temperature=1.0, generator):
    refuse(n_tokens, temperature)
    ids = list(prompt_ids)
    for _ in range(n_tokens):
        probs = heated(next_log_probs([ids[-1]]), temperature)
        ids.append(torch.multinomial(probs, 1, generator=generator).item())
    return ids[len(prompt_ids) :]


def new_tokens_only(next_log_probs, prompt_ids, n_tokens, *, temperature=1.0, generator):
    refuse(n_tokens, temperature)
    new = []
    for _ in range(n_tokens):
        probs = heated(next_log_probs(new if new else list(prompt_ids)), temperature)
        new.append(torch.multinomial(probs, 1, generator=generator).item())
    return new


def window(next_log_probs, prompt_ids, n_tokens, *, temperature=1.0, generator):
    refuse(n_tokens, temperature)
    ids = list(prompt_ids)
    for _ in range(n_tokens):
        probs = heated(next_log_probs(ids[-8:]), temperature)
        ids.append(torch.multinomial(probs, 1, generator=generator).item())
    return ids[len(prompt_ids) :]


def starts_at_zero(next_log_probs, prompt_ids, n_tokens, *, temperature=1.0, generator):
    refuse(n_tokens, temperature)
    ids = list(prompt_ids) or [0]
    n_given = len(ids)
    for _ in range(n_tokens):
        probs = heated(next_log_probs(ids), temperature)
        ids.append(torch.multinomial(probs, 1, generator=generator).item())
    return ids[n_given:]


def fears_infinity(next_log_probs, prompt_ids, n_tokens, *, temperature=1.0, generator):
    refuse(n_tokens, temperature)
    ids = list(prompt_ids)
    for _ in range(n_tokens):
        probs = heated(torch.clamp(next_log_probs(ids), min=-20), temperature)
        ids.append(torch.multinomial(probs, 1, generator=generator).item())
    return ids[len(prompt_ids) :]


def same_question(next_log_probs, prompt_ids, n_tokens, *, temperature=1.0, generator):
    refuse(n_tokens, temperature)
    probs = heated(next_log_probs(list(prompt_ids)), temperature)
    return [torch.multinomial(probs, 1, generator=generator).item() for _ in range(n_tokens)]


def right(next_log_probs, prompt_ids, n_tokens, *, temperature=1.0, generator):
    refuse(n_tokens, temperature)
    ids = list(prompt_ids)
    while len(ids) < len(prompt_ids) + n_tokens:
        probs = heated(next_log_probs(ids), temperature)
        ids.append(torch.multinomial(probs, 1, generator=generator).item())
    return ids[len(prompt_ids) :]


def whole_text(next_log_probs, prompt_ids, n_tokens, *, temperature=1.0, generator):
    new = right(next_log_probs, prompt_ids, n_tokens, temperature=temperature, generator=generator)
    return list(prompt_ids) + new


def max_length(next_log_probs, prompt_ids, n_tokens, *, temperature=1.0, generator):
    refuse(n_tokens, temperature)
    n_new = max(0, n_tokens - len(prompt_ids))
    return right(next_log_probs, prompt_ids, n_new, temperature=temperature, generator=generator)


def one_more(next_log_probs, prompt_ids, n_tokens, *, temperature=1.0, generator):
    refuse(n_tokens, temperature)
    return right(
        next_log_probs, prompt_ids, n_tokens + 1, temperature=temperature, generator=generator
    )


def own_chance(next_log_probs, prompt_ids, n_tokens, *, temperature=1.0, generator):
    refuse(n_tokens, temperature)
    ids = list(prompt_ids)
    for _ in range(n_tokens):
        probs = heated(next_log_probs(ids), temperature)
        ids.append(torch.multinomial(probs, 1).item())
    return ids[len(prompt_ids) :]


def own_generator(next_log_probs, prompt_ids, n_tokens, *, temperature=1.0, generator):
    refuse(n_tokens, temperature)
    dice = torch.Generator().manual_seed(0)
    return right(next_log_probs, prompt_ids, n_tokens, temperature=temperature, generator=dice)


def tensors(next_log_probs, prompt_ids, n_tokens, *, temperature=1.0, generator):
    refuse(n_tokens, temperature)
    ids = list(prompt_ids)
    for _ in range(n_tokens):
        probs = heated(next_log_probs([int(i) for i in ids]), temperature)
        ids.append(torch.multinomial(probs, 1, generator=generator)[0])
    return ids[len(prompt_ids) :]


def grows_the_prompt(next_log_probs, prompt_ids, n_tokens, *, temperature=1.0, generator):
    refuse(n_tokens, temperature)
    n_prompt = len(prompt_ids)
    for _ in range(n_tokens):
        probs = heated(next_log_probs(prompt_ids), temperature)
        prompt_ids.append(torch.multinomial(probs, 1, generator=generator).item())
    new = prompt_ids[n_prompt:]
    return new


def fewer_than_none(next_log_probs, prompt_ids, n_tokens, *, temperature=1.0, generator):
    return right(
        next_log_probs, prompt_ids, max(0, n_tokens), temperature=temperature, generator=generator
    )


def frozen(next_log_probs, prompt_ids, n_tokens, *, temperature=1.0, generator):
    if temperature <= 0:
        return take_the_best(
            next_log_probs, prompt_ids, n_tokens, temperature=1.0, generator=generator
        )
    return right(next_log_probs, prompt_ids, n_tokens, temperature=temperature, generator=generator)


WRONG = {
    "06:sample_ids": [
        ("always-the-likeliest", take_the_best),
        ("drawn-evenly", all_alike),
        ("temperature-ignored", no_heat),
        ("temperature-ignored", heated_probabilities),
        ("temperature-upside-down", times_heat),
        ("probabilities-through-softmax", softmax_of_probabilities),
        ("probabilities-through-softmax", softmax_of_all_probabilities),
        ("divided-in-place", in_place),
        ("only-the-last-token-shown", last_token),
        ("prompt-forgotten", new_tokens_only),
        ("only-a-window", window),
        ("begins-with-0", starts_at_zero),
        ("impossible-made-possible", fears_infinity),
        ("never-appended", same_question),
        ("prompt-returned", whole_text),
        ("prompt-counted", max_length),
        ("one-too-many", one_more),
        ("generator-unused", own_chance),
        ("generator-made-anew", own_generator),
        ("tensors-not-numbers", tensors),
        ("prompt-changed", grows_the_prompt),
        ("accepts-fewer-than-none", fewer_than_none),
        ("accepts-any-temperature", frozen),
    ],
}
