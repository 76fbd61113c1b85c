"""What the script rules say, shown by PEFT, transformers and TRL themselves on tiny models."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest

from conftest import ROOT

torch = pytest.importorskip("torch")
peft = pytest.importorskip("peft")
transformers = pytest.importorskip("transformers")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

NO_GRADIENT = "does not require grad"


def tiny(dtype: Any = None, **fields: Any) -> Any:
    config = transformers.LlamaConfig(
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=4,
        vocab_size=64,
        **fields,
    )
    torch.manual_seed(0)
    model = transformers.LlamaForCausalLM(config)
    return model if dtype is None else model.to(dtype)


def lora(**fields: Any) -> Any:
    given = {"r": 4, "target_modules": ["q_proj", "v_proj"], "task_type": "CAUSAL_LM"}
    return peft.LoraConfig(**(given | fields))


def loss(model: Any) -> Any:
    tokens = torch.tensor([[1, 2, 3, 60]])
    return model(input_ids=tokens, labels=tokens).loss


@pytest.fixture
def folder(tmp_path: Path) -> str:
    tiny().save_pretrained(tmp_path / "base")
    return str(tmp_path / "base")


def test_llb01_a_loaded_adapter_is_frozen(tmp_path: Path) -> None:
    peft.get_peft_model(tiny(), lora()).save_pretrained(tmp_path)
    model = peft.PeftModel.from_pretrained(tiny(), tmp_path)
    assert not any(parameter.requires_grad for parameter in model.parameters())
    with pytest.raises(RuntimeError, match=NO_GRADIENT):
        loss(model).backward()
    free = peft.PeftModel.from_pretrained(tiny(), tmp_path, is_trainable=True)
    loss(free).backward()


def test_llb01_a_loop_that_trains_something_else_leaves_it(tmp_path: Path) -> None:
    peft.get_peft_model(tiny(), lora()).save_pretrained(tmp_path)
    model = peft.PeftModel.from_pretrained(tiny(), tmp_path)
    head = model.get_output_embeddings().weight.requires_grad_(True)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
    before = {name: part.clone() for name, part in model.named_parameters()}
    loss(model).backward()
    optimizer.step()
    changed = [name for name, part in model.named_parameters() if not part.equal(before[name])]
    assert len(changed) == 1
    assert model.get_parameter(changed[0]) is head


@pytest.mark.parametrize("how", ["prepare", "loop", "requires_grad_"])
def test_llb02_freezing_after_the_adapter(how: str) -> None:
    model = peft.get_peft_model(tiny(), lora())
    if how == "prepare":
        peft.prepare_model_for_kbit_training(model, use_gradient_checkpointing=False)
    elif how == "loop":
        for parameter in model.parameters():
            parameter.requires_grad = False
    else:
        model.requires_grad_(False)
    assert not any(parameter.requires_grad for parameter in model.parameters())


def test_llb02_an_optimizer_gets_nothing() -> None:
    model = peft.get_peft_model(tiny(), lora()).requires_grad_(False)
    with pytest.raises(RuntimeError, match=NO_GRADIENT):
        loss(model).backward()
    with pytest.raises(ValueError, match="empty parameter list"):
        torch.optim.AdamW([part for part in model.parameters() if part.requires_grad])


def test_llb03_an_optimizer_made_before_the_adapter_changes_nothing() -> None:
    base = tiny()
    optimizer = torch.optim.AdamW(base.parameters(), lr=0.1)
    model = peft.get_peft_model(base, lora())
    before = {name: part.clone() for name, part in model.named_parameters()}
    for _ in range(3):
        loss(model).backward()
        optimizer.step()
    assert all(torch.equal(before[name], part) for name, part in model.named_parameters())


def tokenizer() -> Any:
    from tokenizers import Tokenizer, models

    words = {f"w{number}": number for number in range(60)} | {"<unk>": 60, "</s>": 61}
    given = {"unk_token": "<unk>"}
    made = Tokenizer(models.WordLevel(words, **given))
    given |= {"eos_token": "</s>", "pad_token": "</s>"}
    return transformers.PreTrainedTokenizerFast(tokenizer_object=made, **given)


def test_llb04_trl_refuses_a_peft_model_with_a_config(tmp_path: Path) -> None:
    trl = pytest.importorskip("trl")
    datasets = pytest.importorskip("datasets")
    rows = datasets.Dataset.from_dict({"text": ["w1 w2 w3"] * 4})
    arguments = trl.SFTConfig(str(tmp_path), use_cpu=True, report_to="none", bf16=False)
    base = tiny()
    wrapped = peft.get_peft_model(base, lora())
    given = {"args": arguments, "train_dataset": rows, "processing_class": tokenizer()}
    with pytest.raises(ValueError, match="together with a `peft_config`"):
        trl.SFTTrainer(wrapped, peft_config=lora(), **given)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        trl.SFTTrainer(base, peft_config=lora(), **given)
    assert any("for a second time" in str(warning.message) for warning in caught)


def test_llb04_a_second_adapter_nests_or_replaces() -> None:
    base = tiny()
    first = peft.get_peft_model(base, lora())
    with pytest.warns(UserWarning, match="for a second time"):
        nested = peft.get_peft_model(first, lora(r=8))
    assert any(path.count("base_model.model.") == 2 for path, _ in nested.named_parameters())
    base = tiny()
    first = peft.get_peft_model(base, lora())
    with pytest.warns(UserWarning, match="for a second time"):
        peft.get_peft_model(base, lora(r=8))
    ranks = {part.shape[0] for path, part in first.named_parameters() if "lora_A" in path}
    assert ranks == {8}


def test_llb05_an_adapter_of_a_resized_model_does_not_fit_another(tmp_path: Path) -> None:
    base = tiny()
    base.resize_token_embeddings(66)
    model = peft.get_peft_model(base, lora(modules_to_save=["embed_tokens", "lm_head"]))
    model.save_pretrained(tmp_path)
    with pytest.raises(RuntimeError, match="size mismatch"):
        peft.PeftModel.from_pretrained(tiny(), tmp_path)


def test_llb05_ids_beyond_the_embedding_fail() -> None:
    tokens = torch.tensor([[1, 64, 65]])
    with pytest.raises(IndexError):
        tiny()(input_ids=tokens)


def four_bits(folder: str, **given: Any) -> Any:
    pytest.importorskip("bitsandbytes")
    given |= {"quantization_config": transformers.BitsAndBytesConfig(load_in_4bit=True)}
    return transformers.AutoModelForCausalLM.from_pretrained(folder, **given)


def test_llb06_a_trainer_refuses_a_quantized_model_without_adapter(
    folder: str, tmp_path: Path
) -> None:
    arguments = transformers.TrainingArguments(str(tmp_path), use_cpu=True, report_to="none")
    with pytest.raises(ValueError, match="purely quantized"):
        transformers.Trainer(model=four_bits(folder), args=arguments)


@pytest.mark.parametrize("value", [True, False])
def test_llb07_from_pretrained_does_not_take_the_keyword(folder: str, value: bool) -> None:
    with pytest.raises(TypeError, match="load_in_4bit"):
        transformers.AutoModelForCausalLM.from_pretrained(folder, load_in_4bit=value)


@pytest.mark.parametrize(
    "field",
    [
        {"use_qalora": True},
        {"kasa_config": {}},
        {"monteclora_config": {}},
        {"use_bdlora": {"target_modules_bd_a": ["q_proj"], "nblocks": 2}},
    ],
    ids=lambda field: next(iter(field)),
)
def test_llb08_variants_are_ignored_on_four_bits(folder: str, field: dict[str, Any]) -> None:
    model = peft.get_peft_model(four_bits(folder), lora(**field))
    layers = [m for m in model.modules() if hasattr(m, "lora_variant")]
    assert layers
    assert not any(layer.lora_variant for layer in layers)


def test_llb08_velora_raises_on_four_bits(folder: str) -> None:
    with pytest.raises(ValueError, match="VeLoRA"):
        peft.get_peft_model(four_bits(folder), lora(velora_config={}))


def test_llb08_dora_is_applied_on_four_bits(folder: str) -> None:
    model = peft.get_peft_model(four_bits(folder), lora(use_dora=True))
    layers = [m for m in model.modules() if hasattr(m, "lora_variant")]
    assert layers
    assert all(layer.lora_variant for layer in layers)


def test_llb10_accelerate_refuses_a_model_on_several_devices() -> None:
    from accelerate import Accelerator, DistributedType
    from accelerate.state import AcceleratorState

    model = tiny()
    model.hf_device_map = {"model": 0, "lm_head": 1}
    try:
        accelerator = Accelerator(cpu=True)
        accelerator.state.distributed_type = DistributedType.MULTI_GPU
        with pytest.raises(ValueError, match="device_map='auto'` in any distributed mode"):
            accelerator.prepare(model)
    finally:
        AcceleratorState._reset_state(reset_partial_state=True)


@pytest.mark.parametrize("how", ["half", "modules_to_save", "bias", "sound"])
def test_llb13_float16_gradients_cannot_be_unscaled(how: str) -> None:
    fields = {"modules_to_save": ["lm_head"]} if how == "modules_to_save" else {}
    fields |= {"bias": "all"} if how == "bias" else {}
    base = tiny(torch.float16, attention_bias=True)
    model = peft.get_peft_model(base, lora(**fields))
    if how == "half":
        model = model.half()
    trained = [part for part in model.parameters() if part.requires_grad]
    kinds = {part.dtype for part in trained}
    assert (torch.float16 in kinds) is (how != "sound")


def test_llb13_the_scaler_refuses_float16_gradients() -> None:
    part = torch.nn.Parameter(torch.ones(2, dtype=torch.float16))
    optimizer = torch.optim.SGD([part], lr=0.1)
    scaler = torch.amp.GradScaler("cpu")
    scaler.scale(part.sum()).backward()
    with pytest.raises(ValueError, match="Attempting to unscale FP16 gradients"):
        scaler.step(optimizer)


def test_llb14_reentrant_checkpoints_of_a_vision_model() -> None:
    config = transformers.ViTConfig(
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        image_size=16,
        patch_size=8,
    )
    for reentrant in (True, False):
        model = transformers.ViTForImageClassification(config)
        given = {"target_modules": ["q_proj", "v_proj"], "modules_to_save": ["classifier"]}
        model = peft.get_peft_model(model, peft.LoraConfig(r=4, **given))
        model.train()
        model.gradient_checkpointing_enable({"use_reentrant": reentrant})
        model(pixel_values=torch.ones(1, 3, 16, 16), labels=torch.tensor([1])).loss.backward()
        adapter = [part for path, part in model.named_parameters() if "lora_" in path]
        assert adapter
        assert all((part.grad is None) is reentrant for part in adapter)


def test_llb14_without_a_head_the_backward_pass_fails() -> None:
    config = transformers.ViTConfig(
        hidden_size=32, num_hidden_layers=1, num_attention_heads=4, image_size=16, patch_size=8
    )
    model = transformers.ViTForImageClassification(config)
    model = peft.get_peft_model(model, peft.LoraConfig(r=4, target_modules=["q_proj"]))
    model.train()
    model.gradient_checkpointing_enable({"use_reentrant": True})
    with pytest.raises(RuntimeError, match=NO_GRADIENT):
        model(pixel_values=torch.ones(1, 3, 16, 16), labels=torch.tensor([1])).loss.backward()


def test_llb14_models_of_tokens_get_the_hook() -> None:
    model = peft.get_peft_model(tiny(), lora())
    model.train()
    model.gradient_checkpointing_enable({"use_reentrant": True})
    loss(model).backward()
    adapter = [part for path, part in model.named_parameters() if "lora_" in path]
    assert all(part.grad is not None for part in adapter)


def test_llb15_corda_raises_and_the_others_fall_back() -> None:
    with pytest.raises(ValueError, match="preprocess_corda"):
        peft.get_peft_model(tiny(), lora(init_lora_weights="corda"))
    for name in ("lora_ga", "eva"):
        model = peft.get_peft_model(tiny(), lora(init_lora_weights=name))
        second = [part for path, part in model.named_parameters() if "lora_B" in path]
        assert second
        assert not any(part.any() for part in second)


def test_llb17_the_patch_changes_nothing(tmp_path: Path) -> None:
    model = peft.get_peft_model(tiny(), lora())
    model.save_pretrained(tmp_path / "plain")
    old = model.state_dict
    model.state_dict = lambda *_, **__: peft.get_peft_model_state_dict(model, old())
    model.save_pretrained(tmp_path / "patched")
    from safetensors.torch import load_file

    plain = load_file(tmp_path / "plain" / "adapter_model.safetensors")
    patched = load_file(tmp_path / "patched" / "adapter_model.safetensors")
    assert plain
    assert plain.keys() == patched.keys()


def test_llb18_a_new_adapter_on_the_meta_device_has_no_weights() -> None:
    model = peft.get_peft_model(tiny(), lora(), low_cpu_mem_usage=True)
    kinds = {part.device.type for path, part in model.named_parameters() if "lora_" in path}
    assert kinds == {"meta"}
    with pytest.raises(RuntimeError):
        loss(model).backward()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"modules_to_save": ["lm_head"]}, "Old language model head is of type"),
        ({"modules_to_save": ["embed_tokens"]}, "Old embeddings are of type"),
        ({"trainable_token_indices": [1, 2]}, "Old embeddings are of type"),
    ],
)
def test_llb19_a_wrapped_embedding_cannot_be_resized(fields: dict[str, Any], message: str) -> None:
    model = peft.get_peft_model(tiny(), lora(**fields))
    with pytest.raises(TypeError, match=f"{message} .*Wrapper"):
        model.resize_token_embeddings(70)


def test_ll407_new_rows_stay_as_they_were() -> None:
    base = tiny()
    base.resize_token_embeddings(66)
    model = peft.get_peft_model(base, lora(target_modules="all-linear"))
    optimizer = torch.optim.AdamW(
        [part for part in model.parameters() if part.requires_grad], lr=0.1
    )
    before = model.get_input_embeddings().weight[64:].clone()
    tokens = torch.tensor([[1, 64, 65]])
    for _ in range(3):
        model(input_ids=tokens, labels=tokens).loss.backward()
        optimizer.step()
    assert torch.equal(before, model.get_input_embeddings().weight[64:])


@pytest.mark.parametrize("known", [True, False])
def test_ll407_the_rows_are_saved_if_the_vocabulary_is_known(
    folder: str, tmp_path: Path, *, known: bool
) -> None:
    from safetensors.torch import load_file

    base = transformers.AutoModelForCausalLM.from_pretrained(folder)
    if not known:
        base.config._name_or_path = base.name_or_path = ""
    base.resize_token_embeddings(66)
    peft.get_peft_model(base, lora()).save_pretrained(tmp_path)
    saved = load_file(tmp_path / "adapter_model.safetensors")
    assert any("embed_tokens" in name for name in saved) is known


def test_ll407_trainable_token_indices_train_a_row_each() -> None:
    base = tiny()
    base.resize_token_embeddings(66)
    model = peft.get_peft_model(base, lora(trainable_token_indices=[64, 65]))
    trained = [p for n, p in model.named_parameters() if p.requires_grad and "lora_" not in n]
    assert sum(part.numel() for part in trained) == 2 * base.config.hidden_size


def in_float32(model: Any) -> set[str]:
    """The last part of the modules' names whose weights are in float32."""
    named = model.named_parameters()
    return {name.split(".")[-2] for name, part in named if part.dtype == torch.float32}


