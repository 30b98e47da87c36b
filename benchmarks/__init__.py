"""Measurements that anyone can repeat; results and machines are in docs/benchmarks.md."""
