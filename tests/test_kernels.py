import inspect

from intarsia import kernels


def test_every_loop_is_compiled() -> None:
    plain = [
        name
        for name, function in inspect.getmembers(kernels, inspect.isfunction)
        if function.__module__ == kernels.__name__ and "Array" in str(inspect.signature(function))
    ]
    assert plain == []
    assert hasattr(kernels.outer_contour, "py_func")
