"""HTTP: parse to a core type, call one use case, render."""
