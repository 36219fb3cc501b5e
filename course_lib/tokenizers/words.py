"""Text to sentences to words, by simple rules: what word vectors are trained on."""

import re
from collections.abc import Iterable

_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_PARAGRAPH_END = re.compile(r"\n\s*\n")
_SENTENCE_END = re.compile(r"[.!?][\"')\]”]*\s+(?=[\"'(\[“]?[^\W_a-z])")
_ABBREVIATION = re.compile(
    r"(?:\b(?:mr|mrs|ms|dr|prof|st|jr|sr|vs|etc|vol|fig|e\.g|i\.e)|\b[a-z])\.\s+$", re.IGNORECASE
)


def split_words(text: str, *, lower: bool = True) -> list[str]:
    """Split text into words: runs of letters and digits, with apostrophes inside them.

    Punctuation and underscores are dropped. A typographic apostrophe (’) is read as a straight one.

    Args:
        text: Any text.
        lower: Whether to turn the words into lower case.

    Raises:
        TypeError: If `text` is not a string.

    Example:
        >>> split_words("Don't panic: it's only n_words = 42!")
        ["don't", 'panic', "it's", 'only', 'n', 'words', '42']
    """
    if not isinstance(text, str):
        raise TypeError(f"text must be a string; got {type(text).__name__}.")
    words = _WORD.findall(text.replace("’", "'"))
    return [word.lower() for word in words] if lower else words


def split_sentences(text: str) -> list[str]:
    """Split text into sentences.

    A sentence ends at a blank line, or at a full stop, question mark or exclamation mark that is
    followed by white space and something that can begin a sentence. A full stop after an initial or
    after one of a few abbreviations ("Mr.", "e.g.") ends nothing.

    Args:
        text: Any text.

    Returns:
        The sentences, stripped, in order; none of them empty.

    Example:
        >>> split_sentences("Mr. Holmes sat down. Was it late? Yes.")
        ['Mr. Holmes sat down.', 'Was it late?', 'Yes.']
    """
    sentences = []
    for paragraph in _PARAGRAPH_END.split(text):
        start = 0
        for end in _SENTENCE_END.finditer(paragraph):
            if not _ABBREVIATION.search(paragraph, start, end.end()):
                sentences.append(paragraph[start : end.end()].strip())
                start = end.end()
        sentences.append(paragraph[start:].strip())
    return [sentence for sentence in sentences if sentence]


def sentences_of(documents: Iterable[str]) -> list[list[str]]:
    """Turn documents into the list of sentences that embeddings are trained on.

    Args:
        documents: Texts, for example the `documents` of a `Corpus`.

    Returns:
        Every sentence as a list of lower-case words; sentences without a word are left out.

    Raises:
        TypeError: If `documents` is a single string instead of several.

    Example:
        >>> sentences_of(["It rained. We stayed in.", "..."])
        [['it', 'rained'], ['we', 'stayed', 'in']]
    """
    if isinstance(documents, str):
        raise TypeError("documents must be several texts, such as [text]; got one plain string.")
    split = (split_words(sentence) for text in documents for sentence in split_sentences(text))
    return [words for words in split if words]
