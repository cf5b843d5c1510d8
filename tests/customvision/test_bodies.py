"""Bodies as programs write them by hand: lenient JSON, addresses in other media types, forms by other names."""

import json
from functools import partial
from typing import Any

import pytest
from django.test import RequestFactory

from customvision import lenient_json
from customvision.bodies import Part, read_json, read_pictures
from customvision.errors import ApiError
from customvision.image_urls import read_image_url
from customvision.schemas.predictions import PredictionQueryToken
from customvision.schemas.projects import ProjectIn
from tests.customvision.greedy import MOST_GROWN, bytes_grown

URL = "https://pictures.example/a.jpg"
MEBI = 1024 * 1024
rf = RequestFactory()


def described(body: bytes | str) -> str | None:
    """Return the description that a project would get."""
    return read_json(rf.generic("PATCH", "/", body, content_type="application/json"), ProjectIn).description


def url_of(body: bytes | str, content_type: str) -> str:
    return read_image_url(rf.generic("POST", "/", body, content_type=content_type))


# JSON


@pytest.mark.parametrize(
    "body",
    [
        "{'description' : 'Of Italy'}",
        '{"description": "Of Italy",}',
        "{description: 'Of Italy'}",
        '// of a config file\n{"description": /* so far */ "Of Italy"}',
        "{'description': 'Of\\x20It\\u0061ly', }",
        b"\xef\xbb\xbf{'description': 'Of Italy'}",
        json.dumps({"description": "Of Italy"}).encode("utf-16"),
        json.dumps({"description": "Of Italy"}).encode("utf-16-be"),
        "{'description': 'Of France', 'description': 'Of Italy'}",
        '{"description": "Of France", "description": "Of Italy"}',
    ],
)
def test_json_is_taken_as_the_services_own_reader_takes_it(body: bytes | str) -> None:
    assert described(body) == "Of Italy"


def test_text_in_single_quotes_keeps_its_double_quotes_and_its_slashes() -> None:
    assert described("""{'description': 'a "b" \\'c\\' // d /* é 😀 */'}""") == """a "b" 'c' // d /* é 😀 */"""


@pytest.mark.parametrize(
    "body",
    [
        "nonsense",
        "{'description': 'Of Italy'",
        "{'description': 'Of Italy\n'}",
        "{'description': 'Of Italy'} {}",
        "{'description': True}",
        "{'description' 'Of Italy'}",
        "[" * 100,
        "{a:" * 10_000,
        "{'name': 0x" + "1" * 10_000 + "}",
        "// nothing",
        b"{'description': '\xff'}",
        b"\xff\xfe\x00",
    ],
)
def test_what_is_no_json_of_any_kind_is_refused_in_the_words_of_strict_json(body: bytes | str) -> None:
    with pytest.raises(ApiError, match="Invalid JSON") as caught:
        described(body)

    assert (caught.value.code, caught.value.status) == ("BadRequest", 400)


def test_values_in_lenient_json_are_as_strict_as_in_any_other() -> None:
    with pytest.raises(ApiError, match="description: Input should be a valid string"):
        described("{'description': 1}")


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_number_that_is_none_is_refused_also_in_lenient_json(number: str) -> None:
    body = f"{{'tags': [{{'id': '00000000-0000-4000-8000-000000000000', 'minThreshold': {number}}}]}}"

    with pytest.raises(ApiError, match="finite"):
        read_json(rf.generic("POST", "/", body, content_type="application/json"), PredictionQueryToken)


