import pytest

from course_lib.finetuning.labels import find_classes, number_labels, require_every_class


def test_labels_are_numbered_in_sorted_order() -> None:
    classes = find_classes(["b", "a", "c", "a"])
    assert classes == ("a", "b", "c")
    assert number_labels(["c", "a"], classes) == [2, 0]
    assert find_classes([10, -3, 10]) == (-3, 10)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["a", 1], "labels must be all strings or all integers; got int, str"),
        ([True, False], "got bool"),
        ([], "got none"),
        (["a", "a"], "labels must hold at least two classes; got only 'a'"),
    ],
)
def test_bad_labels_are_named(labels: list[str | int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        find_classes(labels)


def test_unknown_and_missing_classes_are_named() -> None:
    with pytest.raises(ValueError, match=r"among the classes \['a', 'b'\]; got 'c' in row 1"):
        number_labels(["a", "c"], ["a", "b"])
    with pytest.raises(ValueError, match=r"got none of \['b'\]"):
        require_every_class([0, 0, 2], ["a", "b", "c"])
