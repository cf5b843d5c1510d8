"""Who may do what where: each address, asked by each role with each method."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from datetime import timedelta
from http import HTTPStatus
from typing import Any, NamedTuple

import pytest
from django.db import connection, transaction
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from accounts.keys import create_key
from accounts.models import User
from acts.models import Act
from classifier.models import PendingPhoto
from jobs.models import Job
from tests import factories
from tests.training.test_iteration_pages import make_iteration, make_snapshot
from training.models import Contradiction

pytestmark = pytest.mark.django_db

ROLES: dict[str, Callable[[], User | None]] = {
    "anonymous": lambda: None,
    "client": factories.make_user,
    "reviewer": factories.make_reviewer,
    "developer": factories.make_developer,
    "admin": lambda: factories.make_user(is_staff=True, is_superuser=True),
}
"""From the one who may do least; each may do what those before may."""
METHODS = ("get", "post", "put")
CELL = "truth=b&said=a"
"""Which pictures a page of some is to show."""
GUARDED_OTHERWISE = ("admin/", "customvision/")
"""Django's admin, and what programs open with keys: tests/customvision/test_keys.py."""


class Access(NamedTuple):
    """Who may do what at an address."""

    role: str
    methods: str
    args: tuple[str, ...] = ()
    """Of the address, as `furnish` names them."""
    of_others: bool = False
    """Whether it is about what somebody else sent."""
    is_method_first: bool = False
    """Whether a wrong method is told to strangers too."""


