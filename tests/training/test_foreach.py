import torch
from torch import nn

from course_lib.seeding import make_generator
from course_lib.training import foreach


def make_tensors(seed: int) -> list[torch.Tensor]:
    generator = make_generator(seed)
    return [torch.randn(shape, generator=generator) for shape in ((2, 3), (5,), ())]


def test_each_tensor_is_changed_in_place_as_one_would_be() -> None:
    a, b = make_tensors(0), make_tensors(1)
    for change, expected in (
        (lambda x: foreach.multiply(x, -0.3), [-0.3 * x for x in a]),
        (lambda x: foreach.add(x, b, 0.7), [x + 0.7 * y for x, y in zip(a, b, strict=True)]),
        (
            lambda x: foreach.approach(x, b, 0.2),
            [0.8 * x + 0.2 * y for x, y in zip(a, b, strict=True)],
        ),
        (lambda x: foreach.copy(x, b), b),
    ):
        changed = [x.clone() for x in a]
        change(changed)
        torch.testing.assert_close(changed, expected)


def test_parameters_are_taken_without_graph() -> None:
    parameter = nn.Parameter(torch.ones(2))
    foreach.multiply([parameter.detach()], 2.0)
    assert parameter.tolist() == [2.0, 2.0]
