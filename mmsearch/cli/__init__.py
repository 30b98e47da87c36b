"""The command line. One file a command: read the flags, make one `Collection` call, print what came back.

app.py         the list of commands, and `main`
options.py     what every command takes: --home, -c, -v, -q
boundary.py    errors to messages and exit codes
output.py      terminal or pipe, JSON lines, names made safe to show
hits.py  page.py  preview.py  progress.py    how results and progress look

Only Typer is imported at the top of these files. What a command needs beyond that is imported when it runs, so
that `mmsearch --help` is quick and a search loads nothing that it does not use.
"""
