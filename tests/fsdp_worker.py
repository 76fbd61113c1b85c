"""A worker for tests: trains a 4-bit model with LoRA under FSDP on a CPU, as the Trainer does it.

    python -m torch.distributed.run --nproc_per_node 2 fsdp_worker.py MODEL VERSION STORAGE

Its first process prints JSON: the losses, the bytes of the 4-bit weights that it holds, and those
of all of them; or what was raised. accelerate shards on GPUs only, and here it is made to believe
that there are some: nothing else differs.
"""

from __future__ import annotations

import json
import os
import sys
import warnings

import peft
import torch
import transformers
from accelerate import DistributedType, PartialState
from torch.distributed.tensor import DTensor


def _model(folder: str, storage: str):
    config = transformers.BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_quant_storage=storage
    )
    base = transformers.AutoModelForCausalLM.from_pretrained(
        folder, quantization_config=config, dtype=torch.float32
    )
    torch.manual_seed(0)
    lora = peft.LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM")
    return peft.get_peft_model(base, lora)


def _trainer(folder: str, version: str, storage: str) -> transformers.Trainer:
    config = {
        "version": int(version),
        "transformer_layer_cls_to_wrap": ["LlamaDecoderLayer"],
        "sync_module_states": False,
    }
    arguments = transformers.TrainingArguments(
        os.path.join(folder, "out"),
        use_cpu=True,
        report_to="none",
        max_steps=3,
        logging_steps=1,
        per_device_train_batch_size=1,
        save_strategy="no",
        fsdp="full_shard auto_wrap",
        fsdp_config=config,
    )
    PartialState._shared_state["distributed_type"] = DistributedType.MULTI_GPU
    words = list(range(1, 17))
    rows = [{"input_ids": words, "labels": words}] * 16
    trainer = transformers.Trainer(
        model=_model(folder, storage), args=arguments, train_dataset=rows
    )
    trainer.accelerator.state.device = torch.device("cpu")
    return trainer


def _held(model) -> tuple[int, int]:
    """Bytes of the frozen weights of linear layers: here, and of all processes together."""
    here = everywhere = 0
    for name, part in model.named_parameters():
        if "proj" in name and "lora" not in name:
            local = part.to_local() if isinstance(part, DTensor) else part
            here += local.numel() * local.element_size()
            everywhere += part.numel() * part.element_size()
    return here, everywhere


def main() -> None:
    trainer = _trainer(*sys.argv[1:])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            trainer.train()
        except Exception as error:
            said = {"raised": f"{type(error).__name__}: {error}"}
        else:
            here, everywhere = _held(trainer.model_wrapped)
            losses = [each["loss"] for each in trainer.state.log_history if "loss" in each]
            said = {"losses": losses, "here": here, "everywhere": everywhere}
    said["warned"] = [str(each.message) for each in caught if "Params4bit" in str(each.message)]
    if os.environ["RANK"] == "0":
        print(json.dumps(said))


if __name__ == "__main__":
    main()
