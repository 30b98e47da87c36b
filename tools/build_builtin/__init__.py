"""Rebuilds what `mmsearch/encoders/builtin/` ships beside its code: graphs, weight table, class vectors, card."""
