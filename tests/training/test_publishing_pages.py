"""Publishing through the pages: what changes, the act, the way back, the log, the package."""

import io
import zipfile
from collections.abc import Callable
from http import HTTPStatus

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from tests import factories
from tests.training.test_iteration_pages import address, make_iteration, make_snapshot
from training import snapshots
from training.exceptions import Refused
from training.models import Iteration, Project, Publication
from training.services import publishing

SignIn = Callable[[User], Client]


@pytest.fixture
def developer(db: None) -> User:
    return factories.make_developer()


@pytest.fixture
def site(signed_in: SignIn, developer: User) -> Client:
    return signed_in(developer)


@pytest.fixture
def project(db: None) -> Project:
    return factories.make_project()


@pytest.fixture
def first(project: Project) -> Iteration:
    found = make_iteration(project)
    publishing.publish(iteration=found, by=None)
    return found


@pytest.fixture
def second(first: Iteration) -> Iteration:
    return make_iteration(first.project)


def answering(project: Project) -> dict[str, int]:
    return dict(project.iterations.published().values_list("publish_name", "number"))


def said(response: object) -> list[str]:
    return [str(each) for each in response.context["messages"]]  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["publish", "export"])
def test_iteration_that_there_is_not_is_not_found(site: Client, project: Project, name: str) -> None:
    assert site.get(reverse(f"training:{name}", args=[project.pk, 9])).status_code == HTTPStatus.NOT_FOUND


def test_page_says_what_is_replaced_and_what_changes(site: Client, second: Iteration) -> None:
    first = second.project.iterations.get(number=1)
    Iteration.objects.filter(pk=first.pk).update(metrics={"recall": 0.8})
    Iteration.objects.filter(pk=second.pk).update(metrics={"recall": 0.9})

    page = site.get(address("publish", second))

    assert page.context["replaced"] == first
    assert [(line.name, line.old.value, line.new.value) for line in page.context["lines"]] == [("recall", 0.8, 0.9)]
    assert page.context["form"]["name"].value() == "live"
    assert f'{address("comparison", second)}?with=1"' in page.content.decode()


