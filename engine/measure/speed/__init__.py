"""`./start.sh bench`: the engines' own serving benchmarks, run on the running engine, saved, plotted and compared."""
