#!/bin/sh
# Tries the Dockerfile's steps out in a chroot, where there is no Docker: root on Debian with debootstrap.
# scripts/image/chroot.py has the options; `--build-arg TORCH_INDEX=` where PyTorch's own index is out of reach.
set -eu
cd "$(dirname "$0")/.."
exec python3 -m scripts.image.chroot "$@"
