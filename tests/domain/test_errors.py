import re
from collections.abc import Iterator

from replyscope.domain import errors
from replyscope.domain.errors import ReplyscopeError


def _documented() -> Iterator[tuple[int, str]]:
    """(depth, name) of each class in the tree of the module's docstring."""
    for line in (errors.__doc__ or "").splitlines():
        if found := re.match(r"([│├└─ ]*)(\w+)(?:  .*)?$", line):
            branch, name = found.groups()
            if branch or name == "ReplyscopeError":
                yield len(branch) // 4, name


def _defined(kind: type[ReplyscopeError], depth: int = 0) -> Iterator[tuple[int, str]]:
    yield depth, kind.__name__
    for below in kind.__subclasses__():
        if below.__module__ == errors.__name__:
            yield from _defined(below, depth + 1)


def test_the_documented_tree_of_errors_is_the_real_one() -> None:
    assert list(_documented()) == list(_defined(ReplyscopeError))


def test_every_error_that_crosses_floors_is_defined_in_the_module() -> None:
    kinds = [ReplyscopeError]
    for kind in kinds:
        kinds += kind.__subclasses__()
    assert {kind.__module__ for kind in kinds} == {errors.__name__}
