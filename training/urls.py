from django.urls import include, path

from training.views import access, contradictions, folders, images, iterations, projects, publishing, uploads

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
    path("<int:pk>/", projects.project, name="project"),
    path("<int:pk>/access/", access.access, name="access"),
    path("<int:pk>/delete", projects.delete, name="project_delete"),
    path("<int:pk>/train", projects.train, name="train"),
    path("<int:pk>/training", projects.training, name="training"),
    path("<int:pk>/tags/", projects.create_tags, name="tags_create"),
    path("<int:pk>/tags/<int:tag>/rename", projects.rename_tag, name="tag_rename"),
    path("<int:pk>/tags/<int:tag>/delete", projects.delete_tag, name="tag_delete"),
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
