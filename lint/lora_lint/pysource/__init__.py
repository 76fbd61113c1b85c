"""Python source, understood without running it: names, values, and the calls that train a LoRA.

``text``       where things stand (characters, cells)
``scopes``     what is bound where
``reach``      which of these bindings a use can see
``values``     what a value is here, known or not
``resolver``   an expression to its candidates
``operators``  what operators, methods and built-ins do to constants
``functions``  parameters and results; ``classes``: attributes; ``options``: command-line flags
``calls``      the calls we know, as tables
``trace``      which call an object came from
``recipes``    one recipe an adapter
"""
