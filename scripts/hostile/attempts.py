"""What does somebody send who means no good? Each attempt is the bytes of one HTTP request."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import quote

from hostile.bodies import BODIES

MARK = "hostilemark"
"""In every name that is sent: a file that bears it lies where it should not."""
_NAMES = [
    "../../../{m}.csv",
    "..\\..\\{m}.csv",
    "/tmp/{m}.csv",
    "C:\\{m}.csv",
    "file:///tmp/{m}.csv",
    "{m}.csv/../../x.csv",
    "{m}\x00.csv",
    "{m}.csv\x00.parquet",
    "{m}\r\nSet-Cookie: a=b.csv",
    "{m}\u202egnp.csv",
    "\ufeff{m}\u200b.csv",
    "{m}\U0001f4a3.csv",
    "<script>alert('{m}')</script>.csv",
    "{{{{7*7}}}}{m}.csv",
    "${{oc.env:HOME}}{m}.csv",
    "'; drop table web_uploads; -- {m}.csv",
    "$(touch {m}).csv",
    "-rf {m}.csv",
    "{m}" * 20 + ".csv",
    ".{m}.csv",
    "{m}.CSV",
    "con.{m}.csv",
    "{m}",
    "{m}.exe",
    "{m}.csv.gz.gz",
    "{m}.parquet",
    "{m}.jsonl",
    "{m}.csv.gz",
    "{m}.csv.xz",
    "{m}.csv.bz2",
    "{m}.csv.zst",
    "{m}.zip",
]
_WITHOUT_END = frozenset(
    {
        "a length too long",
        "no last chunk",
        "a chunk past all bounds",
        "a long chunk extension",
        "cut within the headers",
    }
)
_RAW_QUERIES = ["name=%ff%fe.csv", "name=%ed%a0%80.csv", "name=a.csv&name=b.csv", "name", "=", "%"]


@dataclass(frozen=True)
class Attempt:
    """One request: `frame` makes its headers and its body; one that is cut lacks its end."""

    kind: str
    query: str
    body: bytes
    frame: Callable[[bytes], tuple[list[bytes], bytes]] = field(repr=False)
    is_cut: bool = False

    def raw(self, host: str, token: str) -> bytes:
        """The bytes to send."""
        headers, body = self.frame(self.body)
        lines = [
            b"PUT /api/v1/uploads?" + self.query.encode("ascii") + b" HTTP/1.1",
            b"Host: " + host.encode("ascii"),
            b"Authorization: Bearer " + token.encode("ascii"),
            b"Connection: close",
            *headers,
        ]
        return b"\r\n".join(lines) + b"\r\n\r\n" + body


def attempts(n: int, seed: int) -> Iterator[Attempt]:
    """So many attempts, the same for the same seed; the first ones show every kind there is."""
    rng = random.Random(seed)
    bodies, frames = sorted(BODIES), sorted(FRAMES)
    for number in range(n):
        body = bodies[number] if number < len(bodies) else rng.choice(bodies)
        # A third of them lies about its framing; the others arrive and have to be kept or refused.
        turn = number - len(bodies)
        is_framed = 0 <= turn < len(frames) or (turn > 0 and rng.random() < 0.3)
        frame = frames[turn % len(frames)] if is_framed else "honest"
        query = _query(rng, BODIES[body].ending)
        kind = f"{body}, {frame}, {query[:60]}"
        made = BODIES[body].make(rng)
        yield Attempt(kind, query, made, FRAMES[frame], is_cut=frame in _WITHOUT_END)


def _query(rng: random.Random, ending: str) -> str:
    """A name that fits the body, a strange one, or what is no name."""
    drawn = rng.random()
    if drawn < 0.5:
        return f"name={MARK}{rng.randrange(10**6)}.{ending}"
    if drawn < 0.95:
        return "name=" + quote(rng.choice(_NAMES).format(m=MARK), safe="")
    return rng.choice(_RAW_QUERIES)


def _length(body: bytes) -> list[bytes]:
    return [b"Content-Length: %d" % len(body)]


def _chunked(body: bytes, size: int = 5000) -> bytes:
    parts = [body[i : i + size] for i in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


_CHUNKED = [b"Transfer-Encoding: chunked"]
FRAMES: dict[str, Callable[[bytes], tuple[list[bytes], bytes]]] = {
    "honest": lambda body: (_length(body), body),
    "chunked": lambda body: (_CHUNKED, _chunked(body)),
    "tiny chunks": lambda body: (_CHUNKED, _chunked(body[:3000], 1)),
    "a length too long": lambda body: ([b"Content-Length: %d" % (len(body) + 999)], body),
    "a length too short": lambda body: ([b"Content-Length: %d" % (len(body) // 2)], body),
    "a length past all bounds": lambda body: ([b"Content-Length: " + b"9" * 18], body),
    "a length past the parser": lambda body: ([b"Content-Length: " + b"9" * 5000], body),
    "a negative length": lambda body: ([b"Content-Length: -1"], body),
    "a length that is none": lambda body: ([b"Content-Length: 0x10"], body),
    "two lengths": lambda body: ([*_length(body), b"Content-Length: 1"], body),
    "a length and chunks": lambda body: ([*_length(body), *_CHUNKED], _chunked(body)),
    "no length": lambda body: ([], body),
    "a chunk past all bounds": lambda body: (_CHUNKED, b"f" * 16 + b"\r\n" + body),
    "a negative chunk": lambda _: (_CHUNKED, b"-5\r\nhello\r\n0\r\n\r\n"),
    "no last chunk": lambda body: (_CHUNKED, _chunked(body)[:-5]),
    "a long chunk extension": lambda _: (_CHUNKED, b"5;" + b"a" * 70_000 + b"\r\nhello\r\n"),
    "trailers": lambda body: (_CHUNKED, _chunked(body)[:-2] + b"X: y\r\n" * 1000 + b"\r\n"),
    "an unknown transfer": lambda body: ([b"Transfer-Encoding: gzip, chunked"], _chunked(body)),
    "said to be packed": lambda body: ([*_length(body), b"Content-Encoding: gzip"], body),
    "a huge header": lambda body: ([*_length(body), b"X-Big: " + b"a" * 200_000], body),
    "many headers": lambda body: ([*_length(body), *(b"X-%d: y" % i for i in range(5000))], body),
    "a NUL in a header": lambda body: ([*_length(body), b"X-Nul: a\x00b"], body),
    "a folded header": lambda body: ([*_length(body), b"X-Fold: a", b"  Authorization: no"], body),
    "said to be a form": lambda body: (
        [*_length(body), b"Content-Type: multipart/form-data; boundary=x"],
        body,
    ),
    "a request after the request": lambda body: (
        _length(body),
        body + b"DELETE /api/v1/uploads/x HTTP/1.1\r\nHost: evil\r\n\r\n",
    ),
    "cut within the headers": lambda _: ([b"Content-Length"], b""),
}
