# Runs the aws command again and again: a JSON object with its arguments and variables on each line of stdin, what it printed
# on a line of stdout. Each command is the script `aws` in a process of its own, forked from this one, which has loaded the
# modules: loading them takes most of the time of a command.
import json
import os
import runpy
import shutil
import sys
import tempfile

import awscli.clidriver  # noqa: F401

script = shutil.which("aws")


def run(arguments, variables, stdout, stderr):
    os.dup2(stdout.fileno(), 1)
    os.dup2(stderr.fileno(), 2)
    os.environ.update(variables)
    sys.argv = [script, *arguments]
    status = 0
    try:
        runpy.run_path(script, run_name="__main__")
    except SystemExit as end:
        status = end.code
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status if isinstance(status, int) else 1)


for line in sys.stdin:
    call = json.loads(line)
    with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        child = os.fork()
        if child == 0:
            run(call["arguments"], call["variables"], stdout, stderr)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        stdout.seek(0)
        stderr.seek(0)
        answer = {"status": status, "stdout": stdout.read().decode(), "stderr": stderr.read().decode()}
    print(json.dumps(answer), flush=True)