NOT_QUANTIZED = {"embed_tokens", "lm_head", "norm", "input_layernorm", "post_attention_layernorm"}


def test_ll504_the_preparation_makes_all_else_float32(folder: str) -> None:
    base = four_bits(folder, dtype=torch.bfloat16)
    assert not in_float32(base)
    assert not base.is_gradient_checkpointing
    prepared = peft.prepare_model_for_kbit_training(base)
    assert in_float32(prepared) == NOT_QUANTIZED
    assert prepared.is_gradient_checkpointing


@pytest.mark.parametrize("checkpointing", [True, False])
def test_ll504_an_unprepared_base_is_trained(
    folder: str, tmp_path: Path, *, checkpointing: bool
) -> None:
    model = peft.get_peft_model(four_bits(folder, dtype=torch.bfloat16), lora())
    before = {name: part.clone() for name, part in model.named_parameters() if part.requires_grad}
    arguments = transformers.TrainingArguments(
        str(tmp_path),
        use_cpu=True,
        report_to="none",
        max_steps=2,
        learning_rate=1e-2,
        gradient_checkpointing=checkpointing,
    )
    rows = [{"input_ids": [1, 2, 3], "labels": [1, 2, 3]}] * 8
    transformers.Trainer(model=model, args=arguments, train_dataset=rows).train()
    assert model.is_gradient_checkpointing is checkpointing
    assert not any(before[name].equal(model.get_parameter(name)) for name in before)


