"""How a framework behaves: one typed interface with a default for everything.

A framework reads a fine-tune that somebody wrote: a configuration file (axolotl, LLaMA-Factory), or
the calls of a script (PEFT alone, Unsloth). ``frameworks/<name>/behaviour.py``, of what is a
library too ``libraries/<name>/behaviour.py``, overrides what is its own in a class ``Framework``.
Rules, facts, fixes and the launcher ask here and compare no names
(:func:`lora_rules.frameworks.behaviour_of`). Whose steps run is another question
(:mod:`lora_rules.engine.trainer`): several frameworks share a trainer. So is how it is started
(:mod:`lora_rules.engine.launch`), which only the launcher asks.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from lora_rules.engine._startup.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from lora_rules.engine.declarations import Complaint
    from lora_rules.engine.draft import Draft
    from lora_rules.repository import Repository


class Behaviour:
    """What a framework does with a fine-tune. The defaults are those of one not looked at yet."""

    label: str = ""
    """What a message calls it, where the reader of its files does not say: ``PEFT``."""

    package: str = ""
    """The Python package whose version decides what its files may say; empty: none is asked for."""

    component_key: str = ""
    """The key of its sections that names what is called with the others: ``_component_``."""

    # The adapter

    fixes_scale: bool = False
    """The factor of an adapter is the program's: there is no key for it."""
    adapter_as_written: bool = False
    """Adapter settings reach PEFT as they are written. Otherwise a program reads them first, and
    may know more spellings than PEFT does."""
    names_as_written: bool = False
    """Where its program reads adapter settings first: a list of plain target names reaches PEFT as
    it is. What the program resolves itself, ``chooses_targets`` says."""
    former_keys: Mapping[str, str] = {}
    """Keys of older versions that :attr:`refusals` report as renamed, each with the key that has
    its values now."""
    all_linear_of_text: bool = False
    """In a model of text alone, "every linear layer" is what PEFT makes of it."""
    lenient_key: str = ""
    """With this key, its programs only log the options that they do not know."""
    plugin_keys: frozenset[str] = frozenset()
    """Keys that name code which may add values to the framework's lists."""
    refuses_init_over_quantized: bool = False
    """Refuses PiSSA over a checkpoint that is quantized, before PEFT would."""
    refuses_quantized_when_sharded: bool = False
    """Refuses a checkpoint that is quantized under ZeRO-3 and FSDP."""
    dequantizes: Mapping[str, str] = {}
    """Methods of such checkpoints that it loads in 16 bits instead, each with the version since."""
    numbers_from_text: bool = False
    """Where adapter settings reach PEFT as written: a number in quotes becomes one before."""
    lists_linear_layers: bool = False
    """"Every linear layer" reaches PEFT as a list of names, which mean no fused parameters."""
    leaves_towers: bool = False
    """ … and means those of the language model: a tower beside it stays frozen."""
    ties_saved_modules: bool = True
    """``ensure_weight_tying`` can be written. Otherwise a tied weight cannot be trained as one."""
    saves_modules_itself: bool = False
    """Embeddings and head are taken out of the targets and trained in a way of its own."""
    drops_dropout_on_experts: bool = False
    """Fused parameters of experts get their adapter without dropout, whatever is written."""
    sets_task: bool = True
    """It sees the model's class and chooses PEFT's ``task_type`` itself."""
    fused_kernels: bool = False
    """It has fused LoRA kernels, which dropout and bias switch off."""
    without_fused_kernels: frozenset[str] = frozenset()
    """Classes whose adapters never get them."""
    launcher_keys: frozenset[str] = frozenset()
    """Keys that its program drops and that lora-launch reads in its file (``Launch.on_cpu``)."""
    yaml_1_2_since: str = ""
    """The first version of :attr:`package` that reads ``2e-5`` in a file as a number; before, it is
    a text, as YAML 1.1 has it."""
    refuses_repeated_keys: bool = False
    """Its YAML reader raises where a mapping has a key twice."""
    prepares_initialisation: bool = True
    """Initialisations from data may be prepared: by the file's own calls, or by its program."""
    replaces: frozenset[str] = frozenset()
    """Packages whose classes it replaces by its own, with other parameters."""

    # The base model and precision

    direct: bool = False
    """The program calls PEFT and transformers itself; what it does not do nobody does."""
    dtype_is_the_models: bool = False
    """The setting ``dtype`` is the one that the base model is loaded in, and nothing else."""
    quantizes_with_bitsandbytes: bool = True
    """Four and eight bits are those of bitsandbytes through transformers."""
    leaves_quant_storage: bool = False
    """Without a key that says otherwise, 4-bit weights are stored as uint8, by bitsandbytes."""
    falls_back_to_fp16: bool = False
    """It takes float16 where the card has no bfloat16."""
    offloads_embedding: bool = False
    """It may keep the input embedding in the host's memory."""
    loads_by_name: bool = False
    """The trainer is given the model's name and loads it itself, whatever else is written."""

    # Data and training

    trl_arguments: bool = False
    """TRL's arguments reach TRL's own classes as they are written."""
    library_defaults: bool = False
    """What nobody wrote is transformers' or TRL's default; others' are made for LoRA."""
    defaults_since: Mapping[str, tuple[str, str, object]] = {}
    """Silent defaults that are there only since a version, by setting: the setting that has the
    pinned versions, the first version, and the default before."""
    supervised: bool = False
    """Its LoRA recipes imitate examples unless their loss says otherwise."""
    supervised_keys: frozenset[str] = frozenset()
    """Keys that only its supervised trainer reads, where a file does not name the trainer."""
    prediction_keys: frozenset[str] = frozenset()
    """Keys with which a run predicts or evaluates, and trains only if :attr:`training_key` is true
    as well."""
    training_key: str = ""
    task_says_kind: bool = False
    """``task_type=CAUSAL_LM`` means examples to imitate."""
    always_warms_up: bool = False
    """Its warm-up is a part of every schedule, the constant one too."""
    evaluates_by_interval: bool = False
    """``eval_steps`` alone is enough; ``eval_strategy`` need not be written."""
    files_are_datasets: bool = False
    """A data set's name in training and evaluation means the same rows."""
    templates_are_llamafactorys: bool = False
    """Its chat templates have the names that LLaMA-Factory gives them."""
    keep_apart: str = 'Take packing_strategy="bfd", with TRL 0.23.1 or newer or a flash attention.'
    """What to do for packed examples not to see each other: a sentence."""

    packing_mask: str = ""
    """The key that masks packed examples from each other; empty where packing itself does."""

    examples_of_groups: int = 0
    """How many examples a process takes in GRPO unless written, where the batch over all processes
    has to hold whole groups of completions; 0 where that is not known."""

    # Memory

    elsewhere: bool = False
    """It trains on a service's machines: no GPU that is declared is the run's."""
    trainer: str = ""
    """Whose training loop runs; empty where a script shows it, or where nobody has looked."""
    trainer_switches: Mapping[str, str] = {"use_unsloth": "unsloth"}
    """Keys that hand the run to another trainer, and which."""
    adapter_dtype: str | None = None
    """``fp32`` where the framework casts the adapter."""
    loads_in_run_dtype: bool = False
    """Without a dtype, the base is loaded in the precision that the run computes in."""
    prepares_kbit: bool | None = None
    """Whether it calls ``prepare_model_for_kbit_training``; ``None`` is assumed or shown."""
    reentrant: bool = False
    """Checkpointing is reentrant unless something else is written."""
    kernels_unasked: bool = False
    """It may take LoRA kernels that nobody asked for, where dropout is 0."""
    loss_switch: str = ""
    """How it is told to compute the loss without all logits; empty: as its trainer is."""
    distributed_recipe: str = ""
    """Its recipe for several GPUs, which shards with FSDP; empty: a whole copy for each."""

    # Refusals, writing back

    uses_adapters: bool = False
    """Its files say how a trained adapter is merged, served or evaluated; their keys are checked as
    those of a run are."""
    refuses_stored_merge: bool = False
    """It merges an adapter into no checkpoint that is loaded quantized."""

    common_scripts: int = 0
    """How many of :meth:`scripts`, the first ones, are common: what only others had as a key, a
    file's own script may have, too."""
    hands_on_sections: bool = False
    """Sections of its file may reach transformers' arguments as they stand."""
    refuses_calls: bool = False
    """Its recipes are scripts, whose calls refuse as their constructors do."""
    one_spelling: bool = True
    """Each setting has a key of its own. Otherwise the table lists what many programs call it."""
    four_bit_adapter: str = ""
    """What the key that switches LoRA on has to be for ``load_in_4bit`` to count."""

    def __init__(self, name: str, label: str = "") -> None:
        """Of one framework.

        Args:
            name: as recipes give it (``Recipe.dialect``), for example ``ms-swift``.
            label: what messages call it, for example ``LLaMA-Factory``.
        """
        self.name = name
        self.label = label or type(self).label or name

    def derive(self, draft: Draft) -> None:
        """Note what a single key of its file does not say.

        It gets the draft after everything that is written was noted, before the silent defaults
        are, and adds or corrects what follows from several keys together.
        """

    def chooses_targets(self, target: object, *, fused: bool, callee: str) -> str:
        """Why PEFT gets other targets than those written; empty if it gets these.

        Args:
            target: ``target_modules``, or ``None``.
            fused: the model has fused experts.
            callee: the call that makes the adapter, or empty.
        """
        return ""

    def scripts(self, method: str, keys: Collection[str]) -> tuple[tuple[str, ...], ...]:
        """The scripts that may read its file: of each the classes whose parameters are its keys.

        The last class is the script's own. Empty: the keys are a list.

        Args:
            method: the setting ``trainer_method`` where a command names it, else empty.
            keys: what the file has.
        """
        return ()

    def goes_elsewhere(self, key: str) -> bool:
        """Whether a key that none of :meth:`scripts` takes is for another program."""
        return False

    def key(self, setting: str) -> str:
        """What its file calls a setting, for advice that names a key nobody has written."""
        return setting

    def quantizes_experts(self, *, all_linear: bool) -> tuple[bool, str]:
        """Whether ``quantize_moe_experts`` alone quantizes fused experts, and what to do.

        Args:
            all_linear: the adapter's targets are ``all-linear``.
        """
        return False, (
            "Take a checkpoint that is quantized already, or count on the experts in 16 bit."
        )

    def mixes_packed(
        self,
        attention: str | None,
        method: str | None,
        is_true: Callable[[str], bool],
    ) -> str:
        """Why packed examples see each other, as a message says it; empty if they do not.

        Args:
            attention: the setting ``attn_implementation``.
            method: the setting ``trainer_method``.
            is_true: whether a key of the file is true.
        """
        return ""

    def data_complaints(
        self, names: Sequence[str], method: str, folder: str, repository: Repository
    ) -> Iterable[Complaint]:
        """What is wrong with data sets that a file of their own declares.

        Args:
            names: the data sets that the run names.
            method: the setting ``trainer_method``.
            folder: the setting ``dataset_dir``.
            repository: the files around.
        """
        return ()

    def evaluates_other_rows(self, value: Callable[[str], object]) -> bool:
        """Whether lists of data sets that share a name take different parts of it.

        Args:
            value: what the file gives a key, if it is one value.
        """
        return False

    def spelled(
        self, setting: str, value: object, known: Callable[[str], object]
    ) -> tuple[object, ...] | None:
        """What to write under a setting's key for a value, where the table does not say.

        Args:
            setting: the setting that is to have the value.
            value: the value.
            known: the other settings of the recipe.

        Returns:
            the spellings, the likeliest first; ``None``: the table says it.
        """
        return None
