"""Whoever is deactivated takes their keys along, unless another developer gets them."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.keys import create_key, find_key, is_stopped, may_still_be_used, revoke_key
from accounts.models import ApiKey, User
from accounts.services import deactivate_users
from tests import factories

pytestmark = [pytest.mark.slow, pytest.mark.django_db]

SignIn = Callable[[User], Client]
USERS = reverse("admin:accounts_user_changelist")


@pytest.fixture
def leaver() -> User:
    return factories.make_developer(username="leaver")


@pytest.fixture
def successor() -> User:
    return factories.make_developer(username="successor")


@pytest.fixture
def administrator(signed_in: SignIn) -> Client:
    return signed_in(factories.make_user(username="admin", is_staff=True, is_superuser=True))


def make_key(owner: User, name: str = "camera") -> tuple[ApiKey, str]:
    return create_key(name=name, scope=ApiKey.Scope.ALL, by=owner)


def works(text: str) -> bool:
    return find_key(text, now=timezone.now()) is not None


def ask_to_deactivate(browser: Client, *users: User, **fields: Any) -> Any:
    return browser.post(
        USERS, {"action": "deactivate", "_selected_action": [user.pk for user in users], **fields}, follow=True
    )


def test_key_stops_with_its_owner(leaver: User) -> None:
    key, text = make_key(leaver)

    stopped = deactivate_users([leaver], successors={})

    assert stopped == 1
    assert not works(text)
    assert is_stopped(text)
    assert not may_still_be_used(key.pk, now=timezone.now())
    assert not ApiKey.objects.usable(timezone.now()).exists()


def test_key_that_is_handed_over_goes_on_working(leaver: User, successor: User) -> None:
    key, text = make_key(leaver)
    _other, left = make_key(leaver, "printer")

    stopped = deactivate_users([leaver], successors={key: successor})

    key.refresh_from_db()
    assert (stopped, key.owner) == (1, successor)
    assert (works(text), works(left)) == (True, False)


def test_key_works_again_with_its_owner(leaver: User) -> None:
    _key, text = make_key(leaver)
    deactivate_users([leaver], successors={})

    User.objects.update(is_active=True)

    assert works(text)


def test_key_that_a_command_made_has_no_owner_to_stop_with(leaver: User) -> None:
    _key, text = create_key(name="camera", scope=ApiKey.Scope.ALL, by=None)

    deactivate_users([leaver], successors={})

    assert works(text)


def test_revoked_key_is_not_told_that_it_was_stopped(leaver: User) -> None:
    key, text = make_key(leaver)
    revoke_key(key)

    deactivate_users([leaver], successors={})

    assert not is_stopped(text)


def test_key_that_nearly_fits_is_told_nothing(leaver: User) -> None:
    _key, text = make_key(leaver)
    deactivate_users([leaver], successors={})

    assert not is_stopped(text[:-1] + ("0" if text[-1] != "0" else "1"))


# In the admin


def test_page_asks_for_each_key_who_gets_it(administrator: Client, leaver: User, successor: User) -> None:
    key, _text = make_key(leaver)
    revoked, _ = make_key(leaver, "old")
    revoke_key(revoked)

    page = ask_to_deactivate(administrator, leaver).content.decode()

    assert f'<label for="id_key-{key.pk}">{key}' in page
    assert '<option value="" selected>Elle s’arrête</option>' in page
    assert f'<option value="{successor.pk}">successor</option>' in page
    assert f'<option value="{leaver.pk}">' not in page
    assert f"key-{revoked.pk}" not in page
    leaver.refresh_from_db()
    assert leaver.is_active


def test_what_the_page_says_is_done(administrator: Client, leaver: User, successor: User) -> None:
    key, text = make_key(leaver)
    _other, left = make_key(leaver, "printer")

    page = ask_to_deactivate(administrator, leaver, confirmed="1", **{f"key-{key.pk}": successor.pk})

    leaver.refresh_from_db()
    assert not leaver.is_active
    assert (works(text), works(left)) == (True, False)
    assert "1 clé d’API cesse de fonctionner." in page.content.decode()


def test_keys_stop_unless_somebody_is_chosen(administrator: Client, leaver: User, successor: User) -> None:
    _key, text = make_key(leaver)

    ask_to_deactivate(administrator, leaver, confirmed="1")

    assert not works(text)


def test_key_goes_to_no_client_and_nobody_who_leaves_too(administrator: Client, leaver: User) -> None:
    key, text = make_key(leaver)
    another, client = factories.make_developer(), factories.make_user()

    for heir in (another, client):
        ask_to_deactivate(administrator, leaver, another, confirmed="1", **{f"key-{key.pk}": heir.pk})

    key.refresh_from_db()
    assert key.owner == leaver
    assert works(text)  # nothing was done


def test_administrators_do_not_deactivate_themselves(administrator: Client) -> None:
    page = ask_to_deactivate(administrator, User.objects.get(username="admin"), confirmed="1")

    assert User.objects.get(username="admin").is_active
    assert "Vous ne pouvez pas vous désactiver vous-même." in page.content.decode()


def test_keys_stop_when_the_form_switches_a_person_off(administrator: Client, leaver: User) -> None:
    _key, text = make_key(leaver)
    address = reverse("admin:accounts_user_change", args=[leaver.pk])
    form = administrator.get(address).context["adminform"].form
    fields = {name: form[name].value() for name in form.fields if form[name].value() not in (None, False)}
    fields |= {"groups": [], "user_permissions": []}
    del fields["is_active"]

    page = administrator.post(address, fields, follow=True).content.decode()

    leaver.refresh_from_db()
    assert not leaver.is_active
    assert not works(text)
    assert "1 clé d’API cesse de fonctionner." in page


@pytest.mark.parametrize("many", [False, True])
def test_keys_of_a_person_who_is_deleted_are_revoked(administrator: Client, leaver: User, *, many: bool) -> None:
    key, text = make_key(leaver)

    if many:
        fields = {"action": "delete_selected", "_selected_action": [leaver.pk], "post": "yes"}
        administrator.post(USERS, fields)
    else:
        administrator.post(reverse("admin:accounts_user_delete", args=[leaver.pk]), {"post": "yes"})

    key.refresh_from_db()
    assert not User.objects.filter(pk=leaver.pk).exists()
    assert key.revoked_at is not None
    assert not works(text)


def test_developers_read_why_a_key_does_not_work(signed_in: SignIn, leaver: User, successor: User) -> None:
    make_key(leaver)
    deactivate_users([leaver], successors={})

    page = signed_in(successor).get(reverse("customvision:keys")).content.decode()

    assert "arrêtée\N{NO-BREAK SPACE}: son responsable est désactivé" in page
