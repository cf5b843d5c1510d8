"""Folders come into a project: those that a browser has read are judged from what it sees, ZIPs are read here."""

import binascii
import io
import json
from base64 import b64decode
from functools import partial
from typing import Any

from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from accounts.access import UserRequest, developer_required
from accounts.models import User
from catalog.refusals import refusal_sentence
from engine import images
from engine.exceptions import RefusedFile
from engine.folders import FoundFile
from engine.folders.archives import MOST_ENTRIES, walk
from training.exceptions import BackendUnavailable, Refused
from training.forms import ZipForm
from training.models import Project, Tag
from training.names import same_name
from training.services.folders import Contents, contents_of, refuse, tags_by_name, upload_files
from training.services.projects import create_tags
from training.uploads import BATCH, UploadResult
from training.views.answers import TROUBLE, trouble_sentence
from training.views.uploads import answer_upload, refuse_upload
from web.answers import form_sentence, wants_json
from web.takes import Rate, Takes, is_signed_in, limited_to

READ_AT_ONCE = 16
"""Files in memory, each of at most 6 MiB."""
MOST_PICTURES = 2_000
"""Of a ZIP on the page: so many are done before the browser gives up."""
LISTING_BYTES = 24 * 1024 * 1024
"""Of 100,000 files: path, size and first bytes of each."""


@limited_to(Takes(LISTING_BYTES, rate=Rate("uploads", weight=10), admits=is_signed_in))
@developer_required
@never_cache
@require_POST
def judge(request: UserRequest, pk: int) -> HttpResponseBase:
    """Say of each file of a listing which tag it would have, or why it is left out; nothing is stored.

    The listing is a file of JSON: for each file its path, its size and its first 64 bytes in base64, null where the
    browser could not read it. The answer names files by their places in it.
    """
    project = get_object_or_404(Project, pk=pk)
    try:
        found = _listed(request)
    except (ValueError, TypeError, KeyError, RecursionError):
        sentence = _("The list of the folder's files cannot be read. Choose it again.")
        return refuse_upload(request, project, sentence, status=400)
    if len(found) > MOST_ENTRIES:
        sentence = _("The folder has %(count)s files; at most %(limit)s are sent at once.")
        said = sentence % {"count": len(found), "limit": MOST_ENTRIES}
        return refuse_upload(request, project, said, status=400)
    contents = contents_of(found, project=project, as_tags="as_tags" in request.POST, may_be_wrapped=True)
    return JsonResponse(_answer(project, contents, {file.parts: place for place, file in enumerate(found)}))


@limited_to(Takes(BATCH * images.TRAINING.max_bytes, rate=Rate("uploads", weight=10), admits=is_signed_in))
@developer_required
@never_cache
@require_POST
def upload_zip(request: UserRequest, pk: int) -> HttpResponseBase:
    """Upload a ZIP of folders; safe to be sent again.

    Where it has folders that are no tags yet, or parts that nobody has agreed to, it asks, and nothing is stored. Our
    script gets JSON: `question`, `results` with `system`, or `error`. Without it a box of the form agrees beforehand to
    new tags; where it does not, a page asks, and the ZIP is chosen again: nothing keeps it meanwhile.
    """
    project = get_object_or_404(Project, pk=pk)
    form = ZipForm(request.POST, request.FILES, project=project)
    if not form.is_valid():
        return refuse_upload(request, project, form_sentence(form), status=400)
    given = form.cleaned_data
    try:
        found = walk(given["zip"].file)
        contents = contents_of(
            found, project=project, as_tags=given["as_tags"] or bool(given["tag"]), may_be_wrapped=True
        )
        _check_size(contents)
        if given["make_tags"] and not given["tag"] and (new_tags := _new_tags(project, contents)):
            create_tags(project=project, names=[each["name"] for each in new_tags])
        if not given["tag"] and (question := _question(project, contents, confirmed=given["confirmed"])):
            return _ask(request, project, question)
        results = _upload_contents(project, contents, tag=given["tag"], held_out=given["held_out"], by=request.user)
    except RefusedFile as exc:
        return refuse_upload(request, project, refusal_sentence(exc), status=400)
    except TROUBLE as exc:
        may_retry = isinstance(exc, BackendUnavailable)
        return refuse_upload(request, project, trouble_sentence(exc), status=503 if may_retry else 400)
    return answer_upload(request, project, results, note=_system_sentence(contents.system_count))


def _check_size(contents: Contents) -> None:
    count = len(contents.tagged.files)
    if count > MOST_PICTURES:
        sentence = _(
            "The ZIP has %(count)s photos; at most %(limit)s come in by the page. The command upload_images takes more."
        )
        raise Refused(sentence % {"count": count, "limit": MOST_PICTURES})


def _question(project: Project, contents: Contents, *, confirmed: bool) -> dict[str, Any]:
    """Return what a person has to agree to; nothing where there is nothing."""
    question = {"new_tags": _new_tags(project, contents), "splits": _splits_sentence(contents)}
    return question if question["new_tags"] or (question["splits"] and not confirmed) else {}


def _ask(request: UserRequest, project: Project, question: dict[str, Any]) -> HttpResponseBase:
    if wants_json(request):
        return JsonResponse({"question": question})
    return render(request, "training/zip_question.html", {"project": project, **question})


def _upload_contents(
    project: Project, contents: Contents, *, tag: Tag | None, held_out: bool, by: User
) -> list[UploadResult]:
    results = [refuse(each.name, each.reason) for each in contents.left_out]
    files, tags = contents.tagged.files, tags_by_name(project)
    for start in range(0, len(files), READ_AT_ONCE):
        some = files[start : start + READ_AT_ONCE]
        results += upload_files(project, some, tags, tag=tag.name if tag else "", held_out=held_out, by=by)
    return results


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
    known = {name: tag.pk for name, tag in tags_by_name(project).items()}
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
        "new_tags": _new_tags(project, contents),
        "splits": _splits_sentence(contents),
        "system": _system_sentence(contents.system_count),
    }


def _new_tags(project: Project, contents: Contents) -> list[dict[str, str]]:
    known = tags_by_name(project)
    counts = contents.tagged.counts()
    return [
        {"name": name, "detail": _photos(count)}
        for name, count in counts.items()
        if name and same_name(name) not in known
    ]


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
