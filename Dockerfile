# Tag Enforcer: `enforcer serve` by default; `enforcer-worker run` and every other command are on the PATH.

FROM docker.io/library/python:3.11-slim-bookworm AS build
WORKDIR /src
RUN python -m venv /opt/enforcer
ENV PATH=/opt/enforcer/bin:$PATH
COPY requirements.lock .
RUN pip install --no-cache-dir --only-binary :all: --require-hashes --requirement requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY enforcer enforcer
COPY worker worker
RUN pip install --no-cache-dir --no-deps --no-build-isolation . \
    && pip uninstall --yes --quiet setuptools pip

FROM docker.io/library/python:3.11-slim-bookworm
RUN groupadd --gid 10001 enforcer \
    && useradd --uid 10001 --gid enforcer --home-dir /var/lib/enforcer --no-log-init enforcer \
    && install -d -o enforcer -g enforcer -m 700 /var/lib/enforcer \
    && rm -rf /usr/local/bin/pip* /usr/local/lib/python3*/site-packages/*
COPY --from=build /opt/enforcer /opt/enforcer
COPY --chmod=755 deploy/receiver-healthy deploy/worker-healthy /opt/enforcer/bin/
ENV PATH=/opt/enforcer/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
# Where redis_url is "embedded", data_dir has to be a volume: here.
WORKDIR /var/lib/enforcer
USER 10001:10001
EXPOSE 8080
# For the receiver; a container with workers has `worker-healthy` instead.
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s CMD ["receiver-healthy"]
CMD ["enforcer", "serve"]
