"""Renders labelled street and country scenes with Blender's path tracer; see README.md."""
