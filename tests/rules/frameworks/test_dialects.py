"""The dialects: which a file is written in, what each says, and what nobody said but happens."""

from __future__ import annotations

import os
import sys
from collections import Counter
from pathlib import Path

import pytest
import yaml

import official_recipes
from lora_lint.read import yaml as yaml_reader
from lora_lint.read.tree import Mapping
from lora_lint.sources.source import Source
from lora_lint.translate import framework as dialects
from lora_lint.translate import table
from lora_lint.translate.signature import File, holds
from lora_lint.translate.spelling import SPELLINGS
from lora_rules.recipe import Origin, Recipe, Setting, Span

sys.path.insert(0, str(Path(__file__).parent.parent.parent.parent / "tools"))
from build_frameworks import TABLES, tables

NAMES = {"peft-adapter-json": "adapter_config.json", "sd-scripts": "run.toml"}
"""Frameworks whose files are known by their names, too."""


def read(text: str, name: str = "run.yaml", dialect: str | None = None) -> tuple[Recipe, ...]:
    return yaml_reader.read(Source(f"conf/{name}", "yaml", text.encode()), dialect).recipes


def recognised(text: str, name: str = "run.yaml") -> str:
    return yaml_reader.read(Source(f"conf/{name}", "yaml", text.encode()), None).dialect


def one(text: str) -> Recipe:
    (recipe,) = read(text)
    return recipe


def setting(recipe: Recipe, name: str) -> tuple[object, str, str]:
    found = recipe.settings[name]
    return (found.value, found.origin.value, found.key)


FOLDER = TABLES.parent


def cases() -> list[Path]:
    """``frameworks/<name>/cases/*.yaml``: a file, and what is understood of it."""
    return sorted(FOLDER.glob("*/cases/*.yaml"))


def _sample(name: str) -> str:
    path = FOLDER / name.replace("-", "_") / "cases" / "sample.yaml"
    text: str = yaml.safe_load(path.read_text())["text"] if path.exists() else ""
    return text


SAMPLES = {name: _sample(name) for name in dialects.names()}
"""Of each framework, the file that its first case is about."""


def test_every_framework_has_a_case() -> None:
    without = [name for name, text in SAMPLES.items() if not text]
    assert not without, (
        f"frameworks/{without[0].replace('-', '_')}/cases/sample.yaml is missing: a file of that "
        "framework, and what is understood of it (CONTRIBUTING: How a framework is written)"
    )


@pytest.mark.parametrize("path", cases(), ids=lambda path: f"{path.parts[-3]}/{path.stem}")
def test_a_case_is_understood(path: Path) -> None:
    case = yaml.safe_load(path.read_text())
    (recipe,) = read(case["text"], case.get("file", "run.yaml"))
    assert recipe.dialect == path.parts[-3].replace("_", "-")
    expected = {name: tuple(said) for name, said in case["settings"].items()}
    assert {name: setting(recipe, name) for name in expected} == expected


@pytest.mark.parametrize("name", SAMPLES)
def test_every_setting_knows_its_place_or_its_source(name: str) -> None:
    text = SAMPLES[name]
    lines = text.split("\n")
    for recipe in read(text, NAMES.get(name, "run.yaml")):
        for found in recipe.settings.values():
            if found.origin is Origin.WRITTEN:
                assert found.span is not None
                assert found.key_span is not None
                assert_stands_there(lines, found)
            else:
                assert found.source, found


def assert_stands_there(lines: list[str], found: Setting) -> None:
    assert found.span is not None
    span = found.span
    if span.line != span.end_line or "[]" in found.key:
        return
    text = lines[span.line - 1][span.column - 1 : span.end_column - 1]
    loaded = yaml.safe_load(text)
    if type(loaded) is type(found.value) and not isinstance(loaded, str | list):
        assert loaded == found.value


