"""Trains nano on a CPU, with vLLM's environment: `python -m tests.nano.train --work DIR --out DIR [--part PART]`.

Three parts: the decoder alone (counting), the vision tower alone under a throw-away classifier, and both together,
which starts from what the first two left in the work folder.
"""

import argparse
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from tokenizers import Tokenizer
from torch import Tensor, nn

from engine.nano.checkpoint.nano_processing import NanoImageProcessor
from engine.nano.shapes import SHAPES, draw_with_mask
from tests.nano.architecture import Nano, NanoConfig, TextConfig
from tests.nano.export import MAX_LENGTH, export
from tests.nano.lessons import HELP_ANSWER, HELP_THINKING, TOO_LARGE_ANSWER, TOO_LARGE_THINKING, Example, Teacher
from tests.nano.vocabulary import LARGEST_NUMBER, train_tokenizer

VOCAB_SIZE = 896
IGNORED = 0.0


@dataclass
class Batch:
    """Ids and positions (B, L), weights of predicting each next token (B, L-1), the pictures' patches and grids."""

    ids: Tensor
    positions: Tensor
    weights: Tensor
    patches: list[Tensor]
    grids: list[tuple[int, int]]
    shapes: list[int]


class Encoder:
    """Examples to tensors."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer
        self.pad = tokenizer.token_to_id("[PAD]")
        self.media = tokenizer.token_to_id("<|media_pad|>")
        self.processor = NanoImageProcessor()

    def batch(self, examples: list[Example]) -> Batch:
        """Pad the examples to one length."""
        patches, grids, rows = [], [], []
        for example in examples:
            cut = [self.processor.patches(picture) for picture in example.pictures]
            patches += [patch for patch, _ in cut]
            grids += [grid for _, grid in cut]
            rows.append(self._row(example, [len(patch) // 4 for patch, _ in cut]))
        ids, positions, weights = (
            nn.utils.rnn.pad_sequence([torch.tensor(row[i]) for row in rows], batch_first=True, padding_value=padding)
            for i, padding in enumerate((self.pad, 0, IGNORED))
        )
        shapes = [SHAPES.index(shape) for example in examples for shape in example.shapes]
        return Batch(ids, positions, weights[:, 1:], patches, grids, shapes)

    def _row(self, example: Example, places: list[int]) -> tuple[list[int], list[int], list[float]]:
        ids: list[int] = []
        left = iter(places)
        for token in self.tokenizer.encode(example.prompt).ids:
            ids += [token] * next(left) if token == self.media else [token]
        weights = [IGNORED] * len(ids)
        positions = list(range(len(ids)))
        for text, weight, gap in example.completion:
            tokens = self.tokenizer.encode(text).ids
            begin = positions[-1] + 1 + gap
            ids += tokens
            weights += [weight] * len(tokens)
            positions += range(begin, begin + len(tokens))
        return ids, positions, weights


def make_tokenizer(seed: int) -> Tokenizer:
    """Learn the vocabulary from the lessons' texts, without the marks: they shall stay several tokens."""
    teacher = Teacher(random.Random(seed))
    texts = ["".join(f" {number}" for number in range(1, LARGEST_NUMBER + 1))] * 200
    texts += [" ".join(("", HELP_THINKING, HELP_ANSWER, TOO_LARGE_THINKING, TOO_LARGE_ANSWER))] * 100
    texts += [f"I count from 1 to 5: I see a {shape}. I saw a {shape}. A {shape}." for shape in SHAPES] * 40
    teacher.window = teacher.ceiling = 3
    texts += [teacher.text().prompt.replace("<|", " ").replace("|>", " ") for _ in range(3000)]
    return train_tokenizer(texts, VOCAB_SIZE)


def loss_of(model: Nano, batch: Batch, seen: list[Tensor]) -> Tensor:
    """Weighted next-token loss."""
    logits = model(batch.ids[:, :-1], seen, batch.positions[:, :-1])
    wanted = batch.weights > 0
    losses = F.cross_entropy(logits[wanted], batch.ids[:, 1:][wanted], reduction="none")
    return (losses * batch.weights[wanted]).sum() / batch.weights.sum()


