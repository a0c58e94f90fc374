"""The reader: an OCR engine for machines without an accelerator, behind the same API as vLLM.

A request goes through `server` (the routes) and `messages` (what was asked, about which pictures), waits in `worker`
for the one recogniser, is read by `reading` (prepare, recognise, turn, order) and answered by `answer`.
"""
