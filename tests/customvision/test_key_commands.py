"""The commands on keys."""

import json
from datetime import date, timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.keys import create_key, find_key, revoke_key
from accounts.models import ApiKey
from tests import factories

pytestmark = pytest.mark.django_db


def make(*arguments: str, capsys: pytest.CaptureFixture[str]) -> ApiKey:
    """Make a key by the command; return what its text opens."""
    capsys.readouterr()
    call_command("create_api_key", *arguments)
    found = find_key(capsys.readouterr().out.removesuffix("\n"), now=timezone.now())
    assert found
    return found


def test_key_stands_alone_on_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("create_api_key", "camera", "--scope", "prediction")

    printed = capsys.readouterr()
    assert printed.out.count("\n") == 1
    assert find_key(printed.out.strip(), now=timezone.now())
    assert "camera" in printed.err
    assert printed.out.strip() not in printed.err


@pytest.mark.parametrize("attribute", ["name", "uid"])
def test_key_of_one_project(capsys: pytest.CaptureFixture[str], attribute: str) -> None:
    project = factories.make_project()

    key = make("camera", "--scope", "all", "--project", str(getattr(project, attribute)), capsys=capsys)

    assert key.project_uid == project.uid


def test_key_expires_after_so_many_days(capsys: pytest.CaptureFixture[str]) -> None:
    key = make("camera", "--scope", "all", "--expires", "30", capsys=capsys)

    assert key.expires_at
    assert timedelta(days=29.9) < key.expires_at - timezone.now() < timedelta(days=30.1)


def test_key_expires_at_the_end_of_a_day(capsys: pytest.CaptureFixture[str]) -> None:
    key = make("camera", "--scope", "all", "--expires", "2999-12-31", capsys=capsys)

    assert key.expires_at
    assert timezone.localdate(key.expires_at) == date(3000, 1, 1)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (["--expires", "2020-01-01"], "2020-01-01 is over"),
        (["--expires", "soon"], "a number of days"),
        (["--expires", "0"], "a number of days"),
        (["--expires", "9999-12-31"], "a number of days"),
        (["--project", "Nowhere"], "There is no project 'Nowhere'; there are: Flowers."),
    ],
    ids=str,
)
def test_what_cannot_be_is_asked_wrongly(wrong: list[str], said: str) -> None:
    factories.make_project(name="Flowers")

    with pytest.raises(CommandError, match=said) as raised:
        call_command("create_api_key", "camera", "--scope", "all", *wrong)

    assert raised.value.returncode == 2
    assert not ApiKey.objects.exists()


@pytest.mark.parametrize("name", ["", "x" * 101, "Camera"], ids=["empty", "long", "taken"])
def test_name_that_cannot_be_is_asked_wrongly(name: str) -> None:
    create_key(name="camera", scope="all", by=None)

    with pytest.raises(CommandError) as raised:
        call_command("create_api_key", name, "--scope", "all")

    assert raised.value.returncode == 2
    assert ApiKey.objects.count() == 1


@pytest.mark.parametrize("by", ["prefix", "name", "text"])
def test_key_is_revoked(by: str, capsys: pytest.CaptureFixture[str]) -> None:
    key, text = create_key(name="camera", scope="all", by=None)

    call_command("revoke_api_key", text if by == "text" else getattr(key, by))

    assert find_key(text, now=timezone.now()) is None
    assert key.prefix in capsys.readouterr().out


def test_name_of_several_keys_does_not_say_which() -> None:
    keys = [create_key(name="camera", scope="all", by=None)[0] for _ in range(2)]

    with pytest.raises(CommandError, match="names several keys") as raised:
        call_command("revoke_api_key", "camera")

    assert raised.value.returncode == 2
    assert all(key.prefix in str(raised.value) for key in keys)
    assert ApiKey.objects.filter(revoked_at=None).count() == 2


@pytest.mark.parametrize(("asked", "said"), [("camera", "revoked already"), ("cfr_", "no key"), ("x", "no key")])
def test_key_that_is_not_there_cannot_be_revoked(asked: str, said: str) -> None:
    revoke_key(create_key(name="camera", scope="all", by=None)[0])

    with pytest.raises(CommandError, match=said) as raised:
        call_command("revoke_api_key", asked)

    assert raised.value.returncode == 2


def test_keys_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    project = factories.make_project(name="Flowers")
    key, text = create_key(name="camera", scope="all", by=None, project_uid=project.uid)
    capsys.readouterr()

    call_command("list_api_keys")
    [line] = capsys.readouterr().out.splitlines()
    call_command("list_api_keys", "--json")
    told: list[dict[str, Any]] = json.loads(capsys.readouterr().out)

    assert line == f"{key.prefix}  works     all         camera (Flowers)"
    assert (told[0]["project"], told[0]["state"]) == ("Flowers", "works")
    assert told[0]["created_at"] == key.created_at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assert text not in str(told)
