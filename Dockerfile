# cpu: the page with the reader, for a machine without an accelerator:
#   docker build --target cpu -t kimi-vl-chat . && docker run --rm -p 127.0.0.1:8080:8080 -v kimi-workspace:/workspace kimi-vl-chat
# cuda: the page with Kimi-VL on vLLM, for an NVIDIA GPU (NVIDIA's container toolkit):
#   docker build --target cuda -t kimi-vl-chat:cuda . && docker run --rm --gpus all --ipc=host \
#     -p 127.0.0.1:8080:8080 -v kimi-workspace:/workspace -v kimi-models:/models kimi-vl-chat:cuda
# `docker logs` shows the page's address and its generated password. compose.yaml runs page and engine separately.

FROM python:3.11-slim-bookworm AS base

RUN apt-get update \
    && apt-get install --no-install-recommends -y tini=0.19.0-1* \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 1000 kimi \
    && install -d -o kimi -g kimi /app /workspace /workspace/uploads /models

WORKDIR /app
USER 1000

# The packages first, so that a change of the code does not rebuild this layer.
COPY --chown=kimi pyproject.toml uv.lock start.sh ./
COPY --chown=kimi engine/uv.txt engine/uv.txt
RUN UV_NO_CACHE=1 UV_COMPILE_BYTECODE=1 ./start.sh prepare

COPY --chown=kimi . .

# Any address but loopback requires a password; unbuffered output prints the generated one at once.
ENV KIMI_HOST=0.0.0.0 KIMI_WORKSPACE=/workspace KIMI_MODELS=/models PYTHONUNBUFFERED=1
EXPOSE 8080
VOLUME ["/workspace", "/models"]
HEALTHCHECK --start-period=60s CMD [".venv/bin/python", "-c", "import os, urllib.request as r; r.urlopen(f\"http://127.0.0.1:{os.environ.get('KIMI_PORT', 8080)}/healthz\", timeout=5)"]
ENTRYPOINT ["tini", "--", "./start.sh"]

FROM base AS cuda

USER 0
# Triton compiles its kernels when the engine starts.
RUN apt-get update \
    && apt-get install --no-install-recommends -y gcc=4:12.2.0-3 libc6-dev=2.36-9* \
    && rm -rf /var/lib/apt/lists/*
USER 1000
RUN UV_NO_CACHE=1 UV_COMPILE_BYTECODE=1 .venv/bin/python -m engine.engines.vllm.environment cuda
ENV NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility

# A build without --target makes the last target, which runs everywhere.
FROM base AS cpu
