"""What belongs to the site and to no room."""

import pytest
from django.test import Client


def test_healthz_answers_without_signing_in(client: Client, db: None) -> None:
    assert client.get("/healthz").content == b"ok"


def test_pages_forbid_foreign_and_inline_scripts(client: Client, db: None) -> None:
    policy = client.get("/accounts/login/").headers["Content-Security-Policy"]

    assert "default-src 'self'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize("path", ["/nowhere", "/pictures/abc", "/mispredictions/x/"])
def test_what_is_not_there_answers_404(client: Client, db: None, path: str) -> None:
    assert client.get(path).status_code == 404
