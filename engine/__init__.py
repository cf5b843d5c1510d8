"""Arithmetic on pictures and vectors; no Django.

scikit-learn, scipy and onnx are imported inside the functions that use them: they weigh 100 MB, and a process that only
predicts never calls one of these.
"""
