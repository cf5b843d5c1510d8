from django.urls import path

from training.views import images, projects, uploads

urlpatterns = [
    path("", projects.projects, name="projects"),
    path("new", projects.new, name="project_new"),
    path("<int:pk>/", projects.project, name="project"),
    path("<int:pk>/delete", projects.delete, name="project_delete"),
    path("<int:pk>/train", projects.train, name="train"),
    path("<int:pk>/training", projects.training, name="training"),
    path("<int:pk>/tags/", projects.create_tags, name="tags_create"),
    path("<int:pk>/tags/<int:tag>/rename", projects.rename_tag, name="tag_rename"),
    path("<int:pk>/tags/<int:tag>/delete", projects.delete_tag, name="tag_delete"),
    path("<int:pk>/images/", images.images, name="images"),
    path("<int:pk>/images/upload", uploads.upload, name="images_upload"),
    path("<int:pk>/images/tag", images.tag, name="images_tag"),
    path("<int:pk>/images/delete", images.delete, name="images_delete"),
    path("<int:pk>/images/<int:image>/", images.image, name="image"),
]
