"""A folder that a browser has read is judged: the page sends what it sees, and gets what to do with each file."""

import binascii
import io
import json
from base64 import b64decode
from functools import partial
from typing import Any

from django.http import HttpRequest, JsonResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from accounts.access import UserRequest, developer_required
from catalog.refusals import refusal_sentence
from engine.folders import FoundFile
from engine.folders.archives import MOST_ENTRIES
from training.models import Project
from training.names import same_name
from training.services.folders import Contents, contents_of
from web.takes import Rate, Takes, is_signed_in, limited_to

LISTING_BYTES = 24 * 1024 * 1024
"""Of 100,000 files: path, size and first bytes of each."""


@limited_to(Takes(LISTING_BYTES, rate=Rate("uploads", weight=10), admits=is_signed_in))
@developer_required
@never_cache
@require_POST
def judge(request: UserRequest, pk: int) -> JsonResponse:
    """Say of each file of a listing which tag it would have, or why it is left out; nothing is stored.

    The listing is a file of JSON: for each file its path, its size and its first 64 bytes in base64, null where the
    browser could not read it. The answer names files by their places in it.
    """
    project = get_object_or_404(Project, pk=pk)
    try:
        found = _listed(request)
    except (ValueError, TypeError, KeyError, RecursionError):
        return JsonResponse({"error": _("The list of the folder's files cannot be read. Choose it again.")}, status=400)
    if len(found) > MOST_ENTRIES:
        sentence = _("The folder has %(count)s files; at most %(limit)s are sent at once.")
        return JsonResponse({"error": sentence % {"count": len(found), "limit": MOST_ENTRIES}}, status=400)
    contents = contents_of(found, project=project, as_tags="as_tags" in request.POST, may_be_wrapped=True)
    return JsonResponse(_answer(project, contents, {file.parts: place for place, file in enumerate(found)}))


def _listed(request: HttpRequest) -> list[FoundFile]:
    rows = json.loads(request.FILES["listing"].read())  # type: ignore[union-attr]
    return [_file(str(path), int(byte_size), head) for path, byte_size, head in rows]


def _file(path: str, byte_size: int, head: str | None) -> FoundFile:
    parts = tuple(part for part in path.split("/") if part)
    if not parts:
        raise ValueError(path)
    return FoundFile(parts, byte_size, partial(_head, None if head is None else _decoded(head)))


def _decoded(head: str) -> bytes:
    try:
        return b64decode(head, validate=True)
    except binascii.Error as exc:
        raise ValueError(head) from exc


def _head(content: bytes | None) -> io.BytesIO:
    if content is None:
        raise OSError(_("the browser could not open it"))
    return io.BytesIO(content)


def _answer(project: Project, contents: Contents, places: dict[tuple[str, ...], int]) -> dict[str, Any]:
    known = {same_name(tag.name): tag.pk for tag in project.tags.all()}
    counts = contents.tagged.counts()
    return {
        "files": [
            {
                "place": places[each.file.parts],
                "tag": known.get(same_name(each.tag), ""),
                "held_out": each.held_out,
            }
            for each in contents.tagged.files
        ],
        "left_out": [
            {"place": places[each.parts], "detail": refusal_sentence(each.reason)} for each in contents.left_out
        ],
        "new_tags": [
            {"name": name, "detail": _photos(count)}
            for name, count in counts.items()
            if name and same_name(name) not in known
        ],
        "splits": _splits_sentence(contents),
        "system": _system_sentence(contents.system_count),
    }


def _photos(count: int) -> str:
    return ngettext("%(count)s photo", "%(count)s photos", count) % {"count": count}


def _splits_sentence(contents: Contents) -> str:
    if not contents.tagged.splits:
        return ""
    held_out = sum(each.held_out for each in contents.tagged.files)
    sentence = ngettext(
        "%(names)s are read as parts of a data set, and their sub-folders as tags: %(count)s photo will only be "
        "measured on.",
        "%(names)s are read as parts of a data set, and their sub-folders as tags: %(count)s photos will only be "
        "measured on.",
        held_out,
    )
    return sentence % {"names": ", ".join(contents.tagged.splits), "count": held_out}


def _system_sentence(count: int) -> str:
    if not count:
        return ""
    sentence = ngettext("%(count)s system file was left out.", "%(count)s system files were left out.", count)
    return sentence % {"count": count}
