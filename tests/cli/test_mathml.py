import xml.etree.ElementTree as ElementTree

import pytest

from course_lib.cli.mathml import to_mathml

MATHML = "{http://www.w3.org/1998/Math/MathML}"


def drawn(latex: str) -> str:
    """Return the characters of a formula in reading order, thin spaces as "_"."""
    root = ElementTree.fromstring(to_mathml(latex))
    return "".join(
        "_" if element.tag == f"{MATHML}mspace" else element.text or "" for element in root.iter()
    )


def test_a_fraction_stays_a_fraction() -> None:
    root = ElementTree.fromstring(to_mathml(r"\frac{a}{b}", block=True))
    assert root.get("display") == "block"
    (fraction,) = root.iter(f"{MATHML}mfrac")
    assert ["".join(part.itertext()) for part in fraction] == ["a", "b"]


@pytest.mark.parametrize(
    ("latex", "expected"),
    [
        (r"\ln p", "ln_p"),
        (r"a \ln b", "a_ln_b"),
        (r"\log_2 x", "log2_x"),
        (r"\ln\frac{1}{2}", "ln_12"),
        (r"-\ln \sigma(s)", "−ln_σ(s)"),
        (r"\ln(x)", "ln(x)"),
        (r"\ln\left(x\right)", "ln(x)"),
        (r"x_{\max} y", "xmaxy"),
        ("a b", "ab"),
    ],
)
def test_function_names_stand_apart_as_latex_sets_them(latex: str, expected: str) -> None:
    assert drawn(latex) == expected


def test_scripts_keep_their_two_parts() -> None:
    root = ElementTree.fromstring(to_mathml(r"\log_2 x^2"))
    assert [len(part) for tag in ("msub", "msup") for part in root.iter(f"{MATHML}{tag}")] == [2, 2]


@pytest.mark.parametrize("latex", [r"\nosuchcommand x", r"\frac{a}", r"x \undefined_1"])
def test_a_formula_that_cannot_be_drawn_is_shown_as_typed(latex: str) -> None:
    assert to_mathml(latex) == f"<code>{latex}</code>"


def test_what_is_shown_as_typed_is_escaped() -> None:
    assert to_mathml(r"a < \nosuchcommand") == r"<code>a &lt; \nosuchcommand</code>"