@pytest.mark.parametrize(
    ("start", "item", "end"),
    [
        ("{a:'", "a", "'}"),
        ("{a:'", "é", "'}"),
        ("{a:'", "\\x41", "'}"),
        ("{a:'😀", "a", "'}"),
        ("{", "a", ":1}"),
        ("", "/**/", ""),
        ("", "{a:", ""),
        ("{a:0x", "1", "}"),
        ("{a:0.", "1", "}"),
        ("{'a':[", "1,", "]}"),
        ("{", "a:1,", "}"),
        ("'", "'", ""),
    ],
)
def test_lenient_json_costs_little_whatever_it_is(start: str, item: str, end: str) -> None:
    body = (start + item * (3 * MEBI // len(item.encode())) + end).encode()

    assert bytes_grown(partial(lenient_json.to_strict, body)) < MOST_GROWN // 2


def test_longest_bodies_are_strict() -> None:
    body = b"{'a': 1}" + b" " * lenient_json.MOST_BYTES

    assert lenient_json.to_strict(body) is None


# Addresses


@pytest.mark.parametrize("content_type", ["application/xml", "text/xml", "text/xml; charset=utf-8"])
@pytest.mark.parametrize(
    "body",
    [
        f"<ImageUrl><Url>{URL}</Url></ImageUrl>",
        f'<?xml version="1.0"?>\n<ImageUrl xmlns="http://schemas.example/Models">\n  <url> {URL}\n</url>\n</ImageUrl>',
    ],
)
def test_address_is_read_from_xml(body: str, content_type: str) -> None:
    assert url_of(body, content_type) == URL


@pytest.mark.parametrize("body", ["url=https%3A%2F%2Fpictures.example%2Fa.jpg", f"a=b&Url={URL}"])
def test_address_is_read_from_a_form(body: str) -> None:
    assert url_of(body, "application/x-www-form-urlencoded") == URL


@pytest.mark.parametrize(
    ("body", "content_type", "words"),
    [
        ("<ImageUrl><Url>", "text/xml", "The XML cannot be read"),
        (" ", "text/xml", "The XML cannot be read"),
        ("<ImageUrl/>", "text/xml", "no element Url"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><Url>&b;</Url>', "application/xml", "a document type is not read"),
        ('{"url": "https://a.example"}', "application/x-www-form-urlencoded", "no field url"),
        (b"url=%ff", "application/x-www-form-urlencoded", "The form cannot be read"),
        (b"url=\xff", "application/x-www-form-urlencoded", "The form cannot be read"),
        ("&".join(f"a{n}=" for n in range(65)), "application/x-www-form-urlencoded", "The form cannot be read"),
    ],
)
def test_body_without_an_address_is_refused_with_what_is_accepted(
    body: bytes | str, content_type: str, words: str
) -> None:
    with pytest.raises(ApiError, match=words) as caught:
        url_of(body, content_type)

    assert caught.value.code == "BadRequest"


@pytest.mark.parametrize("item", ["<a>", "<a/>", "<a b=''>c</a>"])
def test_xml_costs_little_whatever_it_is(item: str) -> None:
    body = f"<a>{item * (MEBI // len(item))}</a>"

    def read() -> None:
        with pytest.raises(ApiError):
            url_of(body, "text/xml")

    assert bytes_grown(read) < MOST_GROWN // 2


# Forms


def form(*, field: str = "imageData") -> bytes:
    head = f'--b 1\r\nContent-Disposition: form-data; name="{field}"; filename="a.jpg"\r\n\r\n'
    return head.encode() + b"picture\r\n--b 1--\r\n"


@pytest.mark.parametrize(
    "content_type",
    ["application/octet-stream", "image/jpeg", "application/x-www-form-urlencoded", "", "multipart/form-data"],
)
def test_form_is_read_whatever_it_is_called(content_type: str) -> None:
    assert read_pictures(sent(form(), content_type)) == [Part('"a.jpg"', b"picture", "imageData")]


@pytest.mark.parametrize("content", [b"--", b"--b\r\nnothing of a form", b"\xff\xd8picture"])
def test_bytes_that_are_no_form_stay_as_they_are(content: bytes) -> None:
    assert read_pictures(sent(content, "application/octet-stream")) == [Part("", content)]


def test_form_that_ends_too_early_is_refused_whatever_it_is_called() -> None:
    with pytest.raises(ApiError, match="The multipart body cannot be read"):
        read_pictures(sent(form()[:-10], "application/octet-stream"))


def sent(content: bytes, content_type: str) -> Any:
    return rf.generic("POST", "/", content, content_type=content_type)
