"""One function a job: folders in, folder out. Plain arguments and results; progress through logging only."""
