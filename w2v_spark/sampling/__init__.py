"""Tables that the kernels draw from, built with numpy."""
