"""Personal data: numbers and addresses of people are replaced before a model can learn them.

What has a fixed form can be found by its form, and where the form holds a check digit, confirmed.
Names, street addresses, dates of birth, accounts and handles have no such form: finding them takes
a trained tagger, and even that misses some. So a masked text is *less* personal, not anonymous.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple


def _number(pattern: str) -> re.Pattern[str]:
    """Compile a number's pattern so that it matches whole numbers only.

    No letter, digit or currency sign may stand before it, nor the rest of a decimal or hyphenated
    number; the same after it. A Chinese character may: for re.ASCII it is no letter.
    """
    before = r"(?<![\w$€£¥])(?<![$€£¥] )(?<![0-9][.-])"
    after = r"(?!\w)(?![.-][0-9])(?! ?(?:元|美元|欧元))"
    return re.compile(f"{before}(?:{pattern}){after}", re.ASCII)


_EMAIL = re.compile(
    r"(?<![\w.%+-])[\w.%+-]+[@＠](?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,24}(?![A-Za-z])", re.ASCII
)
_IBAN = re.compile(
    r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![A-Za-z0-9])",
    re.ASCII,
)
_CHINESE_ID = _number(r"[1-9]\d{16}[\dXx]")
_CARD = _number(
    r"[2-6]\d{13,18}"
    r"|[2-6]\d{3}([ -])\d{4}\1\d{4}\1\d{4}(?:\1\d{3})?"  # most cards: 4-4-4-4
    r"|3\d{3}([ -])\d{6}\2\d{5}"  # American Express: 4-6-5
)
_SSN = _number(r"(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}")
_PHONES = (
    # "+", country code, 8 to 15 digits in all (ITU-T E.164); not a plain decimal such as +3.14.
    _number(r"\+(?!\d+\.\d+(?![\d .()-]))[1-9](?:[ .()-]{0,2}\d){7,14}"),
    # Chinese mobile, with or without 86: 138 1234 5678.
    _number(r"(?:(?:00)?86[ -]?)?1[3-9]\d([ -]?)\d{4}\1\d{4}"),
    # Chinese landline: 010-12345678, (0571) 8765 4321.
    _number(r"(?:0[1-9]\d{1,2}[ -]|[(（]0[1-9]\d{1,2}[)）] ?)[2-8]\d{2,3}[ -]?\d{4}"),
    # North American: 415-555-2671, (415) 555-2671, 1-415-555-2671.
    _number(r"(?:1[ .-])?(?:\([2-9]\d{2}\) ?|[2-9]\d{2}[ .-])[2-9]\d{2}[ .-]\d{4}"),
    # British, 10 or 11 digits: 020 7946 0958, 07700 900123, (01632) 960001.
    _number(
        r"(?=(?:[() -]*\d){10,11}(?![ -]?\d))"
        r"(?:\(0[12378]\d{1,3}\) ?|0[12378]\d{1,3}[ -])\d{3,4}[ -]?\d{3,4}"
    ),
    _number(r"07\d{9}"),
)
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHECK_DIGITS = "10X98765432"


class Finding(NamedTuple):
    """Where in the original text something personal stood; what it was is not kept."""

    kind: str
    start: int
    end: int


@dataclass(frozen=True)
class Masked:
    """A masked text, and what was masked in it.

    Attributes:
        text: The text, with a tag such as [EMAIL] in each place.
        found: The places in the original text, from left to right.
    """

    text: str
    found: tuple[Finding, ...]

    @property
    def counts(self) -> dict[str, int]:
        """How many of each kind were found, by the kind's name."""
        return dict(sorted(Counter(finding.kind for finding in self.found).items()))


