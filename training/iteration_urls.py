from django.urls import path

from training.views import iterations, publishing

urlpatterns = [
    path("", iterations.iterations, name="iterations"),
    path("publications", publishing.publications, name="publications"),
    path("rollback", publishing.rollback, name="rollback"),
    path("<int:number>/", iterations.iteration, name="iteration"),
    path("<int:number>/performance", iterations.performance, name="performance"),
    path("<int:number>/confusion", iterations.confusion, name="confusion"),
    path("<int:number>/compare", iterations.compare, name="compare"),
    path("<int:number>/publish", publishing.publish, name="publish"),
    path("<int:number>/unpublish", publishing.unpublish, name="unpublish"),
    path("<int:number>/delete", iterations.delete, name="iteration_delete"),
    path("<int:number>/export", publishing.export, name="export"),
]