def test_spans_of_key_and_value() -> None:
    recipe = one(SAMPLES["axolotl"])
    assert recipe.settings["r"].span == Span(4, 9, 4, 11)
    assert recipe.settings["r"].key_span == Span(4, 1, 4, 7)
    assert recipe.settings["dataset_split"].span == Span(14, 12, 14, 23)
    assert recipe.span == Span(2, 1, 2, 15)


def test_defaults_are_named() -> None:
    recipe = one("model_name_or_path: m\nstage: sft\n")
    assert recipe.framework == "LLaMA-Factory"
    assert recipe.settings["r"].source == "LLaMA-Factory"
    assert recipe.settings["lora_alpha"].source == "2 x lora_rank, LLaMA-Factory's default"
    foundry = one(SAMPLES["llm-foundry"])
    assert foundry.settings["lora_alpha"].source == "PEFT"


class TestWhetherItIsLora:
    @pytest.mark.parametrize(
        "text",
        [
            "model_name_or_path: m\nstage: sft\nfinetuning_type: full\nlora_rank: 8\n",
            "model: m\ntrain_type: full\ndataset: d\nlora_rank: 8\n",
            SAMPLES["unsloth-studio"].replace("training_type: lora", "training_type: full"),
            SAMPLES["verl"].replace("32", "0"),
            SAMPLES["h2o-llmstudio"].replace("lora: true", "lora: false"),
            SAMPLES["torchtune"].replace("qlora_llama3_8b", "llama3_8b"),
            "base_model: m\ndatasets: []\nlora_r:\nlora_alpha:\nadapter:\n",
            "model_name_or_path: m\ndataset_name: d\nuse_peft: false\n",
            "model_name_or_path: m\ntemplate: x\ninfer_backend: hf\n# lora\n",
            "model_name_or_path: m\ntemplate: x\nexport_dir: e\n# lora\n",
            SAMPLES["ludwig"].replace("trainer: {", "trainer: {type: none, "),
            "lora: {r: 8, lora_alpha: 16, enabled: false}\n",
            "train: {lora_r: 0, lora_alpha: 16}\n",
            "use_lora: false\nlora_r: 8\nlora_alpha: 16\n",
            "peft: {peft_type: LOHA, r: 8, target_modules: [q_proj]}\n",
        ],
    )
    def test_full_fine_tunes_give_nothing(self, text: str) -> None:
        assert read(text) == ()

    @pytest.mark.parametrize(
        ("text", "key", "origin"),
        [
            ("model_name_or_path: m\ndataset_name: d\nlora_r: 8\n", "use_peft", Origin.DEFAULT),
            ("base_model: m\ndatasets: []\nlora_r: 8\nadapter:\n", "adapter", Origin.DEFAULT),
            (
                "model: {model_name: m}\ntraining: {use_peft: false}\npeft: {lora_r: 8}\n",
                "training.use_peft",
                Origin.WRITTEN,
            ),
            (
                "task: llm\nbase_model: m\ndata: {}\nparams: {lora_r: 8}\n",
                "params.peft",
                Origin.DEFAULT,
            ),
        ],
    )
    def test_settings_that_are_ignored(self, text: str, key: str, origin: Origin) -> None:
        recipe = one(text)
        enabled = recipe.settings["lora_enabled"]
        assert (enabled.value, enabled.key, enabled.origin) == (False, key, origin)
        assert recipe.known("r") == 8
        assert "lora_alpha" not in recipe.settings

    def test_a_switch_that_is_filled_in_later(self) -> None:
        recipe = one("base_model: m\ndatasets: []\nlora_r: 8\nadapter: ${ADAPTER}\n")
        assert recipe.settings["lora_enabled"].candidates == ()