OWN, OTHERS, ROW, PICTURE, PERSON = ("own",), ("others",), ("row",), ("picture",), ("person",)
PROJECT, TAG, IMAGE, ITERATION = ("project",), ("project", "tag"), ("project", "image"), ("project", "iteration")
TABLE: list[tuple[str, Access]] = [
    ("healthz", Access("anonymous", "get")),
    ("readyz", Access("anonymous", "get")),
    ("may-send", Access("client", "get", is_method_first=True)),
    ("favicon.ico", Access("anonymous", "get")),
    ("help", Access("client", "get")),
    ("accounts:login", Access("anonymous", "get post put")),
    ("accounts:logout", Access("anonymous", "post")),
    ("accounts:language", Access("anonymous", "post")),
    ("accounts:theme", Access("anonymous", "post")),
    ("accounts:keys", Access("client", "post")),
    ("accounts:password_change", Access("client", "get post put")),
    ("accounts:password_set", Access("anonymous", "get post")),
    ("accounts:users", Access("admin", "get")),
    ("accounts:user_new", Access("admin", "get post")),
    ("accounts:user", Access("admin", "get post", PERSON)),
    ("accounts:user_link", Access("admin", "post", PERSON)),
    ("accounts:user_deactivate", Access("admin", "get post", PERSON)),
    ("accounts:user_activate", Access("admin", "post", PERSON)),
    ("classifier:home", Access("client", "get post")),
    ("classifier:prediction", Access("client", "get", OWN)),
    ("classifier:prediction", Access("client", "get", OTHERS, of_others=True)),
    ("classifier:photo", Access("client", "get", OWN)),
    ("classifier:photo", Access("client", "get", OTHERS, of_others=True)),
    ("classifier:held_photo", Access("client", "get", ("held",))),
    ("classifier:held_photo", Access("client", "get", ("held_for_others",), of_others=True)),
    ("feedback:give", Access("client", "post", OWN)),
    ("feedback:give", Access("client", "post", OTHERS, of_others=True)),
    ("feedback:confirmation", Access("client", "get", OWN)),
    ("feedback:confirmation", Access("client", "get", OTHERS, of_others=True)),
    ("feedback:undo", Access("client", "post", OWN)),
    ("feedback:undo", Access("client", "post", OTHERS, of_others=True)),
    ("feedback:correct", Access("client", "post", OWN)),
    ("feedback:correct", Access("client", "post", OTHERS, of_others=True)),
    ("feedback:uploads", Access("client", "get")),
    ("feedback:export_uploads", Access("client", "get")),
    ("feedback:delete_uploads", Access("client", "post")),
    ("feedback:photo", Access("client", "get", OWN)),
    ("feedback:photo", Access("client", "get", OTHERS, of_others=True)),
    ("feedback:thumbnail", Access("client", "get", OWN)),
    ("feedback:thumbnail", Access("client", "get", OTHERS, of_others=True)),
    ("feedback:mispredictions", Access("reviewer", "get")),
    ("feedback:misprediction", Access("reviewer", "get", ROW)),
    ("feedback:misprediction_photo", Access("reviewer", "get", ROW)),
    ("feedback:misprediction_thumbnail", Access("reviewer", "get", ROW)),
    ("feedback:act", Access("reviewer", "post")),
    ("feedback:hold", Access("reviewer", "post", ROW)),
    ("feedback:bin", Access("reviewer", "get")),
    ("feedback:erase", Access("reviewer", "post")),
    ("catalog:picture", Access("developer", "get", PICTURE, is_method_first=True)),
    ("catalog:thumbnail", Access("developer", "get", PICTURE, is_method_first=True)),
    ("acts:log", Access("admin", "get")),
    ("acts:export", Access("admin", "get")),
    ("acts:mine", Access("client", "get")),
    ("acts:undo_last", Access("client", "post")),
    ("acts:redo", Access("client", "post")),
    ("acts:undo", Access("client", "post", ("act",))),
    ("jobs:jobs", Access("developer", "get")),
    ("jobs:tray", Access("developer", "get")),
    ("jobs:cancel", Access("developer", "post", ("job",))),
    ("training:projects", Access("developer", "get")),
    ("training:project_new", Access("developer", "get post")),
    ("training:project", Access("developer", "get", PROJECT)),
    ("training:access", Access("developer", "get post", PROJECT)),
    ("training:project_delete", Access("developer", "get post", PROJECT)),
    ("training:train", Access("developer", "post", PROJECT)),
    ("training:training", Access("developer", "get", PROJECT)),
    ("training:settings", Access("developer", "get post", PROJECT)),
    ("training:project_archive", Access("developer", "post", PROJECT)),
    ("training:tags", Access("developer", "get post", PROJECT)),
    ("training:tag_rename", Access("developer", "post", TAG)),
    ("training:tag_delete", Access("developer", "get post", TAG)),
    ("training:images", Access("developer", "get", PROJECT)),
    ("training:image", Access("developer", "get", IMAGE)),
    ("training:images_upload", Access("developer", "post", PROJECT)),
    ("training:images_folder", Access("developer", "post", PROJECT)),
    ("training:images_zip", Access("developer", "post", PROJECT)),
    ("training:contradiction_settle", Access("developer", "post", (*PROJECT, "contradiction"))),
    ("training:images_tag", Access("developer", "post", PROJECT)),
    ("training:images_delete", Access("developer", "post", PROJECT)),
    ("training:iterations", Access("developer", "get", PROJECT)),
    ("training:publications", Access("developer", "get", PROJECT)),
    ("training:rollback", Access("developer", "post", PROJECT)),
    ("training:iteration", Access("developer", "get", ITERATION)),
    ("training:performance", Access("developer", "get", ITERATION)),
    ("training:confusion", Access("developer", "get", ITERATION)),
    ("training:compare", Access("developer", "get", ITERATION)),
    ("training:comparison", Access("developer", "get", ITERATION)),
    ("training:publish", Access("developer", "get post", ITERATION)),
    ("training:unpublish", Access("developer", "get post", ITERATION)),
    ("training:iteration_delete", Access("developer", "get post", ITERATION)),
    ("training:export", Access("developer", "get", ITERATION)),
    ("classifier:trial", Access("developer", "get post", ITERATION)),
    ("customvision:connect", Access("developer", "get")),
    ("customvision:keys", Access("developer", "get")),
    ("customvision:key_new", Access("developer", "get post")),
    ("customvision:key_revoke", Access("developer", "get post", ("key",))),
]


