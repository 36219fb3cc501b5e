"""Formulas as MathML, which browsers draw without a script."""

from html import escape
from itertools import pairwise
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from latex2mathml.converter import convert

NAMESPACE = "http://www.w3.org/1998/Math/MathML"
THIN_SPACE = "0.167em"
ROWS = {"math", "mrow", "mtd", "mstyle"}
SCRIPTS = {"msub": 2, "msup": 2, "munder": 2, "mover": 2, "msubsup": 3, "munderover": 3}
ARITY = {**SCRIPTS, "mfrac": 2, "mroot": 2}

ElementTree.register_namespace("", NAMESPACE)


def to_mathml(latex: str, *, block: bool = False) -> str:
    r"""Turn a formula into MathML.

    A formula that cannot be turned, or only in part, is shown as it was typed.

    Args:
        latex: The formula, without its dollar signs.
        block: True for a formula on a line of its own.

    Example:
        >>> to_mathml("x")
        '<math ... display="inline"><mrow><mi>x</mi></mrow></math>'
        >>> to_mathml(r"\nosuchcommand")
        '<code>\\nosuchcommand</code>'
    """
    try:
        mathml = convert(latex.strip(), display="block" if block else "inline")
        root = ElementTree.fromstring(mathml)
    except Exception:  # the converter raises many kinds, none with a common base
        root = None
    if root is None or not is_whole(root):
        return f"<code>{escape(latex.strip())}</code>"
    for row in root.iter():
        if kind_of(row) in ROWS:
            space_functions(row)
    return ElementTree.tostring(root, encoding="unicode")


def is_whole(root: Element) -> bool:
    """Tell whether the converter understood all of a formula: no command left, no part missing."""
    parts_match = all(
        len(item) == ARITY[kind_of(item)] for item in root.iter() if kind_of(item) in ARITY
    )
    return parts_match and "\\" not in "".join(root.itertext())


def kind_of(element: Element) -> str:
    """Return an element's name without its namespace."""
    return element.tag.rpartition("}")[2]


def is_function(element: Element) -> bool:
    """Tell whether an element is a function's name, such as ln, or such a name with an index."""
    if kind_of(element) in SCRIPTS:
        return is_function(element[0])
    text = element.text or ""
    return kind_of(element) == "mi" and len(text) > 1 and text.isalpha()


def space_functions(row: Element) -> None:
    """Put thin spaces around function names, as LaTeX does and the converter does not.

    Args:
        row: Changed in place. "a ln b" gets two spaces, "ln(b)" and "−ln b" none before or after
            a bracket or a sign.
    """
    children = list(row)
    for before, after in pairwise(children):
        is_near_function = is_function(before) or is_function(after)
        has_sign = "mo" in (kind_of(before), kind_of(after)) or is_fenced(after)
        if is_near_function and not has_sign:
            space = Element(f"{{{NAMESPACE}}}mspace", width=THIN_SPACE)
            row.insert(list(row).index(after), space)


def is_fenced(element: Element) -> bool:
    """Tell whether an element begins with a bracket of its own."""
    return len(element) > 0 and kind_of(element[0]) == "mo" and element[0].get("fence") == "true"
