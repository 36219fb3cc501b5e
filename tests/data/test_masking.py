import random
import re
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.data.masking import (
    Finding,
    Masked,
    has_luhn_digit,
    is_chinese_id,
    is_iban,
    mask_personal_data,
)

PERSONAL = [
    ("ann@example.org", "EMAIL"),
    ("Ann.Lee+news_1@mail.example-site.co.uk", "EMAIL"),
    ("wang@example.cn", "EMAIL"),
    ("wang＠example.cn", "EMAIL"),
    ("13812345678", "PHONE"),
    ("138 1234 5678", "PHONE"),
    ("199-1234-5678", "PHONE"),
    ("+86 138 1234 5678", "PHONE"),
    ("+86-10-12345678", "PHONE"),
    ("8613812345678", "PHONE"),
    ("0086 13812345678", "PHONE"),
    ("010-62345678", "PHONE"),
    ("0571-87654321", "PHONE"),
    ("(021)62345678", "PHONE"),
    ("（0571） 8765 4321", "PHONE"),
    ("400-820-8820", "PHONE"),
    ("415-555-2671", "PHONE"),
    ("(415) 555-2671", "PHONE"),
    ("415.555.2671", "PHONE"),
    ("1-415-555-2671", "PHONE"),
    ("+1 (415) 555-2671", "PHONE"),
    ("+44 20 7946 0958", "PHONE"),
    ("+44 (0)20 7946 0958", "PHONE"),
    ("+33.1.23.45.67.89", "PHONE"),
    ("+4915123456789", "PHONE"),
    ("020 7946 0958", "PHONE"),
    ("07700 900123", "PHONE"),
    ("07700900123", "PHONE"),
    ("(01632) 960001", "PHONE"),
    ("11010519491231002X", "CN_ID"),
    ("11010519491231002x", "CN_ID"),
    ("440524188001010014", "CN_ID"),
    ("219-09-9999", "SSN"),
    ("GB82 WEST 1234 5698 7654 32", "IBAN"),
    ("GB82WEST12345698765432", "IBAN"),
    ("DE89 3704 0044 0532 0130 00", "IBAN"),
    ("NO9386011117947", "IBAN"),
    ("4111 1111 1111 1111", "CARD"),
    ("4111-1111-1111-1111", "CARD"),
    ("5500005555555559", "CARD"),
    ("3782 822463 10005", "CARD"),
    ("6200000000000005", "CARD"),
    ("30569309025904", "CARD"),
]
NOT_PERSONAL = [
    "in 1999 and 2024, 1914-1918, 2020–2024",
    "on 2024-05-12, 12/05/2024, 12.05.2024 at 10:30:45",
    "$19.99, £1,234,567, €13812345678, $ 13812345678, ¥4111111111111111",
    "共13812345678元，约 13912345678 美元",
    "pi is 3.14 or 3.14159265358979, +3.14159265, -13812345678.5",
    "version 3.11.4, numpy 2.4.6, 192.168.100.200",
    "ISBN 978-0-306-40615-7, ISBN 0-306-40615-2, ISBN 9787111123456, ISBN 0306406152",
    "a population of 12345678, or 4,858,979; order 1234567890",
    "555-0123, 123-456-7890, 0123-456, 12 34 56 78",
    "about 19 082 000 people, 4 148 000 before",
    "chapter 1-2-3-4-5-6-7-8-9, score 21-19, pages 271–281",
    "id x13812345678, 13812345678a, 138123456789, 12345678901",
    "110105194912310021, 110105194913310023, 999999999999999999",
    "4111 1111 1111 1112, 1111111111111117, 4111-1111 1111-1111",
    "000-12-3456, 666-12-3456, 912-12-3456, 123-00-4567, 123-45-0000, 1219-09-9999",
    "GB83 WEST 1234 5698 7654 32, AB12 CDEF",
    "me @home, a@b, @ann, user@localhost, 5 @ 3.50",
    "上午10点，第12345号，2024年5月12日，3.5万人，邮编100080",
]


@pytest.mark.parametrize(("secret", "kind"), PERSONAL)
@pytest.mark.parametrize(
    "frame", ["{}", "Write to {}, please.", "请联系{}谢谢。", "({}) 电话：{}、{}"]
)
def test_personal_data_is_masked(secret: str, kind: str, frame: str) -> None:
    masked = mask_personal_data(frame.replace("{}", secret))
    assert masked.text == frame.replace("{}", f"[{kind}]")
    assert masked.counts == {kind: frame.count("{}")}


@pytest.mark.parametrize("text", NOT_PERSONAL)
def test_ordinary_numbers_stay(text: str) -> None:
    assert mask_personal_data(text) == Masked(text, ())


