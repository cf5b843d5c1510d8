"""Pictures come into a project: from our script in batches, or from a plain form."""

import logging
from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from accounts.access import UserRequest, developer_required, next_url
from accounts.models import User
from catalog.refusals import refusal_sentence
from engine import images
from engine.exceptions import RefusedPicture
from training.exceptions import BackendUnavailable
from training.forms import UploadForm
from training.models import Project, Tag
from training.services.images import remark, summary, upload_images
from training.uploads import BATCH, ImageStatus, ImageUpload, UploadResult
from training.views.answers import TROUBLE, trouble_sentence
from web.answers import form_sentence, wants_json
from web.takes import Rate, Takes, is_signed_in, limited_to

logger = logging.getLogger(__name__)

REFUSED_UPLOADS = "refused_uploads"
"""Key of the session: what the last upload without JavaScript refused, until it is shown."""
READ_AT_ONCE = 16
"""Files in memory: a plain form may send 64 of 6 MiB."""


@limited_to(Takes(BATCH * images.TRAINING.max_bytes, rate=Rate("uploads", weight=10), admits=is_signed_in))
@developer_required
@never_cache
@require_POST
def upload(request: UserRequest, pk: int) -> HttpResponseBase:
    """Keep or refuse each picture by itself; safe to be sent again.

    Our script gets JSON: `results`, one for each file in their order, or `error` with status 400 if the batch is
    refused, 503 if it may be sent again.
    """
    project = get_object_or_404(Project, pk=pk)
    form = UploadForm(request.POST, request.FILES, project=project)
    if not form.is_valid():
        return refuse_upload(request, project, form_sentence(form), status=400)
    try:
        results = _upload(project, by=request.user, names=request.POST.getlist("name"), **form.cleaned_data)
    except TROUBLE as exc:
        may_retry = isinstance(exc, BackendUnavailable)
        return refuse_upload(request, project, trouble_sentence(exc), status=503 if may_retry else 400)
    return answer_upload(request, project, results)


def answer_upload(
    request: UserRequest, project: Project, results: Sequence[UploadResult], *, note: str = ""
) -> HttpResponseBase:
    """Tell what became of each file, and what else there is to note of all."""
    if wants_json(request):
        return JsonResponse({"results": [_as_json(each) for each in results], "system": note})
    refused = [_as_json(each) for each in results if not each.status.is_ok]
    request.session[REFUSED_UPLOADS] = refused
    (messages.warning if refused else messages.success)(request, " ".join(filter(None, [summary(results), note])))
    return redirect(_back_url(request, project) + ("#refused" if refused else ""))


def upload_context(request: UserRequest, project: Project) -> dict[str, Any]:
    """Return what `_upload.html` shows; what was refused is shown once."""
    refused = request.session.pop(REFUSED_UPLOADS, []) if request.method == "GET" else []
    return {"upload_form": UploadForm(project=project), "refused": refused}


def _upload(
    project: Project, *, files: Sequence[UploadedFile], names: Sequence[str], tag: Tag | None, held_out: bool, by: User
) -> list[UploadResult]:
    """Return what became of each file, in their order; `names` are theirs where they were sent apart."""
    results: list[UploadResult] = []
    named = list(zip(files, names if len(names) == len(files) else [file.name or "" for file in files], strict=True))
    for start in range(0, len(named), READ_AT_ONCE):
        read = [
            _read(file, name=_printable(name), tag=tag, held_out=held_out)
            for file, name in named[start : start + READ_AT_ONCE]
        ]
        results += upload_images(project=project, batch=read, by=by)
    return results


def _printable(name: str) -> str:
    return "".join(character for character in name if character.isprintable())


def _read(file: UploadedFile, *, name: str, tag: Tag | None, held_out: bool) -> ImageUpload | UploadResult:
    """Return the picture with its bytes, unless it is too heavy to be read at all."""
    try:
        images.check_byte_size(file.size or 0, limits=images.TRAINING)
    except RefusedPicture as exc:
        return UploadResult(name, ImageStatus.ERROR_IMAGE_SIZE, detail=refusal_sentence(exc))
    return ImageUpload(name, file.read(), (tag,) if tag else (), held_out=held_out)


def _as_json(result: UploadResult) -> dict[str, str]:
    return {"name": result.name, "status": result.status.value, "detail": remark(result)}


def refuse_upload(request: UserRequest, project: Project, sentence: str, *, status: int) -> HttpResponseBase:
    if wants_json(request):
        return JsonResponse({"error": sentence}, status=status)
    messages.error(request, sentence)
    return redirect(_back_url(request, project))


def _back_url(request: UserRequest, project: Project) -> str:
    return next_url(request, reverse("training:images", args=[project.pk]))
