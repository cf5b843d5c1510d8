from django.urls import path

from feedback.views import review, uploads, verdicts

app_name = "feedback"
urlpatterns = [
    path("predictions/<int:pk>/verdict/", verdicts.give, name="give"),
    path("predictions/<int:pk>/verdict/given/", verdicts.confirmation, name="confirmation"),
    path("predictions/<int:pk>/verdict/undo/", verdicts.undo, name="undo"),
    path("predictions/<int:pk>/correction/", verdicts.correct, name="correct"),
    path("uploads/", uploads.uploads, name="uploads"),
    path("uploads/delete/", uploads.delete, name="delete_uploads"),
    path("uploads/<int:pk>/photo", uploads.photo, name="photo"),
    path("uploads/<int:pk>/thumbnail", uploads.thumbnail, name="thumbnail"),
    path("mispredictions/", review.mispredictions, name="mispredictions"),
    path("mispredictions/<int:pk>/", review.misprediction, name="misprediction"),
    path("mispredictions/<int:pk>/photo", review.photo, name="misprediction_photo"),
    path("mispredictions/<int:pk>/thumbnail", review.thumbnail, name="misprediction_thumbnail"),
    path("mispredictions/delete/", review.delete, name="delete"),
    path("mispredictions/bin/", review.bin_, name="bin"),
    path("mispredictions/bin/restore/", review.restore, name="restore"),
    path("mispredictions/bin/erase/", review.erase, name="erase"),
]
