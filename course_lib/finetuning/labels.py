"""Labels as people write them, and as a model numbers them."""

from collections.abc import Sequence

Label = str | int
"""What a class is called."""


def find_classes(labels: Sequence[Label]) -> tuple[Label, ...]:
    """List the classes among labels, sorted.

    Args:
        labels: All strings or all integers.

    Raises:
        ValueError: If they are mixed or of another type, or fewer than two differ.

    Example:
        >>> find_classes(["pos", "neg", "pos"])
        ('neg', 'pos')
    """
    kinds = {type(label) for label in labels}
    if kinds not in ({str}, {int}):
        names = sorted(kind.__name__ for kind in kinds)
        raise ValueError(
            f"labels must be all strings or all integers; got {', '.join(names) or 'none'}."
        )
    if len(set(labels)) < 2:
        raise ValueError(f"labels must hold at least two classes; got only {labels[0]!r}.")
    return tuple(sorted(set(labels)))


def number_labels(labels: Sequence[Label], classes: Sequence[Label]) -> list[int]:
    """Turn labels into their places among the classes.

    Args:
        labels: The labels.
        classes: All that there are.

    Raises:
        ValueError: If a label is none of the classes.
    """
    numbers = {label: number for number, label in enumerate(classes)}
    unknown = next((row for row, label in enumerate(labels) if label not in numbers), None)
    if unknown is not None:
        raise ValueError(
            f"labels must be among the classes {list(classes)}; got {labels[unknown]!r} in row "
            f"{unknown}."
        )
    return [numbers[label] for label in labels]


def require_every_class(numbers: Sequence[int], classes: Sequence[Label]) -> None:
    """Refuse labels among which a class is missing: nothing could be learnt about it.

    Args:
        numbers: From `number_labels`.
        classes: All that there are.

    Raises:
        ValueError: If a class has no example; the message names all such.
    """
    present = set(numbers)
    missing = [label for number, label in enumerate(classes) if number not in present]
    if missing:
        raise ValueError(f"labels must hold every class at least once; got none of {missing}.")
