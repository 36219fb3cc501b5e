"""Wrong answers to `make_dataset` of lesson 07b, by someone who had not seen the checks."""

from collections.abc import Callable

import torch
from torch.nn import functional as F
from torch.utils.data import Dataset, TensorDataset

from course_lib.lesson.clinic import make_dataset


def refuse_rows(encodings, labels):
    for name, rows in encodings.items():
        if len(rows) != len(labels):
            raise ValueError(f"{name}: {len(rows)} rows for {len(labels)} labels")


class Items(Dataset):
    def __init__(self, encodings, labels):
        self.encodings = encodings
        self.labels = labels

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        item = {name: torch.tensor(rows[index]) for name, rows in self.encodings.items()}
        item["labels"] = torch.tensor(self.labels[index])
        return item


def labels_with_an_axis(encodings, labels):
    """Give the class as a list of one."""
    return make_dataset(encodings, [[label] for label in labels])


def labels_as_fractions(encodings, labels):
    """Give the class as a float."""
    return make_dataset(encodings, [float(label) for label in labels])


def one_hot_labels(encodings, labels):
    """Give the class as a row of noughts and a one."""
    refuse_rows(encodings, labels)
    return make_dataset(encodings, F.one_hot(torch.tensor(labels)).tolist())


def singular_label(encodings, labels):
    """Put the class under "label"."""
    refuse_rows(encodings, labels)

    class Singular(Items):
        def __getitem__(self, index):
            item = super().__getitem__(index)
            return {"label" if name == "labels" else name: x for name, x in item.items()}

    return Singular(encodings, labels)


def ids_and_mask_only(encodings, labels):
    """Take the two names that one knows and lose all others."""
    refuse_rows(encodings, labels)
    known = {n: rows for n, rows in encodings.items() if n in ("input_ids", "attention_mask")}
    return make_dataset(known, labels)


def as_long_as_the_names(encodings, labels):
    """Take the number of names for the number of texts."""
    refuse_rows(encodings, labels)

    class Short(Items):
        def __len__(self):
            return len(self.encodings)

    return Short(encodings, labels)


def only_the_ids_counted(encodings, labels):
    """Compare the length of "input_ids" only."""
    if len(encodings.get("input_ids", labels)) != len(labels):
        raise ValueError("as many labels as texts")
    return Items(encodings, labels)


def too_few_labels_only(encodings, labels):
    """Refuse too few labels, but not too many."""
    if any(len(labels) < len(rows) for rows in encodings.values()):
        raise ValueError("too few labels")
    return Items(encodings, labels)


def refuses_when_read(encodings, labels):
    """Look at the lengths when an item is asked for, not when the data set is made."""

    class Late(Items):
        def __getitem__(self, index):
            refuse_rows(self.encodings, self.labels)
            return super().__getitem__(index)

    return Late(encodings, labels)


def one_tensor_for_all(encodings, labels):
    """Make one tensor of all texts, which needs texts of one length."""
    refuse_rows(encodings, labels)
    tensors = {name: torch.tensor(rows) for name, rows in encodings.items()}

    class Whole(Items):
        def __getitem__(self, index):
            item = {name: rows[index] for name, rows in tensors.items()}
            return item | {"labels": torch.tensor(self.labels[index])}

    return Whole(encodings, labels)


def a_tuple_of_tensors(encodings, labels):
    """Give tuples without names."""
    refuse_rows(encodings, labels)
    return TensorDataset(*[torch.tensor(r) for r in encodings.values()], torch.tensor(labels))


def one_dictionary_again_and_again(encodings, labels):
    """Fill the same dictionary for each item, so that earlier items change."""
    refuse_rows(encodings, labels)

    class Reused(Items):
        item: dict = {}  # noqa: RUF012

        def __getitem__(self, index):
            self.item.update(super().__getitem__(index))
            return self.item

    return Reused(encodings, labels)


def labels_into_the_encodings(encodings, labels):
    """Write the labels into the caller's encodings, which the next data set overwrites."""
    refuse_rows({n: rows for n, rows in encodings.items() if n != "labels"}, labels)
    encodings["labels"] = labels

    class Together(Items):
        def __getitem__(self, index):
            return {name: torch.tensor(rows[index]) for name, rows in self.encodings.items()}

    return Together(encodings, labels)


def plain_lists(encodings, labels):
    """Leave the lists of numbers as lists."""
    refuse_rows(encodings, labels)

    class Plain(Items):
        def __getitem__(self, index):
            item = {name: rows[index] for name, rows in self.encodings.items()}
            return item | {"labels": self.labels[index]}

    return Plain(encodings, labels)


def mask_of_truths(encodings, labels):
    """Turn the attention mask into True and False."""
    refuse_rows(encodings, labels)

    class Masked(Items):
        def __getitem__(self, index):
            item = super().__getitem__(index)
            return {n: x.bool() if n == "attention_mask" else x for n, x in item.items()}

    return Masked(encodings, labels)


BLIND: list[tuple[str, Callable[..., object]]] = [
    ("07b:make_dataset", labels_with_an_axis),
    ("07b:make_dataset", labels_as_fractions),
    ("07b:make_dataset", one_hot_labels),
    ("07b:make_dataset", singular_label),
    ("07b:make_dataset", ids_and_mask_only),
    ("07b:make_dataset", as_long_as_the_names),
    ("07b:make_dataset", only_the_ids_counted),
    ("07b:make_dataset", too_few_labels_only),
    ("07b:make_dataset", refuses_when_read),
    ("07b:make_dataset", one_tensor_for_all),
    ("07b:make_dataset", a_tuple_of_tensors),
    ("07b:make_dataset", one_dictionary_again_and_again),
    ("07b:make_dataset", labels_into_the_encodings),
    ("07b:make_dataset", plain_lists),
    ("07b:make_dataset", mask_of_truths),
]
