"""Wrong answers to lesson 07b's bug clinic on data sets and splits.

The first answer of each exercise is the broken script as the lesson shows it.
"""

import random
import re
import string

import torch
from torch.utils.data import Dataset, TensorDataset


def refuse_other_numbers(encodings, labels):
    for rows in encodings.values():
        if len(rows) != len(labels):
            raise ValueError("labels must be as many as the texts")


def base_class(encodings, labels):
    return torch.utils.data.Dataset(encodings, labels)


class Rows(Dataset):
    def __init__(self, encodings, labels):
        self.encodings, self.labels = encodings, labels

    def __len__(self):
        return len(self.labels)

    def tensors(self, index):
        return {name: torch.tensor(rows[index]) for name, rows in self.encodings.items()}

    def __getitem__(self, index):
        return self.tensors(index) | {"labels": torch.tensor(self.labels[index])}


class WithoutItem(Dataset):
    def __init__(self, encodings, labels):
        self.labels = labels

    def __len__(self):
        return len(self.labels)


class WithoutLength(Dataset):
    def __init__(self, encodings, labels):
        self.rows = Rows(encodings, labels)

    def __getitem__(self, index):
        return self.rows[index]


class KeysCounted(Rows):
    def __len__(self):
        return len(self.encodings)


class WithoutLabels(Rows):
    def __getitem__(self, index):
        return self.tensors(index)


class Label(Rows):
    def __getitem__(self, index):
        return self.tensors(index) | {"label": torch.tensor(self.labels[index])}


class Column(Rows):
    def __getitem__(self, index):
        return self.tensors(index) | {"labels": torch.tensor([self.labels[index]])}


class Pairs(Rows):
    def __getitem__(self, index):
        return self.tensors(index), torch.tensor(self.labels[index])


class Lists(Rows):
    def __getitem__(self, index):
        item = {name: rows[index] for name, rows in self.encodings.items()}
        item["labels"] = self.labels[index]
        return item


class Decimals(Rows):
    def __getitem__(self, index):
        return self.tensors(index) | {"labels": torch.tensor(float(self.labels[index]))}


class Everything(Rows):
    def __getitem__(self, index):
        item = {name: torch.tensor(rows) for name, rows in self.encodings.items()}
        item["labels"] = torch.tensor(self.labels)
        return item


def list_of_dictionaries(encodings, labels):
    refuse_other_numbers(encodings, labels)
    rows = Rows(encodings, labels)
    return [rows[index] for index in range(len(labels))]


def tuples_of_pytorch(encodings, labels):
    refuse_other_numbers(encodings, labels)
    columns = [torch.tensor(rows) for rows in encodings.values()]
    return TensorDataset(*columns, torch.tensor(labels))


def labels_written_into_encodings(encodings, labels):
    refuse_other_numbers(encodings, labels)
    encodings["labels"] = labels

    class Columns(Dataset):
        def __len__(self):
            return len(labels)

        def __getitem__(self, index):
            return {name: torch.tensor(rows[index]) for name, rows in encodings.items()}

    return Columns()


def made(kind):
    def make(encodings, labels):
        refuse_other_numbers(encodings, labels)
        return kind(encodings, labels)

    return make


def refuse_share(test_share):
    if test_share <= 0 or test_share >= 1:
        raise ValueError("test_share must be between 0 and 1")


def shuffle_rows(texts, test_share, seed):
    refuse_share(test_share)
    rows = list(range(len(texts)))
    random.Random(seed).shuffle(rows)
    n_test = int(test_share * len(texts))
    return rows[n_test:], rows[:n_test]


def by(texts, test_share, seed, key):
    groups = {}
    for row, text in enumerate(texts):
        groups.setdefault(key(text), []).append(row)
    groups = list(groups.values())
    if seed is not None:
        random.Random(seed).shuffle(groups)
    train, test = [], []
    for rows in groups:
        if len(test) < test_share * len(texts):
            test.extend(rows)
        else:
            train.extend(rows)
    return train, test


