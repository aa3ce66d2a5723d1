# scriven reads handwriting: CPU only, no torch, not root, and nothing is written outside what you mount.
#
#   docker build -t scriven .
#   docker run --rm --read-only -v "$PWD:/data:ro" scriven read photo.jpg
FROM python:3.11-slim AS build
WORKDIR /source
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY src src
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels . \
 && python -m venv /opt/scriven \
 && /opt/scriven/bin/pip install --no-cache-dir /wheels/*.whl

FROM python:3.11-slim
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin scriven
COPY --from=build /opt/scriven /opt/scriven
ENV PATH=/opt/scriven/bin:$PATH OMP_WAIT_POLICY=PASSIVE PYTHONDONTWRITEBYTECODE=1
USER 10001
WORKDIR /data
ENTRYPOINT ["scriven"]
CMD ["--help"]