class TestTraps:
    def test_axolotl_does_not_quantise_for_plain_lora(self) -> None:
        recipe = one("base_model: m\nadapter: lora\nload_in_4bit: true\nlora_r: 8\nrl: dpo\n")
        found = recipe.settings["load_in_4bit"]
        assert (found.value, found.origin) == (False, Origin.DERIVED)
        assert "qlora" in found.source
        assert "bnb_4bit_quant_type" not in recipe.settings

    def test_axolotl_targets_nothing_unless_told(self) -> None:
        recipe = one("base_model: m\nadapter: lora\nlora_r: 8\nsequence_len: 1\n")
        assert setting(recipe, "target_modules") == ([], "default", "lora_target_modules")

    def test_axolotl_patterns_stay_patterns(self) -> None:
        text = "base_model: m\nadapter: lora\nlora_target_modules: model.(x|y),z\nsequence_len: 1\n"
        assert one(text).known("target_modules") == "model.(x|y),z"

    def test_all_linear_with_company_is_literal(self) -> None:
        recipe = one("model_name_or_path: m\nstage: sft\nlora_target: all,lm_head\n")
        assert recipe.known("target_modules") == ["all", "lm_head"]

    def test_all_linear_in_a_list_is_a_module_s_name_to_peft(self) -> None:
        recipe = one("lora: {r: 8, lora_alpha: 16, target_modules: [all-linear]}\n")
        assert recipe.known("target_modules") == ["all-linear"]

    def test_grids_and_sweeps_are_candidates(self) -> None:
        text = "llm_backbone: m\ntraining: {lora_r: [4, 8, 8], learning_rate: [1e-4, 2.0e-4]}\n"
        found = one(text).settings
        assert found["r"].candidates == (4, 8)
        assert found["learning_rate"].candidates == (1e-4, 2e-4)
        sweep = (
            "method: bayes\nparameters:\n  lora_r: {values: [8, 16]}\n  lora_alpha: {value: 32}\n"
        )
        found = one(sweep).settings
        assert found["r"].candidates == (8, 16)
        assert found["lora_alpha"].candidates == (32,)

    def test_references_in_the_file_are_followed(self) -> None:
        text = "rank: 8\nout: ${out}\nlora: {r: '${rank}', lora_alpha: '${out}', bias: '${x}'}\n"
        found = one(text).settings
        assert found["r"].candidates == (8,)
        assert found["lora_alpha"].candidates == ()
        assert found["bias"].candidates == ()
        assert "filled in" in found["bias"].reason

    def test_numbers_as_strings(self) -> None:
        text = (
            "base_model: m\nadapter: lora\nlora_r: '16'\nlearning_rate: '2e-4'\nsequence_len: 1\n"
        )
        recipe = one(text)
        assert (recipe.known("r"), recipe.known("learning_rate")) == (16, 2e-4)
        assert recipe.settings["learning_rate"].source == ""
        generic = one("lora: {r: 8, lora_alpha: 16}\ntraining: {learning_rate: 2e-4}\n")
        assert "string to YAML 1.1" in generic.settings["learning_rate"].source

    def test_quoted_numbers_are_text_to_peft(self) -> None:
        recipe = one("peft_config: {r: '16', lora_alpha: 16, task_type: CAUSAL_LM}\n")
        assert recipe.known("r") == "16"

    def test_a_null_that_peft_gets_is_a_value(self) -> None:
        text = SAMPLES["lora-launch"].replace("lora_alpha: 32", "bias: null")
        assert one(text).settings["bias"].candidates == (None,)

    def test_every_field_of_peft_has_its_own_name(self) -> None:
        text = SAMPLES["lora-launch"].replace(
            "r: 16", "r: 16, lora_bias: true, eva_config: {rho: 2}"
        )
        recipe = one(text)
        assert recipe.known("lora_bias") is True
        assert recipe.known("eva_config") == {"rho": 2}

    def test_image_adapters_say_so(self) -> None:
        assert one(SAMPLES["ai-toolkit"]).domain == "image"
        assert one(SAMPLES["axolotl"]).domain == "language"

    def test_a_null_is_no_value(self) -> None:
        text = "model_name_or_path: m\nstage: sft\nlora_rank: 4\nlora_alpha:\n"
        assert one(text).known("lora_alpha") == 8


