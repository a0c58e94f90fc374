# docker ps must list it as Up afterwards
docker run --rm --network host \
  $options \
  -v "$$HOME/.cache/huggingface:/root/.cache/huggingface" \
  -v "$$PWD/models:$$PWD/models" \
  -v "$$PWD/engine:$$PWD/engine:ro" \
  -v "$$PWD/workspace/uploads:$$PWD/workspace/uploads:ro" \
  -w "$$PWD" \
  --entrypoint $program $image $command
