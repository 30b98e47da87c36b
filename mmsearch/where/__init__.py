"""The language of `--where` and `--sort`: text becomes conditions, which the catalog turns into SQL."""
