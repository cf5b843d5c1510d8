"""A project that is not open to everybody: who is shown something of it, at each address of the site."""

import re
from collections.abc import Callable
from copy import deepcopy
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.services import share
from classifier.models import PendingPhoto, Prediction
from feedback.models import Misprediction
from tests import factories
from tests.test_addresses import CELL, TABLE, furnish, outcome, path_of
from training.models import Project

pytestmark = pytest.mark.django_db

PEOPLE: dict[str, Callable[[], User | None]] = {
    "anonymous": lambda: None,
    "client": factories.make_user,
    "granted client": factories.make_user,
    "client of a granted group": factories.make_user,
    "reviewer": factories.make_reviewer,
    "granted reviewer": factories.make_reviewer,
    "developer": factories.make_developer,
    "administrator": lambda: factories.make_user(is_staff=True, is_superuser=True),
}
DEVELOPERS = {"developer", "administrator"}
REVIEWERS = {"granted reviewer", *DEVELOPERS}
USERS = {"granted client", "client of a granted group", *REVIEWERS}
SENDERS = PEOPLE.keys() - {"anonymous"}
"""What somebody has sent stays theirs to see and to delete."""
NAME = "Secret dishes"
SHOWN: dict[str, set[str]] = {
    "classifier:home": USERS,
    "classifier:prediction": USERS,
    "classifier:photo": USERS,
    "classifier:held_photo": SENDERS,
    "feedback:give": USERS,
    "feedback:confirmation": USERS,
    "feedback:undo": USERS,
    "feedback:correct": USERS,
    "feedback:uploads": SENDERS,
    "feedback:export_uploads": SENDERS,
    "feedback:delete_uploads": SENDERS,
    "feedback:photo": SENDERS,
    "feedback:thumbnail": SENDERS,
    "feedback:mispredictions": REVIEWERS,
    "feedback:misprediction": REVIEWERS,
    "feedback:misprediction_photo": REVIEWERS,
    "feedback:misprediction_thumbnail": REVIEWERS,
    "feedback:bin": REVIEWERS,
    "feedback:erase": REVIEWERS,
    "classifier:trial": DEVELOPERS,
    "catalog:picture": DEVELOPERS,
    "catalog:thumbnail": DEVELOPERS,
    "jobs:jobs": DEVELOPERS,
    "jobs:tray": DEVELOPERS,
    "jobs:cancel": DEVELOPERS,
    "customvision:connect": DEVELOPERS,
    "customvision:keys": DEVELOPERS,
    "customvision:key_new": DEVELOPERS,
    "customvision:key_revoke": DEVELOPERS,
    **{name: DEVELOPERS for name, _ in TABLE if name.startswith("training:")},
}
"""Who is shown something of the project."""
SHOW_NOTHING = {
    "healthz",
    "readyz",
    "may-send",
    "favicon.ico",
    "help",
    "accounts:login",
    "accounts:logout",
    "accounts:language",
    "accounts:theme",
    "accounts:keys",
    "accounts:password_change",
    "accounts:password_set",
    *(name for name, _ in TABLE if name.startswith("accounts:user")),
    # What they answer is where one was; what they do is below.
    "feedback:act",
    "feedback:hold",
    *(name for name, _ in TABLE if name.startswith("acts:")),
}
LISTS = {"classifier:home", "feedback:mispredictions", "feedback:bin", "feedback:uploads", "feedback:erase"}
"""Pages that answer everybody who may look at such things; what they show of the project is called so."""


def test_every_address_says_what_it_shows_of_projects() -> None:
    names = {name for name, _ in TABLE}

    assert names == SHOWN.keys() | SHOW_NOTHING
    assert not SHOWN.keys() & SHOW_NOTHING


@pytest.mark.parametrize("who", PEOPLE)
def test_project_is_shown_to_those_who_may_use_it(who: str) -> None:
    user = PEOPLE[who]()
    site = furnish(user)
    close(Project.objects.get(pk=site["project"]), who=who, user=user)
    binned = factories.make_misprediction(prediction=factories.make_prediction(project_id=site["project"]))
    Misprediction.objects.update(tag=NAME, project=site["project"])
    Misprediction.objects.filter(pk=binned.pk).update(deleted_at=timezone.now())
    browser = Client(headers={"accept-language": "en"})
    if user:
        browser.force_login(user)
    body = {"ids": [site["own"], binned.pk], "verdict": "OK"}

    found = {
        name
        for name, access in TABLE
        if not access.of_others and shows(browser, name, path_of(name, access, site), access.methods, body)
    }

    assert found & SHOWN.keys() == {name for name, people in SHOWN.items() if who in people}


