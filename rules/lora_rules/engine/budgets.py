"""How much work one file may ask for, in counted things and never in seconds.

A file that asks for more is still read as far as the budget goes: what was found is reported, and a
note says which limit was reached.
"""

from __future__ import annotations

CONFIGURATION_BYTES = 2_000_000
"""Of YAML, JSON and shell: 923 recipes of 73 repositories have 2.7 MB together, larger is data."""
TREE_DEPTH = 64
"""Levels of lists and mappings: far from the interpreter's own limit, ten times what is written."""
ALIASED_NODES = 50_000
"""Nodes that a YAML file's aliases stand for: a few hundred bytes can stand for billions."""
JSON_KEYS = 1_000
"""Keys at the top of a JSON file: vocabularies have thousands, no recipe of the 923 above 96."""
SEARCHED_KEYS = 200
"""Keys of a mapping in which settings are looked for without a framework: again, 96 is the most."""
SEARCHED_DEPTH = 4
"""Levels of mappings in which they are looked for: no public recipe hides a block deeper."""
CHECKED_DEPTH = 8
"""Levels of mappings whose keys are compared with what the framework knows."""
SIGNATURE_DEPTH = 12
"""Levels in which a framework's mark is looked for: deeper than any component of 2,831 files."""
REFERENCES = 4
"""References of a value to another that are followed: more is a circle."""
RECIPES = 1_000
"""Recipes of a file: the most that a public file has is 191, PEFT's own tests of its options."""
RECIPE_KEYS = 500_000
"""Keys that the recipes of a file see together: a thousand recipes with five times the usual."""
ALTERNATIVES = 32
"""Calls equally near to an adapter whose keys are shown with it: beyond, they say nothing of it."""
STATEMENTS = 100_000
"""Statements that are gone through in a file, a function's again for each call: 4 MB have."""
RUN_STATEMENTS = 20_000
"""The same on one way through the file, so that one function does not use up all of it."""
ROOTS = 8
"""Programs that lead into a file and that are gone through: more say the same again."""
RUN_CALLS = 4_000
"""Calls that are noted on one way through a file: the longest public notebook makes 1,100."""
CALL_DEPTH = 12
"""Functions of a file that call each other: deeper is recursion."""
VALUE_STEPS = 5_000
"""Steps of the interpreter for one value: the hardest public one takes some hundred."""
FILE_STEPS = 1_000_000
"""The same for all values of a file: about two seconds of work, a hundred times what is usual."""
VALUE_DEPTH = 60
"""Expressions that lead to each other before a value is reached: Python's own stack ends at 1,000,
and each takes several frames of it."""
CHANGES = 100
"""Changes of one object (``c["r"] = 8``) that are followed back: each takes some of Python's
frames."""
CANDIDATES = 64
"""Values that one name may have: more is a sweep that nobody reads one by one."""
MEMBERS = 200
"""Passes of a loop or comprehension that are worked out one by one."""
GUARDS = 12
"""Tests that are remembered on the way to a value: those nearest to the use decide."""
BRANCH_WAYS = 16
"""Combinations of arms of the tests on the way to a value that are distinguished."""
BRANCH_STEPS = 5_000
"""Steps of the interpreter, in a file, to work out which earlier choices decide a test."""
CHOICE_PAIRS = 20_000
"""Pairs of choices of a recipe that are compared in a round, to leave out those of no run."""
CHOICE_ROUNDS = 3
"""How often what was left out may lead to more that is: public scripts need one or two."""
WORLDS = 64
"""Worlds of a recipe in which a rule is run: more are a sweep that nobody reads one by one. What is
found in these is then only possible."""
COMBINATIONS = 4_096
"""Combinations of arms that are formed in search of worlds that differ."""
MODULES = 200_000
"""Modules of a model: ten times those of the largest mixture of experts that is not fused."""
MODULE_INDICES = 512
"""Layers, or experts, whose other modules are listed: no public model has more."""
EXPONENT = 64
"""The largest exponent in a formula of a model's sizes."""
CHAIN = 10
"""Calls that a model went through, one after another, from its loading to its use."""
VALUE_SIZE = 10_000
"""Characters, members or bits of a value that is worked out: ``"x" * 10**12`` is one line."""
VARIABLE_SIZE = 100_000
"""Characters of a shell variable once others are filled in."""
ARRAY_WORDS = 2_000
"""Words of a shell's array that is appended to: each time copies it."""
LINE = 20_000
"""Characters of a line that Python's tokenizer is given: it takes the square of them where quotes
do not match."""
IMPORTERS = 5_000
"""Python files of a repository that are searched for imports of one of them."""
MODULE_BYTES = 1_000_000
"""Of a module that a program imports: more is generated, or data."""
COMMANDS = 64
"""Commands that start one program and whose values are looked at, each as a run of its own."""
DEPENDENTS = 8
"""Programs that are checked for the sake of a file that was named, beside it."""
DEPENDENT_BYTES = 40_000
"""Of all of these together, where there are several."""
SCRIPTS = 100
"""New shell files, of those that are named, that are searched for the programs they start."""
SEARCHED = 300
"""Python files that are searched for programs that lead to a named one, without an index."""
PROGRAM_FILES = 40
"""Files that are read for the sake of one, beside it: the modules of its run."""