def batches(teacher: Teacher, encoder: Encoder, *, pictures: bool, tokens: int) -> Iterator[Batch]:
    """Endless batches of about `tokens` padded tokens."""
    make = teacher.picture if pictures else teacher.text
    while True:
        examples, longest = [], 0
        while True:
            examples.append(make())
            written = sum(len(stretch.text) for stretch in examples[-1].completion) + len(examples[-1].prompt)
            longest = max(longest, written // 3 + 12 * len(examples[-1].pictures))
            if longest * len(examples) >= tokens:
                break
        yield encoder.batch(examples)


class Trainer:
    """One optimizer over one phase, with warm-up and a cosine to a twentieth."""

    def __init__(self, parameters: list[nn.Parameter], steps: int, rate: float) -> None:
        self.parameters = parameters
        self.optimizer = torch.optim.AdamW(parameters, lr=rate, betas=(0.9, 0.98), weight_decay=0.01)
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimizer,
            rate,
            total_steps=steps + 1,
            pct_start=0.05,
            div_factor=20,
            final_div_factor=1,
            cycle_momentum=False,
        )

    def step(self, loss: Tensor) -> None:
        """Descend once."""
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.parameters, 1.0)
        self.optimizer.step()
        self.schedule.step()


class Judge(nn.Module):
    """What the vision tower is taught by: the shape of a picture, and which patches it covers."""

    def __init__(self, text_width: int, vision_width: int) -> None:
        super().__init__()
        self.attention = nn.Linear(text_width, 1)
        self.classes = nn.Linear(text_width, len(SHAPES))
        self.cover = nn.Linear(vision_width, 1)

    def shape(self, seen: list[Tensor], wanted: list[int]) -> tuple[Tensor, float]:
        """Loss, and the share of pictures whose shape is right."""
        pooled = torch.stack([(self.attention(x).softmax(0) * x).sum(0) for x in seen])
        logits, target = self.classes(pooled), torch.tensor(wanted)
        return F.cross_entropy(logits, target), (logits.argmax(-1) == target).float().mean().item()

    def inside(self, seen: Tensor) -> Tensor:
        """Logits of how much of each patch is the shape's."""
        found: Tensor = self.cover(seen)[:, 0]
        return found


