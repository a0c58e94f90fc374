"""How nano's pictures become patches, and its prompts the places for them; loaded by transformers from the checkpoint.

The arithmetic is Kimi-VL's: a picture of more than `in_token_limit` patches is scaled down, padded on the right and at
the bottom to whole merge blocks, and cut row by row; each block of 2 by 2 patches is one token of the prompt.
"""

import math
from typing import Any, ClassVar

import numpy as np
import torch
from PIL import Image
from transformers import BatchFeature
from transformers.image_processing_utils import BaseImageProcessor
from transformers.processing_utils import ImagesKwargs, ProcessorMixin

MOST_PATCHES = 512
"""On a side; MoonViT's positions go no further, and the engine would die of more."""


class NanoImageProcessor(BaseImageProcessor):
    """PIL pictures to `pixel_values` (patches, 3, 14, 14) in -1…1 and `image_grid_hws` (pictures, 2) in patches."""

    model_input_names: ClassVar = ["pixel_values", "image_grid_hws"]
    valid_kwargs = ImagesKwargs

    def __init__(
        self,
        patch_size: int = 14,
        merge_kernel_size: tuple[int, int] = (2, 2),
        in_token_limit: int = 40,
        image_mean: tuple[float, float, float] = (0.5, 0.5, 0.5),
        image_std: tuple[float, float, float] = (0.5, 0.5, 0.5),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.patch_size = patch_size
        self.merge_kernel_size = tuple(merge_kernel_size)
        self.in_token_limit = in_token_limit
        self.image_mean = image_mean
        self.image_std = image_std

    def scaled(self, image: Image.Image) -> Image.Image:
        """The picture as RGB and within the limit."""
        image = image.convert("RGB")
        width, height = image.size
        patches = (width // self.patch_size) * (height // self.patch_size)
        if patches <= self.in_token_limit:
            return image
        scale = math.sqrt(self.in_token_limit / patches)
        return image.resize((max(1, int(width * scale)), max(1, int(height * scale))), Image.Resampling.BICUBIC)

    def patches(self, image: Image.Image) -> tuple[torch.Tensor, tuple[int, int]]:
        """One picture to (patches, 3, 14, 14) and its grid (rows, columns)."""
        pixels = np.asarray(self.scaled(image), dtype=np.float32) / 255
        size = self.patch_size
        block_h, block_w = (size * merge for merge in self.merge_kernel_size)
        pixels = np.pad(pixels, ((0, -pixels.shape[0] % block_h), (0, -pixels.shape[1] % block_w), (0, 0)))
        pixels = (pixels - np.asarray(self.image_mean, np.float32)) / np.asarray(self.image_std, np.float32)
        rows, columns = pixels.shape[0] // size, pixels.shape[1] // size
        if max(rows, columns) >= MOST_PATCHES:
            raise ValueError(
                f"A side of {max(rows, columns)} patches is too long; fewer than {MOST_PATCHES} are allowed."
            )
        cut = torch.from_numpy(pixels).view(rows, size, columns, size, 3).permute(0, 2, 4, 1, 3)
        return cut.reshape(rows * columns, 3, size, size), (rows, columns)

    def preprocess(self, images: Any, return_tensors: str | None = None, **kwargs: Any) -> BatchFeature:
        """Turn one picture or a list of them into the model's inputs."""
        pairs = [self.patches(image) for image in (images if isinstance(images, list | tuple) else [images])]
        data = {
            "pixel_values": torch.cat([cut for cut, _ in pairs]),
            "image_grid_hws": torch.tensor([grid for _, grid in pairs]),
        }
        return BatchFeature(data, tensor_type=return_tensors)


class NanoProcessor(ProcessorMixin):
    """Text and pictures together; `<|media_pad|>` in the text is repeated once per merge block of its picture."""

    image_token = "<|media_pad|>"  # noqa: S105

    def __init__(self, image_processor: Any = None, tokenizer: Any = None, chat_template: Any = None) -> None:
        super().__init__(image_processor, tokenizer, chat_template=chat_template)

    def __call__(
        self, images: Any = None, text: Any = None, return_tensors: str | None = None, **kwargs: Any
    ) -> BatchFeature:
        """The model's inputs for one or several texts and the pictures they mention, in order."""
        texts = [text] if isinstance(text, str) else list(text or [])
        pictures: BatchFeature | dict[str, Any] = {}
        if images is not None and (not isinstance(images, list | tuple) or images):
            pictures = self.image_processor.preprocess(images, return_tensors=return_tensors)
            merge = math.prod(self.image_processor.merge_kernel_size)
            lengths = iter(int(grid.prod()) // merge for grid in torch.as_tensor(pictures["image_grid_hws"]))
            texts = [self._with_places(each, lengths) for each in texts]
        tokens = self.tokenizer(texts, return_tensors=return_tensors) if texts else {}
        return BatchFeature({**tokens, **pictures})

    def _with_places(self, text: str, lengths: Any) -> str:
        head, *rest = text.split(self.image_token)
        return head + "".join(self.image_token * next(lengths) + part for part in rest)