def close(project: Project, *, who: str, user: User | None) -> None:
    """Let only those use it who are granted it; it can answer photos."""
    group = Group.objects.create(name="Cooks")
    Project.objects.filter(pk=project.pk).update(name=NAME, remote_id=uuid4())
    project.refresh_from_db()
    if user and who == "client of a granted group":
        user.groups.add(group)
    share(project, is_open=False, users=[user] if user and who.startswith("granted") else [], groups=[group])


def shows(browser: Client, name: str, path: str, methods: str, body: dict[str, Any]) -> bool:
    """Say whether something is there, and on a list something of the project; what it does is undone."""
    before, cookies = transaction.savepoint(), deepcopy(browser.cookies)
    response = browser.get(f"{path}?{CELL}") if methods.startswith("get") else browser.post(path, body)
    transaction.savepoint_rollback(before)
    browser.cookies = cookies
    return outcome(name, response) == "answers" and (name not in LISTS or NAME in response.content.decode())  # type: ignore[arg-type]


# What can be done to what one may not see


@pytest.fixture
def project() -> Project:
    project = factories.make_project(name=NAME)
    share(project, is_open=False, users=[], groups=[])
    return project


@pytest.fixture
def row(project: Project) -> Misprediction:
    return factories.make_misprediction(prediction=factories.make_prediction(project=project))


@pytest.mark.parametrize("is_granted", [False, True])
@pytest.mark.parametrize("act", ["delete", "restore", "erase"])
def test_reviewer_leaves_alone_what_is_not_theirs(
    row: Misprediction,
    project: Project,
    reviewer: User,
    signed_in: Callable[[User], Client],
    act: str,
    *,
    is_granted: bool,
) -> None:
    if act != "delete":
        Misprediction.objects.update(deleted_at=timezone.now())
    if is_granted:
        share(project, is_open=False, users=[reviewer], groups=[])
    before = Misprediction.objects.values().get()

    address = reverse("feedback:erase" if act == "erase" else "feedback:act")
    signed_in(reviewer).post(address, {"ids": row.pk, "act": act, "confirmed": "1"})

    assert (list(Misprediction.objects.values()) != [before]) == is_granted


def test_filters_name_nothing_of_projects_that_are_not_theirs(
    row: Misprediction, reviewer: User, signed_in: Callable[[User], Client]
) -> None:
    Misprediction.objects.update(tag="truffle", username="anna", iteration_name="Iteration 7")

    page = signed_in(reviewer).get(reverse("feedback:mispredictions")).content.decode()

    assert not re.search("truffle|anna|Iteration 7", page)


@pytest.mark.parametrize("is_granted", [False, True])
def test_photo_is_answered_by_projects_that_one_may_use(
    food_project: Project, person: User, signed_in: Callable[[User], Client], *, is_granted: bool
) -> None:
    factories.make_project(remote_id=uuid4())
    share(food_project, is_open=False, users=[person] if is_granted else [], groups=[])
    browser = signed_in(person)

    answer: Any = browser.post("/", {"sample": "doughnuts", "project": food_project.pk})

    assert Prediction.objects.exists() == is_granted
    if not is_granted:
        assert "choisissez-en un autre" in answer.content.decode()


def test_card_of_a_project_that_closed_can_only_be_erased(
    project: Project, person: User, signed_in: Callable[[User], Client]
) -> None:
    browser = signed_in(person)
    pending = factories.make_pending(user=person, project=project)

    page = browser.get("/uploads/").content.decode()
    home: Any = browser.get("/")
    browser.post("/uploads/delete/", {"ids": pending.prediction_id, "confirmed": "1"})

    assert f"/uploads/{pending.prediction_id}/thumbnail" in page
    assert f"/predictions/{pending.prediction_id}/" not in page
    assert not home.context["unjudged"]
    assert not PendingPhoto.objects.exists()
