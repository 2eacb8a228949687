"""Rows of tests where the classic library has them."""

from .classic.module_test import MODULE_TESTS as MODULE_TESTS
from .classic.module_test import ModuleTest as ModuleTest
from .classic.module_test import add_module_test as add_module_test