@pytest.mark.parametrize("frame", ["{}年", "共{}人。", "costs ${}.", "v{}", "no. {}"])
@settings(deadline=None, max_examples=30)
@given(number=st.integers(0, 9_999_999))
def test_short_numbers_stay(frame: str, number: int) -> None:
    text = frame.format(number)
    assert mask_personal_data(text).text == text


def test_several_kinds_in_one_text() -> None:
    text = "王芳（11010519491231002X），电话13812345678，邮箱wf@example.cn；SSN 219-09-9999."
    masked = mask_personal_data(text)
    assert masked.text == "王芳（[CN_ID]），电话[PHONE]，邮箱[EMAIL]；SSN [SSN]."
    assert [(f.kind, text[f.start : f.end]) for f in masked.found] == [
        ("CN_ID", "11010519491231002X"),
        ("PHONE", "13812345678"),
        ("EMAIL", "wf@example.cn"),
        ("SSN", "219-09-9999"),
    ]
    assert masked.counts == {"CN_ID": 1, "EMAIL": 1, "PHONE": 1, "SSN": 1}


def test_one_place_is_masked_once_by_the_surest_kind() -> None:
    masked = mask_personal_data("13812345678@example.cn")
    assert masked == Masked("[EMAIL]", (Finding("EMAIL", 0, 22),))
    # A resident number whose 18 digits also pass as a card.
    both = "440524188001010014"
    assert is_chinese_id(both)
    assert mask_personal_data(both).counts == {"CN_ID": 1}


def test_lists_without_blanks() -> None:
    text = "415-555-2671,415-555-2672;13812345678/13912345678,a@b.co,c@d.io"
    masked = mask_personal_data(text)
    assert masked.text == "[PHONE],[PHONE];[PHONE]/[PHONE],[EMAIL],[EMAIL]"


def test_capitals_after_an_account_are_left_alone() -> None:
    masked = mask_personal_data("AT61 1904 3002 3457 3201 WITH LOVE")
    assert masked.text == "[IBAN] WITH LOVE"


@settings(deadline=None, max_examples=300)
@given(st.lists(st.sampled_from([*(secret for secret, _ in PERSONAL), *" .,-我a1+(@", "$"])))
def test_only_the_places_found_change(pieces: list[str]) -> None:
    text = "".join(pieces)
    masked = mask_personal_data(text)
    rebuilt, end = "", 0
    for finding in masked.found:
        assert end <= finding.start < finding.end
        rebuilt += text[end : finding.start] + f"[{finding.kind}]"
        end = finding.end
    assert masked.text == rebuilt + text[end:]
    assert sum(masked.counts.values()) == len(masked.found)


@settings(deadline=None)
@given(st.text())
def test_text_without_digits_or_at_signs_stays(text: str) -> None:
    text = re.sub(r"[0-9@＠]", "", text)
    assert mask_personal_data(text).text == text


def test_a_long_text_without_personal_data_takes_no_long_time() -> None:
    for text in ("a" * 50_000, "1" * 50_000, "a." * 25_000, "A1 " * 20_000, "+1 (" * 20_000):
        assert mask_personal_data(text).found == ()


@settings(deadline=None)
@given(st.integers(10**12, 10**18))
def test_luhn_has_one_right_digit_and_sees_every_wrong_one(number: int) -> None:
    right = [digit for digit in "0123456789" if has_luhn_digit(f"{number}{digit}")]
    assert len(right) == 1
    digits = f"{number}{right[0]}"
    place = random.Random(number).randrange(len(digits))
    changed = digits[:place] + str((int(digits[place]) + 1) % 10) + digits[place + 1 :]
    assert not has_luhn_digit(changed)


@settings(deadline=None)
@given(st.integers(0, 999_999), st.dates(min_value=date(1900, 1, 1)), st.integers(0, 999))
def test_a_chinese_number_has_one_right_check_character(place: int, born: date, n: int) -> None:
    stem = f"{place:06d}{born:%Y%m%d}{n:03d}"
    running = 0  # ISO 7064, MOD 11-2, as the standard computes it: no weights
    for digit in stem:
        running = (running + int(digit)) * 2 % 11
    check = "0123456789X"[(12 - running) % 11]
    assert [c for c in "0123456789X" if is_chinese_id(stem + c)] == [check]
    assert not any(is_chinese_id(f"{stem[:10]}13{stem[12:]}{check}") for check in "0123456789X")


def test_an_account_checks_by_hand() -> None:
    # "GB82 AB": AB GB 82 -> 10 11 16 11 82 -> 1011161182 = 97 * 10424342 + 8
    assert 1011161182 % 97 == 8
    assert not is_iban("GB82AB")
    assert is_iban("NO9386011117947")
    assert not is_iban("NO9386011117974")
