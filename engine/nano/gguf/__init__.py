"""Nano as the two files that llama.cpp loads: `model.gguf` (decoder, tokenizer) and `mmproj.gguf` (picture encoder).

Both are laid out as llama.cpp's own converter lays out Kimi-VL, the order of the queries' and keys' rows included,
which llama.cpp's picture encoder does not read as the model means it: `engine/engines/llama/rotary.py` puts that right
in a copy, as it does for Kimi-VL itself. Three things differ from that converter, each because nano differs from
Kimi-VL or to make it exact; each is explained where it is done.
"""
