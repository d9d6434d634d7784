"""The parts of the Estimator: Params, fitting, saving and loading, transform."""