def test_ll504_trl_prepares_nothing(folder: str, tmp_path: Path) -> None:
    trl = pytest.importorskip("trl")
    datasets = pytest.importorskip("datasets")
    trainer = trl.SFTTrainer(
        four_bits(folder, dtype=torch.bfloat16),
        args=trl.SFTConfig(str(tmp_path), use_cpu=True, report_to="none", bf16=False),
        train_dataset=datasets.Dataset.from_dict({"text": ["w1 w2 w3"] * 4}),
        processing_class=tokenizer(),
        peft_config=lora(),
    )
    assert not in_float32(trainer.model) & NOT_QUANTIZED


def test_ll508_merging_into_four_bits_rounds(folder: str, tmp_path: Path) -> None:
    model = peft.get_peft_model(four_bits(folder), lora())
    for path, part in model.named_parameters():
        if "lora_B" in path:
            torch.nn.init.normal_(part, std=0.01)
    before = loss(model)
    with pytest.warns(UserWarning, match="rounding errors"):
        merged = model.merge_and_unload()
    assert loss(merged) != before


def test_ll901_the_collator_takes_the_end_out_of_the_loss() -> None:
    words = tokenizer()
    rows = [words("w1 w2"), words("w1")]
    rows = [{"input_ids": [*row["input_ids"], words.eos_token_id]} for row in rows]
    collator = transformers.DataCollatorForLanguageModeling(words, mlm=False)
    assert words.eos_token_id not in collator(rows)["labels"]


