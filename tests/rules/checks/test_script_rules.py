# ruff: noqa: E501 (programs on one line)
"""The script rules beside their pages: variants that are wrong, and ones that are sound."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path

import pytest

from lora_lint.engine.check import check
from lora_lint.engine.config import Config
from lora_lint.sources.source import Source
from lora_rules.engine.registry import all_rules
from pages import lint

SCRIPT = tuple(
    code
    for code in all_rules()
    if code.startswith("LLB") or code in ("LL407", "LL504", "LL508", "LL901", "LL905")
)
HEAD = """\
import torch
from peft import AutoPeftModelForCausalLM, LoraConfig, PeftModel, get_peft_model
from peft import prepare_model_for_kbit_training
from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig
from transformers import DataCollatorForLanguageModeling, Trainer, TrainingArguments
from trl import DPOTrainer, SFTConfig, SFTTrainer

"""
BASE = 'base = AutoModelForCausalLM.from_pretrained("a/b")\n'
FOUR = 'base = AutoModelForCausalLM.from_pretrained("a/b", quantization_config=BitsAndBytesConfig(load_in_4bit=True))\n'
LORA = 'lora = LoraConfig(r=16, lora_alpha=32, target_modules=["q_proj"], task_type="CAUSAL_LM")\n'
TRAIN = "Trainer(model=model, train_dataset=data).train()\n"


def codes(program: str) -> set[str]:
    found = lint(HEAD + textwrap.dedent(program), "python", Config(select=SCRIPT))
    return {finding.code for finding in found}


WRONG = {
    "LLB01 by AutoPeft": ("LLB01", 'model = AutoPeftModelForCausalLM.from_pretrained("x")\n' + TRAIN),
    "LLB01 is_trainable false": ("LLB01", BASE + 'model = PeftModel.from_pretrained(base, "x", is_trainable=False)\n' + TRAIN),
    "LLB01 in a loop": ("LLB01", BASE + 'model = PeftModel.from_pretrained(base, "x")\no = torch.optim.AdamW(model.parameters())\nfor b in data:\n    model(**b).loss.backward()\n    o.step()\n    o.zero_grad()\n'),
    "LLB01 through helpers": ("LLB01", 'def load():\n    b = AutoModelForCausalLM.from_pretrained("a/b")\n    return PeftModel.from_pretrained(b, "x")\ndef fit(m):\n    t = Trainer(m)\n    t.train()\nfit(load())\n'),
    "LLB01 eval mode is no help": ("LLB01", BASE + 'model = PeftModel.from_pretrained(base, "x")\nmodel.train()\nmodel.print_trainable_parameters()\n' + TRAIN),
    "LLB02 requires_grad_": ("LLB02", BASE + LORA + "model = get_peft_model(base, lora)\nmodel.requires_grad_(False)\n" + TRAIN),
    "LLB02 a loop": ("LLB02", BASE + LORA + "model = get_peft_model(base, lora)\nfor n, p in model.named_parameters():\n    p.requires_grad = False\n" + TRAIN),
    "LLB02 the base, later": ("LLB02", BASE + LORA + "model = get_peft_model(base, lora)\nfor p in base.parameters():\n    p.requires_grad_(False)\n" + TRAIN),
    "LLB02 under a flag": ("LLB02", BASE + LORA + "model = get_peft_model(base, lora)\nif flag():\n    model = prepare_model_for_kbit_training(model)\n" + TRAIN),
    "LLB03 to a trainer": ("LLB03", BASE + LORA + "o = torch.optim.AdamW(base.parameters())\nmodel = get_peft_model(base, lora)\nTrainer(model, optimizers=(o, None)).train()\n"),
    "LLB03 filtered": ("LLB03", BASE + LORA + "o = torch.optim.SGD(filter(lambda p: p.requires_grad, base.parameters()), lr=1)\nmodel = get_peft_model(base, lora)\no.step()\n"),
    "LLB04 twice": ("LLB04", BASE + LORA + "model = get_peft_model(base, lora)\nmodel = get_peft_model(model, lora)\n"),
    "LLB04 loaded": ("LLB04", BASE + LORA + 'model = PeftModel.from_pretrained(base, "x", is_trainable=True)\nDPOTrainer(model, peft_config=lora)\n'),
    "LLB04 the base under the adapter": ("LLB04", BASE + LORA + "model = get_peft_model(base, lora)\nSFTTrainer(base, peft_config=lora)\n"),
    "LLB06 with Trainer": ("LLB06", FOUR + "model = base\n" + LORA + TRAIN),
    "LLB06 prepared only": ("LLB06", FOUR + LORA + "model = prepare_model_for_kbit_training(base)\nSFTTrainer(model)\n"),
    "LLB07 false as well": ("LLB07", LORA + 'AutoModelForCausalLM.from_pretrained("a/b", load_in_8bit=False)\n'),
    "LL504 the base goes to the trainer": ("LL504", FOUR + LORA + "model = get_peft_model(base, lora)\nTrainer(model=base).train()\nmodel.save_pretrained('x')\n"),
    "LLB01 in one branch": ("LLB01", BASE + LORA + 'if resume:\n    model = PeftModel.from_pretrained(base, "x")\nelse:\n    model = get_peft_model(base, lora)\n' + TRAIN),
    "LLB31 the base goes to the trainer": ("LLB31", BASE + LORA + "model = get_peft_model(base, lora)\nTrainer(model=base).train()\n"),
    "LLB01 the base goes to the trainer": ("LLB01", BASE + 'PeftModel.from_pretrained(base, "x")\nTrainer(model=base).train()\n'),
    "LL504 a loop": ("LL504", FOUR + LORA + "model = get_peft_model(base, lora)\no = torch.optim.AdamW(model.parameters())\no.step()\n"),
    "LL508 right after training": ("LL508", FOUR + LORA + "base = prepare_model_for_kbit_training(base)\nmodel = get_peft_model(base, lora)\n" + TRAIN + "model.merge_and_unload().save_pretrained('x')\n"),
    "LL407 special tokens": ("LL407", BASE + LORA + 'tokenizer = AutoTokenizer.from_pretrained("a/b")\ntokenizer.add_special_tokens({"additional_special_tokens": ["<a>"]})\nbase.resize_token_embeddings(len(tokenizer))\nmodel = get_peft_model(base, lora)\n' + TRAIN),
    "LL407 with TRL": ("LL407", BASE + LORA + 'tokenizer = AutoTokenizer.from_pretrained("a/b")\ntokenizer.add_tokens(["<a>"])\nbase.resize_token_embeddings(len(tokenizer))\nSFTTrainer(base, peft_config=lora).train()\n'),
    "LLB13 modules_to_save": ("LLB13", 'base = AutoModelForCausalLM.from_pretrained("a/b", dtype=torch.float16)\nlora = LoraConfig(r=4, modules_to_save=["lm_head"])\nmodel = get_peft_model(base, lora)\nTrainer(model, TrainingArguments("o", fp16=True)).train()\n'),
    "LLB13 bias": ("LLB13", 'base = AutoModelForCausalLM.from_pretrained("a/b", torch_dtype=torch.float16)\nlora = LoraConfig(r=4, bias="all")\nmodel = get_peft_model(base, lora)\nTrainer(model, TrainingArguments("o", fp16=True)).train()\n'),
    "LLB16 modules_to_save": ("LLB16", 'names = []\nLoraConfig(r=4, modules_to_save=names.append("score"))\n'),
    "LLB19 some tokens": ("LLB19", BASE + "lora = LoraConfig(r=4, trainable_token_indices=[1, 2])\nmodel = get_peft_model(base, lora)\nmodel.resize_token_embeddings(70)\n"),
    "LLB15 corda": ("LLB15", BASE + 'lora = LoraConfig(r=4, init_lora_weights="corda")\nget_peft_model(base, lora)\n'),
    "LLB10 process group": ("LLB10", 'import torch.distributed as dist\ndist.init_process_group("nccl")\nbase = AutoModelForCausalLM.from_pretrained("a/b", device_map="auto")\n' + LORA + 'SFTTrainer(base, SFTConfig("o"), peft_config=lora)\n'),
}  # fmt: skip

SOUND = {
    "trainable": BASE + 'model = PeftModel.from_pretrained(base, "x", is_trainable=True)\n' + TRAIN,
    "unknown is_trainable": BASE + 'model = PeftModel.from_pretrained(base, "x", is_trainable=flag)\n' + TRAIN,
    "splatted keywords": BASE + 'model = PeftModel.from_pretrained(base, "x", **more)\n' + TRAIN,
    "only evaluated": BASE + 'model = PeftModel.from_pretrained(base, "x")\nTrainer(model=model).evaluate()\n',
    "merged, then a new adapter": BASE + LORA + 'model = PeftModel.from_pretrained(base, "x").merge_and_unload()\nmodel = get_peft_model(model, lora)\n' + TRAIN,
    "merged, then TRL": BASE + LORA + 'model = PeftModel.from_pretrained(base, "x").merge_and_unload()\nSFTTrainer(model, peft_config=lora).train()\n',
    "freed by name": BASE + 'model = PeftModel.from_pretrained(base, "x")\nfor n, p in model.named_parameters():\n    if "lora_" in n:\n        p.requires_grad = True\n' + TRAIN,
    "freed by set_adapter": BASE + 'model = PeftModel.from_pretrained(base, "x")\nmodel.set_adapter("default")\n' + TRAIN,
    "given to an unknown function": BASE + 'from helpers import free\nmodel = PeftModel.from_pretrained(base, "x")\nfree(model)\n' + TRAIN,
    "loaded after training": BASE + LORA + 'model = get_peft_model(base, lora)\n' + TRAIN + 'again = AutoModelForCausalLM.from_pretrained("a/b")\nmodel = PeftModel.from_pretrained(again, "x")\nmodel.eval()\n',
    "a frozen reference model": BASE + LORA + 'ref = PeftModel.from_pretrained(base, "x")\nmodel = get_peft_model(AutoModelForCausalLM.from_pretrained("c/d"), lora)\nDPOTrainer(model, ref).train()\n',
    "frozen before": BASE + LORA + "for p in base.parameters():\n    p.requires_grad = False\nmodel = get_peft_model(base, lora)\n" + TRAIN,
    "frozen but for LoRA": BASE + LORA + 'model = get_peft_model(base, lora)\nfor n, p in model.named_parameters():\n    if "lora" not in n:\n        p.requires_grad = False\n' + TRAIN,
    "frozen but for LoRA, by continue": BASE + LORA + 'model = get_peft_model(base, lora)\nfor n, p in model.named_parameters():\n    if "lora" in n:\n        continue\n    p.requires_grad = False\n' + TRAIN,
    "requires_grad of a test": BASE + LORA + 'model = get_peft_model(base, lora)\nfor n, p in model.named_parameters():\n    p.requires_grad = "lora" in n\n' + TRAIN,
    "a part is frozen": BASE + LORA + "model = get_peft_model(base, lora)\nmodel.lm_head.requires_grad_(False)\nfor p in model.visual.parameters():\n    p.requires_grad = False\n" + TRAIN,
    "the teacher is frozen": BASE + LORA + 'teacher = AutoModelForCausalLM.from_pretrained("c/d")\nmodel = get_peft_model(base, lora)\nteacher.requires_grad_(False)\n' + TRAIN,
    "a second optimizer": BASE + LORA + "o = torch.optim.AdamW(base.parameters())\nmodel = get_peft_model(base, lora)\no = torch.optim.AdamW(model.parameters())\no.step()\n",
    "parameters are added": BASE + LORA + "o = torch.optim.AdamW(base.parameters())\nmodel = get_peft_model(base, lora)\no.add_param_group({'params': model.parameters()})\no.step()\n",
    "another model's optimizer": BASE + LORA + "o = torch.optim.AdamW(other.parameters())\nmodel = get_peft_model(base, lora)\no.step()\n",
    "two models": BASE + LORA + 'other = AutoModelForCausalLM.from_pretrained("c/d")\nget_peft_model(base, lora)\nget_peft_model(other, lora)\n',
    "a loaded model in a loop": LORA + 'for name in names:\n    base = AutoModelForCausalLM.from_pretrained(name)\n    model = get_peft_model(base, lora)\n',
    "prompt tuning twice": BASE + "from peft import PromptTuningConfig\nLoraConfig(r=4)\na = get_peft_model(base, PromptTuningConfig())\nb = get_peft_model(base, PromptTuningConfig())\n",
    "peft_config is None": BASE + LORA + "model = get_peft_model(base, lora)\nSFTTrainer(model, peft_config=None).train()\n",
    "either of the two": BASE + LORA + "if wrap:\n    model = get_peft_model(base, lora)\n    SFTTrainer(model).train()\nelse:\n    SFTTrainer(base, peft_config=lora).train()\n",
    "quantized with peft_config": FOUR + LORA + "SFTTrainer(base, peft_config=lora).train()\n",
    "quantized with add_adapter": FOUR + LORA + "base.add_adapter(lora)\nmodel = base\n" + TRAIN,
    "quantized or not": LORA + 'q = BitsAndBytesConfig(load_in_4bit=True) if flag else None\nmodel = AutoModelForCausalLM.from_pretrained("a/b", quantization_config=q)\n' + TRAIN,
    "quantized under a flag": LORA + 'q = None\nif flag():\n    q = BitsAndBytesConfig(load_in_4bit=True)\nmodel = AutoModelForCausalLM.from_pretrained("a/b", quantization_config=q)\n' + TRAIN,
    "quantized in unknown bits": LORA + 'q = BitsAndBytesConfig(load_in_4bit=bits == 4)\nmodel = AutoModelForCausalLM.from_pretrained("a/b", quantization_config=q)\n' + TRAIN,
    "quantized for evaluation, TRL for training": FOUR + LORA + "model = get_peft_model(base, lora)\nSFTTrainer(model).train()\n",
    "prepared by hand": FOUR + LORA + "base.enable_input_require_grads()\nmodel = get_peft_model(base, lora)\n" + TRAIN,
    "prepared under a flag": FOUR + LORA + "if flag():\n    base = prepare_model_for_kbit_training(base)\nmodel = get_peft_model(base, lora)\n" + TRAIN,
    "merged in 16 bits": FOUR + LORA + 'model = get_peft_model(base, lora)\nSFTTrainer(model).train()\nfull = AutoModelForCausalLM.from_pretrained("a/b")\nPeftModel.from_pretrained(full, "x").merge_and_unload()\n',
    "dequantized first": FOUR + 'model = PeftModel.from_pretrained(base, "x")\nmodel.dequantize()\nmodel.merge_and_unload()\n',
    "the keyword with own code": LORA + 'AutoModelForCausalLM.from_pretrained("a/b", load_in_8bit=True, trust_remote_code=True)\n',
    "padding only": BASE + LORA + 'tokenizer = AutoTokenizer.from_pretrained("a/b")\ntokenizer.add_special_tokens({"pad_token": "[PAD]"})\nbase.resize_token_embeddings(len(tokenizer))\nmodel = get_peft_model(base, lora)\n' + TRAIN,
    "no tokens": BASE + LORA + 'tokenizer = AutoTokenizer.from_pretrained("a/b")\ntokenizer.add_tokens([])\nbase.resize_token_embeddings(len(tokenizer))\nmodel = get_peft_model(base, lora)\n' + TRAIN,
    "the embedding is freed": BASE + LORA + 'tokenizer = AutoTokenizer.from_pretrained("a/b")\ntokenizer.add_tokens(["<a>"])\nbase.resize_token_embeddings(len(tokenizer))\nmodel = get_peft_model(base, lora)\nmodel.get_input_embeddings().weight.requires_grad = True\n' + TRAIN,
    "embed_tokens is a target": BASE + 'lora = LoraConfig(r=4, target_modules=["q_proj", "embed_tokens"])\ntokenizer = AutoTokenizer.from_pretrained("a/b")\ntokenizer.add_tokens(["<a>"])\nbase.resize_token_embeddings(len(tokenizer))\nmodel = get_peft_model(base, lora)\n' + TRAIN,
    "pad under a test": BASE + LORA + 'tokenizer = AutoTokenizer.from_pretrained("a/b")\nif tokenizer.pad_token is None:\n    tokenizer.pad_token = tokenizer.eos_token\nc = DataCollatorForLanguageModeling(tokenizer, mlm=False)\nTrainer(get_peft_model(base, lora), data_collator=c)\n',
    "pad is changed again": BASE + LORA + 'tokenizer = AutoTokenizer.from_pretrained("a/b")\ntokenizer.pad_token = tokenizer.eos_token\ntokenizer.pad_token = "<pad>"\nc = DataCollatorForLanguageModeling(tokenizer, mlm=False)\nTrainer(get_peft_model(base, lora), data_collator=c)\n',
    "pad with TRL's collator": BASE + LORA + 'tokenizer = AutoTokenizer.from_pretrained("a/b")\ntokenizer.pad_token = tokenizer.eos_token\nSFTTrainer(base, processing_class=tokenizer, peft_config=lora)\n',
    "float16 without more": 'base = AutoModelForCausalLM.from_pretrained("a/b", dtype=torch.float16)\n' + LORA + 'model = get_peft_model(base, lora)\nTrainer(model, TrainingArguments("o", fp16=True)).train()\n',
    "half for generation afterwards": 'base = AutoModelForCausalLM.from_pretrained("a/b", dtype=torch.float16)\n' + LORA + 'model = get_peft_model(base, lora)\nTrainer(model, TrainingArguments("o", fp16=True)).train()\nmodel.half()\n',
    "eva with its call": BASE + 'from peft import initialize_lora_eva_weights\nlora = LoraConfig(r=4, init_lora_weights="eva")\nmodel = get_peft_model(base, lora)\ninitialize_lora_eva_weights(model, loader)\n',
    "eva in a helper of another module": BASE + 'from helpers import start\nlora = LoraConfig(r=4, init_lora_weights="eva")\nmodel = get_peft_model(base, lora)\nstart(model)\n',
    "resized after LoRA alone": BASE + LORA + "model = get_peft_model(base, lora)\nmodel.resize_token_embeddings(70)\n",
    "meta, then loaded": BASE + LORA + 'model = get_peft_model(base, lora, low_cpu_mem_usage=True)\nmodel.load_adapter("x", "default")\n' + TRAIN,
    "meta, then filled by EVA": BASE + 'from peft import initialize_lora_eva_weights\nlora = LoraConfig(r=4, init_lora_weights="eva")\nmodel = get_peft_model(base, lora, low_cpu_mem_usage=True)\ninitialize_lora_eva_weights(model, data)\n' + TRAIN,
    "append before": 'names = ["q_proj"]\nnames.append("v_proj")\nLoraConfig(r=4, target_modules=names)\n',
    "pop returns something": 'names = ["q_proj", "v_proj"]\nLoraConfig(r=4, target_modules=[names.pop()])\n',
    "device_map auto alone": 'base = AutoModelForCausalLM.from_pretrained("a/b", device_map="auto")\n' + LORA + 'SFTTrainer(base, SFTConfig("o", ddp_find_unused_parameters=False), peft_config=lora)\n',
    "one device a process": 'base = AutoModelForCausalLM.from_pretrained("a/b", device_map={"": 0})\n' + LORA + 'SFTTrainer(base, SFTConfig("o", fsdp="full_shard"), peft_config=lora)\n',
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_told(name: str) -> None:
    code, program = WRONG[name]
    assert codes(program) == {code}


@pytest.mark.parametrize("name", SOUND)
def test_what_is_sound_is_left_alone(name: str) -> None:
    assert codes(SOUND[name]) == set()


def test_every_wrong_program_is_of_its_rule() -> None:
    assert all(name.startswith(code) for name, (code, _program) in WRONG.items())


COLLATED = """
tokenizer = AutoTokenizer.from_pretrained("a/b"{more})
tokenizer.pad_token = tokenizer.eos_token
def row(example):
    return tokenizer(example["text"]{end})
