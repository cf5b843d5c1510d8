# Classifr for a server: web and worker are two containers of this one image, see docker-compose.yml and
# docs/deployment.md. It runs as nobody in particular, on a read-only root; all it writes is in CLASSIFR_VAR and /tmp.
ARG PYTHON=python:3.11.14-slim-bookworm

FROM ${PYTHON} AS build
WORKDIR /opt/classifr
RUN python -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH
COPY requirements.txt .
RUN pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements.txt
COPY . .
RUN CLASSIFR_VAR=/tmp/var CLASSIFR_STATIC=/opt/static python manage.py collectstatic --no-input --verbosity 0 \
    && python -m compileall -q .

FROM ${PYTHON}
ENV PATH=/opt/venv/bin:$PATH \
    HOME=/tmp \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    MALLOC_ARENA_MAX=2 \
    MALLOC_MMAP_THRESHOLD_=16777216 \
    MALLOC_TRIM_THRESHOLD_=33554432 \
    CLASSIFR_HOST=0.0.0.0 \
    CLASSIFR_STATIC=/opt/static \
    CLASSIFR_VAR=/var/lib/classifr
RUN install --directory --owner=10001 --group=10001 --mode=0700 /var/lib/classifr
COPY --from=build /opt /opt
WORKDIR /opt/classifr
USER 10001:10001
VOLUME /var/lib/classifr
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s CMD ["python", "deploy/healthcheck.py"]
CMD ["python", "-m", "gunicorn", "classifr.wsgi", "--config", "classifr/gunicorn.py"]