class TestBlocks:
    def test_several_blocks_are_several_recipes(self) -> None:
        text = """
runs:
  - lora: {r: 8, lora_alpha: 16}
    lr: 1e-4
  - lora: {r: 64, lora_alpha: 16}
"""
        first, second = read(text)
        assert (first.known("r"), second.known("r")) == (8, 64)
        assert first.known("learning_rate") == 1e-4
        assert "learning_rate" not in second.settings

    def test_peft_s_defaults_only_where_the_block_is_peft_s(self) -> None:
        splatted = one("peft_config: {task_type: CAUSAL_LM, r: 64, target_modules: [q_proj]}\n")
        found = splatted.settings["lora_alpha"]
        assert (found.value, found.origin, found.source) == (8, Origin.DEFAULT, "PEFT")
        assert "lora_alpha" not in one("peft: {r: 64, target_modules: [q], lr: 1}\n").settings
        assert "lora_alpha" not in one("train: {lora_rank: 64, lora_target: [q]}\n").settings

    @pytest.mark.parametrize("rank", ["lora_r", "lora_dim"])
    def test_a_rank_alone_beside_training_is_enough(self, rank: str) -> None:
        training = "learning_rate: 1e-4\nnum_train_epochs: 1\n"
        assert one(f"{rank}: 16\n{training}").known("r") == 16
        assert read(f"{rank}: 16\nlearning_rate: 1e-4\n") == ()
        assert read(f"{rank}: 0\n{training}") == ()

    def test_settings_apart_from_the_block(self) -> None:
        recipe = one(
            "lora: {r: 8, lora_alpha: 16, target_modules: [q_proj]}\n"
            "optimizer: {class_path: AdamW, init_args: {lr: 2.0e-4}}\n"
            "data: {batch_size: 4}\n"
            "training_configs: {epochs: 3}\n"
        )
        assert setting(recipe, "learning_rate") == (2e-4, "written", "optimizer.init_args.lr")
        assert setting(recipe, "num_train_epochs") == (3, "written", "training_configs.epochs")
        found = setting(recipe, "per_device_train_batch_size")
        assert found == (4, "written", "data.batch_size")

    def test_a_flat_file_of_arguments_with_a_rank_alone(self) -> None:
        text = (
            '{"model_name_or_path": "m", "output_dir": "o", "lora_r": 16, "learning_rate": 2e-4}\n'
        )
        (recipe,) = read(text, "args.json")
        assert (recipe.known("r"), recipe.known("learning_rate")) == (16, 2e-4)

    def test_the_inputs_of_a_job_on_azure(self) -> None:
        text = (
            "$schema: https://azuremlschemas.azureedge.net/latest/pipelineJob.schema.json\n"
            "type: pipeline\n"
            "jobs:\n"
            "  prepare: {type: command, inputs: {train_file: x}}\n"
            "  finetune:\n"
            "    type: command\n"
            '    inputs: {apply_lora: "true", lora_r: 8, lora_alpha: 64, learning_rate: 1.0e-4}\n'
        )
        recipe = one(text)
        assert setting(recipe, "r") == (8, "written", "jobs.finetune.inputs.lora_r")
        assert read(text.replace('"true"', '"false"')) == ()

    @pytest.mark.parametrize(
        ("name", "text"),
        [
            (
                "accelerate.yaml",
                "compute_environment: LOCAL_MACHINE\nlora: {r: 8, lora_alpha: 1}\n",
            ),
            ("ds.yaml", "zero_optimization: {stage: 3}\n# lora\n"),
            ("merge.yaml", "merge_method: linear\nmodels: [{model: a, lora: {r: 1, alpha: 2}}]\n"),
            ("cloud.yaml", "provider: modal\ngpu_count: 2\nvolumes: []\n# lora\n"),
            ("ci.yml", "on: push\njobs: {lora: {r: 8, lora_alpha: 16}}\n"),
            ("toc.yml", "- title: LoRA\n  local: lora\n"),
            ("mla.yaml", "model: {q_lora_rank: 1536, kv_lora_rank: 512, alpha: 2}\n"),
            ("color.yaml", "lora: x\ncolors: {r: 255, g: 0, b: 0, alpha: 0.5}\n"),
            ("vllm.yaml", "enable_lora: true\nmax_lora_rank: 64\nmax_loras: 4\n"),
            ("words.yaml", "lora: {r: some text, alpha: more text}\n"),
        ],
    )
    def test_what_only_looks_like_it(self, name: str, text: str) -> None:
        assert read(text, name) == ()

    def test_a_home_grown_lora_section_is_not_ours(self) -> None:
        text = "model: m\nlora: {lora_r: 8, lora_alpha: 16}\ntraining: {lr: 1}\n"
        assert recognised(text) == "generic"


