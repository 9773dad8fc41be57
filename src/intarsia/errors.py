"""Every error that Intarsia raises on purpose.

    IntarsiaError            one line: what came, what was expected, what to do
    ├── LabelError           a label map's values, or a label space
    ├── DataError            a file or folder that is missing, damaged or of the wrong kind
    ├── CheckpointError      a snapshot, state or official weight file
    ├── ConfigError          a preset, recipe or option
    ├── TrainingError        training cannot go on (a loss is not finite, an image saturated)
    └── StorageError         a file cannot be written (disk full, no permission)

The command line prints the message without a traceback and leaves with exit status 2.
"""


class IntarsiaError(Exception):
    """Base of all errors below; its text is one line meant for the user."""


class LabelError(IntarsiaError):
    """A label map holds a value that its label space does not know, or a label space is malformed."""


class DataError(IntarsiaError):
    """A file or folder is missing, damaged, or not what was expected."""


class CheckpointError(IntarsiaError):
    """A snapshot, a training state or an official weight file cannot be used."""


class ConfigError(IntarsiaError):
    """A preset, recipe or option is unknown or contradicts another."""


class TrainingError(IntarsiaError):
    """Training cannot go on."""


class StorageError(IntarsiaError):
    """A file cannot be written."""
