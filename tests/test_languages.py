"""Every page speaks the reader's language, and that alone."""

import gettext
import re
from html.parser import HTMLParser

import pytest
from django.conf import settings
from django.test import Client

from tests import factories
from tests.test_addresses import CELL, TABLE, furnish, path_of

CATALOGUE = settings.BASE_DIR / "locale" / "fr" / "LC_MESSAGES" / "django.mo"
SAID = ("alt", "aria-label", "placeholder", "title")
"""Attributes that are read to people."""
PARTS = ("/performance", "/training")
"""Of pages, which have those pages' titles."""


@pytest.fixture(scope="module")
def foreign() -> dict[str, set[str]]:
    """What is said in the other language alone, by language."""
    with CATALOGUE.open("rb") as file:
        pairs = gettext.GNUTranslations(file)._catalog.items()  # type: ignore[attr-defined]
    english = {key for key, _ in pairs if isinstance(key, str) and key}
    french = {value for _, value in pairs if value}
    return {"fr": english - french, "en": french - english}


class Said(HTMLParser):
    """What a page says, and in which language by its `lang` attributes."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.said: list[tuple[str, str]] = []
        self.title = ""
        self._open: list[tuple[str, str]] = [("", "")]
        self.feed(content)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        language = found.get("lang") or self._open[-1][1]
        self.said += [(language, found[name] or "") for name in SAID if name in found]
        self._open.append((tag, language))

    def handle_endtag(self, tag: str) -> None:
        if tag in {name for name, _ in self._open}:
            while self._open.pop()[0] != tag:
                """What was never closed ends with what is around it."""

    def handle_data(self, data: str) -> None:
        tag, language = self._open[-1]
        if tag not in {"script", "style"}:
            self.said.append((language, " ".join(data.split())))
        if tag == "title":
            self.title += data


@pytest.mark.django_db
@pytest.mark.parametrize("language", ["fr", "en"])
def test_pages_speak_one_language(language: str, foreign: dict[str, set[str]]) -> None:
    user = factories.make_user(is_staff=True, is_superuser=True, language=language)
    site = furnish(user)
    client, stranger = Client(), Client(headers={"accept-language": language})
    client.force_login(user)
    shown = [each for each in TABLE if "get" in each[1].methods and not each[1].of_others and "." not in each[0]]
    pages = {
        path: client.get(f"{path}?{CELL}", follow=True)
        for path in [*(path_of(*each, site) for each in shown), "/nothing/here"]
    }
    pages["/accounts/login/"] = stranger.get("/accounts/login/")
    titles: dict[str, str] = {}

    for path, page in pages.items():
        if not page.headers["Content-Type"].startswith("text/html") or "<html" not in (text := page.content.decode()):
            continue
        told = Said(text)
        assert f'<html lang="{language}"' in text, path
        wrong = [said for spoken, said in told.said if spoken == language and said in foreign[language]]
        assert wrong == [], path
        ending = re.sub("[0-9]+", "1", page.wsgi_request.path)
        if not ending.endswith(PARTS):
            assert titles.setdefault(re.sub("[0-9]+", "1", told.title), ending) == ending

    assert len(titles) > 25
