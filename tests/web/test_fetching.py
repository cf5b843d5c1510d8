"""Where pictures may be fetched from, the operator says; the rest is `engine.fetching`'s."""

import pytest
from pytest_django import Settings

from engine.fetching import pictures
from web.fetching import NotFetched, fetch_picture


@pytest.mark.parametrize(
    ("listed", "why"), [([], "not in the public Internet"), (["127.0.0.1/32"], "cannot be reached")]
)
def test_machine_that_is_not_public_is_asked_where_the_operator_lists_it(
    listed: list[str], why: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_args: object, **_options: object) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr(pictures, "create_connection", refuse)
    settings.CLASSIFR_URL_FETCH_ALLOW = listed

    with pytest.raises(NotFetched, match=why):
        fetch_picture("http://127.0.0.1/a.jpg", max_bytes=9)
