"""From a raw Wikipedia dump to plain paragraphs: what every text corpus goes through first.

A dump is XML around *wikitext*, the markup that editors type. `mwparserfromhell` turns the markup
of an article into a tree; this module decides, node by node, what a reader would see as prose.
"""

import bz2
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mwparserfromhell.nodes import Node, Tag, Template, Wikilink

ARTICLE_NAMESPACE = "0"
LIST_MARK = "\0"
MIN_PARAGRAPH_WORDS = 5
MIN_ITEM_WORDS = 8
ITEM_ENDS = (".", "!", "?")
PARAGRAPH_ENDS = (*ITEM_ENDS, ":", ";", '"', "'", "”", "’", ")", "…")
LIST_TAGS = {"li", "dd", "dt"}
DROPPED_TAGS = {
    *("ref", "references", "table", "gallery", "math", "timeline", "score", "imagemap", "source"),
    *("syntaxhighlight", "pre", "noinclude", "includeonly", "style", "ce", "chem", "section"),
}
DROPPED_LINKS = re.compile(
    r"\s*:?\s*([a-z]{2,3}|file|image|media|category|wikt(ionary)?)\s*:", re.I
)
# Templates whose argument is part of the sentence: its name, and the argument a reader sees.
TEMPLATES_KEPT = {
    **dict.fromkeys(["lang", "transl", "transliteration", "rtl-lang"], -1),
    **dict.fromkeys(["nowrap", "smaller", "small", "sc", "angbr", "vr", "em", "abbr", "sub"], 0),
    **dict.fromkeys(["ipa", "nihongo", "vanchor", "val"], 0),
}
TEMPLATES_OF_SIGNS = {
    **dict.fromkeys(["nbsp", "spaces"], " "),
    **dict.fromkeys(["ndash", "endash"], "–"),
    **dict.fromkeys(["snd", "spaced ndash", "dash"], " – "),
    **dict.fromkeys(["mdash", "emdash", "mdashb"], "—"),
}
# Sections after which an article is no longer prose but lists of titles and addresses.
BACK_MATTER = {
    *("references", "notes", "footnotes", "citations", "notes and references", "sources"),
    *("further reading", "external links", "see also", "bibliography", "works cited"),
}
# What the parser leaves as text where an article's own markup is unbalanced.
LEFTOVERS = re.compile(r"<ref[^>]*>.*?</ref>|\{\{.*?\}\}|</?[a-z]+[^<>]*>|__[A-Z]+__", re.I)
INVISIBLE = re.compile("[\u200b\u200e\u200f\ufeff]")
SPACES = re.compile(r"[ \t\u00a0\u2009]+")
EMPTY_BRACKETS = re.compile(r"\([\s,;:/–—-]*\)|\[[\s,;:/–—-]*\]")
AFTER_BRACKET = re.compile(r"\([\s,;:]+")
BEFORE_BRACKET = re.compile(r"[\s,;:]+\)")
BEFORE_POINT = re.compile(r"\s+([,.;:!?](?:\s|$))")
STRAY_QUOTES = re.compile(r"'{2,}(s\b)?")


def read_wikipedia(dump: Path) -> list[str]:
    """Read every article of a compressed dump as plain text, in the order of the dump.

    Redirects and pages outside the article namespace (talk, help, portals …) are skipped, and so
    are articles that have no paragraph left (disambiguation pages are lists).

    Args:
        dump: A `.xml.bz2` file in MediaWiki's export format.

    Returns:
        One string an article; its paragraphs are separated by an empty line.
    """
    texts = (clean_wikitext(wikitext) for _, wikitext in articles_of(dump))
    return [text for text in texts if text]


def articles_of(dump: Path) -> Iterator[tuple[str, str]]:
    """Go through the articles of a dump, one at a time, so that a dump of any size fits in memory.

    Args:
        dump: A `.xml.bz2` file in MediaWiki's export format.

    Yields:
        Title and wikitext of each page that is an article and not a redirect.

    Raises:
        ValueError: If the file is not valid bz2 or XML.
    """
    try:
        with bz2.open(dump) as stream:
            for _, element in ET.iterparse(stream):
                if _local_name(element) == "page":
                    if _is_article(element):
                        yield _text_of(element, "title"), _text_of(element, "text")
                    element.clear()
    except (ET.ParseError, EOFError, OSError) as error:
        raise ValueError(f"{dump} must be a bz2-compressed MediaWiki dump; {error}.") from error


