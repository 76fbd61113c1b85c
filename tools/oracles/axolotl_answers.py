"""axolotl's own answers; runs in an environment with axolotl, without a GPU.

python axolotl_answers.py fields        # every field and what it accepts
python axolotl_answers.py groups        # the fields that one validator reads, a line each
python axolotl_answers.py < configs     # a JSON mapping a line in, an answer a line out
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import sys

ONE_H100 = {"bf16": True, "tf32": True, "fp8": True, "n_gpu": 1, "compute_capability": "sm_90"}
TORCH = {"torch_version": "2.10.0"}


def answer(config: dict[str, object]) -> dict[str, object]:
    """Whether axolotl accepts a configuration, with its words, and what it warns of."""
    from axolotl.utils.config import validate_config
    from axolotl.utils.dict import DictDefault

    warned = io.StringIO()
    handler = logging.StreamHandler(warned)
    handler.setLevel(logging.WARNING)
    logging.getLogger("axolotl").addHandler(handler)
    try:
        validate_config(DictDefault(config), capabilities=ONE_H100, env_capabilities=TORCH)
        refused, names = "", []
    except Exception as error:
        refused, names = f"{type(error).__name__}: {error}", _named(error)
    finally:
        logging.getLogger("axolotl").removeHandler(handler)
    return {"refused": refused, "names": names, "warned": warned.getvalue().splitlines()}


def _named(error: Exception) -> list[str]:
    """The fields that pydantic names."""
    listed = getattr(error, "errors", None)
    if listed is None:
        return []
    places = (each["loc"] for each in listed(include_context=False, include_input=False))
    return sorted(
        {".".join(str(part) for part in place if isinstance(part, str)) for place in places}
    )


def main() -> None:
    """Answer."""
    if sys.argv[1:] == ["fields"]:
        from axolotl.utils.schemas.config import AxolotlInputConfig
        from pydantic_fields import lines

        print("\n".join(lines(AxolotlInputConfig)))
        return
    if sys.argv[1:] == ["groups"]:
        import axolotl.utils.schemas
        from validator_groups import groups

        print("\n".join(" ".join(each) for each in groups(axolotl.utils.schemas.__path__[0])))
        return
    for line in sys.stdin:
        with contextlib.redirect_stdout(io.StringIO()):
            found = answer(json.loads(line))
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
