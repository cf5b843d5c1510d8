"""Requests whose bodies nobody may read."""

import io
from typing import Any

from django.test import Client


class Unread(io.RawIOBase):
    """A body that must not be read."""

    def read(self, size: int = -1) -> bytes:
        raise AssertionError("The body was read.")

    def close(self) -> None:
        pass


def send_unread(browser: Client, path: str, length: int, *, method: str = "POST", **extra: Any) -> Any:
    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "CONTENT_TYPE": "multipart/form-data; boundary=x",
        "CONTENT_LENGTH": str(length),
        "wsgi.input": Unread(),
        "HTTP_ACCEPT_LANGUAGE": "en",
        **extra,
    }
    return browser.request(**environ)
