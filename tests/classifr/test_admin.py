"""What administrators may do in Django's admin."""

import pytest
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from accounts.models import ApiKey
from classifier.models import Prediction
from feedback.models import Verdict
from tests import factories
from training.models import Iteration, Project, Tag


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
