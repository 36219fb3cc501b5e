"""Wrong answers to the exercises of lesson 05a on windows and leaks."""

import torch

from course_lib.data.deduplication import shingles_of


def refuse(name, value):
    if value < 1:
        raise ValueError(f"{name} must be ≥ 1; got {name}={value}.")


def cut(ids, size, step):
    windows = [ids[i : i + size] for i in range(0, len(ids), step) if i + size <= len(ids)]
    if not windows:
        return torch.zeros(0, size, dtype=torch.long)
    return torch.tensor(windows)


def joined(texts, end_id):
    ids = []
    for text in texts:
        ids.extend(text)
        ids.append(end_id)
    return ids


# --- pack_windows --------------------------------------------------------------------------------


def no_marks(texts, *, n_tokens, end_id):
    refuse("n_tokens", n_tokens)
    return cut([token for text in texts for token in text], n_tokens + 1, n_tokens)


def marks_first(texts, *, n_tokens, end_id):
    refuse("n_tokens", n_tokens)
    ids = []
    for text in texts:
        ids += [end_id, *text]
    return cut(ids, n_tokens + 1, n_tokens)


def separators(texts, *, n_tokens, end_id):
    refuse("n_tokens", n_tokens)
    ids = list(texts[0])
    for text in texts[1:]:
        ids += [end_id, *text]
    return cut(ids, n_tokens + 1, n_tokens)


def loop_too_short(texts, *, n_tokens, end_id):
    refuse("n_tokens", n_tokens)
    ids = joined(texts, end_id)
    rows = [ids[i : i + n_tokens + 1] for i in range(0, len(ids) - n_tokens - 1, n_tokens)]
    return torch.tensor(rows, dtype=torch.long).reshape(-1, n_tokens + 1)


def too_narrow(texts, *, n_tokens, end_id):
    refuse("n_tokens", n_tokens)
    return cut(joined(texts, end_id), n_tokens, n_tokens)


def no_overlap(texts, *, n_tokens, end_id):
    refuse("n_tokens", n_tokens)
    return cut(joined(texts, end_id), n_tokens + 1, n_tokens + 1)


def sliding(texts, *, n_tokens, end_id):
    refuse("n_tokens", n_tokens)
    return cut(joined(texts, end_id), n_tokens + 1, 1)


def one_by_one(texts, *, n_tokens, end_id):
    refuse("n_tokens", n_tokens)
    parts = [cut([*text, end_id], n_tokens + 1, n_tokens) for text in texts]
    return torch.cat(parts)


def fills_up(texts, *, n_tokens, end_id):
    ids = joined(texts, end_id)
    while (len(ids) - 1) % n_tokens:
        ids.append(end_id)
    return cut(ids, n_tokens + 1, n_tokens)


def lists(texts, *, n_tokens, end_id):
    refuse("n_tokens", n_tokens)
    ids = joined(texts, end_id)
    return [ids[i : i + n_tokens + 1] for i in range(0, len(ids) - n_tokens, n_tokens)]


def stacks_nothing(texts, *, n_tokens, end_id):
    refuse("n_tokens", n_tokens)
    ids = torch.tensor(joined(texts, end_id))
    starts = range(0, len(ids) - n_tokens, n_tokens)
    return torch.stack([ids[i : i + n_tokens + 1] for i in starts])


def shapeless(texts, *, n_tokens, end_id):
    refuse("n_tokens", n_tokens)
    return torch.tensor(lists(texts, n_tokens=n_tokens, end_id=end_id))


def never_refuses(texts, *, n_tokens, end_id):
    if n_tokens == 0:
        return torch.zeros(0, 1, dtype=torch.long)
    return cut(joined(texts, end_id), n_tokens + 1, n_tokens)


# --- overlap_shares ------------------------------------------------------------------------------


def all_runs(training, n_units):
    return set().union(*(shingles_of(text, n_units) for text in training))


def of_what_was_read(tests, training, *, n_units=8):
    refuse("n_units", n_units)
    read = all_runs(training, n_units)
    return [len(shingles_of(test, n_units) & read) / len(read) if read else 0.0 for test in tests]


def of_either(tests, training, *, n_units=8):
    refuse("n_units", n_units)
    read, shares = all_runs(training, n_units), []
    for test in tests:
        runs = shingles_of(test, n_units)
        shares.append(len(runs & read) / len(runs | read) if runs | read else 0.0)
    return shares


def single_words(tests, training, *, n_units=8):
    refuse("n_units", n_units)
    return right(tests, training, 1)


def right(tests, training, n_units):
    read, shares = all_runs(training, n_units), []
    for test in tests:
        runs = shingles_of(test, n_units)
        shares.append(len(runs & read) / len(runs) if runs else 0.0)
    return shares


def always_eight(tests, training, *, n_units=8):
    refuse("n_units", n_units)
    return right(tests, training, 8)


def one_long_text(tests, training, *, n_units=8):
    refuse("n_units", n_units)
    return right(tests, ["\n".join(training)], n_units)


def dirty_or_clean(tests, training, *, n_units=8):
    refuse("n_units", n_units)
    return [1.0 if share > 0 else 0.0 for share in right(tests, training, n_units)]


def contained(tests, training, *, n_units=8):
    refuse("n_units", n_units)
    return [1.0 if any(test in text for text in training) else 0.0 for test in tests]


def nearest(tests, training, *, n_units=8):
    refuse("n_units", n_units)
    by_text = [right(tests, [text], n_units) for text in training]
    return [max(shares) for shares in zip(*by_text, strict=True)]


def zero_division(tests, training, *, n_units=8):
    refuse("n_units", n_units)
    read = all_runs(training, n_units)
    runs = [shingles_of(test, n_units) for test in tests]
    return [len(one & read) / len(one) for one in runs]


def no_check(tests, training, *, n_units=8):
    return right(tests, training, max(n_units, 1))


WRONG = {
    "05a:pack_windows": [
        ("no-end-marks", no_marks),
        ("marks-in-front", marks_first),
        ("last-window-lost", separators),
        ("last-window-lost", loop_too_short),
        ("window-one-too-short", too_narrow),
        ("windows-side-by-side", no_overlap),
        ("a-window-at-every-id", sliding),
        ("text-by-text", one_by_one),
        ("rest-padded", fills_up),
        ("lists-instead-of-a-tensor", lists),
        ("too-little-text", stacks_nothing),
        ("too-little-text", shapeless),
        ("accepts-any-length", never_refuses),
    ],
    "05a:overlap_shares": [
        ("share-of-the-training", of_what_was_read),
        ("jaccard", of_either),
        ("words-instead-of-runs", single_words),
        ("length-ignored", always_eight),
        ("training-joined", one_long_text),
        ("any-run-is-all", dirty_or_clean),
        ("only-whole-texts", contained),
        ("most-similar-text-only", nearest),
        ("empty-test-fails", zero_division),
        ("accepts-any-length", no_check),
    ],
}
