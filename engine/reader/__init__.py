"""The reader: an OCR engine for machines without an accelerator, behind the same API as vLLM.

A request goes through `server` (the routes) and `messages` (the question and its pictures), waits in `worker` for the
only recogniser, is read by `reading` (prepare, recognise, rotate, order) and answered by `answer`.
"""
