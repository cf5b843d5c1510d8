"""A browser without JavaScript: it reads the forms of a page and sends them, on Django's client."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any, NamedTuple
from urllib.parse import urljoin

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.models import User

FIXED = {"submit", "checkbox", "radio", "hidden", "option"}
"""Controls that send the value that the page gave them, and no other."""


class Control(NamedTuple):
    """What a form sends. is_sent: also when nobody touches it."""

    name: str
    kind: str
    value: str
    is_sent: bool


@dataclass
class Form:
    attributes: dict[str, str]
    controls: list[Control] = field(default_factory=list)

    def takes(self, name: str, value: Any) -> bool:
        """Say whether somebody can send that by it."""
        if isinstance(value, list):
            return all(self.takes(name, each) for each in value)
        if isinstance(value, SimpleUploadedFile):
            is_multipart = self.attributes.get("enctype") == "multipart/form-data"
            return is_multipart and any(each[:2] == (name, "file") for each in self.controls)
        named = [each for each in self.controls if each.name == name and each.kind != "file"]
        return any(each.kind not in FIXED or each.value == value for each in named)

    def filled(self, given: dict[str, Any]) -> dict[str, Any]:
        """Return what is sent: what is given, and what the page gave for the rest."""
        sent: dict[str, Any] = {}
        for control in self.controls:
            if control.is_sent and control.name not in given:
                sent.setdefault(control.name, []).append(control.value)
        return sent | given


class Forms(HTMLParser):
    """The forms of a page."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.found: list[Form] = []
        self._elsewhere: list[tuple[str, Control]] = []
        self._form: Form | None = None
        self._select: dict[str, str] = {}
        self.feed(content)
        by_id = {each.attributes.get("id"): each for each in self.found}
        for form, control in self._elsewhere:
            if form in by_id:
                by_id[form].controls.append(control)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._form = Form(found)
            self.found.append(self._form)
        elif tag == "select":
            self._select = found
        elif tag == "option":
            self._add({**self._select, "value": found.get("value", "")}, kind=tag, is_sent="selected" in found)
        elif tag == "button":
            self._add(found, kind=found.get("type", "submit"), is_sent=False)
        elif tag == "textarea":
            self._add(found, kind=tag, is_sent=True)
        elif tag == "input":
            kind = found.get("type", "text")
            is_sent = "checked" in found if kind in {"checkbox", "radio"} else kind != "file"
            self._add(found, kind=kind, is_sent=is_sent)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None

    def _add(self, found: dict[str, str], *, kind: str, is_sent: bool) -> None:
        if "disabled" in found or "name" not in found:
            return
        control = Control(found["name"], kind, found.get("value", ""), is_sent)
        if "form" in found:
            self._elsewhere.append((found["form"], control))
        elif self._form:
            self._form.controls.append(control)


class PlainBrowser:
    """Somebody's browser; every form is sent with the token that stands in it."""

    def __init__(self, user: User | None = None) -> None:
        self.client = Client(enforce_csrf_checks=True, headers={"accept-language": "fr"})
        if user:
            self.client.force_login(user)

    def open(self, address: str, **query: Any) -> None:
        self._show(self.client.get(address, query, follow=True))

    def send(self, action: str, **given: Any) -> None:
        """Send the first form of the page whose address ends like that and by which all that can be sent."""
        form = next(
            form
            for form in Forms(self.content).found
            if self._address(form).split("?")[0].endswith(action)
            and all(form.takes(name, value) for name, value in given.items())
        )
        ask = self.client.post if form.attributes.get("method") == "post" else self.client.get
        self._show(ask(self._address(form), form.filled(given), follow=True))

    def _address(self, form: Form) -> str:
        address: str = urljoin(self.url, form.attributes.get("action", ""))
        return address

    def _show(self, response: Any) -> None:
        self.status = response.status_code
        self.url = response.wsgi_request.get_full_path()
        self.content = response.content.decode()
