"""What can go wrong with a prediction. A refused picture is the engine's own RefusedPicture."""


class PredictionError(Exception):
    """The root of this room's errors."""


class BackendUnavailable(PredictionError):
    """Whoever predicts could not be reached or refused for now; the same photo may succeed later."""


class BackendMisconfigured(PredictionError):
    """The operator has to act: no live iteration, a missing key, a wrong address."""