def test_ll901_the_collator_of_trl_goes_by_length() -> None:
    collators = pytest.importorskip("trl.trainer.sft_trainer")
    words = tokenizer()
    rows = [{"input_ids": [1, 2, words.eos_token_id]}, {"input_ids": [1, words.eos_token_id]}]
    labels = collators.DataCollatorForLanguageModeling(words.eos_token_id)(rows)["labels"]
    assert labels.tolist() == [[1, 2, 61], [1, 61, -100]]


def test_ll905_a_template_and_a_tokenizer_write_one_start_each() -> None:
    from tokenizers import Tokenizer, models, processors

    unknown, start = {"unk_token": "<unk>"}, {"bos_token": "<s>"}
    made = Tokenizer(models.WordLevel({"<s>": 0, "hello": 1, "<unk>": 2}, **unknown))
    made.add_special_tokens(["<s>"])
    made.post_processor = processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", 0)]
    )
    words = transformers.PreTrainedTokenizerFast(tokenizer_object=made, **start)
    words.chat_template = "{{ bos_token }}{% for m in messages %}{{ m['content'] }}{% endfor %}"
    text = words.apply_chat_template([{"role": "user", "content": "hello"}], tokenize=False)
    assert words(text)["input_ids"] == [0, 0, 1]
    assert words(text, add_special_tokens=False)["input_ids"] == [0, 1]


