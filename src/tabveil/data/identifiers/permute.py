"""In which order are the made-up values of a column handed out?

Row k of a made-up column takes number `scatter(k, ...)`: a bijection on `0 … size - 1`, so that no
two rows share a number and no counter has to be remembered. It is a Feistel network over two
halves of nearly equal size: each round adds to one half a hash of the other, which can be undone
and hence loses nothing; a number that lands beyond `size` walks on until it is inside. This is for
looks, not for secrecy: the salt is stored beside the column's mask.
"""

from __future__ import annotations

import hashlib
import math

_ROUNDS = 4  # with four, no visible order is left (Luby and Rackoff, SIAM J. Comput. 17(2), 1988)


def scatter(number: int, *, size: int, salt: int) -> int:
    """The image of `number` under the bijection on `0 … size - 1` that `salt` names.

    Args:
        number: in `0 … size - 1`.
        size: at least 1; any whole number, also beyond 64 bits.
        salt: any whole number; another salt gives another order.

    >>> sorted(scatter(k, size=10, salt=7) for k in range(10)) == list(range(10))
    True
    """
    half = math.isqrt(size - 1) + 1
    while True:
        left, right = divmod(number, half)
        for turn in range(_ROUNDS):
            left, right = right, (left + _noise(right, turn, salt)) % half
        number = left * half + right
        if number < size:
            return number


def _noise(value: int, turn: int, salt: int) -> int:
    """A number that looks drawn at random; 64 bytes, for halves of up to 512 bits."""
    text = f"{salt}.{turn}.{value}".encode()
    return int.from_bytes(hashlib.blake2b(text).digest(), "big")
