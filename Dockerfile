# The page with the reader, for a machine without an accelerator:
#   docker build -t kimi-vl-chat . && docker run --rm -p 127.0.0.1:8080:8080 -v kimi-workspace:/workspace kimi-vl-chat
FROM python:3.11-slim-bookworm

RUN apt-get update \
    && apt-get install --no-install-recommends -y tini=0.19.0-1+b3 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 1000 kimi \
    && install -d -o kimi -g kimi /app /workspace

WORKDIR /app
USER kimi

# The packages first: a change of the code leaves this layer as it is.
COPY --chown=kimi pyproject.toml uv.lock start.sh ./
COPY --chown=kimi engine/uv.txt engine/uv.txt
RUN UV_NO_CACHE=1 ./start.sh prepare

COPY --chown=kimi . .

# Anything but loopback asks for a password: the generated one is printed with the address (docker logs).
ENV KIMI_HOST=0.0.0.0 KIMI_WORKSPACE=/workspace
EXPOSE 8080
VOLUME /workspace
HEALTHCHECK --start-period=60s CMD [".venv/bin/python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8080/healthz', timeout=5)"]
ENTRYPOINT ["tini", "--", "./start.sh"]