@pytest.mark.parametrize("name", ["llama3", "llama3_1", "llama3_2", "gemma", "gemma3"])
def test_ll905_templates_write_the_start(name: str) -> None:
    trl = pytest.importorskip("trl")
    text = (Path(trl.__file__).parent / "chat_templates" / f"{name}.jinja").read_text()
    assert "bos_token" in text


def under_fsdp(folder: str, version: int, storage: str) -> Any:
    """What a process of two says that train a 4-bit model with the Trainer under FSDP."""
    pytest.importorskip("bitsandbytes")
    run = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    worker = str(ROOT / "tests" / "fsdp_worker.py")
    made = subprocess.run(
        [*run, worker, folder, str(version), storage], capture_output=True, text=True, check=False
    )
    said = [line for line in made.stdout.splitlines() if line.startswith('{"')]
    assert said, made.stderr
    return json.loads(said[0])


def test_llb09_fsdp2_leaves_uint8_whole_and_trains(folder: str) -> None:
    whole, divided = under_fsdp(folder, 2, "uint8"), under_fsdp(folder, 2, "float32")
    assert whole["here"] == whole["everywhere"] == divided["everywhere"]
    assert "Excluding from FSDP2 sharding" in whole["warned"][0]
    assert divided["here"] * 2 == divided["everywhere"]
    assert whole["losses"] == pytest.approx(divided["losses"])
    assert whole["losses"][2] < whole["losses"][0]


