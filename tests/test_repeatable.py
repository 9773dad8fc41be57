import hashlib
import subprocess
import sys

PROGRAM = """
import torch
from intarsia.repeatable import settle_vector_functions
settle_vector_functions()
torch.manual_seed(0)
print(torch.tanh(torch.randn(200_000)).numpy().tobytes().hex())
"""


def test_every_process_rounds_alike():
    outputs = [
        subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, check=True).stdout for _ in range(5)
    ]
    assert len({hashlib.sha256(output).hexdigest() for output in outputs}) == 1