def test_page_does_not_wait_for_the_comparison(
    site: Client, second: Iteration, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.views.iterations.compare_iterations", None)

    assert site.get(address("publish", second)).status_code == HTTPStatus.OK


def test_published_iteration_replaces_the_live_one(site: Client, second: Iteration, developer: User) -> None:
    answer = site.post(address("publish", second), {"name": "live", "reason": "Plus précise."}, follow=True)

    line = Publication.objects.first()
    assert line is not None
    assert answering(second.project) == {"live": 2}
    assert (line.user, line.reason, line.replaced_name) == (developer, "Plus précise.", "Iteration 1")
    assert reverse("classifier:home") in said(answer)[0]


def test_previous_one_is_kept_under_another_name(site: Client, second: Iteration) -> None:
    site.post(address("publish", second), {"name": "next", "keep_previous": "on"})

    assert answering(second.project) == {"live": 1, "next": 2}


def test_previous_one_cannot_be_kept_under_the_same_name(site: Client, second: Iteration) -> None:
    answer = site.post(address("publish", second), {"name": "live", "keep_previous": "on"})

    assert answer.status_code == HTTPStatus.OK
    assert answer.context["form"].non_field_errors()
    assert answering(second.project) == {"live": 1}


@pytest.mark.parametrize("name", ["", "n" * 101])
def test_name_that_is_none_is_refused(site: Client, second: Iteration, name: str) -> None:
    answer = site.post(address("publish", second), {"name": name})

    assert "name" in answer.context["form"].errors
    assert answering(second.project) == {"live": 1}


def test_model_that_says_something_else_is_not_published(
    site: Client, second: Iteration, monkeypatch: pytest.MonkeyPatch
) -> None:
    def differ(iteration: Iteration) -> None:
        raise Refused("The exported model is not the same as ours.")

    monkeypatch.setattr("training.backends.local.packages.check_fit_to_answer", differ)

    answer = site.post(address("publish", second), {"name": "live"})

    assert "not the same" in answer.content.decode()
    assert answering(second.project) == {"live": 1}


@pytest.mark.proven
def test_storage_that_is_away_publishes_nothing(site: Client, project: Project, storage_refuses: None) -> None:
    iteration = project.iterations.create(number=1, name="Iteration 1", status="Completed", head_key="heads/x")

    answer = site.post(address("publish", iteration), {"name": "live"})

    assert answer.status_code == HTTPStatus.OK
    assert answering(project) == {}


@pytest.mark.parametrize("status", ["New", "Training"])
def test_iteration_in_training_has_no_publish_page(site: Client, project: Project, status: str) -> None:
    iteration = make_iteration(project, status=status)

    assert site.get(address("publish", iteration)).status_code == HTTPStatus.FOUND


def test_unpublishing_asks_first(site: Client, first: Iteration) -> None:
    page = site.get(address("unpublish", first)).content.decode()

    assert 'class="btn btn-danger"' in page
    assert first.project.name in page
    assert answering(first.project) == {"live": 1}


def test_unpublishing_says_what_will_be_live_instead(site: Client, first: Iteration, second: Iteration) -> None:
    publishing.publish(iteration=second, by=None, name="trial", policy=publishing.BESIDE)

    page = site.get(address("unpublish", second))

    assert page.context["successor"] == first
    assert "Plus rien ne sera en service" not in page.content.decode()
    assert "Plus rien ne sera en service" in site.get(address("unpublish", make_alone())).content.decode()


def make_alone() -> Iteration:
    """Make an iteration that alone answers in its project."""
    iteration = make_iteration(factories.make_project())
    publishing.publish(iteration=iteration, by=None)
    return iteration


def test_what_does_not_answer_offers_nothing_to_unpublish(site: Client, second: Iteration) -> None:
    assert 'class="btn btn-danger"' not in site.get(address("unpublish", second)).content.decode()


def test_unpublished_iteration_no_longer_answers(site: Client, first: Iteration) -> None:
    site.post(address("unpublish", first))

    assert answering(first.project) == {}
    assert Project.objects.get().live_iteration is None


def test_what_does_not_answer_cannot_be_unpublished(site: Client, second: Iteration) -> None:
    answer = site.post(address("unpublish", second), follow=True)

    assert len(said(answer)) == 1
    assert answering(second.project) == {"live": 1}


def test_way_back_is_in_sight_and_one_click(site: Client, second: Iteration) -> None:
    publishing.publish(iteration=second, by=None)
    in_project = [second.project_id]
    pages = [
        site.get(reverse("training:iterations", args=in_project)),
        site.get(reverse("training:publications", args=in_project)),
        site.get(address("iteration", second)),
    ]

    site.post(reverse("training:rollback", args=in_project), {"iteration": "1"})

    way_back = f'action="{reverse("training:rollback", args=in_project)}"'
    assert all(way_back in page.content.decode() for page in pages)
    assert answering(second.project) == {"live": 1}
    assert Publication.objects.all()[0].act == Publication.Act.ROLLBACK


def test_way_back_without_a_number_is_what_answered_before(site: Client, second: Iteration) -> None:
    publishing.publish(iteration=second, by=None)

    site.post(reverse("training:rollback", args=[second.project_id]))

    assert answering(second.project) == {"live": 1}


def test_no_way_back_is_said(site: Client, first: Iteration) -> None:
    answer = site.post(reverse("training:rollback", args=[first.project_id]), follow=True)

    assert len(said(answer)) == 1
    assert answering(first.project) == {"live": 1}


@pytest.mark.parametrize("number", ["9", "x", "9" * 5000])
def test_no_way_back_to_what_there_is_not(site: Client, first: Iteration, number: str) -> None:
    answer = site.post(reverse("training:rollback", args=[first.project_id]), {"iteration": number})

    assert answer.status_code == HTTPStatus.NOT_FOUND


def test_log_has_the_newest_first_and_what_is_deleted(site: Client, second: Iteration) -> None:
    publishing.publish(iteration=second, by=None, reason="Meilleure.")
    second.project.iterations.get(number=1).delete()

    page = site.get(reverse("training:publications", args=[second.project_id]))

    assert [line.iteration_name for line in page.context["page"]] == ["Iteration 2", "Iteration 1"]
    assert "Meilleure." in page.content.decode()


def test_log_of_nothing_says_so(site: Client, project: Project) -> None:
    assert site.get(reverse("training:publications", args=[project.pk])).status_code == HTTPStatus.OK


def test_export_is_a_package(site: Client, db: None) -> None:
    pictures = sorted((factories.make_picture() for _ in range(4)), key=lambda each: each.sha256)
    iteration = make_iteration(factories.make_project(name="Été à table"), make_snapshot(pictures))

    response = site.get(address("export", iteration))

    assert "ete-a-table-1.zip" in response.headers["Content-Disposition"]
    package = zipfile.ZipFile(io.BytesIO(b"".join(response.streaming_content)))  # type: ignore[attr-defined]
    assert any(name.endswith(".onnx") for name in package.namelist())


def test_what_cannot_be_exported_is_said(site: Client, db: None) -> None:
    project = factories.make_project(backend="customvision", remote_id="d39ee768-81e0-456d-9267-5df421143385")
    iteration = make_iteration(project, head_key="", remote_id="a1608486-2795-499a-bf16-e9a3075e5388")
    snapshots.read.cache_clear()

    answer = site.get(address("export", iteration))

    assert answer.headers["Location"] == address("iteration", iteration)
