from django.urls import include, path

from training.views import (
    access,
    contradictions,
    folders,
    images,
    iterations,
    overview,
    project_settings,
    projects,
    publishing,
    tags,
    uploads,
)

app_name = "training"
_iterations = [
    path("", iterations.iterations, name="iterations"),
    path("publications", publishing.publications, name="publications"),
    path("rollback", publishing.rollback, name="rollback"),
    path("<int:number>/", iterations.iteration, name="iteration"),
    path("<int:number>/performance", iterations.performance, name="performance"),
    path("<int:number>/confusion", iterations.confusion, name="confusion"),
    path("<int:number>/compare", iterations.compare, name="compare"),
    path("<int:number>/comparison", iterations.comparison, name="comparison"),
    path("<int:number>/publish", publishing.publish, name="publish"),
    path("<int:number>/unpublish", publishing.unpublish, name="unpublish"),
    path("<int:number>/delete", iterations.delete, name="iteration_delete"),
    path("<int:number>/export", publishing.export, name="export"),
]
urlpatterns = [
    path("", projects.projects, name="projects"),
    path("new", projects.new, name="project_new"),
    path("<int:pk>/access/", access.access, name="access"),
    path("<int:pk>/", overview.project, name="project"),
    path("<int:pk>/settings/", project_settings.settings, name="settings"),
    path("<int:pk>/archive", project_settings.archive, name="project_archive"),
    path("<int:pk>/delete", project_settings.delete, name="project_delete"),
    path("<int:pk>/train", overview.train, name="train"),
    path("<int:pk>/training", overview.training, name="training"),
    path("<int:pk>/tags/", tags.tags, name="tags"),
    path("<int:pk>/tags/<int:tag>/rename", tags.rename_tag, name="tag_rename"),
    path("<int:pk>/tags/<int:tag>/delete", tags.delete_tag, name="tag_delete"),
    path("<int:pk>/images/", images.images, name="images"),
    path("<int:pk>/images/folder", folders.judge, name="images_folder"),
    path("<int:pk>/images/zip", folders.upload_zip, name="images_zip"),
    path("<int:pk>/images/upload", uploads.upload, name="images_upload"),
    path("<int:pk>/contradictions/<int:contradiction>/", contradictions.settle, name="contradiction_settle"),
    path("<int:pk>/images/tag", images.tag, name="images_tag"),
    path("<int:pk>/images/delete", images.delete, name="images_delete"),
    path("<int:pk>/images/<int:image>/", images.image, name="image"),
    path("<int:pk>/iterations/", include(_iterations)),
]
