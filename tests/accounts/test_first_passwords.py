"""The passwords of the first users are in a file until each of them has signed in once."""

import stat
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts import first_passwords
from accounts.models import User
from accounts.password_links import create_link
from accounts.services import create_first_users
from classifr.management.commands.prepare import box
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def file(tmp_path: Path, settings: Settings) -> Path:
    settings.CLASSIFR_VAR = tmp_path
    return tmp_path / "first-passwords"


@pytest.fixture
def passwords(file: Path) -> dict[str, str]:
    made = create_first_users({})
    first_passwords.store(made)
    return made


def sign_in(username: str, password: str) -> None:
    answer = Client().post(reverse("accounts:login"), {"username": username, "password": password})
    assert answer.status_code == 302


def test_file_is_its_owners_alone(file: Path, passwords: dict[str, str]) -> None:
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert first_passwords.read() == passwords


def test_line_goes_with_the_first_sign_in_and_the_file_with_the_last(file: Path, passwords: dict[str, str]) -> None:
    *others, last = passwords
    for name in others:
        sign_in(name, passwords[name])
        assert name not in file.read_text()

    assert first_passwords.read() == {last: passwords[last]}
    sign_in(last, passwords[last])
    assert not file.exists()


def test_wrong_password_takes_no_line(file: Path, passwords: dict[str, str]) -> None:
    Client().post(reverse("accounts:login"), {"username": "client", "password": "wrong"})

    assert "client" in file.read_text()


def test_password_set_by_a_link_takes_the_line(file: Path, passwords: dict[str, str]) -> None:
    user = User.objects.get(username="client")
    _link, text = create_link(user=user, by=factories.make_administrator())
    new = "another-s3cret-enough"

    Client().post(f"{reverse('accounts:password_set')}?link={text}", {"new_password1": new, "new_password2": new})

    assert "client" not in file.read_text()


def test_password_that_was_changed_is_not_told(file: Path, passwords: dict[str, str]) -> None:
    changed, gone, deactivated = (User.objects.get(username=name) for name in passwords)
    changed.set_password("of-a-command")
    changed.save()
    gone.delete()
    User.objects.filter(pk=deactivated.pk).update(is_active=False)

    assert first_passwords.read() == {}
    assert not file.exists()


def test_file_that_cannot_be_changed_keeps_nobody_out(
    file: Path, passwords: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    file.unlink()
    file.mkdir()

    sign_in("client", passwords["client"])

    assert f"Could not take a line out of file={file}" in caplog.text


def test_box_frames_each_line(file: Path) -> None:
    lines = box({"client": "abc", "developer": "defg"}).splitlines()

    assert len({len(line) for line in lines}) == 1
    assert lines[1].startswith("| client     abc ")
    assert lines[2].startswith("| developer  defg ")
    assert any("changepassword NAME" in line for line in lines)
