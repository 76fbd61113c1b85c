"""Which versions a repository installs: requirement files, lock files, Dockerfiles, commands.

Rules get values only (:class:`lora_rules.engine.version_range.VersionRange`); here files are found,
read as text and combined. Nothing is resolved, and nothing is run.

* :mod:`requirement`: one requirement; the modules by kind of file give statements of them;
* :mod:`folder`: which files of a folder count, and who reads them;
* :mod:`combine`: what statements say together, and where they disagree;
* :mod:`search`: from a recipe's folder upwards.
"""
