"""Bad inputs, a file a topic, which test_bad_inputs.py gives to the functions of the package.

A row is `name: (function, call, error, *words)`: `call(function)` makes the bad call, `error` is
the class that the function's docstring names, and each of the words stands in the sentence.
"""
