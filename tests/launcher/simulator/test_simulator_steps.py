"""The simulator against torch itself, on tiny models, where the CPU knows the truth."""

import weakref

import pytest
import torch
from peft import LoraConfig, get_peft_model
from torch.utils._python_dispatch import TorchDispatchMode
from transformers import AutoConfig, AutoModelForCausalLM

from lora_launch.simulator import BadRun, SimulatedRun, simulate
from lora_launch.simulator import simulate as entry
from lora_launch.simulator.history import CATEGORIES, Category
from lora_launch.simulator.sharding import buckets

pytestmark = pytest.mark.slow
LLAMA = {
    "model_type": "llama",
    "hidden_size": 64,
    "intermediate_size": 176,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 512,
    "tie_word_embeddings": False,
    "use_cache": False,
}
LORA = {"r": 4, "target_modules": "all-linear"}
PLAIN = {
    "dtype": "float32",
    "attention": "eager",
    "checkpointing": None,
    "loss": "model",
    "optimizer": "adamw_torch",
    "clip": False,
    "batch": 2,
    "length": 48,
}


def of(sample):
    return dict(zip(CATEGORIES, sample.by_category, strict=True))


def real_model():
    values = dict(LLAMA)
    config = AutoConfig.for_model(values.pop("model_type"), **values)
    base = AutoModelForCausalLM.from_config(
        config, dtype=torch.float32, attn_implementation="eager"
    )
    return get_peft_model(base, LoraConfig(task_type="CAUSAL_LM", **LORA))