def test_llb09_fsdp1_cannot_flatten_uint8(folder: str) -> None:
    said = under_fsdp(folder, 1, "uint8")["raised"]
    assert said == "ValueError: Cannot flatten integer dtype tensors"
    assert "losses" in under_fsdp(folder, 1, "float32")


def test_llb11_reentrant_checkpoints_under_ddp(tmp_path: Path) -> None:
    import torch.distributed as distributed

    store = distributed.FileStore(str(tmp_path / "store"), 1)
    distributed.init_process_group("gloo", store=store, rank=0, world_size=1)
    try:
        for reentrant in (True, False):
            model = peft.get_peft_model(tiny(), lora())
            model.train()
            model.gradient_checkpointing_enable({"use_reentrant": reentrant})
            model.enable_input_require_grads()
            parallel = torch.nn.parallel.DistributedDataParallel(model, find_unused_parameters=True)
            if reentrant:
                with pytest.raises(RuntimeError, match="ready only once"):
                    loss(parallel).backward()
            else:
                loss(parallel).backward()
    finally:
        distributed.destroy_process_group()


def test_llb11_the_trainer_looks_for_unused_parameters(tmp_path: Path) -> None:
    arguments = transformers.TrainingArguments(str(tmp_path), use_cpu=True, report_to="none")
    model = peft.get_peft_model(tiny(), lora())
    trainer = transformers.Trainer(model=model, args=arguments)
    assert trainer.accelerator.ddp_handler.find_unused_parameters


def test_llb16_they_return_nothing() -> None:
    names = ["a"]
    done = [names.append("b"), names.extend("c"), names.insert(0, "d"), names.remove("d")]
    done += [names.sort(), names.reverse(), {}.update(a=1), {1}.update([2]), names.clear()]
    assert done == [None] * len(done)
    assert peft.LoraConfig(modules_to_save=names.append("score")).modules_to_save is None


def tensors(folder: Path) -> list[str]:
    from safetensors import safe_open

    (file,) = folder.glob("*.safetensors")
    with safe_open(str(file), "pt") as opened:  # type: ignore[no-untyped-call]
        return list(opened.keys())


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    """A trained adapter: its matrices are not those that it begins with."""
    model = peft.get_peft_model(tiny(), lora())
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter)
    model.save_pretrained(tmp_path / "adapter")
    return tmp_path / "adapter"