collator = DataCollatorForLanguageModeling(tokenizer, mlm=False)
trainer = Trainer(get_peft_model(base, lora), train_dataset=data.map(row), data_collator=collator)
"""


@pytest.mark.parametrize(
    ("more", "end", "severity"),
    [
        ("", "", "info"),
        (", add_eos_token=True", "", "warning"),
        ("", " + tokenizer.eos_token", "warning"),
    ],
)
def test_ll901_is_a_warning_where_the_end_is_written(more: str, end: str, severity: str) -> None:
    program = HEAD + BASE + LORA + COLLATED.format(more=more, end=end)
    (finding,) = lint(program, "python", Config(select=("LL901",), min_severity="info"))
    assert finding.severity.word == severity


def codes_at(path: Path, program: str) -> set[str]:
    source = Source(str(path), "python", (HEAD + program).encode())
    report = check(source, Config(select=SCRIPT), {})
    return {finding.code for finding in report.findings if finding.certain}


PINNED = {
    "transformers==4.46.3": (LORA + 'AutoModelForCausalLM.from_pretrained("a/b", load_in_8bit=True)\n', set()),
    "transformers>=4.40,<5": (LORA + 'AutoModelForCausalLM.from_pretrained("a/b", load_in_8bit=True)\n', set()),
    "transformers[torch] <=4.57.1": (LORA + 'AutoModelForCausalLM.from_pretrained("a/b", load_in_8bit=True)\n', set()),
    "transformers<6": (LORA + 'AutoModelForCausalLM.from_pretrained("a/b", load_in_8bit=True)\n', {"LLB07"}),
    "transformers>=4.40": (LORA + 'AutoModelForCausalLM.from_pretrained("a/b", load_in_8bit=True)\n', {"LLB07"}),
    "transformers==5.0.0": (LORA + 'AutoModelForCausalLM.from_pretrained("a/b", load_in_8bit=True)\n', {"LLB07"}),
    "transformers==4.57.1": (BASE + LORA + 'model = get_peft_model(base, lora)\nTrainer(model, TrainingArguments("o", gradient_checkpointing=True)).train()\n', {"LLB14"}),
    "transformers==5.1.0": (BASE + LORA + 'model = get_peft_model(base, lora)\nTrainer(model, TrainingArguments("o", gradient_checkpointing=True)).train()\n', set()),
    "trl==0.17.0": (BASE + LORA + "model = get_peft_model(base, lora)\nSFTTrainer(model, peft_config=lora)\n", set()),
    "trl==0.29.0": (BASE + LORA + "model = get_peft_model(base, lora)\nSFTTrainer(model, peft_config=lora)\n", {"LLB04"}),
    "trl==0.16.0": (BASE + LORA + 'tokenizer = AutoTokenizer.from_pretrained("a/b")\ntokenizer.pad_token = tokenizer.eos_token\nSFTTrainer(base, tokenizer=tokenizer, peft_config=lora)\n', {"LL901"}),
}  # fmt: skip


@pytest.mark.parametrize("pin", PINNED)
def test_what_depends_on_a_version_follows_the_pin(pin: str, tmp_path: Path) -> None:
    program, expected = PINNED[pin]
    (tmp_path / "requirements.txt").write_text(pin + "\n")
    (tmp_path / ".git").mkdir()
    assert codes_at(tmp_path / "train.py", program) == expected


def test_a_notebook_that_pins_is_judged_by_its_pin() -> None:
    cells = [
        "!pip install transformers==4.40.0",
        HEAD + LORA + 'AutoModelForCausalLM.from_pretrained("a/b", load_in_8bit=True)\n',
    ]
    for chosen, expected in ((cells, set()), (cells[1:], {"LLB07"})):
        data = {"cells": [{"cell_type": "code", "source": cell} for cell in chosen]}
        source = Source("x.ipynb", "notebook", json.dumps(data).encode())
        report = check(source, Config(select=SCRIPT), {})
        assert {finding.code for finding in report.findings} == expected
