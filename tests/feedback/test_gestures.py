"""Reviewers correct, set aside and delete: one photo after the other, a selection, or all that pass the filters."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from acts.models import Act
from acts.services import undo
from feedback.models import Misprediction
from feedback.services import gestures
from jobs.models import Job
from jobs.services import do_here
from tests import factories
from training.models import Project, Tag
from training.services.tagging import Pair, tag_images

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_english")]

S = Misprediction.State
LIST = "/mispredictions/"
SignIn = Callable[[User], Client]


@pytest.fixture
def site(signed_in: SignIn, reviewer: User) -> Client:
    client = signed_in(reviewer)
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = "en"
    return client


@pytest.fixture
def project() -> Project:
    return make_project_with_tags()


def make_project_with_tags() -> Project:
    project = factories.make_project()
    Tag.objects.bulk_create(Tag(project=project, name=name) for name in ("pizza", "risotto", "soup"))
    return project


def wrong(project: Project, **fields: Any) -> Misprediction:
    return factories.make_misprediction(project=project, **fields)


def act(site: Client, what: str, *rows: Misprediction, **fields: str) -> str:
    """Do it by the form, and return what the page then says."""
    page = site.post(reverse("feedback:act"), {"act": what, "ids": [row.pk for row in rows], **fields}, follow=True)
    return " ".join(" ".join(re.sub("<[^>]+>", " ", str(message)) for message in page.context["messages"]).split())


def states(*rows: Misprediction) -> list[str]:
    for row in rows:
        row.refresh_from_db()
    return [row.state for row in rows]


def test_selection_is_corrected_to_one_tag(site: Client, project: Project) -> None:
    rows = [wrong(project) for _ in range(3)]

    assert act(site, "correct", *rows[:2], tag="Risotto") == "2 photos are Risotto now. Undo U"

    assert states(*rows) == [S.CORRECTED, S.CORRECTED, S.OPEN]
    assert [image.tags.get().name for image in project.images.all()] == ["risotto"] * 2


def test_each_gets_the_tag_of_its_own_project(site: Client, project: Project) -> None:
    other = make_project_with_tags()

    act(site, "correct", wrong(project), wrong(other), tag="soup")

    assert (project.images.get().tags.get().project, other.images.get().tags.get().project) == (project, other)
    assert Act.objects.count() == 1


@pytest.mark.parametrize("may_create", ["", "1"])
def test_unknown_tag_is_refused_to_reviewers(site: Client, project: Project, may_create: str) -> None:
    row = wrong(project)

    said = act(site, "correct", row, tag="falafel", may_create=may_create)

    assert said == f"falafel is not a tag of {project.name}."
    assert states(row) == [S.OPEN]


def test_developer_makes_a_tag_on_the_spot(signed_in: SignIn, project: Project) -> None:
    row = wrong(project)

    act(signed_in(factories.make_developer()), "correct", row, tag="falafel", may_create="1")

    assert project.images.get().tags.get().name == "falafel"


def test_suggestions_are_accepted_each_its_own(site: Client, project: Project) -> None:
    rows = [
        wrong(project, suggested_tag="soup"),
        wrong(project, suggestion="none"),
        wrong(project, suggestion="unusable"),
        wrong(project, likely_tag="risotto", likely_share=0.8),
        wrong(project),
        wrong(project, suggested_tag="a tag of yesterday"),
    ]

    assert act(site, "accept", *rows).startswith("4 suggestions accepted.")

    assert states(*rows) == [S.CORRECTED, S.DISMISSED, S.DISMISSED, S.CORRECTED, S.OPEN, S.OPEN]
    assert [row.dismissal for row in rows[1:3]] == ["unknown", "unusable"]
    assert sorted(image.tags.get().name for image in project.images.all()) == ["risotto", "soup"]
    assert Act.objects.count() == 1


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"act": "correct"}, "Name the right tag."),
        ({"act": "dismiss"}, "Say why there is nothing to learn from it."),
        ({"act": "burn"}, "Select a valid choice. burn is not one of the available choices."),
        ({"act": "dismiss", "dismissal": "ugly"}, "Select a valid choice. ugly is not one of the available choices."),
    ],
)
def test_nonsense_is_said_and_changes_nothing(
    site: Client, project: Project, fields: dict[str, str], said: str
) -> None:
    row = wrong(project)

    page = site.post(reverse("feedback:act"), {"ids": row.pk, **fields}, follow=True)

    assert said in " ".join(map(str, page.context["messages"]))
    assert states(row) == [S.OPEN]


def test_second_reviewer_reads_who_was_quicker(site: Client, signed_in: SignIn, project: Project) -> None:
    rows = [wrong(project) for _ in range(2)]
    act(signed_in(factories.make_reviewer(username="laurent")), "correct", rows[0], tag="pizza")

    said = act(site, "dismiss", *rows, dismissal="right", seen="open")

    assert said.startswith("1 photo set aside. 1 stays as it is: laurent had reviewed it already.")
    assert states(*rows) == [S.CORRECTED, S.DISMISSED]


def test_label_that_a_developer_changed_is_not_overwritten(site: Client, project: Project) -> None:
    row = wrong(project)
    act(site, "correct", row, tag="pizza")
    tag_images(project, [Pair(project.images.get(), project.tags.get(name="soup"))], replace=True)

    said = act(site, "correct", row, tag="risotto", seen="corrected")

    assert said == "The tags of its image were changed since."
    assert project.images.get().tags.get().name == "soup"


def test_everything_that_passes_the_filters(site: Client, project: Project) -> None:
    other = make_project_with_tags()
    rows = [wrong(project), wrong(project), wrong(other)]

    act(site, "dismiss", dismissal="unknown", everything="1", filter=f"project={project.pk}")

    assert states(*rows) == [S.DISMISSED, S.DISMISSED, S.OPEN]


@pytest.mark.django_db(transaction=True)
def test_very_many_are_a_job_and_one_act(
    site: Client, reviewer: User, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("feedback.views.gestures.MOST_AT_ONCE", 2)
    rows = [wrong(project) for _ in range(5)]

    said = act(site, "correct", tag="soup", everything="1")

    assert said == "5 photos are being reviewed: when that is done, it stands under My acts."
    do_here(job := Job.objects.get(kind="review"))
    job.refresh_from_db()
    assert (job.state, job.result) == (Job.State.DONE, {"changed": 5, "overtaken": 0})
    assert states(*rows) == [S.CORRECTED] * 5
    undo(act=Act.objects.get(), by=reviewer)
    assert states(*rows) == [S.OPEN] * 5


def test_job_says_why_it_could_not(site: Client, project: Project) -> None:
    row = wrong(project)
    job = gestures.queue_gesture([row.pk], gestures.Gesture("correct", tag="falafel"), by=factories.make_reviewer())

    do_here(job)

    job.refresh_from_db()
    assert (job.state, job.error) == (Job.State.FAILED, f"falafel is not a tag of {project.name}.")


def test_tabs_count_and_lead_to_each_state(site: Client, project: Project) -> None:
    rows = [wrong(project) for _ in range(4)]
    act(site, "correct", rows[0], tag="pizza")
    act(site, "dismiss", rows[1], dismissal="right")
    act(site, "delete", rows[2])

    page = site.get(LIST)

    assert [(tab.name, tab.amount) for tab in page.context["tabs"]] == [("open", 1), ("corrected", 1), ("dismissed", 1)]
    assert page.context["filters"].counts["bin"] == 1
    for state, row in (("open", rows[3]), ("corrected", rows[0]), ("dismissed", rows[1]), ("nonsense", rows[3])):
        assert [each.pk for each in site.get(LIST, {"state": state}).context["page"].rows] == [row.pk]


def test_empty_list_leads_to_the_training(signed_in: SignIn, site: Client, project: Project) -> None:
    act(site, "correct", *[wrong(project) for _ in range(3)], tag="pizza")
    said = f"3 corrections for {project.name}: train"
    developer = signed_in(factories.make_developer())
    english = {"Accept-Language": "en"}

    assert said in developer.get(LIST, headers=english).content.decode()
    assert "+3 corrections" in developer.get(f"/projects/{project.pk}/", headers=english).content.decode()
    assert "Everything is reviewed." in site.get(LIST).content.decode()
    assert said not in site.get(LIST).content.decode()


def test_reopened_it_is_to_be_reviewed_again(site: Client, project: Project) -> None:
    row = wrong(project)
    act(site, "correct", row, tag="pizza")

    act(site, "reopen", row, seen="corrected")

    assert states(row) == [S.OPEN]
    assert not project.images.exists()


@pytest.mark.parametrize(("order", "expected"), [("", [2, 1, 0]), ("confident", [1, 2, 0]), ("doubtful", [0, 2, 1])])
def test_orders_page_by_page(
    site: Client, project: Project, order: str, expected: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("feedback.views.review.PAGE_SIZE", 1)
    rows = [wrong(project, probability=probability) for probability in (40, 99, 60)]
    address, seen = f"{LIST}?order={order}", []

    while address:
        page = site.get(address).context["page"]
        seen += [row.pk for row in page.rows]
        address = f"{LIST}{page.next_url}" if page.next_url else ""

    assert seen == [rows[place].pk for place in expected]


def test_filters_of_source_suggestion_and_probability(site: Client, project: Project) -> None:
    person = wrong(project, suggested_tag="soup", probability=80)
    program = wrong(project, source="program", verdict=None, likely_tag="risotto", likely_share=1, probability=30)

    def found(**filters: str) -> list[int]:
        return [row.pk for row in site.get(LIST, filters).context["page"].rows]

    assert found(source="person") == found(offered="soup") == found(least="50") == [person.pk]
    assert found(source="program") == found(offered="risotto") == found(most="50") == [program.pk]
    assert found(project=str(project.pk)) == [program.pk, person.pk]


def test_one_by_one_keeps_filter_and_order(site: Client, project: Project) -> None:
    rows = [wrong(project, probability=probability) for probability in (40, 99, 60)]
    wrong(make_project_with_tags(), probability=70)
    query = f"project={project.pk}&order=confident"

    page = site.get(f"{LIST}{rows[2].pk}/?{query}")

    assert page.context["next_url"] == f"{LIST}{rows[0].pk}/?{query}"
    assert page.context["previous_url"] == f"{LIST}{rows[1].pk}/?{query}"
    last = site.get(page.context["next_url"])
    assert (last.context["following"], last.context["next_url"]) == ([], f"{LIST}?{query}")


def test_likely_tags_have_a_button_each_but_for_the_wrong_one(site: Client, project: Project) -> None:
    row = wrong(project, suggested_tag="soup")

    page = site.get(f"{LIST}{row.pk}/").content.decode()

    buttons = re.findall(r'name="tag" value="([^"]+)" aria-keyshortcuts="(\d)"( data-accept)?', page)
    assert buttons == [("soup", "1", " data-accept"), ("risotto", "2", "")]


def test_part_of_the_page_is_for_scripts(site: Client, project: Project) -> None:
    page = site.get(f"{LIST}{wrong(project).pk}/?part=1").content.decode()

    assert page.lstrip().startswith('<div class="desk"')


def test_script_is_told_at_once(site: Client, project: Project) -> None:
    row = wrong(project)
    fields = {"act": "dismiss", "dismissal": "right", "ids": row.pk}

    told = site.post(reverse("feedback:act"), fields, headers={"Accept": "application/json"}).json()

    assert told["level"] == "success"
    assert "1 photo set aside." in told["said"]
    assert reverse("acts:undo", args=[Act.objects.get().pk]) in told["said"]


def test_others_see_who_looks_at_it(site: Client, signed_in: SignIn, project: Project) -> None:
    row = wrong(project)
    laurent = factories.make_reviewer(username="laurent")
    signed_in(laurent).post(reverse("feedback:hold", args=[row.pk]))
    assert "laurent is looking at it." in site.get(LIST).content.decode()

    site.post(reverse("feedback:hold", args=[row.pk]))
    row.refresh_from_db()
    assert row.held_by == laurent

    Misprediction.objects.update(held_at=timezone.now() - timedelta(minutes=3))
    assert "is looking at it" not in site.get(LIST).content.decode()
    site.post(reverse("feedback:hold", args=[row.pk]))
    row.refresh_from_db()
    assert row.held_by != laurent
