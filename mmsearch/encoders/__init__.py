"""One model family a file; each class keeps the contract of `mmsearch.protocols.Encoder`."""
