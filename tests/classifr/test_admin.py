"""What administrators may do in Django's admin."""

import re

import pytest
from django.contrib.admin import site
from django.contrib.auth.models import Group
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from accounts.keys import create_key
from accounts.models import ApiKey, User
from classifier.models import Prediction
from feedback.models import Verdict
from tests import factories
from training.models import Iteration, Project, Tag

ENDS = "th|h1|h2|h3|label|summary|caption|title|div|option"
LABELS = re.compile(
    rf'<(?:th|h1|h2|h3|label|summary|caption|title|div class="help"|option value="[0-9]+")[^>]*>(.*?)</(?:{ENDS})>',
    re.DOTALL,
)
SAME = {"action", "action ---------", "classification", "date", "description", "permissions", "type"}
"""Words of both languages."""


@pytest.mark.parametrize("model", [ApiKey, Iteration, Prediction, Project, Tag, Verdict])
def test_what_services_keep_is_only_looked_at(model: type[Model], client: Client, db: None) -> None:
    client.force_login(factories.make_user(is_staff=True, is_superuser=True))
    pages = f"admin:{model._meta.app_label}_{model._meta.model_name}"

    assert client.get(reverse(f"{pages}_changelist")).status_code == 200
    assert client.get(reverse(f"{pages}_add")).status_code == 403


def test_project_and_tag_are_changed_by_services_alone(client: Client, db: None) -> None:
    client.force_login(factories.make_user(is_staff=True, is_superuser=True))
    project = factories.make_project(name="Dishes")
    tag = Tag.objects.create(project=project, name="pizza")

    for row in (project, tag):
        place = f"/admin/{row._meta.app_label}/{row._meta.model_name}/{row.pk}"
        assert client.get(f"{place}/change/").status_code == 200
        assert client.post(f"{place}/change/", {"name": "other"}).status_code == 403
        assert client.post(f"{place}/delete/", {"post": "yes"}).status_code == 403
    assert [row.refresh_from_db() or row.name for row in (project, tag)] == ["Dishes", "pizza"]


def words_of(page: str) -> set[str]:
    """Return what names the columns, fields, filters and sections of a page, and what explains them."""
    texts = (re.sub(r"<[^>]*>|&[a-z]+;|[:*]", " ", text) for text in LABELS.findall(page))
    return {" ".join(text.split()).lower() for text in texts}


def test_admin_says_everything_in_both_languages(client: Client, db: None) -> None:
    """What it says alike in both was translated by nobody, but for words of both languages, and names."""
    said: dict[str, set[str]] = {}
    wrong = factories.make_misprediction()
    tag = factories.make_project(name="4").tags.create(name="2")
    key, _text = create_key(name="3", scope="all", by=None)
    rows = [tag, tag.project, wrong.verdict, wrong.prediction, key, *Group.objects.all(), wrong.prediction.user]
    models = [*site._registry]
    for language in ("fr", "en"):
        client.force_login(factories.make_administrator(language=language))
        places = [f"/admin/{model._meta.app_label}/{model._meta.model_name}/" for model in models]
        places += [f"/admin/{row._meta.app_label}/{row._meta.model_name}/{row.pk}/change/" for row in rows if row]
        pages = [client.get(place).content.decode() for place in ["/admin/", *places]]
        assert [place for place, page in zip(["/admin/", *places], pages, strict=True) if ">None<" in page] == []
        said[language] = set().union(*map(words_of, pages))

    names = {str(row).lower() for row in [*rows, *User.objects.all(), *Project.objects.all()]}
    assert len(said["fr"]) > 50
    assert {word for word in said["fr"] & said["en"] if re.search("[a-z]", word)} - names <= SAME
