"""A body in chunks, taken apart as it comes."""

import pytest
from gunicorn.http.errors import ParseException

from classifr.chunks import FREE_FRAMING_BYTES, MOST_LINE_BYTES, BodyTooLong, Chunks

LIMIT = 1 << 20
BODY = b"5;name=value\r\nhello\r\n0A \r\n, my world\r\n0\r\nX-Sum: 12\r\n\r\n"


@pytest.mark.parametrize("step", [1, 2, 3, 7, len(BODY)])
def test_body_is_the_same_however_it_comes(step: int) -> None:
    chunks = Chunks(LIMIT)

    content = b"".join(chunks.take(BODY[start : start + step]) for start in range(0, len(BODY), step))

    assert content == b"hello, my world"
    assert chunks.is_whole
    assert chunks.size == len(content)


def test_what_comes_behind_is_kept() -> None:
    chunks = Chunks(LIMIT)

    assert chunks.take(b"0\r\n\r\nGET /") == b""
    assert chunks.behind() == b"GET /"


@pytest.mark.parametrize(
    "body",
    [
        b"\r\n",
        b"-5\r\n",
        b"+5\r\n",
        b"0x5\r\n",
        b"5_0\r\n",
        b" 5\r\n",
        b"5\nhello\r\n",
        b"5;a\nb\r\n",
        b"5;a\0\r\n",
        b"5 5\r\n",
        b"00000000000000005\r\n",
        b"2\r\nabc\r\n",
        b"0\r\nno trailer\r\n",
        b"0\r\nX: a\nY: b\r\n",
        b"5;" + b"a" * MOST_LINE_BYTES,
    ],
)
def test_what_could_be_read_otherwise_is_refused(body: bytes) -> None:
    with pytest.raises(ParseException):
        Chunks(LIMIT).take(body)


@pytest.mark.parametrize("body", [b"100001\r\n", b"ffffffffffffffff\r\n", b"100000\r\n%s\r\n1\r\n" % bytes(LIMIT)])
def test_more_than_the_limit_is_refused_when_it_is_announced(body: bytes) -> None:
    with pytest.raises(BodyTooLong):
        Chunks(LIMIT).take(body)


@pytest.mark.parametrize("piece", [b"1\r\nx\r\n", b"1;%s\r\nx\r\n" % (b"a" * 100)])
def test_sizes_and_extensions_may_not_outweigh_what_they_frame(piece: bytes) -> None:
    with pytest.raises(ParseException):
        Chunks(LIMIT).take(piece * (2 * FREE_FRAMING_BYTES // len(piece) * 4))


def test_trailers_end() -> None:
    with pytest.raises(ParseException):
        Chunks(LIMIT).take(b"0\r\n" + b"X-Endless: a\r\n" * FREE_FRAMING_BYTES)
