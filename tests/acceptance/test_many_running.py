"""Many jobs running at once on a simulated infrastructure, watched by one reconciler."""

from pathlib import Path

import pytest
from benchmarks.watch import watch


@pytest.mark.slow
def test_a_thousand_running_jobs_cost_little_and_are_shown_as_they_are(tmp_path: Path) -> None:
    figures = watch(tmp_path, jobs=1000, seconds=20)
    assert figures.cores < 0.3, figures
    assert figures.changes_each_second > 5, figures
    assert figures.shown_after_p99 < 1.5, figures
