"""Administrators make users, give roles, and take them away."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.exceptions import LastAdministrator
from accounts.keys import create_key, find_key
from accounts.models import ApiKey, User
from accounts.password_links import find_link
from accounts.roles import Role, role_of
from accounts.services import deactivate_users, set_role
from tests import factories

pytestmark = pytest.mark.django_db

USERS = reverse("accounts:users")
MAKERS: dict[Role, Callable[..., User]] = {
    Role.USER: factories.make_user,
    Role.REVIEWER: factories.make_reviewer,
    Role.DEVELOPER: factories.make_developer,
    Role.ADMINISTRATOR: factories.make_administrator,
}


@pytest.fixture
def root() -> User:
    return factories.make_administrator(username="root", language="en")


@pytest.fixture
def administrator(root: User) -> Client:
    client = Client()
    client.force_login(root)
    return client


@pytest.fixture
def groups() -> None:
    """The groups of the migrations, which a test that empties all tables has taken away."""
    factories.make_developer(), factories.make_reviewer()


def save(administrator: Client, user: User, role: Role, **fields: Any) -> Any:
    return administrator.post(
        reverse("accounts:user", args=[user.pk]), {"username": user.username, "role": role, **fields}, follow=True
    )


def make_key(owner: User) -> tuple[ApiKey, str]:
    return create_key(name="camera", scope=ApiKey.Scope.ALL, by=owner)


def works(text: str) -> bool:
    return find_key(text, now=timezone.now()) is not None


# The list


@pytest.mark.parametrize("role", Role)
def test_list_shows_each_ones_role(administrator: Client, role: Role) -> None:
    user = MAKERS[role]()

    rows = administrator.get(USERS).context["rows"]

    assert [row.role for row in rows if row.user == user] == [role]


def test_permission_given_by_itself_counts_as_its_role() -> None:
    user = factories.make_user()
    user.user_permissions.add(Permission.objects.get(codename="develop", content_type__app_label="accounts"))

    assert role_of(user) == Role.DEVELOPER


def test_search_finds_names_of_all_kinds(administrator: Client) -> None:
    factories.make_user(username="anne", first_name="Anne", last_name="Dupont")
    factories.make_user(username="dupond", first_name="Bernard")

    found = administrator.get(USERS, {"q": " dupon anne "}).context["rows"]

    assert [row.user.username for row in found] == ["anne"]


def test_search_without_a_hit_says_so(administrator: Client) -> None:
    assert "Nobody has “&lt;x&gt;” in their name." in administrator.get(USERS, {"q": "<x>"}).content.decode()


def test_list_asks_as_much_for_many_as_for_few(administrator: Client) -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            administrator.get(USERS)
        return len(queries)

    few = count()
    for _ in range(5):
        factories.make_developer()

    assert count() == few


def test_long_list_goes_on_on_the_next_page(administrator: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("accounts.views.users.PAGE_SIZE", 2)
    names = [factories.make_user().username for _ in range(3)]

    first = administrator.get(USERS)
    second = administrator.get(USERS + first.context["page"].next_url)

    shown = [row.user.username for page in (first, second) for row in page.context["rows"]]
    assert shown == [*reversed(names), "root"]


# New users


@pytest.mark.parametrize("role", Role)
def test_new_user_has_the_role_and_no_password(administrator: Client, groups: None, role: Role) -> None:
    page = administrator.post(reverse("accounts:user_new"), {"username": "anne", "role": role})

    anne = User.objects.get(username="anne")
    assert role_of(anne) == role
    assert not anne.has_usable_password()
    assert find_link(page.context["url"].partition("link=")[2]).user == anne


def test_link_leads_to_this_site(administrator: Client) -> None:
    page = administrator.post(reverse("accounts:user_new"), {"username": "anne", "role": Role.USER})

    assert page.context["url"].startswith("http://testserver/accounts/password/set?link=")
    assert "anne" not in page.context["url"]


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"username": "Root", "role": "user"}, "Somebody has this name already."),
        ({"username": "a b", "role": "user"}, "Enter a valid username."),
        ({"username": "", "role": "user"}, "This field is required."),
        ({"username": "anne", "role": "king"}, "king is not one of the available choices."),
        ({"username": "anne"}, "This field is required."),
    ],
)
def test_nonsense_makes_nobody(administrator: Client, fields: dict[str, str], sentence: str) -> None:
    page = administrator.post(reverse("accounts:user_new"), fields)

    assert sentence in page.content.decode()
    assert User.objects.count() == 1


# Roles


@pytest.mark.parametrize("before", Role)
@pytest.mark.parametrize("after", Role)
def test_role_is_changed(administrator: Client, groups: None, before: Role, after: Role) -> None:
    user = MAKERS[before]()

    save(administrator, user, after)

    assert role_of(user) == after


def test_what_was_given_beside_the_role_goes_with_it(groups: None) -> None:
    user = factories.make_user()
    develop = Permission.objects.get(codename="develop", content_type__app_label="accounts")
    other, unrelated = Group.objects.create(name="Others"), Group.objects.create(name="Choir")
    other.permissions.add(develop)
    user.groups.add(other, unrelated)
    user.user_permissions.add(develop)

    set_role(user, Role.USER, successors={})

    assert role_of(user) == Role.USER
    assert list(user.groups.all()) == [unrelated]


def test_role_that_is_taken_away_closes_the_pages_at_once(administrator: Client) -> None:
    user = factories.make_developer()
    theirs = Client()
    theirs.force_login(user)
    assert theirs.get(reverse("training:projects")).status_code == 200

    save(administrator, user, Role.USER)

    assert theirs.get(reverse("training:projects")).status_code == 404


def test_name_is_changed(administrator: Client) -> None:
    user = factories.make_user(username="anne")

    save(administrator, user, Role.USER, username="anna")

    user.refresh_from_db()
    assert user.username == "anna"


def test_developer_who_loses_the_role_is_asked_about_the_keys_first(administrator: Client) -> None:
    user = factories.make_developer(username="leaver")
    key, text = make_key(user)

    page = save(administrator, user, Role.REVIEWER).content.decode()

    assert "Who gets the keys of “leaver”?" in page
    assert f'name="key-{key.pk}"' in page
    assert role_of(user) == Role.DEVELOPER
    assert works(text)


def test_keys_go_to_who_is_chosen_and_the_others_are_revoked(administrator: Client) -> None:
    user, successor = factories.make_developer(), factories.make_developer()
    (key, text), (_other, left) = make_key(user), make_key(user)

    page = save(administrator, user, Role.USER, confirmed="1", **{f"key-{key.pk}": successor.pk})

    key.refresh_from_db()
    assert role_of(user) == Role.USER
    assert key.owner == successor
    assert (works(text), works(left)) == (True, False)
    assert "1 API key is revoked." in page.content.decode()


def test_key_goes_to_nobody_who_may_have_none(administrator: Client) -> None:
    user, client = factories.make_developer(), factories.make_user()
    key, text = make_key(user)

    save(administrator, user, Role.USER, confirmed="1", **{f"key-{key.pk}": client.pk})

    assert role_of(user) == Role.DEVELOPER
    assert works(text)


def test_role_that_may_have_keys_keeps_them(administrator: Client) -> None:
    user = factories.make_developer()
    _key, text = make_key(user)

    save(administrator, user, Role.ADMINISTRATOR)

    assert works(text)


# Who is left


def test_administrators_do_not_take_their_own_role(administrator: Client, root: User) -> None:
    factories.make_administrator()

    page = save(administrator, root, Role.USER).content.decode()

    assert "another administrator can" in page
    assert role_of(root) == Role.ADMINISTRATOR


def test_administrators_do_not_deactivate_themselves(administrator: Client, root: User) -> None:
    page = administrator.post(reverse("accounts:user_deactivate", args=[root.pk]), follow=True).content.decode()

    root.refresh_from_db()
    assert root.is_active
    assert "You cannot deactivate yourself." in page


def test_last_administrator_is_not_demoted(root: User) -> None:
    factories.make_administrator(is_active=False)

    with pytest.raises(LastAdministrator):
        set_role(root, Role.DEVELOPER, successors={})

    assert role_of(root) == Role.ADMINISTRATOR


def test_last_administrators_are_not_deactivated_together(root: User) -> None:
    other = factories.make_administrator()

    with pytest.raises(LastAdministrator):
        deactivate_users([root, other], successors={})

    assert User.objects.filter(is_active=True, is_superuser=True).count() == 2


def test_one_of_two_administrators_is_demoted(administrator: Client) -> None:
    other = factories.make_administrator()

    save(administrator, other, Role.USER)

    assert role_of(other) == Role.USER


@pytest.mark.parametrize(("name", "fields"), [("user", {"username": "anne", "role": "user"}), ("user_deactivate", {})])
def test_last_administrator_is_told_in_a_sentence(
    administrator: Client, monkeypatch: pytest.MonkeyPatch, name: str, fields: dict[str, str]
) -> None:
    """As when two administrators take the role from each other at once."""
    other = factories.make_administrator(username="anne")
    monkeypatch.setattr("accounts.services._leave_an_administrator", refuse)

    page = administrator.post(reverse(f"accounts:{name}", args=[other.pk]), fields, follow=True).content.decode()

    assert "This is the last active administrator" in page
    assert role_of(other) == Role.ADMINISTRATOR


def refuse(**_about: object) -> None:
    raise LastAdministrator


def test_admin_form_leaves_administrators_their_own_rights(administrator: Client, root: User) -> None:
    form = administrator.get(reverse("admin:accounts_user_change", args=[root.pk])).context["adminform"].form

    assert "is_active" not in form.fields
    assert "is_superuser" not in form.fields


@pytest.mark.parametrize("many", [False, True])
def test_admin_deletes_nobody_who_deletes_themselves(administrator: Client, root: User, *, many: bool) -> None:
    if many:
        fields = {"action": "delete_selected", "_selected_action": [root.pk], "post": "yes"}
        administrator.post(reverse("admin:accounts_user_changelist"), fields)
    else:
        administrator.post(reverse("admin:accounts_user_delete", args=[root.pk]), {"post": "yes"})

    assert User.objects.filter(pk=root.pk).exists()


def test_admin_form_that_takes_the_role_revokes_the_keys(administrator: Client) -> None:
    leaver = factories.make_developer()
    _key, text = make_key(leaver)
    address = reverse("admin:accounts_user_change", args=[leaver.pk])
    form = administrator.get(address).context["adminform"].form
    fields = {name: form[name].value() for name in form.fields if form[name].value() not in (None, False)}
    fields |= {"groups": [], "user_permissions": []}

    page = administrator.post(address, fields, follow=True).content.decode()

    assert not works(text)
    assert "1 API key is revoked." in page


# Coming and going


def test_deactivating_asks_about_the_keys(administrator: Client) -> None:
    user, successor = factories.make_developer(username="leaver"), factories.make_developer()
    (key, text), (_other, left) = make_key(user), make_key(user)
    address = reverse("accounts:user_deactivate", args=[user.pk])
    assert f'name="key-{key.pk}"' in administrator.get(address).content.decode()

    page = administrator.post(address, {f"key-{key.pk}": successor.pk}, follow=True).content.decode()

    user.refresh_from_db()
    assert not user.is_active
    assert (works(text), works(left)) == (True, False)
    assert "1 API key stops working." in page


def test_deactivated_person_signs_in_again_once_that_is_allowed(administrator: Client) -> None:
    user = factories.make_user(is_active=False)

    administrator.post(reverse("accounts:user_activate", args=[user.pk]))

    user.refresh_from_db()
    assert user.is_active


def test_link_is_made_for_who_has_forgotten_the_password(administrator: Client) -> None:
    user = factories.make_user()

    page = administrator.post(reverse("accounts:user_link", args=[user.pk]))

    assert find_link(page.context["url"].partition("link=")[2]).user == user
    assert page.context["url"] in page.content.decode()


def test_no_link_is_made_for_who_is_deactivated(administrator: Client) -> None:
    user = factories.make_user(is_active=False)

    page = administrator.post(reverse("accounts:user_link", args=[user.pk]), follow=True).content.decode()

    assert "Let this person sign in again first" in page
    assert not hasattr(user, "password_link")