@pytest.mark.parametrize("method", ["merge_and_unload", "unload"])
def test_llb30_what_is_saved_after_a_merge_is_empty(
    adapter: Path, tmp_path: Path, method: str
) -> None:
    model = peft.PeftModel.from_pretrained(tiny(), adapter)
    merged = getattr(model, method)()
    model.save_pretrained(tmp_path / "peft")
    assert tensors(tmp_path / "peft") == []
    model.base_model.save_pretrained(tmp_path / "base")
    merged.save_pretrained(tmp_path / "merged")
    names = sorted(tiny().state_dict())
    assert sorted(tensors(tmp_path / "base")) == sorted(tensors(tmp_path / "merged")) == names


def answers(model: Any) -> Any:
    with torch.no_grad():
        return model(input_ids=torch.tensor([[1, 2, 3, 60]])).logits


def test_llb04_an_adapter_is_not_loaded_onto_a_peft_model(adapter: Path) -> None:
    trained = answers(peft.PeftModel.from_pretrained(tiny(), adapter))
    assert not torch.allclose(trained, answers(tiny()))
    with pytest.warns(UserWarning, match="missing adapter keys"):
        nested = peft.PeftModel.from_pretrained(peft.get_peft_model(tiny(), lora()), adapter)
    assert torch.allclose(answers(nested), answers(tiny()))
    base = tiny()
    peft.get_peft_model(base, lora())
    assert torch.allclose(answers(peft.PeftModel.from_pretrained(base, adapter)), trained)


def test_llb04_a_second_get_peft_model_takes_the_place(adapter: Path, tmp_path: Path) -> None:
    model = peft.get_peft_model(peft.PeftModel.from_pretrained(tiny(), adapter), lora())
    assert torch.allclose(answers(model), answers(tiny())), "what was trained is lost"
    other = peft.PeftModel.from_pretrained(tiny(), adapter)
    other = peft.get_peft_model(other, lora(target_modules=["k_proj"]))
    trained = answers(peft.PeftModel.from_pretrained(tiny(), adapter))
    assert torch.allclose(answers(other), trained), "other layers keep what was trained"
    assert all("lora_" not in name or part.requires_grad for name, part in other.named_parameters())
    for name, parameter in other.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter)
    other.save_pretrained(tmp_path / "nested")
    with pytest.warns(UserWarning, match="missing adapter keys"):
        loaded = peft.PeftModel.from_pretrained(tiny(), tmp_path / "nested")
    assert torch.allclose(answers(loaded), answers(tiny()))


def test_llb31_a_trainer_of_the_base_saves_what_nobody_reads(tmp_path: Path) -> None:
    base = tiny()
    peft.get_peft_model(base, lora())
    rows = [{"input_ids": torch.tensor([1, 2, 3]), "labels": torch.tensor([1, 2, 3])}] * 2
    arguments = transformers.TrainingArguments(
        str(tmp_path / "out"), use_cpu=True, report_to="none", max_steps=1, learning_rate=0.1
    )
    before = {name: part.clone() for name, part in base.named_parameters()}
    trainer = transformers.Trainer(base, arguments, train_dataset=rows)
    trainer.train()
    changed = {n for n, part in base.named_parameters() if not torch.equal(before[n], part)}
    assert changed
    assert all("lora_" in name for name in changed)
    trainer.save_model(str(tmp_path / "saved"))
    assert not (tmp_path / "saved" / "adapter_config.json").exists()
    assert any("q_proj.base_layer.weight" in name for name in tensors(tmp_path / "saved"))
    name = "model.layers.0.self_attn.q_proj.weight"
    loaded = transformers.LlamaForCausalLM.from_pretrained(tmp_path / "saved").state_dict()
    assert not torch.equal(loaded[name], tiny().state_dict()[name])
    with pytest.raises(ValueError, match=r"adapter_config\.json"):
        peft.PeftModel.from_pretrained(tiny(), tmp_path / "saved")


