"""What can be changed of a project on its page of settings, and what being archived means."""

import pytest
from django.test import Client

from classifier.readiness import default_project
from tests.training.project_pages import make_image, said, url
from training.models import Project

pytestmark = pytest.mark.django_db


def test_name_description_and_domain_are_changed(site: Client, project: Project) -> None:
    data = {"name": "Plats", "description": "Italiens.", "domain": "General"}

    site.post(url("settings", project.pk), data)

    project.refresh_from_db()
    assert (project.name, project.description, project.domain) == ("Plats", "Italiens.", "General")


def test_project_with_images_keeps_its_domain_and_says_why(site: Client, project: Project) -> None:
    make_image(project)
    was = project.domain

    assert "A project that has images keeps its domain." in site.get(url("settings", project.pk)).content.decode()
    site.post(url("settings", project.pk), {"name": "Plats", "domain": "General [A1]"})

    project.refresh_from_db()
    assert (project.name, project.domain) == ("Plats", was)


def test_name_of_another_project_is_refused_and_its_own_is_not(site: Client, project: Project) -> None:
    Project.objects.create(name="Other")

    answer = site.post(url("settings", project.pk), {"name": "OTHER", "domain": project.domain})
    assert "There is a project of that name already." in answer.content.decode()

    site.post(url("settings", project.pk), {"name": project.name.upper(), "domain": project.domain})
    assert Project.objects.get(pk=project.pk).name == project.name.upper()


def test_archived_project_is_out_of_list_and_picker_and_keeps_everything(site: Client, food_project: Project) -> None:
    site.post(url("project_archive", food_project.pk))

    context = site.get(url("projects")).context
    assert ([row[0] for row in context["rows"]], context["archived"]) == ([], [food_project])
    assert default_project() is None
    food_project.refresh_from_db()
    assert food_project.live_iteration is not None
    assert food_project.live_iteration.publish_name
    assert "still answers programs" in site.get(url("settings", food_project.pk)).content.decode()


def test_archived_project_is_brought_back(site: Client, food_project: Project) -> None:
    site.post(url("project_archive", food_project.pk))

    answer = site.post(url("project_archive", food_project.pk), {"bring_back": "1"}, follow=True)

    assert "is back among the projects" in said(answer)
    assert default_project() == food_project