def furnish(user: User | None) -> dict[str, int | str]:
    """Make a site with something on each page; return what stands in its addresses. own, held: that user's."""
    expires_at = timezone.now() + timedelta(hours=1)
    owner, project = user or factories.make_user(), factories.make_project()
    own = factories.make_prediction(user=owner, project=project)
    PendingPhoto.objects.create(prediction=own, content=factories.make_photo(), expires_at=expires_at)
    held, held_for_others = (
        PendingPhoto.objects.create(user=each, content=factories.make_photo(), expires_at=expires_at)
        for each in (owner, factories.make_user())
    )
    row = factories.make_misprediction()
    tag = project.tags.create(name="a")
    images = [factories.make_image(project=project, tags=[tag]) for _ in range(4)]
    pictures = sorted((each.picture for each in images), key=lambda each: each.sha256)
    return {
        "own": own.pk,
        "held": held.pk,
        "held_for_others": held_for_others.pk,
        "others": row.prediction.pk,
        "row": row.pk,
        "act": Act.objects.create(verb="verdict", actor="person", user=owner, name="x", change_count=0).pk,
        "person": factories.make_user().pk,
        "contradiction": Contradiction.objects.create(image=images[0], tag=tag).pk,
        "picture": row.picture.sha256,
        "project": project.pk,
        "tag": tag.pk,
        "image": images[0].pk,
        "iteration": make_iteration(project, make_snapshot(pictures)).number,
        "job": Job.objects.create(kind="train", msgid="Train Dishes", arguments={"iteration": 0}).pk,
        "key": create_key(name="key", scope="all", by=None)[0].pk,
    }


def path_of(name: str, access: Access, site: dict[str, int | str]) -> str:
    return f"/{name}" if "." in name else reverse(name, args=[site[arg] for arg in access.args])


def expected(access: Access, role: str, method: str) -> str:
    is_wrong_method = method not in access.methods.split()
    if is_wrong_method and (access.is_method_first or access.role == "anonymous"):
        return "wrong method"
    if role == "anonymous" and access.role != "anonymous":
        return "sign in"
    if list(ROLES).index(role) < list(ROLES).index(access.role):
        return "not found"
    if is_wrong_method:
        return "wrong method"
    return "not found" if access.of_others else "answers"


def outcome(name: str, response: HttpResponse) -> str:
    if response.headers.get("Location", "").startswith(reverse("accounts:login")) and name != "accounts:logout":
        return "sign in"
    refusals: dict[int, str] = {
        HTTPStatus.UNAUTHORIZED: "sign in",
        HTTPStatus.NOT_FOUND: "not found",
        HTTPStatus.METHOD_NOT_ALLOWED: "wrong method",
    }
    return refusals.get(response.status_code, "answers" if response.status_code < 400 else str(response.status_code))


def ask(client: Client, method: str, path: str, body: dict[str, Any]) -> Any:
    return client.post(path, body) if method == "post" else getattr(client, method)(f"{path}?{CELL}")


def written(queries: list[dict[str, Any]]) -> list[str]:
    return [each["sql"] for each in queries if each["sql"].startswith(("INSERT", "UPDATE", "DELETE"))]


@pytest.mark.parametrize("role", ROLES)
def test_each_role_may_do_what_it_may_and_nothing_else(role: str) -> None:
    user = ROLES[role]()
    site = furnish(user)
    client = Client(headers={"X-Forwarded-Uri": "/"})  # as a proxy tells it to may-send
    if user:
        client.force_login(user)
    cookies = deepcopy(client.cookies)
    body = {"ids": site["row"], "confirmed": "1", "name": "b", "names": "c", "verdict": "OK"}
    found, wanted = {}, {}

    for name, access in TABLE:
        for method in METHODS:
            cell = f"{method} {name} {access.args}"
            client.cookies = deepcopy(cookies)
            before = transaction.savepoint()
            with CaptureQueriesContext(connection) as queries:
                response = ask(client, method, path_of(name, access, site), body)
            transaction.savepoint_rollback(before)
            found[cell], wanted[cell] = outcome(name, response), expected(access, role, method)
            if wanted[cell] != "answers":
                assert written(queries.captured_queries) == [], cell

    assert found == wanted


def test_every_address_is_in_the_table() -> None:
    assert set(names(get_resolver())) == {name for name, _ in TABLE}


def names(resolver: URLResolver, *namespaces: str) -> Iterator[str]:
    """Return the names of all addresses; what has no name is called by its path."""
    for each in resolver.url_patterns:
        if isinstance(each, URLPattern):
            yield ":".join([*namespaces, each.name or str(each.pattern)])
        elif str(each.pattern) not in GUARDED_OTHERWISE:
            yield from names(each, *namespaces, *filter(None, [each.namespace]))