def test_llb32_a_saved_configuration_holds_no_weights(tmp_path: Path) -> None:
    trained = peft.get_peft_model(tiny(), lora())
    for name, parameter in trained.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter)
    trained.save_pretrained(tmp_path)
    config = peft.PeftConfig.from_pretrained(tmp_path)
    model = peft.get_peft_model(tiny(), config)
    assert torch.allclose(answers(model), answers(tiny()))
    assert not torch.allclose(answers(model), answers(trained))
    assert not any(parameter.requires_grad for parameter in model.parameters())
    with pytest.raises(RuntimeError, match=NO_GRADIENT):
        loss(model).backward()
    config.inference_mode = False
    loss(peft.get_peft_model(tiny(), config)).backward()


def test_llb33_only_the_last_adapter_gets_a_gradient() -> None:
    model = peft.get_peft_model(tiny(), lora(), adapter_name="one")
    model.add_adapter("two", lora())
    trained = [part for part in model.parameters() if part.requires_grad]
    optimizer = torch.optim.SGD(trained, lr=1.0)
    before = {name: part.detach().clone() for name, part in model.named_parameters()}
    model.set_adapter("one")
    first = loss(model)
    model.set_adapter("two")
    assert not any(part.requires_grad for name, part in model.named_parameters() if ".one." in name)
    (first + loss(model)).backward()
    optimizer.step()
    reached = {name for name, part in model.named_parameters() if part.grad is not None}
    assert reached
    assert all(".two." in name for name in reached)
    assert all(torch.equal(before[name], part) for name, part in model.named_parameters())
    model.base_model.set_adapter(["one", "two"])
    loss(model).backward()
    reached = {name for name, part in model.named_parameters() if part.grad is not None}
    assert any(".one." in name for name in reached)


@pytest.mark.parametrize("inference_mode", [False, True])
def test_llb34_set_adapter_unfreezes(adapter: Path, inference_mode: bool) -> None:
    model = peft.PeftModel.from_pretrained(tiny(), adapter, is_trainable=False)
    model.load_adapter(adapter, "other", is_trainable=False)
    assert not any(parameter.requires_grad for parameter in model.parameters())
    model.base_model.set_adapter(["default", "other"], inference_mode=inference_mode)
    free = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    loras = {name for name, _ in model.named_parameters() if "lora_" in name}
    assert free == (set() if inference_mode else loras)


@pytest.mark.parametrize("kind", ["pissa", "olora", True])
def test_llb35_the_first_adapter_changes_the_base(tmp_path: Path, kind: Any) -> None:
    right = []
    for number in (1, 2):
        model = peft.get_peft_model(tiny(), lora(init_lora_weights=kind))
        torch.manual_seed(number)
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                parameter.data += 0.3 * torch.randn_like(parameter)
        model.save_pretrained(tmp_path / str(number))
        right.append(answers(model))
    fresh = peft.PeftModel.from_pretrained(tiny(), tmp_path / "2")
    assert torch.allclose(answers(fresh), right[1], atol=1e-4)
    base = tiny()
    peft.PeftModel.from_pretrained(base, tmp_path / "1").unload()
    second = peft.PeftModel.from_pretrained(base, tmp_path / "2")
    assert torch.allclose(answers(second), right[1], atol=1e-4) == (kind is True)
    loaded = peft.PeftModel.from_pretrained(tiny(), tmp_path / "1")
    loaded.load_adapter(tmp_path / "2", "second")
    loaded.set_adapter("second")
    assert torch.allclose(answers(loaded), right[1], atol=1e-4) == (kind is True)


def test_llb36_without_a_configuration_everything_is_trained(tmp_path: Path) -> None:
    lora()
    arguments = transformers.TrainingArguments(str(tmp_path), use_cpu=True, report_to="none")
    trainer = transformers.Trainer(tiny(), arguments)
    assert all(parameter.requires_grad for parameter in trainer.model.parameters())


def test_llb37_gradients_add_up() -> None:
    model = peft.get_peft_model(tiny(), lora(init_lora_weights=False))
    (part,) = [p for n, p in model.named_parameters() if "layers.0.self_attn.q_proj.lora_B" in n]
    loss(model).backward()
    once = part.grad.clone()
    loss(model).backward()
    assert torch.allclose(part.grad, 2 * once)
