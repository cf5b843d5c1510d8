"""The page of help, in both languages."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from accounts.models import User
from classifr.stories import FOLDER
from tests import factories

KEYS = re.compile(r'aria-keyshortcuts="([^"]+)"')
AS_TOLD = {"ArrowLeft": "←", "ArrowRight": "→", "{{ forloop.counter }}": "1"}


@pytest.mark.django_db
@pytest.mark.parametrize(("language", "heading"), [("fr", "Classer une photo"), ("en", "Classify a photo")])
def test_stories_are_told_in_the_readers_language(language: str, heading: str) -> None:
    browser = Client()
    browser.force_login(factories.make_user(language=language))

    page = browser.get(reverse("help")).content.decode()

    assert f"<h2>{heading}</h2>" in page
    assert "<pre><code>manage.py create_project" in page
    assert "<table>" in page


@pytest.mark.django_db
def test_every_page_leads_to_the_help(client: Client, person: User) -> None:
    client.force_login(person)

    assert f'href="{reverse("help")}"' in client.get(reverse("feedback:uploads")).content.decode()


def test_both_languages_tell_the_same_stories() -> None:
    pages = {path.stem: path.read_text() for path in FOLDER.glob("*.md")}
    shapes = [re.findall(r"^(## |\d\. |    manage.py \w+|\| `\w+`)", page, re.MULTILINE) for page in pages.values()]

    assert pages.keys() == {code for code, _name in settings.LANGUAGES}
    assert all([each[:3] for each in shape] == [each[:3] for each in shapes[0]] for shape in shapes)


def test_every_shortcut_of_a_page_is_told() -> None:
    templates = Path(settings.BASE_DIR, "templates").rglob("*.html")
    keys = {key for path in templates for key in KEYS.findall(path.read_text())}

    for path in FOLDER.glob("*.md"):
        assert {key for key in keys if f"`{AS_TOLD.get(key, key)}`" not in path.read_text()} == set()