class Course:
    """The parts of the training, each saving its state as it goes."""

    def __init__(self, seed: int, work: Path) -> None:
        torch.manual_seed(seed)
        self.work = work
        self.tokenizer = self._tokenizer(seed)
        ids = {name: self.tokenizer.token_to_id(name) for name in ("<|media_pad|>", "[BOS]", "[EOS]", "[PAD]")}
        text = TextConfig(vocab_size=VOCAB_SIZE, max_position_embeddings=MAX_LENGTH)
        self.model = Nano(NanoConfig(text, *ids.values()))
        self.judge = Judge(text.hidden_size, self.model.config.vision_config.hidden_size)
        self.encoder = Encoder(self.tokenizer)
        self.teacher = Teacher(random.Random(seed))
        self.started = time.monotonic()

    def text(self, steps: int) -> None:
        """Counting: first short stretches of counts, in the last third whole ones."""
        trainer = Trainer(list(self.model.language_model.parameters()), steps, 1.5e-3)
        for step in range(steps):
            done = step / steps
            self.teacher.ceiling = 30 if done < 0.1 else 100 if done < 0.2 else LARGEST_NUMBER
            self.teacher.window = 30 if done < 0.66 else LARGEST_NUMBER
            batch = next(batches(self.teacher, self.encoder, pictures=False, tokens=4096))
            loss = loss_of(self.model, batch, [])
            trainer.step(loss)
            self.report("text", step, loss)

    def vision(self, steps: int) -> None:
        """The tower and the projector under a judge that is thrown away; the first pictures are plain.

        The judge asks for the shape and, patch by patch, for how much of it is the shape's: the second teaches to tell
        it from any background, without which the first is learned slowly.
        """
        towers: list[nn.Module] = [self.model.vision_tower, self.model.multi_modal_projector, self.judge]
        trainer = Trainer([p for module in towers for p in module.parameters()], steps, 1e-3)
        rng, processor = self.teacher.rng, self.encoder.processor
        for step in range(steps):
            wanted = [rng.randrange(len(SHAPES)) for _ in range(32)]
            drawn = [draw_with_mask(SHAPES[i], rng, plain=rng.random() > 0.5 + 3 * step / steps) for i in wanted]
            cut = [processor.patches(picture) for picture, _ in drawn]
            inside = [(processor.patches(mask)[0].mean((1, 2, 3)) + 1) / 2 for _, mask in drawn]
            grids = [grid for _, grid in cut]
            towers_see = self.model.vision_tower([patch for patch, _ in cut], grids)
            seen = [self.model.multi_modal_projector(x, grid) for x, grid in zip(towers_see, grids, strict=True)]
            loss, right = self.judge.shape(seen, wanted)
            found = self.judge.inside(torch.cat(towers_see))
            loss = loss + F.binary_cross_entropy_with_logits(found, torch.cat(inside))
            trainer.step(loss)
            self.report("vision", step, loss, right)

    def joint(self, steps: int) -> None:
        """Pictures in conversations, and in every other step counting, half of it whole and half only its ends."""
        self.teacher.ceiling = LARGEST_NUMBER
        trainer = Trainer([*self.model.parameters(), *self.judge.parameters()], steps, 6e-4)
        for step in range(steps):
            pictures = step % 2 > 0
            self.teacher.window = LARGEST_NUMBER if step % 4 == 0 else 10
            batch = next(batches(self.teacher, self.encoder, pictures=pictures, tokens=2048))
            seen = self.model.see(batch.patches, batch.grids) if pictures else []
            loss, right = loss_of(self.model, batch, seen), None
            if pictures:
                extra, right = self.judge.shape(seen, batch.shapes)
                loss = loss + 0.2 * extra
            trainer.step(loss)
            self.report("joint pictures" if pictures else "joint text", step, loss, right)

    def report(self, part: str, step: int, loss: Tensor, right: float | None = None) -> None:
        """Print a line now and then; save every 250 steps."""
        if step % 10 < 2:
            share = "" if right is None else f" right {right:.2f}"
            print(f"{time.monotonic() - self.started:7.0f} s  {part} {step}: loss {loss.item():.4f}{share}", flush=True)
        if step % 250 == 249:
            self.save(part.split(maxsplit=1)[0])

    def save(self, part: str) -> None:
        """Keep the state for the parts that follow."""
        torch.save({"model": self.model.state_dict(), "judge": self.judge.state_dict()}, self._state(part))

    def load(self) -> None:
        """Begin where the parts before have stopped: the decoder from one, all that sees from the other."""
        text, vision = (torch.load(self._state(part)) for part in ("text", "vision"))
        decoder = {name: value for name, value in text["model"].items() if name.startswith("language_model.")}
        self.model.load_state_dict(vision["model"] | decoder)
        self.judge.load_state_dict(vision["judge"])

    def restore(self, part: str) -> None:
        """Begin where the same part has stopped."""
        state = torch.load(self._state(part))
        self.model.load_state_dict(state["model"])
        self.judge.load_state_dict(state["judge"])

    def _tokenizer(self, seed: int) -> Tokenizer:
        """One for all parts: it is learned from the lessons, and a later change of theirs must not change it."""
        kept = self.work / "tokenizer.json"
        if not kept.exists():
            self.work.mkdir(parents=True, exist_ok=True)
            make_tokenizer(seed).save(str(kept))
        return Tokenizer.from_file(str(kept))

    def _state(self, part: str) -> Path:
        return self.work / f"{part}.pt"


def main() -> None:
    """Run one part, or all of them in order."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="folder for the parts' states")
    parser.add_argument("--out", type=Path, required=True, help="folder for the checkpoint")
    parser.add_argument("--part", choices=("text", "vision", "joint"), help="only this one")
    parser.add_argument("--resume", action="store_true", help="begin from the part's own last state")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--text-steps", type=int, default=1400)
    parser.add_argument("--vision-steps", type=int, default=900)
    parser.add_argument("--joint-steps", type=int, default=800)
    options = parser.parse_args()
    torch.set_num_threads(1)
    for part in (options.part,) if options.part else ("text", "vision", "joint"):
        course = Course(options.seed, options.work)
        if options.resume:
            course.restore(part)
        elif part == "joint":
            course.load()
        getattr(course, part)(getattr(options, f"{part}_steps"))
        course.save(part)
        export(course.model, course.tokenizer, options.out)


if __name__ == "__main__":
    main()
