"""A file replaced by its mended text: at once or not at all, and only if nobody changed it."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress

from lora_lint.fix.text import NotOffered


def replace(path: str, before: bytes, after: bytes) -> None:
    """Put the new bytes in the file's place; its mode stays, and a link stays a link.

    Raises:
        NotOffered: if the file was changed since it was read, or may not be written.
    """
    real = os.path.realpath(path)
    temporary = ""
    try:
        if not os.access(real, os.W_OK):
            raise NotOffered("may not be written")
        handle, temporary = tempfile.mkstemp(
            prefix=f".{os.path.basename(real)}.", suffix=".lora-lint", dir=os.path.dirname(real)
        )
        with os.fdopen(handle, "wb") as file:
            file.write(after)
            file.flush()
            os.fsync(file.fileno())
        _as_it_was(real, temporary)
        with open(real, "rb") as file:
            if file.read() != before:
                raise NotOffered("was changed while it was being mended; run again")
        os.replace(temporary, real)
        temporary = ""
    except OSError as error:
        raise NotOffered(f"cannot be written ({error.strerror or error})") from None
    finally:
        if temporary:
            with suppress(OSError):
                os.unlink(temporary)


def _as_it_was(path: str, temporary: str) -> None:
    """The mode, and where we may set it the owner, of the file that is replaced."""
    status = os.stat(path)
    with suppress(OSError, AttributeError):
        os.chown(temporary, status.st_uid, status.st_gid)
    os.chmod(temporary, status.st_mode & 0o7777)
