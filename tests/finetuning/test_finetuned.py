import json
from pathlib import Path

import pytest

from course_lib.finetuning.finetuned import (
    HEAD,
    FinetunedConfig,
    read_settings,
    require_different,
)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_rows": 0}, "n_rows must be ≥ 1; got n_rows=0"),
        ({"seed": -1}, "seed must be ≥ 0; got seed=-1"),
        ({"dropout": 1.0}, r"dropout must be in \[0, 1\); got dropout=1\.0"),
        ({"dropout": -0.1}, r"dropout must be in \[0, 1\); got dropout=-0\.1"),
    ],
)
def test_bad_settings_are_named(settings: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        FinetunedConfig(**settings)  # pyright: ignore


def test_classes_are_none_or_several_that_differ() -> None:
    require_different((), "classes")
    require_different((0, 1), "classes")
    for classes in (("a",), ("a", "b", "a")):
        with pytest.raises(ValueError, match="tags must be two or more, all different; got"):
            require_different(classes, "tags")


def test_settings_are_read_if_the_head_is_there(tmp_path: Path) -> None:
    (tmp_path / "some.json").write_text(json.dumps({"seed": 3}))
    with pytest.raises(ValueError, match=f"must hold {HEAD}; got none"):
        read_settings(tmp_path, "some.json")
    (tmp_path / HEAD).touch()
    assert read_settings(tmp_path, "some.json") == {"seed": 3}
    with pytest.raises(ValueError, match=r"must hold other\.json; got none"):
        read_settings(tmp_path, "other.json")
