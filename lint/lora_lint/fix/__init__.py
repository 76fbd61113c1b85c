"""Fixes: a rule's edits speak of settings; here they become changes of a text, and of a file.

    mend.py      one finding: its edits on a text, one after the other, each read back
    engine.py    one file: which findings can be mended, and what is left afterwards
    document.py  a file's text, with the way back to its bytes
    python_*.py yaml_*.py json_file.py shell_file.py    how each kind of file takes an edit
    session.py   a run over many files: write, or show as a diff

A fix is offered only if the file, read again with it, says what the fix promised: every setting
has its new value, the finding is gone, and no error stands where there was none.
"""
