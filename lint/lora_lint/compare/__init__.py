"""Two versions of a recipe, compared by what they mean.

revisions.py  a file, or a file of a git revision, as bytes
measures.py   what a recipe comes to: scale, steps, parameters, memory
changes.py    which recipe became which, and what changed
told.py       for people, for a pull request, for programs
"""
