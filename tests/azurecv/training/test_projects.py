"""Projects and tags at Azure."""

from uuid import UUID

import pytest

from azurecv.training.mirror import CustomVisionMirror
from azurecv.training.trainer import CustomVisionTrainer
from tests.azurecv import azure_training as recorded
from tests.azurecv.azure import RecordedAnswer, RecordedAzure, error
from tests.azurecv.azure_training import PROJECT, TAGS
from training.exceptions import (
    BackendUnavailable,
    Refused,
)
from training.models import Project, Tag
from training.services import projects

pytestmark = pytest.mark.django_db


def test_project_gets_the_classification_domain_of_its_name(azure: RecordedAzure, mirror: CustomVisionMirror) -> None:
    azure.on("GET", "/domains", RecordedAnswer(200, recorded.DOMAINS))
    azure.on("POST", "/projects", RecordedAnswer(200, recorded.project()))
    project = Project(name="Dishes", domain="Food", type="Multilabel")

    mirror.create_project(project)

    assert project.remote_id == UUID(recorded.PROJECT_ID)
    query = azure.sent("POST", "/projects")[0].query
    assert query == {"name": "Dishes", "domainId": recorded.FOOD_ID, "classificationType": "Multilabel"} | query
    assert azure.requests[0].headers["Training-key"] == "a-training-key"


def test_only_domains_of_classification_are_offered(azure: RecordedAzure, trainer: CustomVisionTrainer) -> None:
    azure.on("GET", "/domains", RecordedAnswer(200, recorded.DOMAINS))

    assert [each.name for each in trainer.domains()] == ["General", "General [A1]", "Food"]


def test_project_is_not_made_twice_after_an_error(azure: RecordedAzure, mirror: CustomVisionMirror) -> None:
    azure.on("GET", "/domains", RecordedAnswer(200, recorded.DOMAINS))
    azure.on("POST", "/projects", error(500, "ErrorUnknown", "Something went wrong"))

    with pytest.raises(BackendUnavailable):
        mirror.create_project(Project(name="Dishes"))

    assert len(azure.sent("POST", "/projects")) == 1


def test_tags_get_their_ids(azure: RecordedAzure, mirror: CustomVisionMirror, project: Project) -> None:
    azure.on("POST", TAGS, RecordedAnswer(200, recorded.tag(name="other", type="Negative")))
    tag = Tag(project=project, name="other", type="Negative")

    mirror.create_tags([tag])

    assert tag.remote_id == UUID(recorded.TAG_ID)
    assert azure.requests[0].query["type"] == "Negative"


def test_tag_that_is_there_is_adopted(azure: RecordedAzure, mirror: CustomVisionMirror, project: Project) -> None:
    azure.on("POST", TAGS, error(400, "BadRequestTagNameNotUnique", "Name not unique"))
    azure.on("GET", TAGS, RecordedAnswer(200, [recorded.tag(recorded.OTHER_TAG_ID, "x"), recorded.tag(name="Pizza")]))
    tag = Tag(project=project, name="pizza")

    mirror.create_tags([tag])

    assert tag.remote_id == UUID(recorded.TAG_ID)


def test_what_is_gone_at_azure_is_deleted(azure: RecordedAzure, mirror: CustomVisionMirror, pizza: Tag) -> None:
    azure.on("DELETE", f"{TAGS}/{recorded.TAG_ID}", error(404, "NotFoundTag", "Invalid tag"))
    azure.on("DELETE", PROJECT, error(404, "NotFoundProject", "Invalid project"))

    mirror.delete_tag(pizza)
    mirror.delete_project(pizza.project)

    assert len(azure.requests) == 2


TAG = f"{TAGS}/{recorded.TAG_ID}"


def test_tag_gets_its_new_name_at_azure_and_keeps_its_description(
    azure: RecordedAzure, mirror: CustomVisionMirror, pizza: Tag
) -> None:
    azure.on("GET", TAG, RecordedAnswer(200, recorded.tag(description="From Naples")))
    azure.on("PATCH", TAG, RecordedAnswer(200, recorded.tag(name="pizza pie")))
    pizza.name = "pizza pie"

    mirror.rename_tag(pizza)

    (request,) = azure.sent("PATCH", TAG)
    assert request.json == {"name": "pizza pie", "description": "From Naples", "type": "Regular"}


def test_name_that_another_tag_has_at_azure_is_refused_and_not_taken_here(azure: RecordedAzure, pizza: Tag) -> None:
    azure.on("GET", TAG, RecordedAnswer(200, recorded.tag()))
    azure.on("PATCH", TAG, error(400, "BadRequestTagNameNotUnique", "Name not unique"))

    with pytest.raises(Refused, match="another tag curry"):
        projects.rename_tag(pizza, name="curry")

    pizza.refresh_from_db()
    assert pizza.name == "pizza"


def test_tag_that_azure_does_not_know_is_renamed_here_alone(
    azure: RecordedAzure, mirror: CustomVisionMirror, project: Project
) -> None:
    mirror.rename_tag(Tag(project=project, name="curry"))

    assert not azure.requests
