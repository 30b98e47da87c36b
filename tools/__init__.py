"""Scripts for developers and the build; not part of the package."""
