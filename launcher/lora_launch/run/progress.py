"""The one line that a reader follows: step, loss, tokens a second, memory, time left."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, TextIO

from lora_launch.plan.plan import size


class Progress:
    """Plain lines, or on a terminal one line that changes."""

    def __init__(self, stream: TextIO) -> None:
        """Write to a stream."""
        self.stream = stream
        self.live = stream.isatty()
        self.first = 0
        self.last = 0
        self.since = time.monotonic()
        self.seen_tokens: float | None = None
        self.seen_at = self.since

    def begin(self, step: int, steps: int) -> None:
        """Training starts after a step (0, or a checkpoint's)."""
        self.first, self.last = step, steps
        self.since = self.seen_at = time.monotonic()

    def tell(self, step: int, logs: Mapping[str, Any], memory: int, _seconds: float) -> None:
        """Tell what was logged."""
        if "eval_loss" in logs:
            self._line(
                f"step {step}/{self.last}  evaluation loss {logs['eval_loss']:.4f}", keep=True
            )
        elif "loss" in logs:
            parts = [f"step {step}/{self.last}", f"loss {float(logs['loss']):.4f}"]
            speed = self._speed(logs)
            parts += [f"{speed:,.0f} tokens/s"] if speed is not None else []
            parts += [f"{size(memory)}", f"{self._left(step)} left"]
            self._line("  ".join(parts), keep=False)

    def _speed(self, logs: Mapping[str, Any]) -> float | None:
        """Tokens a second since the last line; TRL counts them in ``num_tokens``."""
        tokens = logs.get("num_tokens")
        if tokens is None:
            return None
        now = time.monotonic()
        before, at = self.seen_tokens, self.seen_at
        self.seen_tokens, self.seen_at = float(tokens), now
        if before is None and self.first:
            return None
        return max(float(tokens) - (before or 0.0), 0.0) / max(now - at, 1e-6)

    def _left(self, step: int) -> str:
        done = step - self.first
        if done <= 0:
            return "?"
        return clock((time.monotonic() - self.since) / done * (self.last - step))

    def _line(self, text: str, *, keep: bool) -> None:
        if self.live:
            self.stream.write(f"\r\x1b[K  {text}" + ("\n" if keep else ""))
        else:
            self.stream.write(f"  {text}\n")
        self.stream.flush()

    def end(self) -> None:
        """Leave the line as it is."""
        if self.live:
            self.stream.write("\n")
            self.stream.flush()


def clock(seconds: float) -> str:
    """``0:07``, ``12:40``, ``3:05:00``."""
    whole = max(round(seconds), 0)
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes}:{left:02}"
