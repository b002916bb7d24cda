"""Trains the network: `python -m training.train --data train*.npz --held-out held.npz --out weights.pt`.

AdamW with a warm-up and a cosine, a moving average of the weights, 16-bit floats in the convolutions, and a process a core
that share their gradients. Seeds are fixed; another processor gives slightly other weights.
"""

import argparse
import copy
import math
import os
import time
from pathlib import Path

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from .examples import Examples
from .loss import Loss
from .measure import measured
from .network import Pose

WARM_UP = 200
"""Steps until the full rate."""
DECAY = 0.02
"""Of the weights, as AdamW has it."""
LONGEST_GRADIENT = 10.0
KEEP = 0.998
"""Of the moving average, each step."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, nargs="+", required=True)
    parser.add_argument("--held-out", type=Path, required=True, help="measured now and then, never learnt from")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--from", dest="start", type=Path, help="weights to go on from")
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument("--batch", type=int, default=8, help="pictures a process and step")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--measure-every", type=int, default=1000)
    given = parser.parse_args()
    os.environ.setdefault("MASTER_ADDR", "127.0.0.1")
    os.environ.setdefault("MASTER_PORT", "29571")
    mp.spawn(_worker, (given,), nprocs=given.processes)


def rate(step: int, steps: int) -> float:
    """The share of the full rate at a step."""
    if step < WARM_UP:
        return (step + 1) / WARM_UP
    done = (step - WARM_UP) / max(steps - WARM_UP, 1)
    return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))


def _worker(rank: int, given: argparse.Namespace) -> None:
    torch.set_num_threads(1)
    torch.manual_seed(given.seed)
    dist.init_process_group("gloo", rank=rank, world_size=given.processes)
    network = Pose()
    if given.start:
        network.load_state_dict(torch.load(given.start, weights_only=True))
    network = network.to(memory_format=torch.channels_last)
    average = copy.deepcopy(network)
    shared = DistributedDataParallel(_Raw(network))
    # Each process has files of its own, where there are enough.
    files = given.data[rank :: given.processes] or given.data
    examples = Examples(files, given.batch, given.seed * 1000 + rank)
    optimiser = _optimiser(network, given.rate)
    loss_of = None
    began, told = time.monotonic(), {}
    for step in range(given.steps):
        for group in optimiser.param_groups:
            group["lr"] = given.rate * rate(step, given.steps)
        pictures, boxes, points = (torch.from_numpy(part) for part in examples.next())
        loss_of = loss_of or Loss(*pictures.shape[2:])
        with torch.autocast("cpu", dtype=torch.bfloat16):
            raw = shared(pictures.contiguous(memory_format=torch.channels_last))
        loss, shown = loss_of(raw, boxes, points)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), LONGEST_GRADIENT)
        optimiser.step()
        _follow(average, network, min(KEEP, (step + 1) / (step + 20)))
        for name, value in shown.items():
            told[name] = told.get(name, value) * 0.98 + value * 0.02
        if rank == 0 and (step + 1) % 50 == 0:
            each = (time.monotonic() - began) / (step + 1)
            parts = ", ".join(f"{name} {value:.3f}" for name, value in told.items())
            print(f"step {step + 1} of {given.steps}: {parts}; {each:.2f} s a step", flush=True)
        if rank == 0 and ((step + 1) % given.measure_every == 0 or step + 1 == given.steps):
            torch.save(average.state_dict(), given.out)
            print(f"step {step + 1}, held out: {measured(average, given.held_out, most=200)}", flush=True)
    dist.barrier()
    dist.destroy_process_group()


class _Raw(nn.Module):
    def __init__(self, network: Pose):
        super().__init__()
        self.network = network

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        return self.network.raw(pictures)


def _optimiser(network: nn.Module, rate: float) -> torch.optim.Optimizer:
    """Biases and normalisations do not decay."""
    decays = [value for value in network.parameters() if value.ndim > 1]
    stays = [value for value in network.parameters() if value.ndim <= 1]
    groups = [{"params": decays, "weight_decay": DECAY}, {"params": stays, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=rate)


@torch.no_grad()
def _follow(average: nn.Module, network: nn.Module, keep: float) -> None:
    for old, new in zip(average.state_dict().values(), network.state_dict().values(), strict=True):
        if old.dtype.is_floating_point:
            old.mul_(keep).add_(new.detach(), alpha=1 - keep)
        else:
            old.copy_(new)


if __name__ == "__main__":
    main()
