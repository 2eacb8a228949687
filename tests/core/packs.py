"""Packs that are made in a test."""

from torch2trt import Packs, hookimpl


class Pack:
    """A pack of some converters."""

    def __init__(self, *functions):
        self.functions = functions

    @hookimpl
    def torch2trt_register_converters(self, registry):
        registry.add(*self.functions)


def with_installed(*plugins, block=()):
    """The installed packs and these."""
    return Packs.load(extra=plugins, block=block)


def only(*plugins):
    """These packs alone."""
    return Packs.load(extra=plugins, autoload=False)
