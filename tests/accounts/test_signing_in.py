"""Signing in and out, one's own choices, and who may open what."""

from collections.abc import Callable
from urllib.parse import quote

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from accounts.models import DEVELOPERS, REVIEWERS, User
from accounts.roles import Role, role_of
from accounts.services import create_first_users
from tests import factories

SignIn = Callable[[User], Client]


def test_signing_in_leads_home(client: Client, db: None) -> None:
    factories.make_user(username="anne", password="right-password")

    answer = client.post(reverse("accounts:login"), {"username": "anne", "password": "right-password"})

    assert answer.headers["Location"] == reverse("classifier:home")


def test_wrong_password_signs_nobody_in(client: Client, db: None) -> None:
    factories.make_user(username="anne", password="right-password")

    answer = client.post(reverse("accounts:login"), {"username": "anne", "password": "wrong"})

    assert answer.status_code == 200
    assert "_auth_user_id" not in client.session


def test_signing_out_needs_a_post(signed_in: SignIn, person: User) -> None:
    browser = signed_in(person)

    assert browser.get(reverse("accounts:logout")).status_code == 405
    assert "_auth_user_id" in browser.session


def test_signing_out_leads_to_signing_in(signed_in: SignIn, person: User) -> None:
    browser = signed_in(person)

    answer = browser.post(reverse("accounts:logout"))

    assert answer.headers["Location"] == reverse("accounts:login")
    assert "_auth_user_id" not in browser.session


def test_password_can_be_changed_by_who_knows_the_old_one(signed_in: SignIn, person: User) -> None:
    browser = signed_in(person)
    new = "another-s3cret-enough"

    browser.post(
        reverse("accounts:password_change"),
        {"old_password": "s3cret-enough", "new_password1": new, "new_password2": new},
    )

    person.refresh_from_db()
    assert person.check_password(new)


@pytest.mark.parametrize(("language", "word"), [("fr", "Déconnexion"), ("en", "Sign out")])
def test_language_is_kept_with_the_user(signed_in: SignIn, person: User, language: str, word: str) -> None:
    signed_in(person).post(reverse("accounts:language"), {"language": language})

    page = signed_in(person).get(reverse("classifier:home")).content.decode()

    assert word in page
    assert f'<html lang="{language}"' in page


def test_language_of_the_browser_counts_before_signing_in(client: Client, db: None) -> None:
    page = client.get(reverse("accounts:login"), headers={"accept-language": "en"}).content.decode()

    assert "Sign in" in page


def test_unknown_language_changes_nothing(signed_in: SignIn, person: User) -> None:
    signed_in(person).post(reverse("accounts:language"), {"language": "xx"})

    person.refresh_from_db()
    assert person.language == ""


@pytest.mark.parametrize(("said", "uses_keys"), [("off", False), ("on", True), ("perhaps", True)])
def test_shortcuts_are_switched_by_the_user(signed_in: SignIn, person: User, said: str, uses_keys: bool) -> None:
    browser = signed_in(person)

    browser.post(reverse("accounts:keys"), {"uses_keys": said})

    person.refresh_from_db()
    assert person.uses_keys == uses_keys
    keys = "on" if uses_keys else "off"
    assert f'data-keys="{keys}"' in browser.get(reverse("classifier:home")).content.decode()


def test_theme_is_kept_with_the_user(signed_in: SignIn, person: User) -> None:
    signed_in(person).post(reverse("accounts:theme"), {"theme": "dark"})

    assert 'data-bs-theme="dark"' in signed_in(person).get(reverse("classifier:home")).content.decode()


def test_choices_do_not_lead_to_other_sites(client: Client, db: None) -> None:
    answer = client.post(reverse("accounts:language"), {"language": "en", "next": "https://elsewhere.example/"})

    assert answer.headers["Location"] == reverse("classifier:home")


def test_roles_come_with_the_migrations(db: None) -> None:
    permissions = {
        group.name: {permission.codename for permission in group.permissions.all()}
        for group in Group.objects.prefetch_related("permissions")
    }

    assert permissions == {REVIEWERS: {"review"}, DEVELOPERS: {"review", "develop"}}


@pytest.mark.parametrize("path", ["/admin/", "/admin/accounts/user/", "/admin/login/"])
@pytest.mark.parametrize("make", [factories.make_user, factories.make_reviewer, factories.make_developer])
def test_admin_does_not_exist_below_administrators(
    signed_in: SignIn, db: None, path: str, make: Callable[[], User]
) -> None:
    assert signed_in(make()).get(path, follow=True).status_code == 404


def test_administrators_have_the_admin(signed_in: SignIn, db: None) -> None:
    administrator = factories.make_user(is_staff=True, is_superuser=True)

    assert signed_in(administrator).get("/admin/").status_code == 200


def test_strangers_at_the_admin_are_sent_to_sign_in(client: Client, db: None) -> None:
    answer = client.get("/admin/", follow=True)

    assert answer.redirect_chain[-1][0].startswith(reverse("accounts:login"))


def test_first_users_get_random_passwords_once(db: None) -> None:
    made = create_first_users({"client": "chosen-password"})

    users = {user.username: user for user in User.objects.all()}
    assert set(made) == {"reviewer", "developer"}
    assert all(users[name].check_password(password) for name, password in made.items())
    assert users["client"].check_password("chosen-password")
    assert {name: role_of(user) for name, user in users.items()} == {
        "client": Role.USER,
        "reviewer": Role.REVIEWER,
        "developer": Role.DEVELOPER,
    }
    assert create_first_users({"client": "another-one"}) == {}


def test_first_users_are_made_for_nobody_who_has_users(db: None) -> None:
    factories.make_user()

    assert create_first_users({}) == {}
    assert User.objects.count() == 1


def test_part_of_a_page_is_never_replaced_by_the_sign_in_form(client: Client) -> None:
    address = reverse("feedback:mispredictions")

    answer = client.get(address, headers={"HX-Request": "true", "HX-Current-URL": f"http://testserver{address}?tag=a"})

    assert answer.status_code == 401
    assert answer.headers["HX-Redirect"] == f"{reverse('accounts:login')}?next={quote(address, safe='')}"


def test_nonsense_in_the_address_of_htmx_leads_to_sign_in_too(client: Client) -> None:
    answer = client.get(reverse("classifier:home"), headers={"HX-Request": "true", "HX-Current-URL": "http://["})

    assert answer.status_code == 401
