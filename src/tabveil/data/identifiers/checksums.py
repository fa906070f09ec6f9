"""Which check digits do bank, card and identity numbers carry, and do they hold?

A checksum tells a card number from any sixteen digits. The same functions test a number that was
found and complete one that is made up. Every function takes a text of digits (or letters, where
said), without spaces, and trusts its caller for the length.
"""

from __future__ import annotations

_DNI_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"  # Spanish Interior Ministry: the number modulo 23
_PESEL_WEIGHTS = (1, 3, 7, 9, 1, 3, 7, 9, 1, 3)  # Polish act of 24 September 2010


def luhn_digit(digits: str) -> str:
    """The digit that completes a card number (ISO/IEC 7812-1, annex B).

    >>> luhn_digit("7992739871")
    '3'
    """
    doubled = [int(c) * 2 if i % 2 == 0 else int(c) for i, c in enumerate(reversed(digits))]
    return str(-sum(d - 9 if d > 9 else d for d in doubled) % 10)


def luhn_holds(digits: str) -> bool:
    """Whether the last digit completes the others.

    >>> luhn_holds("4111111111111111")
    True
    """
    return digits[-1] == luhn_digit(digits[:-1])


def iban_digits(country: str, account: str) -> str:
    """The two check digits of an IBAN (ISO 13616, ISO 7064 mod 97-10).

    >>> iban_digits("GB", "WEST12345698765432")
    '82'
    """
    return f"{98 - _as_number(account + country + '00') % 97:02d}"


def iban_holds(iban: str) -> bool:
    """Whether an IBAN without spaces leaves remainder 1 modulo 97.

    >>> iban_holds("GB82WEST12345698765432")
    True
    """
    return _as_number(iban[4:] + iban[:4]) % 97 == 1


def _as_number(text: str) -> int:
    """Digits as they are, letters as 10 … 35."""
    return int("".join(str(int(character, 36)) for character in text))


def steuer_id_digit(digits: str) -> str:
    """The eleventh digit of a German tax id (ISO 7064 mod 11, 10).

    >>> steuer_id_digit("8609574271")
    '9'
    """
    product = 10
    for digit in digits:
        total = (int(digit) + product) % 10 or 10
        product = total * 2 % 11
    return str((11 - product) % 10)


def dni_letter(digits: str) -> str:
    """The letter after the eight digits of a Spanish DNI.

    >>> dni_letter("12345678")
    'Z'
    """
    return _DNI_LETTERS[int(digits) % 23]


def pesel_digit(digits: str) -> str:
    """The eleventh digit of a Polish PESEL.

    >>> pesel_digit("4405140135")
    '9'
    """
    total = sum(w * int(d) for w, d in zip(_PESEL_WEIGHTS, digits, strict=True))
    return str(-total % 10)


def nir_key(body: str) -> str:
    """The two-digit key after the thirteen characters of a French NIR (INSEE; Corsica 2A, 2B).

    >>> nir_key("2550814168025")
    '38'
    """
    number = int(body.replace("2A", "19").replace("2B", "18"))
    return f"{97 - number % 97:02d}"
