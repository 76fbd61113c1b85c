"""Python source, understood without running it: names, values, and the calls that train a LoRA.

``text``         where things stand (characters, cells)
``scopes``       scopes, blocks, places and bindings; ``index`` fills them in one pass
``reach``        which bindings a use can see
``imports``      qualified names
``values``       what a value is here, known or not
``resolver``     an expression to its candidates, with ``expressions``, ``comprehensions``,
                 ``operators``, ``known`` (calls), ``changes`` (objects that are changed),
                 ``functions`` (parameters, results), ``classes`` and ``options`` (flags)
``calls``        the calls we know, as a table; ``arguments`` what they are given
``settings``     from arguments to settings; ``links`` which calls belong together; ``datasets``
``order``        what a script does, in the order in which it runs: statements, with
                 ``evaluation`` (names), ``invocation`` (calls), ``objects`` (identity),
                 ``callees`` (who is called), ``signatures`` (what it calls back) and ``given``
                 (arguments)
``origins``      which known calls an object came out of, as the runs of ``order`` saw it
``recipes``      one recipe an adapter
``repair``       source that ``ast`` refuses
"""