def mask_personal_data(text: str) -> Masked:
    """Replace what has the form of personal data by a tag that says what it was.

    Tags: [EMAIL]; [PHONE], with "+" and a country code, or as written in China, North America and
    Britain; [CN_ID], a Chinese resident's number of 18 digits with a possible date and the right
    check digit; [SSN], a United States social security number with its hyphens; [IBAN] and
    [CARD], a bank account and a payment card of 14 to 19 digits with the right check digits.

    It cannot find names, street addresses, dates of birth, user names or anything spelled out
    ("ann at example dot org"), nor addresses at a domain in Chinese characters, nor national
    phone numbers of other countries. A number that happens to have one of the forms is masked
    too: about one in ten ordinary numbers of 14 to 19 digits that begin with 2 to 6 passes as a
    card.

    Args:
        text: A text, best after `normalise_text`, which makes full-width digits ordinary.

    Returns:
        The masked text and the places.

    Reference:
        Chinese resident numbers: GB 11643-1999 (check digit of ISO 7064, MOD 11-2). IBAN: ISO
        13616 (MOD 97-10). Cards: ISO/IEC 7812-1, annex B (Luhn's formula).

    Example:
        >>> mask_personal_data("Write to ann@example.org or call 138 1234 5678 in 2024.").text
        'Write to [EMAIL] or call [PHONE] in 2024.'
    """
    found: list[Finding] = []
    for find in _FINDERS:  # the surer kinds first: a later one may not overlap with an earlier
        for new in find(text):
            if all(new.end <= old.start or old.end <= new.start for old in found):
                found.append(new)
    found.sort(key=lambda finding: finding.start)
    pieces, end = [], 0
    for finding in found:
        pieces += [text[end : finding.start], f"[{finding.kind}]"]
        end = finding.end
    return Masked("".join([*pieces, text[end:]]), tuple(found))


def has_luhn_digit(digits: str) -> bool:
    """Tell whether a number's last digit fits the others by Luhn's formula, as on payment cards.

    From the right, every second digit is doubled, 9 taken off if that gives two digits; the sum
    must end in 0.

    Args:
        digits: The digits, without separators.

    Example:
        >>> has_luhn_digit("79927398713"), has_luhn_digit("79927398710")
        (True, False)
    """
    doubled = [2 * int(digit) for digit in digits[-2::-2]]
    total = sum(int(digit) for digit in digits[::-2]) + sum(n - 9 * (n > 9) for n in doubled)
    return total % 10 == 0


def is_chinese_id(number: str) -> bool:
    """Tell whether 18 characters can be a Chinese resident's number: its date and check digit.

    Args:
        number: 17 digits, and a digit or X.

    Example:
        >>> is_chinese_id("11010519491231002X"), is_chinese_id("110105194912310021")
        (True, False)
    """
    try:
        date.fromisoformat(f"{number[6:10]}-{number[10:12]}-{number[12:14]}")
    except ValueError:
        return False
    total = sum(w * int(digit) for w, digit in zip(_ID_WEIGHTS, number[:17], strict=True))
    return _ID_CHECK_DIGITS[total % 11] == number[17].upper()


def is_iban(number: str) -> bool:
    """Tell whether an account number's check digits fit: as digits, it is 1 modulo 97.

    Args:
        number: Country, check digits and account, without blanks. The first four characters go to
            the end, and A to Z are read as 10 to 35.

    Example:
        >>> is_iban("GB82WEST12345698765432"), is_iban("GB83WEST12345698765432")
        (True, False)
    """
    moved = number[4:] + number[:4]
    return int("".join(str(int(character, 36)) for character in moved)) % 97 == 1


def _find(kind: str, pattern: re.Pattern[str], is_right: Callable[[str], bool]) -> "_Finder":
    def find(text: str) -> Iterator[Finding]:
        for match in pattern.finditer(text):
            if is_right(re.sub("[ -]", "", match[0])):
                yield Finding(kind, *match.span())

    return find


def _find_ibans(text: str) -> Iterator[Finding]:
    """Give the longest prefix, cut at a blank, that checks: capitals may follow an IBAN."""
    for match in _IBAN.finditer(text):
        pieces = match[0].split(" ")
        for n_pieces in range(len(pieces), 0, -1):
            whole = " ".join(pieces[:n_pieces])
            number = whole.replace(" ", "")
            if len(number) >= 15 and is_iban(number):
                yield Finding("IBAN", match.start(), match.start() + len(whole))
                break


_Finder = Callable[[str], Iterator[Finding]]
_FINDERS: tuple[_Finder, ...] = (
    _find("EMAIL", _EMAIL, bool),
    _find_ibans,
    _find("CN_ID", _CHINESE_ID, is_chinese_id),
    _find("CARD", _CARD, has_luhn_digit),
    _find("SSN", _SSN, bool),
    *(_find("PHONE", pattern, bool) for pattern in _PHONES),
)