def clean_wikitext(wikitext: str) -> str:
    """Keep the running prose of an article, and nothing of the markup around it.

    Tables, templates, references, files, categories, headings, lists and formulas go; the words
    of links and of emphasised text stay. A few templates that stand for words are written out.

    Args:
        wikitext: The article as its editors typed it.

    Returns:
        Its paragraphs, separated by an empty line; "" if none is left.

    Example:
        >>> clean_wikitext("'''Ada''' met [[Charles Babbage|Babbage]] in 1833.<ref>A letter.</ref>")
        'Ada met Babbage in 1833.'
    """
    import mwparserfromhell

    body = _without_back_matter(mwparserfromhell.parse(wikitext).nodes)
    blocks = re.split(r"\n\s*\n", _render(body))
    return "\n\n".join(prose for block in blocks for prose in _prose_of(block))


def _local_name(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


def _text_of(page: ET.Element, name: str) -> str:
    return next((node.text or "" for node in page.iter() if _local_name(node) == name), "")


def _is_article(page: ET.Element) -> bool:
    redirects = any(_local_name(node) == "redirect" for node in page)
    return _text_of(page, "ns") == ARTICLE_NAMESPACE and not redirects


def _without_back_matter(nodes: "Iterable[Node]") -> "Iterator[Node]":
    from mwparserfromhell.nodes import Heading

    skipping = False
    for node in nodes:
        if isinstance(node, Heading) and node.level == 2:
            skipping = str(node.title).strip().lower() in BACK_MATTER
        if not skipping:
            yield node


def _render(nodes: "Iterable[Node]") -> str:
    return "".join(_render_node(node) for node in nodes)


def _render_node(node: "Node") -> str:
    from mwparserfromhell import nodes as kinds

    match node:
        case kinds.Text():
            return str(node.value)
        case kinds.Wikilink():
            return _render_link(node)
        case kinds.Tag():
            return _render_tag(node)
        case kinds.Template():
            return _render_template(node)
        case kinds.HTMLEntity():
            return node.normalize() or ""
        case kinds.ExternalLink():
            return _render(node.title.nodes) if node.title else ""
        case kinds.Heading():
            return "\n\n"
    return ""  # comments, template arguments


def _render_link(link: "Wikilink") -> str:
    if DROPPED_LINKS.match(str(link.title)):
        return ""
    return _render((link.text or link.title).nodes)


def _render_tag(tag: "Tag") -> str:
    name = str(tag.tag).strip().lower()
    if name in LIST_TAGS:
        return f"\n\n{LIST_MARK}"
    if name in DROPPED_TAGS:
        return ""
    if name == "br":
        return " "
    return _render(tag.contents.nodes) if tag.contents else ""


def _render_template(template: "Template") -> str:
    name = str(template.name).strip().lower()
    if name in TEMPLATES_OF_SIGNS:
        return TEMPLATES_OF_SIGNS[name]
    unnamed = [_render(p.value.nodes).strip() for p in template.params if not p.showkey]
    if name in ("convert", "cvt"):
        return " ".join(unnamed[:2])  # the value and its unit
    if name == "chem":
        return "".join(unnamed)
    position = TEMPLATES_KEPT.get(name)
    return unnamed[position] if position is not None and unnamed else ""


def _prose_of(block: str) -> Iterator[str]:
    """Give the paragraph or list item in a block, if it is a sentence; else nothing."""
    lines = (line for line in block.split("\n") if not line.lstrip().startswith(("|", "!")))
    text = _tidy(" ".join(lines))
    is_item = text.startswith(LIST_MARK)
    text = text.removeprefix(LIST_MARK).strip()
    enough_words = len(text.split()) >= (MIN_ITEM_WORDS if is_item else MIN_PARAGRAPH_WORDS)
    ends_well = text.endswith(ITEM_ENDS if is_item else PARAGRAPH_ENDS)
    if enough_words and ends_well and "ISBN" not in text:
        yield text


def _tidy(text: str) -> str:
    text = SPACES.sub(" ", INVISIBLE.sub("", LEFTOVERS.sub("", text)))
    text = EMPTY_BRACKETS.sub("", STRAY_QUOTES.sub(_apostrophe, text))
    text = BEFORE_BRACKET.sub(")", AFTER_BRACKET.sub("(", text))
    return BEFORE_POINT.sub(r"\1", SPACES.sub(" ", text)).strip()


def _apostrophe(match: re.Match[str]) -> str:
    return "'s" if match[1] else ""
