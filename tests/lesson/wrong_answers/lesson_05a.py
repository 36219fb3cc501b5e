"""Wrong answers to the exercises of lesson 05a on duplicates and check digits."""

from course_lib.data.units import text_units

# --- shingles_of ---------------------------------------------------------------------------------


def keeps_capitals(text, size):
    units = text_units(text)
    if 0 < len(units) < size:
        return frozenset([tuple(units)])
    return frozenset(tuple(units[i : i + size]) for i in range(len(units) - size + 1))


def splits_at_blanks(text, size):
    units = text.lower().split()
    if 0 < len(units) < size:
        return frozenset([tuple(units)])
    return frozenset(tuple(units[i : i + size]) for i in range(len(units) - size + 1))


def letters(text, size):
    text = text.lower()
    if 0 < len(text) < size:
        return frozenset([tuple(text)])
    return frozenset(tuple(text[i : i + size]) for i in range(len(text) - size + 1))


def stops_early(text, size):
    units = text_units(text.lower())
    if 0 < len(units) < size:
        return frozenset([tuple(units)])
    return frozenset(tuple(units[i : i + size]) for i in range(len(units) - size))


def stops_late(text, size):
    units = text_units(text.lower())
    return frozenset(tuple(units[i : i + size]) for i, _ in enumerate(units))


def in_chunks(text, size):
    units = text_units(text.lower())
    if 0 < len(units) < size:
        return frozenset([tuple(units)])
    shingles = set()
    for i in range(0, len(units), size):
        if i + size <= len(units):
            shingles.add(tuple(units[i : i + size]))
    return frozenset(shingles)


def bags(text, size):
    units = text_units(text.lower())
    if 0 < len(units) < size:
        return frozenset([tuple(sorted(units))])
    return frozenset(tuple(sorted(units[i : i + size])) for i in range(len(units) - size + 1))


def no_short_texts(text, size):
    units = text_units(text.lower())
    return frozenset(zip(*(units[i:] for i in range(size)), strict=False))


def short_even_if_empty(text, size):
    units = text_units(text.lower())
    if len(units) < size:
        return frozenset({tuple(units)})
    return frozenset(tuple(units[i : i + size]) for i in range(len(units) - size + 1))


def glued(text, size):
    units = text_units(text.lower())
    if 0 < len(units) < size:
        return frozenset([" ".join(units)])
    return frozenset(" ".join(units[i : i + size]) for i in range(len(units) - size + 1))


def as_list(text, size):
    units = text_units(text.lower())
    if 0 < len(units) < size:
        return [tuple(units)]
    return [tuple(units[i : i + size]) for i in range(len(units) - size + 1)]


def as_set(text, size):
    return set(as_list(text, size))


# --- jaccard -------------------------------------------------------------------------------------


def counts_twice(first, second):
    if not first and not second:
        return 1.0
    return len(first.intersection(second)) / (len(first) + len(second))


def dice(first, second):
    sizes = len(first) + len(second)
    return 2 * len(first & second) / sizes if sizes else 1


def by_the_smaller(first, second):
    if not first and not second:
        return 1.0
    if not first or not second:
        return 0.0
    return len(first & second) / min(len(first), len(second))


def by_the_first(first, second):
    if not first:
        return 1.0 if not second else 0.0
    return len(first & second) / len(first)


def distance(first, second):
    union = first | second
    return 1 - len(first & second) / len(union) if union else 0.0


def count(first, second):
    return sum(shingle in second for shingle in first)


def exclusive(first, second):
    union = first | second
    return len(first ^ second) / len(union) if union else 1.0


def no_zero(first, second):
    return len(first & second) / len(first.union(second))


def zero_for_zero(first, second):
    try:
        return len(first & second) / len(first | second)
    except ZeroDivisionError:
        return 0.0


def percent(first, second):
    union = len(first | second)
    return 100 * len(first & second) / union if union else 100.0


# --- has_luhn_digit ------------------------------------------------------------------------------


def from_the_left(digits):
    total = 0
    for place, digit in enumerate(digits):
        value = int(digit)
        if place % 2 == 1:
            value *= 2
            if value > 9:
                value -= 9
        total += value
    return total % 10 == 0


def first_from_the_left(digits):
    total = 0
    for place, digit in enumerate(digits):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value // 10 + value % 10
    return total % 10 == 0


def doubles_the_last(digits):
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def no_nines(digits):
    total = sum(2 * int(d) for d in digits[-2::-2]) + sum(int(d) for d in digits[-1::-2])
    return total % 10 == 0


def last_figure_of_the_double(digits):
    total = sum(2 * int(d) % 10 for d in digits[-2::-2]) + sum(int(d) for d in digits[-1::-2])
    return total % 10 == 0


def plain_sum(digits):
    return sum(map(int, digits)) % 10 == 0


def doubles_all(digits):
    total = 0
    for digit in digits:
        value = 2 * int(digit)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def without_check_digit(digits):
    total = 0
    for place, digit in enumerate(reversed(digits[:-1])):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def returns_the_rest(digits):
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 == 1 else 1)
        total += value - 9 if value > 9 else value
    return total % 10


def nonzero(digits):
    return bool(returns_the_rest(digits))


WRONG = {
    "05a:shingles_of": [
        ("case-kept", keeps_capitals),
        ("cut-at-blanks", splits_at_blanks),
        ("characters-instead-of-words", letters),
        ("last-run-lost", stops_early),
        ("runs-too-short-at-the-end", stops_late),
        ("runs-side-by-side", in_chunks),
        ("order-lost", bags),
        ("short-text-dropped", no_short_texts),
        ("empty-shingle", short_even_if_empty),
        ("strings-instead-of-tuples", glued),
        ("repetitions-kept", as_list),
        ("repetitions-kept", as_set),
    ],
    "05a:jaccard": [
        ("sizes-added", counts_twice),
        ("dice", dice),
        ("divided-by-the-smaller", by_the_smaller),
        ("divided-by-the-first", by_the_first),
        ("distance", distance),
        ("only-counted", count),
        ("wrong-operator", exclusive),
        ("two-empty-sets-fail", no_zero),
        ("two-empty-sets-differ", zero_for_zero),
        ("constant-factor", percent),
    ],
    "05a:has_luhn_digit": [
        ("counted-from-the-left", from_the_left),
        ("counted-from-the-first-digit", first_from_the_left),
        ("check-digit-doubled", doubles_the_last),
        ("nine-not-taken-off", no_nines),
        ("nine-not-taken-off", last_figure_of_the_double),
        ("nothing-doubled", plain_sum),
        ("all-doubled", doubles_all),
        ("check-digit-left-out", without_check_digit),
        ("remainder-returned", returns_the_rest),
        ("upside-down", nonzero),
    ],
}
