from django.urls import path

from feedback.views import gestures, review, uploads, verdicts

app_name = "feedback"
urlpatterns = [
    path("predictions/<int:pk>/verdict/", verdicts.give, name="give"),
    path("predictions/<int:pk>/verdict/given/", verdicts.confirmation, name="confirmation"),
    path("predictions/<int:pk>/verdict/undo/", verdicts.undo, name="undo"),
    path("predictions/<int:pk>/correction/", verdicts.correct, name="correct"),
    path("uploads/", uploads.uploads, name="uploads"),
    path("uploads/export/", uploads.export, name="export_uploads"),
    path("uploads/delete/", uploads.delete, name="delete_uploads"),
    path("uploads/<int:pk>/photo", uploads.photo, name="photo"),
    path("uploads/<int:pk>/thumbnail", uploads.thumbnail, name="thumbnail"),
    path("mispredictions/", review.mispredictions, name="mispredictions"),
    path("mispredictions/<int:pk>/", review.misprediction, name="misprediction"),
    path("mispredictions/<int:pk>/photo", review.photo, name="misprediction_photo"),
    path("mispredictions/<int:pk>/thumbnail", review.thumbnail, name="misprediction_thumbnail"),
    path("mispredictions/<int:pk>/hold/", gestures.hold, name="hold"),
    path("mispredictions/act/", gestures.act, name="act"),
    path("mispredictions/bin/", review.bin_, name="bin"),
    path("mispredictions/bin/erase/", review.erase, name="erase"),
]
