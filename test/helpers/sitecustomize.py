# What Python runs at its start when this folder is in PYTHONPATH: a shell command runs where the aws command has read
# the credentials file and is about to write it.
import builtins
import os
import subprocess

real = builtins.open


def opening(file, mode="r", *args, **kwargs):
    if mode == "w" and str(file).endswith("/credentials"):
        subprocess.run(["sh", "-c", os.environ["MEANWHILE"]], check=True)
    return real(file, mode, *args, **kwargs)


builtins.open = opening