class TestKeys:
    def test_an_unknown_key_is_in_the_block_and_not_among_the_known(self) -> None:
        block = one(
            "base_model: m\nadapter: lora\nmicro_batch_size: 1\nlora_aplha: {x: 1}\n"
        ).blocks[0]
        unknown = [key.name for key in block.keys if key.name not in block.known_keys]
        assert unknown == ["lora_aplha"]
        assert not block.strict

    def test_mappings_of_which_nothing_is_listed_take_anything(self) -> None:
        text = "base_model: m\nadapter: lora\nsequence_len: 1\nfsdp_config: {own: {deep: 1}}\n"
        block = one(text).blocks[0]
        assert {key.name for key in block.keys} <= block.known_keys

    def test_components_are_blocks_of_their_own(self) -> None:
        file, model, *others = one(SAMPLES["torchtune"] + "mine: 1\n").blocks
        assert file.known_keys == frozenset()
        assert model.receiver == "torchtune.models.llama3.qlora_llama3_8b"
        assert [key.name for key in model.keys] == [
            "lora_attn_modules",
            "apply_lora_to_mlp",
            "lora_rank",
        ]
        assert [each.receiver for each in others] == [
            "torchtune.datasets.alpaca_dataset",
            "torch.optim.AdamW",
        ]

    def test_nothing_is_claimed_where_the_keys_are_not_established(self) -> None:
        assert one(SAMPLES["verl"]).blocks[0].known_keys == frozenset()

    def test_hydra_s_defaults_bring_more(self) -> None:
        assert not one("defaults: [base]\n" + SAMPLES["verl"]).blocks[0].complete