def letters(text):
    return re.sub(r"[\W_]", "", text).lower()


def exact_copies(texts, test_share, seed):
    refuse_share(test_share)
    return by(texts, test_share, seed, lambda text: text)


def lowered(texts, test_share, seed):
    refuse_share(test_share)
    return by(texts, test_share, seed, lambda text: " ".join(text.lower().split()))


def first_of_each(texts, test_share, seed):
    refuse_share(test_share)
    kept = list({letters(text): row for row, text in enumerate(texts)}.values())
    random.Random(seed).shuffle(kept)
    n_test = int(test_share * len(kept))
    return kept[n_test:], kept[:n_test]


def not_lowered(texts, test_share, seed):
    refuse_share(test_share)
    return by(texts, test_share, seed, lambda text: re.sub(r"[\W_]", "", text))


def keyboard_marks(texts, test_share, seed):
    refuse_share(test_share)
    no_marks = str.maketrans("", "", string.punctuation + string.whitespace)
    return by(texts, test_share, seed, lambda text: text.lower().translate(no_marks))


def spaces_kept(texts, test_share, seed):
    refuse_share(test_share)
    return by(texts, test_share, seed, lambda text: re.sub(r"[^\w\s]", "", text.lower()))


def spaces_collapsed(texts, test_share, seed):
    refuse_share(test_share)
    return by(
        texts, test_share, seed, lambda text: " ".join(re.sub(r"[^\w\s]", "", text.lower()).split())
    )


def without_a_seed(texts, test_share, seed):
    refuse_share(test_share)
    return by(texts, test_share, random.random(), letters)


def rows_of_the_library_as_texts(texts, test_share, seed):
    refuse_share(test_share)
    train, test = by(texts, test_share, seed, letters)
    return [texts[row] for row in train], [texts[row] for row in test]


def last_row_lost(texts, test_share, seed):
    refuse_share(test_share)
    train, test = by(texts, test_share, seed, letters)
    return train[:-1], test


def first_groups(texts, test_share, seed):
    refuse_share(test_share)
    return by(texts, test_share, None, letters)


def fixed_seed(texts, test_share, seed):
    refuse_share(test_share)
    return by(texts, test_share, 42, letters)


def test_first(texts, test_share, seed):
    refuse_share(test_share)
    train, test = by(texts, test_share, seed, letters)
    return test, train


def any_share(texts, test_share, seed):
    return by(texts, test_share, seed, letters)


WRONG = {
    "07b:make_dataset": [
        ("base-class-called", base_class),
        ("no-item", made(WithoutItem)),
        ("no-length", made(WithoutLength)),
        ("length-of-the-dictionary", made(KeysCounted)),
        ("labels-missing", made(WithoutLabels)),
        ("label-under-another-name", made(Label)),
        ("label-with-an-axis", made(Column)),
        ("tuples-instead-of-dictionaries", made(Pairs)),
        ("tuples-instead-of-dictionaries", tuples_of_pytorch),
        ("label-as-decimal", made(Decimals)),
        ("all-texts-in-one-item", made(Everything)),
        ("lists-instead-of-tensors", made(Lists)),
        ("accepts-any-number", Rows),
        ("no-dataset", list_of_dictionaries),
        ("encodings-changed", labels_written_into_encodings),
    ],
    "07b:split_texts": [
        ("rows-shuffled", shuffle_rows),
        ("exact-copies-only", exact_copies),
        ("capitals-count", not_lowered),
        ("punctuation-counts", lowered),
        ("only-some-punctuation", keyboard_marks),
        ("spaces-count", spaces_kept),
        ("spaces-count", spaces_collapsed),
        ("texts-instead-of-rows", rows_of_the_library_as_texts),
        ("no-seed", without_a_seed),
        ("not-each-row-once", first_of_each),
        ("not-each-row-once", last_row_lost),
        ("not-shuffled", first_groups),
        ("seed-ignored", fixed_seed),
        ("sides-swapped", test_first),
        ("accepts-any-share", any_share),
    ],
}