class Storages(TorchDispatchMode):
    """Live bytes of every storage that a real operator makes, in blocks of 512."""

    def __init__(self):
        super().__init__()
        self.live = 0
        self._known = {}

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        for one in result if isinstance(result, (list, tuple)) else [result]:
            if isinstance(one, torch.Tensor) and not isinstance(one, torch.nn.Parameter):
                self._see(one.untyped_storage())
        return result

    def forget(self, tensors):
        for one in tensors:
            self._known[one.untyped_storage()._cdata] = None

    def _see(self, storage):
        key, size = storage._cdata, -(-storage.nbytes() // 512) * 512
        if key not in self._known and size:
            self.live += size
            self._known[key] = weakref.ref(storage, lambda _: self._drop(key, size))

    def _drop(self, key, size):
        del self._known[key]
        self.live -= size


def up(size):
    return -(-size // 512) * 512


def test_parameters_gradients_and_states_have_the_bytes_of_the_real_ones():
    found = simulate(SimulatedRun(LLAMA, LORA, **PLAIN))
    model = real_model()
    trained = [one for one in model.parameters() if one.requires_grad]
    frozen = [one for one in model.parameters() if not one.requires_grad]
    assert found.trainable_parameters == sum(one.numel() for one in trained)
    assert found.total_parameters == sum(one.numel() for one in frozen)
    last = of(found.timeline[-1])
    buffers = sum(up(one.nbytes) for one in model.buffers())
    assert last[Category.WEIGHTS] == sum(up(one.nbytes) for one in frozen) + buffers
    assert last[Category.ADAPTERS] == sum(up(one.nbytes) for one in trained)
    optimizer = torch.optim.AdamW(trained, foreach=True)
    ids = torch.randint(0, 512, (2, 48))
    model(input_ids=ids, labels=ids).loss.backward()
    optimizer.step()
    moments = [
        value
        for state in optimizer.state.values()
        for name, value in state.items()
        if name != "step"
    ]
    assert last[Category.OPTIMIZER] == sum(up(one.nbytes) for one in moments)
    gradients = max(of(one)[Category.GRADIENTS] for one in found.timeline)
    assert gradients == sum(up(one.grad.nbytes) for one in trained)


def test_what_lives_after_a_real_forward_is_what_lives_after_a_simulated_one():
    from torch._subclasses.fake_tensor import FakeTensorMode

    from lora_launch.simulator.likeness import like_cuda
    from lora_launch.simulator.loss import loss_path
    from lora_launch.simulator.model import build
    from lora_launch.simulator.tape import Tape

    run = SimulatedRun(LLAMA, LORA, **PLAIN)
    with like_cuda(run):
        mode = FakeTensorMode(allow_non_fake_inputs=True)
        tape = Tape(mode)
        with mode, tape:
            built = build(run, tape)
            ids = torch.empty((2, 48), dtype=torch.int64)
            start = len(tape.history.events)
            with loss_path(run, built.model, built.base):
                outputs = built.model(input_ids=ids, labels=ids)
            history = tape.end()
            assert outputs.loss is not None
    live = {}
    for event in history.events[start:]:
        if event is not None and event >= 0:
            live[event] = -(-history.blocks[event].size // 512) * 512
        elif event is not None:
            live.pop(~event, None)
    model = real_model().train()
    ids = torch.randint(0, 512, (2, 48))
    watch = Storages()
    watch.forget([ids, *model.parameters(), *model.buffers()])
    with watch:
        outputs = model(input_ids=ids, labels=ids)
    assert outputs.loss is not None
    assert sum(live.values()) == watch.live


@pytest.mark.parametrize("double", [False, True])
def test_nf4_takes_half_a_byte_and_an_absmax_for_64_weights(double):
    run = SimulatedRun(
        LLAMA, LORA, batch=1, length=16, quantization="nf4", double_quantization=double
    )
    found = simulate(run)
    linear = 2 * [64 * 64] + 2 * [32 * 64] + 3 * [64 * 176]
    code, scale = 512, 512
    nested = [up(n // 64) + up(4 * -(-n // 64 // 256)) + up(4 * 256) + scale for n in linear]
    plain = [up(4 * n // 64) for n in linear]
    inside = sum(up(n // 2) + code for n in linear) + sum(nested if double else plain)
    outside = 2 * up(2 * 512 * 64) + 7 * up(2 * 64)
    buffers = sum(up(one.nbytes) for one in real_model().buffers())
    assert of(found.timeline[-1])[Category.WEIGHTS] == 3 * inside + outside + buffers


@pytest.mark.parametrize("loss", ["model", "trainer", "trl", "liger", "cut_cross_entropy"])
@pytest.mark.parametrize("autocast", [None, "bfloat16"])
def test_every_loss_path_runs(loss, autocast):
    found = simulate(SimulatedRun(LLAMA, LORA, batch=2, length=64, loss=loss, autocast=autocast))
    assert found.allocated > found.loaded


def test_trl_fused_head_makes_no_logits():
    wide = {**LLAMA, "vocab_size": 200_000}
    whole = simulate(SimulatedRun(wide, LORA, batch=4, length=512, loss="trainer"))
    fused = simulate(SimulatedRun(wide, LORA, batch=4, length=512, loss="trl_fused"))
    assert whole.allocated - fused.allocated > 4 * 512 * (200_000 - 2 * 32_768) * 4


@pytest.mark.parametrize("checkpointing", [None, "reentrant", "non-reentrant"])
@pytest.mark.parametrize("attention", ["eager", "sdpa", "flash_attention_2"])
def test_every_attention_runs_with_and_without_checkpointing(attention, checkpointing):
    run = SimulatedRun(LLAMA, LORA, length=64, attention=attention, checkpointing=checkpointing)
    assert simulate(run).peak.phase.startswith(("forward", "backward"))


def test_the_second_step_is_the_peak_since_states_are_there():
    found = simulate(SimulatedRun(LLAMA, LORA, **PLAIN))
    assert found.phases["backward 2"].allocated > found.phases["backward 1"].allocated


def test_accumulated_gradients_live_through_the_forward():
    once = simulate(SimulatedRun(LLAMA, LORA, **PLAIN))
    more = simulate(SimulatedRun(LLAMA, LORA, **{**PLAIN, "accumulation": 8}))
    gradients = max(of(one)[Category.GRADIENTS] for one in once.timeline)
    assert more.phases["forward 1"].allocated >= once.phases["forward 1"].allocated + gradients


def test_ddp_keeps_buckets_as_large_as_the_gradients():
    alone = simulate(SimulatedRun(LLAMA, LORA, **PLAIN))
    many = simulate(SimulatedRun(LLAMA, LORA, **PLAIN, world_size=4, strategy="ddp"))
    held = of(many.timeline[-1])[Category.GRADIENTS] - of(alone.timeline[-1])[Category.GRADIENTS]
    assert held == pytest.approx(alone.trainable_parameters * 4, abs=1024)


def test_buckets_fill_from_the_last_parameter_the_first_up_to_a_mebibyte():
    mib = 2**20
    assert buckets([("f", 20 * mib), ("f", 6 * mib), ("f", mib)]) == [mib, 26 * mib]
    assert buckets([("f", mib), ("h", mib)]) == [mib, mib]


def test_fsdp_shards_weights_adapters_and_states():
    alone = of(simulate(SimulatedRun(LLAMA, LORA, **PLAIN)).timeline[-1])
    part = of(
        simulate(SimulatedRun(LLAMA, LORA, **PLAIN, world_size=4, strategy="fsdp")).timeline[-1]
    )
    assert part[Category.WEIGHTS] < 0.35 * alone[Category.WEIGHTS]
    assert part[Category.OPTIMIZER] < 0.5 * alone[Category.OPTIMIZER]


def test_fsdp_shards_the_float32_head_of_the_kbit_preparation_too():
    values = {**PLAIN, "dtype": "bfloat16", "quantization": "nf4", "prepare_kbit": True}
    wide = {**LLAMA, "vocab_size": 20_000}
    alone = of(simulate(SimulatedRun(wide, LORA, **values)).timeline[-1])
    shared = SimulatedRun(wide, LORA, **values, world_size=4, strategy="fsdp")
    part = of(simulate(shared).timeline[-1])
    assert part[Category.WEIGHTS] < 0.3 * alone[Category.WEIGHTS]


def test_eight_bit_states_and_paged_ones_cost_less():
    big = {**LORA, "r": 64}
    peaks = {
        name: of(simulate(SimulatedRun(LLAMA, big, **{**PLAIN, "optimizer": name})).timeline[-1])
        for name in ("adamw_torch", "adamw_8bit", "sgd")
    }
    states = [peaks[name][Category.OPTIMIZER] for name in ("adamw_torch", "adamw_8bit", "sgd")]
    assert states[0] > 3 * states[1] > states[2] == 0


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"model_config": {"model_type": "nobody"}}, "knows no model_type"),
        ({"optimizer": "adam_of_mine"}, "is not simulated"),
        ({"lora": {"r": 4, "target_modules": ["nowhere"]}}, "PEFT refuses the adapter"),
        ({"lora": {"rank": 4}}, "PEFT refuses the adapter"),
    ],
)
def test_what_cannot_be_simulated_is_a_sentence(changes, said):
    with pytest.raises(BadRun, match=said):
        entry(SimulatedRun(**{"model_config": LLAMA, "lora": LORA, **changes}))