class TestTables:
    def test_unknown_names(self) -> None:
        for name in ("nobody", "not-recipes"):
            with pytest.raises(KeyError):
                dialects.load(name)

    def test_order(self) -> None:
        names = dialects.names()
        assert names[-1] == "generic"
        assert names.index("llamafactory") < names.index("trl")
        assert names.index("torchtune") < names.index("axolotl")

    @pytest.mark.parametrize(
        "name", sorted(n for n, text in SAMPLES.items() if text and n != "generic")
    )
    def test_no_equal_number_decides_for_whom_a_file_is(self, name: str) -> None:
        """Numbers may be equal, but not of two frameworks that both know the file for theirs."""
        text = SAMPLES[name]
        file_name = NAMES.get(name, "run.yaml")
        (root,) = yaml_reader.documents(text)
        assert isinstance(root, Mapping)
        file = File(root, file_name)
        mine = dialects.load(name)
        for other in map(dialects.load, dialects.names()):
            if other.name != name and holds(other.signature, file):
                assert mine.order < other.order, other.name

    @pytest.mark.parametrize("name", dialects.names())
    def test_functions_that_tables_name_are_there(self, name: str) -> None:
        content = dialects.load(name).table
        assert {spec.spelling for spec in content.fields} <= {"", *SPELLINGS}
        names = [spec.name for spec in content.fields]
        for place, spec in enumerate(content.fields):
            assert spec.keys or spec.default is not None
            if isinstance(spec.default, table.Times):
                assert spec.default.of in names[:place]

    def test_a_table_needs_no_number_and_generic_is_last_whatever_its_number(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        heads = {
            "b": {"framework": "B", "signature": {}},
            "a": {"framework": "A", "signature": {}, "order": dialects.ORDER},
            "late": {"framework": "L", "signature": {}, "order": 99},
            "generic": {"framework": "G", "signature": {}, "order": 1},
        }
        monkeypatch.setattr(table, "head", heads.__getitem__)
        monkeypatch.setattr(dialects, "load", dialects.load.__wrapped__)
        assert dialects._in_order.__wrapped__(tuple(heads)) == ("a", "b", "late", "generic")


class TestOfficialRecipes:
    pytestmark = official_recipes.mark
    KEYS = {  # noqa: RUF012
        "axolotl": ("lora_r", "lora_alpha"),
        "llamafactory": ("lora_rank", "lora_alpha"),
        "torchtune": ("model.lora_rank", "model.lora_alpha"),
    }

    @staticmethod
    def files() -> tuple[Path, ...]:
        return official_recipes.recipes().paths

    def test_all_are_recognised(self) -> None:
        seen: Counter[str] = Counter()
        folder = official_recipes.recipes().folder
        for path in self.files():
            source = Source(os.fspath(path), "yaml", path.read_bytes())
            reading = yaml_reader.read(source, None)
            assert reading.dialect == path.relative_to(folder).parts[0], path
            assert len(reading.recipes) == 1, path
            assert reading.recipes[0].settings["lora_enabled"].known, path
            seen[reading.dialect] += 1
        assert seen.keys() == self.KEYS.keys()
        if official_recipes.recipes().complete:
            assert seen == {"axolotl": 178, "torchtune": 103, "llamafactory": 28}

    def test_rank_and_alpha_are_what_a_plain_reader_sees(self) -> None:
        for path in self.files():
            source = Source(os.fspath(path), "yaml", path.read_bytes())
            (recipe,) = yaml_reader.read(source, None).recipes
            data = yaml.safe_load(path.read_bytes())
            for name, key in zip(("r", "lora_alpha"), self.KEYS[recipe.dialect], strict=True):
                expected = data
                for part in key.split("."):
                    expected = (expected or {}).get(part)
                found = recipe.settings.get(name)
                if expected is None:
                    assert found is None or found.key_span is None, path
                else:
                    assert found is not None, path
                    assert found.candidates == (expected,), path

    def test_unknown_keys_are_the_ones_checked_by_hand(self) -> None:
        """Each of these is dropped by axolotl: none is in its schemas at 067b021."""
        official_recipes.all_of_them()
        unknown: Counter[str] = Counter()
        for path in self.files():
            source = Source(os.fspath(path), "yaml", path.read_bytes())
            for block in yaml_reader.read(source, None).recipes[0].blocks:
                if block.known_keys:
                    unknown.update(
                        key.name for key in block.keys if key.name not in block.known_keys
                    )
        assert unknown == {
            "gptq_groupsize": 8,
            "gptq_model_v1": 8,
            "torch_dtype": 1,
            "context_parapllel_size": 1,
            "gptq_disable_exllama": 1,
            "adam_eps": 1,
            "test_value": 1,
        }


def test_detect_and_translate_need_no_yaml() -> None:
    node = yaml_reader.documents(SAMPLES["trl"])[0]
    assert isinstance(node, Mapping)
    dialect = dialects.detect(node, "a/b/run.yaml")
    assert dialect is not None
    (recipe,) = dialects.translate(dialect, node, path="run.sh", kind="shell")
    assert (recipe.kind, recipe.path, recipe.known("r")) == ("shell", "run.sh", 16)


def test_the_tables_that_are_read_are_up_to_date() -> None:
    assert TABLES.read_text() == tables(), "run: make generate"


def test_axolotl_keeps_what_is_named_beside_every_linear_layer() -> None:
    text = (
        "base_model: a/b\ndatasets: [{path: d}]\nadapter: lora\nlora_r: 8\n"
        "lora_target_linear: true\nlora_target_modules: [embed_tokens]\n"
    )
    settings = one(text).settings
    assert settings["target_modules"].candidates == ("all-linear",)
    assert settings["targets_beside_all"].candidates == (["embed_tokens"],)
